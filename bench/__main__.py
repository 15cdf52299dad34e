"""Every benchmark, one after the other: python -m bench; or those that are named: python -m bench console."""

from __future__ import annotations

import sys

from bench import console, dispatch, plan, simulator, startup, state, trace

ALL = (state, plan, startup, simulator, console, trace, dispatch)


def main() -> None:
    """Run all, or what is named; the quick ones first."""
    for benchmark in ALL:
        if sys.argv[1:] and benchmark.__name__.removeprefix("bench.") not in sys.argv[1:]:
            continue
        print(f"\n{benchmark.__doc__.splitlines()[0] if benchmark.__doc__ else benchmark.__name__}\n")
        benchmark.main()


if __name__ == "__main__":
    main()
