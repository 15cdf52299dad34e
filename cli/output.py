"""How results are printed: aligned columns for people, JSON for scripts."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from core.json_text import json_text
from core.text import cells, fit, pad, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Style = Callable[[str], str]

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
        style: Style | None = None,
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


def print_table(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], styles: Sequence[Sequence[Style | None]] = ()
) -> None:
    """Print rows under their titles, each on one line and no wider than the terminal.

    `styles` colour single cells, where a column's own does not say all.
    """
    available = terminal_width()
    kept = [index for index, column in enumerate(columns) if available is None or column.needs <= available]
    columns = [columns[index] for index in kept]
    shown = [[plain(row[index]).replace("\t", " ") for index in kept] for row in rows]
    widths = _widths(columns, shown, available)
    lines = [_line(columns, [column.title for column in columns], widths, styled=False)]
    for number, row in enumerate(shown):
        own = [styles[number][index] for index in kept] if styles else ()
        lines.append(_line(columns, row, widths, styled=True, styles=own))
    click.echo("\n".join(lines))


def print_list(columns: Sequence[Column], rows: Iterable[Sequence[str]], *, plainly: bool) -> None:
    """Print rows under their titles: `plainly` with a tab between two values, else in columns."""
    if plainly:
        print_plain([column.title for column in columns], rows)
    else:
        print_table(columns, rows)


def print_plain(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under their titles with a tab between two values: none is cut, filled up or coloured."""
    click.echo("\t".join(titles))
    for row in rows:
        click.echo("\t".join(plain(cell).replace("\t", " ") for cell in row))


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns; what has no value is left out."""
    shown = [(name, plain(value)) for name, value in pairs if value]
    width = max((len(name) for name, _ in shown), default=0)
    click.echo("\n".join(f"{name:{width}}{_GAP}{value}".rstrip() for name, value in shown))


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print a value as JSON."""
    click.echo(json_text(value))


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


def _line(
    columns: Sequence[Column],
    row: Sequence[str],
    widths: Sequence[int],
    *,
    styled: bool,
    styles: Sequence[Style | None] = (),
) -> str:
    parts = []
    for index, (column, cell, width) in enumerate(zip(columns, row, widths, strict=True)):
        text = fit(cell, width)
        last = index == len(columns) - 1
        padded = text if last and not column.right else pad(text, width, right=column.right)
        style = (styles[index] if styles else None) or column.style
        parts.append(style(padded) if styled and style else padded)
    return _GAP.join(parts).rstrip()
