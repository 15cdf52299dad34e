"""The options and arguments of commands that are made from a declaration, and what was given for them."""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from cli.completing import completer
from cli.opened import project_of, session
from cli.options import pairs, project_option
from core.errors import InvalidInputError, NotFoundError
from core.resources.resource import Query
from core.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cli.completing import Completer
    from core.projects.service import Project
    from core.resources.form import Field
    from core.resources.resource import Resource
    from core.session import Session

    Option = Callable[[Any], Any]

_OFFERED = 30


yes_option = click.option("--yes", is_flag=True, help="Do it without asking, whatever follows from it.")


def where_options(filters: str) -> list[Option]:
    """Return the option for the resource's own filters."""
    help_text = f"Only those of which this is true. {filters}." if filters else "There is no such filter here."
    return [
        click.option("--where", "conditions", metavar="NAME=VALUE", multiple=True, hidden=not filters, help=help_text)
    ]


def sort_options(sortable: str) -> list[Option]:
    """Return the options for the order."""
    help_text = f"By this column: {sortable}." if sortable else "Nothing here can be sorted."
    return [
        click.option("--sort", "key", metavar="KEY", hidden=not sortable, help=help_text),
        click.option("--reverse", is_flag=True, help="The other way round."),
    ]


def project_options(declared: Resource[Any]) -> list[Option]:
    """Return the options that choose the project, where rows belong to one."""
    if not declared.scoped:
        return []
    return [project_option, click.option("--all-projects", is_flag=True, help="Whatever the project.")]


def reference_argument(declared: Resource[Any], *, many: bool = False) -> Option:
    """Return the argument that names a row, or `many`."""
    word = declared.singular.upper()
    return click.argument(
        "reference",
        metavar=f"{word}..." if many else word,
        nargs=-1 if many else 1,
        required=True,
        shell_complete=_completer(declared),
    )


def _completer(declared: Resource[Any]) -> Completer:
    def offers(context: click.Context) -> Iterator[tuple[str, str]]:
        here = session()
        query = Query(project=project_given(here, declared, context.params))
        for row in first_rows(here, declared, query, _OFFERED)[0]:
            yield declared.reference(row), declared.label(row)

    return completer(offers)


def argument_options(fields: Sequence[Field]) -> list[Option]:
    """Return an argument for each field of a form that is given without its name, too."""
    return [
        click.argument(_argument(field), metavar=f"[{field.key.upper()}]", required=False)
        for field in fields
        if field.argument
    ]


def field_options(fields: Sequence[Field], *, adding: bool) -> list[Option]:
    """Return an option for each field of a form."""
    return [_field_option(field, adding=adding) for field in fields]


def _field_option(field: Field, *, adding: bool) -> Option:
    if field.kind == "secret":
        return click.option(
            *_spellings(field),
            _parameter(field),
            metavar="-",
            help=f"{field.label}: - reads it from the standard input; without it, "
            f"{'you are asked' if field.required else 'Shoal makes one' if adding else 'it stays'}.",
        )
    told = field.meaning or field.label
    details = [told[0].upper() + told[1:], *(["may be given several times"] if field.kind == "lines" else [])]
    if field.default:
        details.append(f"by default {field.default}" if adding else f"a new one has {field.default}")
    elif adding and field.required:
        details.append("needed")
    # A flag alone is on.
    alone: dict[str, Any] = {"is_flag": False, "flag_value": "on"} if field.kind == "flag" else {}
    return click.option(
        *_spellings(field),
        _parameter(field),
        metavar="on|off" if field.kind == "flag" else "TEXT",
        multiple=field.kind == "lines",
        shell_complete=completer(lambda _: iter([(each, "") for each in _choices(field)])),
        help=f"{'; '.join(details)}.",
        **alone,
    )


def _spelling(field: Field) -> str:
    return f"--{field.key.replace('_', '-')}"


def _spellings(field: Field) -> list[str]:
    return [_spelling(field), *(f"--{each}" for each in field.spellings)]


def _parameter(field: Field) -> str:
    return f"field_{field.key}"


def _argument(field: Field) -> str:
    return f"argument_{field.key}"


def _choices(field: Field) -> Sequence[str]:
    if field.kind == "flag":
        return ("on", "off")
    return [] if field.choices is None else [each for each in field.choices(session()) if each]


