"""Places that no resource declares: what is really different, and what can be done with any resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import InvalidInputError
from core.resources.address import address
from core.resources.registry import resource
from tui.places import Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from core.projects.service import Project
    from core.resources.resource import Resource
    from tui.app import Console
    from tui.screens.screen import ConsoleScreen


async def _execution(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:
    from tui.screens.execution import execution_screen  # noqa: PLC0415 - opened when somebody goes there

    return await execution_screen(console, words, given)


async def _environment(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:
    from tui.screens.environment import environment_screen  # noqa: PLC0415

    return await environment_screen(console, words, given)


async def _code(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:
    from tui.screens.code import code_screen  # noqa: PLC0415

    return await code_screen(console, words, given)


async def _open(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:
    from tui.screens.file_content import file_content_screen  # noqa: PLC0415

    return await file_content_screen(console, words, given)


async def _trace(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:
    from tui.screens.trace import trace_screen  # noqa: PLC0415

    return await trace_screen(console, words, given)


async def _new(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:
    from tui.screens.new_execution import new_execution_screen  # noqa: PLC0415

    return await new_execution_screen(console, words, given, await _project(console, given))


async def _about(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:  # noqa: ARG001
    from tui.screens.about import AboutScreen  # noqa: PLC0415

    return AboutScreen()


async def _start(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:  # noqa: ARG001
    from tui.screens.start import Start  # noqa: PLC0415

    return Start()


async def _use(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:
    from tui.places import open_address  # noqa: PLC0415 - which opens this

    if len(words) != 1:
        message = "name a project, such as `use demo`, or `use *` for all: `:projects` lists them"
        raise InvalidInputError(message, field="project")
    console.project = None if words[0] == "*" else await console.read(console.session.projects.get, words[0])
    console.view.put("project", words[0])
    return await open_address(console, address("executions", **given))


async def _describe(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:
    from tui.screens.description import description_screen  # noqa: PLC0415

    return await description_screen(console, _named(words), words[1:], given)


async def _json(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:
    from tui.screens.description import description_screen  # noqa: PLC0415

    return await description_screen(console, _named(words), words[1:], given, as_json=True)


async def _add(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:
    from tui.screens.resource_form import ResourceForm  # noqa: PLC0415

    return ResourceForm(_with_form(words), None, await _project(console, given))


async def _edit(console: Console, words: Sequence[str], given: Mapping[str, str]) -> ConsoleScreen:
    from tui.screens.description import found_row  # noqa: PLC0415
    from tui.screens.resource_form import ResourceForm  # noqa: PLC0415

    declared = _with_form(words)
    _, row = await found_row(console, declared, words[1:], given)
    return ResourceForm(declared, row)


async def _project(console: Console, given: Mapping[str, str]) -> Project | None:
    """Return the project in which something is made: the one that is named, None for `*`, else the console's."""
    if (name := given.get("project")) is None:
        return console.project
    return None if name == "*" else await console.read(console.session.projects.get, name)


def _named(words: Sequence[str]) -> Resource[Any]:
    if not words:
        message = "name what is meant, such as `describe execution 12`"
        raise InvalidInputError(message, field="address")
    return resource(words[0])


def _with_form(words: Sequence[str]) -> Resource[Any]:
    declared = _named(words)
    if declared.form is None:
        message = f"nothing of a {declared.singular} can be changed in a form"
        raise InvalidInputError(message, field="address")
    return declared


OWN: tuple[Place, ...] = (
    Place(
        "execution",
        "one execution: details, logs, metadata, outputs, events",
        _execution,
        takes="NUMBER [details|logs|metadata|outputs|events]",
    ),
    Place(
        "environment",
        "one environment: its queue, machines, history and limits",
        _environment,
        takes="ENVIRONMENT [queue|machines|history|limits]",
    ),
    Place("code", "the code that an execution ran", _code, takes="[FILE] execution=ID"),
    Place("open", "what a file holds", _open, takes="FILE"),
    Place("trace", "where a file or an execution came from, and what used it", _trace, takes="FILE|NUMBER"),
    Place("new", "start an execution", _new, ("run",), takes="[STEP] [project=…]", in_menu=True),
    Place("about", "versions, health, and what crosses the wire", _about, ("health", "doctor"), in_menu=True),
    Place("start", "the first steps: the demo, or a project of your own", _start, ("demo",)),
    Place("use", "a project whose executions and files are shown, * for all", _use, takes="PROJECT|*"),
    Place("describe", "everything about one thing", _describe, takes="KIND NAME"),
    Place("json", "one thing as JSON", _json, takes="KIND NAME"),
    Place("add", "make a new thing in a form", _add, takes="KIND [project=…]"),
    Place("edit", "change a thing in a form", _edit, takes="KIND NAME"),
)
