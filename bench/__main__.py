"""Every benchmark, one after the other: python -m bench."""

from __future__ import annotations

from bench import dispatch, startup, state, trace


def main() -> None:
    """Run all; the quick ones first."""
    for benchmark in (state, startup, trace, dispatch):
        print(f"\n{benchmark.__doc__.splitlines()[0] if benchmark.__doc__ else benchmark.__name__}\n")
        benchmark.main()


if __name__ == "__main__":
    main()