def clean(text: str) -> str:
    """Return what the shell gave as text that the database can hold."""
    return text.encode("utf-8", "replace").decode()


def project_given(here: Session, declared: Resource[Any], given: Mapping[str, Any]) -> Project | None:
    """Return the project that was named, else that of this directory, else none: all of them."""
    if not declared.scoped or given.get("all_projects"):
        return None
    try:
        return project_of(here, given.get("project"))
    except NotFoundError:
        if given.get("project"):
            raise
        return None


def row_given(here: Session, declared: Resource[Any], given: Mapping[str, Any], reference: str) -> Any:  # noqa: ANN401 - a row
    """Return the row that was named."""
    return declared.find(here, project_given(here, declared, given), clean(reference))


def conditions_given(declared: Resource[Any], given: tuple[str, ...]) -> dict[str, str]:
    """Return the filters by name.

    Raises:
        InvalidInputError: the resource has no such filter.
    """
    known = [each.key for each in declared.filters]
    conditions = {name: clean(value) for name, value in pairs(given, "where")}
    for name in conditions:
        if name not in known:
            there = f"but {', '.join(known)}" if known else "nor any other"
            message = f"{declared.name}: there is no filter {name!r:.120}, {there}"
            raise InvalidInputError(message, field="where")
    return conditions


def sort_given(declared: Resource[Any], key: str | None) -> str | None:
    """Return the column to sort by.

    Raises:
        InvalidInputError: there is no such column, or none can sort by it.
    """
    if key is None:
        return None
    if not declared.column(key).sortable:
        message = f"{declared.name} cannot be sorted by {key!r:.120}"
        raise InvalidInputError(message, field="sort")
    return key


def answers_given(fields: Sequence[Field], given: Mapping[str, Any]) -> dict[str, str]:
    """Return the answers to those fields of a form for which something was given."""
    answers: dict[str, str] = {}
    for field in fields:
        value = given.get(_parameter(field))
        if not value and field.argument:
            value = given.get(_argument(field))
        if field.kind == "secret":
            if (secret := _secret(field, value)) is not None:
                answers[field.key] = secret
        elif field.kind == "lines":
            if value:
                answers[field.key] = "\n".join(clean(line) for line in value)
        elif value is not None:
            answers[field.key] = clean(value)
    return answers


def _secret(field: Field, given: str | None) -> str | None:
    if given == "-":
        from core.secrets import LONGEST  # noqa: PLC0415 - few commands take a secret

        # A private key has several lines.
        return (sys.stdin.readline() if sys.stdin.isatty() else sys.stdin.read(LONGEST + 1)).rstrip("\n")
    if given is not None:
        message = (
            f"{_spelling(field)} takes -, and reads it from the standard input: others see what a command is given"
        )
        raise InvalidInputError(message, field=field.key)
    if field.required and sys.stdin.isatty():
        return str(click.prompt(field.label, hide_input=True, err=True))
    return None


def check_answers(here: Session, fields: Sequence[Field], answers: Mapping[str, str]) -> None:
    """Check answers as a form does.

    Raises:
        InvalidInputError: names the field that is wrong.
    """
    for field in fields:
        text = answers.get(field.key, "")
        problem = field.problem(text)
        choices = field.choices(here) if field.choices and text else ()
        if problem is None and choices and text not in choices:
            problem = f"{text!r:.120} is none of {', '.join(filter(None, choices))}"
        if problem:
            raise InvalidInputError(f"{_spelling(field)}: {problem}", field=field.key)


def decide(consequence: str, *, yes: bool) -> None:
    """Go on where the person wants it.

    Raises:
        InvalidInputError: nobody can be asked.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInputError(f"{consequence.removesuffix('.')}: give --yes to do it", field="yes")
    click.confirm(plain(f"{consequence.removesuffix('.')}. Do it?"), abort=True, err=True)


def first_rows(here: Session, declared: Resource[Any], query: Query, limit: int) -> tuple[list[Any], bool]:
    """Return the first rows, and whether more follow."""
    found = list(islice((id_ for part in declared.source.ids(here, query) for id_ in part), limit + 1))
    rows = declared.source.rows(here, found[:limit])
    return [rows[id_] for id_ in found[:limit] if id_ in rows], len(found) > limit
