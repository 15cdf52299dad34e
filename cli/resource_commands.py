"""Commands made from the declaration of a resource: list, show, add, edit, and one for each thing that can be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli.completing import completer
from cli.opened import session
from cli.options import json_option, limit_option, plain_option
from cli.output import note, print_json, print_plain
from cli.progress import progress_told
from cli.resource_options import (
    answers_given,
    argument_options,
    check_answers,
    clean,
    conditions_given,
    decide,
    field_options,
    first_rows,
    project_given,
    project_options,
    reference_argument,
    row_given,
    sort_given,
    sort_options,
    where_options,
    yes_option,
)
from cli.resource_output import print_changes, print_rows, print_sections, section_fields, sections_of, text_of
from core.errors import ConflictError
from core.resources.registry import resource
from core.resources.resource import Query
from core.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from core.resources.form import Form
    from core.resources.resource import Action, Asking, Resource
    from core.session import Session


def command_names(name: str) -> Sequence[str]:
    """Return the names of the commands that the declaration of a resource gives."""
    declared = resource(name)
    form = declared.form
    return [
        "ls",
        "show",
        *(["add"] if form and form.can_add else []),
        *(["edit"] if form and form.can_edit else []),
        *(action.id.replace("_", "-") for action in declared.actions if action.acts),
    ]


def command_of(name: str, command: str) -> click.Command | None:
    """Return a command made from the declaration of a resource; None where it gives no such command."""
    if command not in command_names(name):
        return None
    declared = resource(name)
    made: dict[str, Callable[[Resource[Any]], click.Command]] = {"ls": _ls, "show": _show, "add": _add, "edit": _edit}
    if command in made:
        return made[command](declared)
    action = next(each for each in declared.actions if each.id.replace("_", "-") == command)
    return _act(declared, action)


def _ls(declared: Resource[Any]) -> click.Command:
    def ls(*, text: str, key: str | None, conditions: tuple[str, ...], limit: int, **given: Any) -> None:  # noqa: ANN401
        here = session()
        query = Query(
            project=project_given(here, declared, given),
            text=clean(text),
            inverted=given["inverted"],
            where=conditions_given(declared, conditions),
            sort=sort_given(declared, key),
            descending=given["reverse"],
        )
        rows, more = first_rows(here, declared, query, limit)
        print_rows(declared, rows, filtered=bool(text or conditions), **_forms(given))
        if more:
            note(f"more follow: --limit {min(10_000, limit * 10)} lists more of them")

    sortable = ", ".join(column.key for column in declared.columns if column.sortable)
    filters = "; ".join(f"{each.key}: {each.meaning}" for each in declared.filters)
    options = [
        click.option("--filter", "text", default="", metavar="TEXT", help="Only those that show every word of this."),
        click.option("--invert", "inverted", is_flag=True, help="With --filter: only those that do not."),
        *where_options(filters),
        *sort_options(sortable),
        limit_option,
        *project_options(declared),
        plain_option,
        json_option,
    ]
    return _command("ls", ls, f"List {declared.name}: {declared.meaning}.", options)


def _show(declared: Resource[Any]) -> click.Command:
    def show(*, reference: str, **given: Any) -> None:  # noqa: ANN401
        here = session()
        row = row_given(here, declared, given, reference)
        sections = sections_of(here, declared, row)
        if given["as_json"]:
            print_json(declared.as_json(row) | {"description": [*map(section_fields, sections)]})
        elif given["as_plain"]:
            facts = [(section.title, pair.label, text_of(pair)) for section in sections for pair in section.pairs]
            print_plain(("SECTION", "NAME", "VALUE"), facts)
        else:
            print_sections(sections)

    options = [reference_argument(declared), *project_options(declared), plain_option, json_option]
    return _command("show", show, f"Show all about one {declared.singular}.", options)


def _add(declared: Resource[Any]) -> click.Command:
    form: Form[Any] = _form(declared)

    def add(**given: Any) -> None:  # noqa: ANN401
        here = session()
        here.require(form.add_permission)
        answers = {field.key: field.default for field in form.fields} | answers_given(form.fields, given)
        check_answers(here, form.fields, answers)
        remark = form.add_consequence(here, answers) if form.add_consequence else None
        with progress_told() as progress:
            row = form.added(here, project_given(here, declared, given), answers, progress)
        if given["as_json"]:
            print_json(declared.as_json(row))
        else:
            click.echo(plain(f"{declared.label(row)} was added"))
        if remark:
            note(remark)
        for line in form.after_adding(row) if form.after_adding else ():
            note(plain(line))

    options = [
        *argument_options(form.fields),
        *field_options(form.fields, adding=True),
        *project_options(declared),
        json_option,
    ]
    return _command("add", add, f"Add {_one(declared)}.", options)


def _edit(declared: Resource[Any]) -> click.Command:
    form: Form[Any] = _form(declared)
    fields = [field for field in form.fields if not field.fixed]

    def edit(*, reference: str, yes: bool = False, **given: Any) -> None:  # noqa: ANN401
        here = session()
        here.require(form.edit_permission)
        row = row_given(here, declared, given, reference)
        before = form.values(row)
        answers = {key: text for key, text in answers_given(fields, given).items() if text != before.get(key, "")}
        check_answers(here, [field for field in fields if field.key in answers], answers)
        if answers:
            if form.consequence and (consequence := form.consequence(here, row, answers)):
                decide(consequence, yes=yes)
            row = _edited(here, declared, given, row, answers)
        if given["as_json"]:
            print_json(declared.as_json(row))
        else:
            # Others may have changed more meanwhile: that is not told as if this had done it.
            print_changes([field for field in fields if field.key in answers], before, form.values(row))

    options = [reference_argument(declared), *field_options(fields, adding=False)]
    options += [yes_option] if form.consequence else []
    return _command("edit", edit, f"Change {_one(declared)}.", [*options, *project_options(declared), json_option])


def _edited(
    here: Session,
    declared: Resource[Any],
    given: Mapping[str, Any],
    row: Any,  # noqa: ANN401
    answers: Mapping[str, str],
) -> Any:  # noqa: ANN401 - a row
    """Change a row; what somebody else changed since it was read stays, and is told of where it is the same thing."""
    form: Form[Any] = _form(declared)
    before, reference = form.values(row), declared.reference(row)
    while True:
        try:
            return form.edited(here, row, answers, form.seen(row))
        except ConflictError as error:
            if error.field != "version":
                raise
            row = row_given(here, declared, given, reference)
            now = form.values(row)
            if any(now.get(key) != before.get(key) for key in answers):
                raise


def _act(declared: Resource[Any], declared_action: Action[Any]) -> click.Command:
    asks = declared_action.asks

    def act(*, reference: str | tuple[str, ...], yes: bool = False, **given: Any) -> None:  # noqa: ANN401
        here = session()
        here.require(declared_action.permission)
        action = declared_action if asks is None else asks.answered(clean(given[_ANSWER]))
        references = (reference,) if isinstance(reference, str) else reference
        rows = [row_given(here, declared, given, each) for each in references]
        for row in rows:
            if action.refuse and (reason := action.refuse(here, row)):
                raise ConflictError(reason, field=declared.singular)
        if action.consequence and (consequence := action.consequence(here, rows)):
            decide(" ".join(filter(None, (consequence.question, consequence.detail))), yes=yes)
        done = []
        for row in rows:
            with progress_told() as progress:
                told = action.carry_out(here, row, progress)
            done.append({declared.singular: declared.reference(row), "done": told})
            if not given["as_json"]:
                click.echo(plain(told))
        if given["as_json"]:
            print_json(done)

    options = [reference_argument(declared, many=declared_action.many), *_asked(asks)]
    options += [yes_option] if declared_action.consequence or asks is not None else []
    return _command(
        declared_action.id, act, declared_action.meaning, [*options, *project_options(declared), json_option]
    )


_ANSWER = "answer"


def _asked(asks: Asking[Any] | None) -> list[Callable[[Any], Any]]:
    """Return the option that takes what an action has to know first."""
    if asks is None:
        return []
    offers = completer(lambda _: iter(asks.options(session(), [])))
    help_text = f"{asks.meaning[0].upper()}{asks.meaning[1:]}."
    return [
        click.option(
            f"--{asks.key}", _ANSWER, metavar=asks.key.upper(), required=True, shell_complete=offers, help=help_text
        )
    ]


def _command(
    name: str, callback: Callable[..., None], help_text: str, options: Sequence[Callable[[Any], Any]]
) -> click.Command:
    for option in reversed(options):
        callback = option(callback)
    return click.command(name.replace("_", "-"), help=help_text)(callback)


def _one(declared: Resource[Any]) -> str:
    return f"{'an' if declared.singular[0] in 'aeiou' else 'a'} {declared.singular}"


def _form(declared: Resource[Any]) -> Form[Any]:
    assert declared.form is not None  # noqa: S101 - the commands are made only then
    return declared.form


def _forms(given: Mapping[str, Any]) -> dict[str, bool]:
    return {form: given[form] for form in ("as_json", "as_plain")}
