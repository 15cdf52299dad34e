"""How what is declared is printed: aligned for people, with tabs for programs and screen readers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from cli.output import Column, note, print_json, print_pairs, print_plain, print_table
from core.resources.named_keys import without_keys
from core.resources.resource import Pair, Section, Tone
from core.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.output import Style
    from core.resources.form import Field
    from core.resources.resource import Column as Declared
    from core.resources.resource import Resource
    from core.session import Session

_TONES: dict[Tone, dict[str, Any]] = {
    Tone.STRONG: {"bold": True},
    Tone.DIM: {"dim": True},
    Tone.GOOD: {"fg": "green"},
    Tone.BAD: {"fg": "red"},
    Tone.BUSY: {"fg": "cyan"},
    Tone.WAITING: {"fg": "yellow"},
}


def print_rows(declared: Resource[Any], rows: Sequence[Any], *, filtered: bool, as_json: bool, as_plain: bool) -> None:
    """Print rows in the form that was asked for."""
    now = time.time()
    if as_json:
        print_json([declared.as_json(row) for row in rows])
    elif as_plain:
        titles = [column.title for column in declared.columns]
        print_plain(titles, ([_whole(column, row, now) for column in declared.columns] for row in rows))
    elif rows:
        columns = [column for column in declared.columns if not column.wide]
        cells = [[column.text(row, now) for column in columns] for row in rows]
        styles = [[_style(column.tone(row)) if column.tone else None for column in columns] for row in rows]
        print_table([*map(_column, columns)], cells, styles)
    else:
        adds = f" `shoal {declared.name} add` adds one." if declared.form and declared.form.can_add else ""
        note("nothing here is like that" if filtered else f"{declared.empty.text}{adds}")


def _whole(column: Declared[Any], row: Any, now: float) -> str:  # noqa: ANN401
    """Return a value as words: without the shape that stands before it on a screen."""
    value = None if column.value is None or column.time else column.value(row)
    return value if isinstance(value, str) else column.text(row, now)


def _column(column: Declared[Any]) -> Column:
    return Column(column.title, right=column.right, flexible=column.flexible, needs=column.needs)


def _style(tone: Tone) -> Style | None:
    given = _TONES.get(tone)
    return None if given is None else lambda text: click.style(text, **given)


def sections_of(here: Session, declared: Resource[Any], row: Any) -> Sequence[Section]:  # noqa: ANN401
    """Return the description of a row: its own, else what the columns say."""
    if declared.describe is not None:
        return declared.describe(here, row)
    now = time.time()
    return [
        Section(declared.singular.capitalize(), [Pair(c.title.lower(), c.text(row, now)) for c in declared.columns])
    ]


def print_sections(sections: Sequence[Section]) -> None:
    """Print a description."""
    for number, section in enumerate(sections):
        if number:
            click.echo()
        click.echo(plain(section.title))
        width = max((len(plain(pair.label)) for pair in section.pairs), default=0)
        print_pairs((f"  {plain(pair.label):{width}}", text_of(pair)) for pair in section.pairs)


def text_of(pair: Pair) -> str:
    """Return the text of a line of a description; in a command no key is pressed."""
    return without_keys(pair.text) if pair.names_keys else pair.text


def section_fields(section: Section) -> dict[str, Any]:
    """Return a part of a description as JSON."""
    return {"title": section.title, "facts": [{"name": pair.label, "text": text_of(pair)} for pair in section.pairs]}


def print_changes(fields: Sequence[Field], before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Print what a form changed, as before and after."""
    changed = [field.key for field in fields if before.get(field.key) != after.get(field.key)]
    for key in changed:
        told = [" ".join(values.get(key, "").split("\n")) or "none" for values in (before, after)]
        click.echo(plain(f"{key}: {' → '.join(told)}"))
    if not changed:
        note("nothing changed")
