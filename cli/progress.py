"""A progress bar on stderr for what takes long, only where a person looks at it."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from core.quantities import size
from core.text import fit, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.progress import Progress

_INTERVAL = 0.1
_BAR = 24


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """Give a function that takes the bytes done and the bytes in all; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    begun = drawn_at = time.monotonic()
    drawn = False

    def draw(done: int, total: int) -> None:
        nonlocal drawn, drawn_at
        now = time.monotonic()
        if now - drawn_at < _INTERVAL and (done < total or not drawn):
            return
        drawn, drawn_at = True, now
        click.echo(f"\r{_bar(label, done, total, now - begun)}\x1b[K", nl=False, err=True)

    try:
        yield draw
    finally:
        if drawn:
            click.echo("\r\x1b[K", nl=False, err=True)


@contextmanager
def progress_told() -> Iterator[Progress]:
    """Give a function that takes what is being done as well; it does nothing where stderr is no terminal."""
    with ExitStack() as opened:
        drawn: dict[str, Callable[[int, int], None] | None] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in drawn:
                opened.close()
                drawn[what] = opened.enter_context(progress_bar(what))
            if (draw := drawn[what]) is not None:
                draw(done, total)

        yield tell


def _bar(label: str, done: int, total: int, seconds: float) -> str:
    share = min(1.0, done / total) if total else 0.0
    filled = round(share * _BAR)
    left = f", {(seconds / share - seconds):.0f} s left" if share > 0.02 and seconds > 1 else ""
    facts = f"  [{'#' * filled}{'.' * (_BAR - filled)}]  {size(done)} of {size(total)}{left}"
    # A bar that wraps cannot be overwritten.
    width = os.get_terminal_size(sys.stderr.fileno()).columns - 1
    return fit(fit(plain(label), max(8, width - len(facts))) + facts, width)
