"""How results are printed: aligned columns for people, JSON for scripts."""

from __future__ import annotations

import math
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from core.text import cells, fit, pad, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_GAP = "  "
_NARROWEST = 8


class Column:
    """One column; a `flexible` one gives way where the terminal is narrow, `style` colours what is shown.

    It is left out where the terminal has fewer than `needs` columns.
    """

    def __init__(
        self,
        title: str,
        *,
        right: bool = False,
        flexible: bool = False,
        needs: int = 0,
        style: Callable[[str], str] | None = None,
    ) -> None:
        self.title = title
        self.right = right
        self.flexible = flexible
        self.needs = needs
        self.style = style


def terminal_width() -> int | None:
    """Return `$COLUMNS`, else the terminal's width; None where the output goes elsewhere and nothing is cut."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return None


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under their titles, each on one line and no wider than the terminal."""
    available = terminal_width()
    kept = [index for index, column in enumerate(columns) if available is None or column.needs <= available]
    columns = [columns[index] for index in kept]
    shown = [[plain(row[index]).replace("\t", " ") for index in kept] for row in rows]
    widths = _widths(columns, shown, available)
    lines = [_line(columns, [column.title for column in columns], widths, styled=False)]
    lines += [_line(columns, row, widths, styled=True) for row in shown]
    click.echo("\n".join(lines))


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns; what has no value is left out."""
    shown = [(name, plain(value)) for name, value in pairs if value]
    width = max((len(name) for name, _ in shown), default=0)
    click.echo("\n".join(f"{name:{width}}{_GAP}{value}".rstrip() for name, value in shown))


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print a value as JSON."""
    click.echo(json_text(value))


def json_text(value: Any, *, indent: bool = True) -> str:  # noqa: ANN401
    """Return JSON that is safe to show: what a terminal could take for a command is escaped.

    JSON has no numbers that are none: they become the texts "NaN", "Infinity" and "-Infinity".
    """
    import json  # noqa: PLC0415 - columns need none

    def dumped(value: Any) -> str:  # noqa: ANN401
        return json.dumps(value, ensure_ascii=False, indent=2 if indent else None, default=str, allow_nan=False)

    try:
        text = dumped(value)
    except ValueError:
        text = dumped(_finite(value))
    return text if text.isascii() else "".join(map(_safe_in_json, text))


def _finite(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value


def _safe_in_json(character: str) -> str:
    if character.isprintable() or character == "\n":
        return character
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\u{0xD800 + (code - 0x10000 >> 10):04x}\\u{0xDC00 + (code - 0x10000 & 0x3FF):04x}"


def note(text: str) -> None:
    """Tell the person something that is no result, on stderr."""
    click.echo(plain(text), err=True)


def _widths(columns: Sequence[Column], rows: list[list[str]], available: int | None) -> list[int]:
    widths = [max([len(column.title), *(cells(row[index]) for row in rows)]) for index, column in enumerate(columns)]
    if available is None:
        return widths
    widths = [min(width, available) for width in widths]
    excess = sum(widths) + len(_GAP) * (len(columns) - 1) - available
    flexible = [index for index, column in enumerate(columns) if column.flexible]
    while excess > 0 and flexible:
        widest = max(flexible, key=lambda index: widths[index])
        if widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
        excess -= 1
    return widths


def _line(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int], *, styled: bool) -> str:
    parts = []
    for index, (column, cell, width) in enumerate(zip(columns, row, widths, strict=True)):
        text = fit(cell, width)
        last = index == len(columns) - 1
        padded = text if last and not column.right else pad(text, width, right=column.right)
        parts.append(column.style(padded) if styled and column.style else padded)
    return _GAP.join(parts).rstrip()
