"""`shoal about`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cli.opened import session
from cli.options import json_option, plain_option
from cli.output import print_json, print_plain
from core.errors import ShoalError
from core.home import Home

if TYPE_CHECKING:
    from core.doctor import Check
    from core.resources.resource import Section


@click.command()
@plain_option
@json_option
def about(*, as_json: bool, as_plain: bool) -> None:
    """Tell what this installation is: versions, who you are, what the home holds, and its health."""
    from core.about import check_pairs, size_pair  # noqa: PLC0415 - other commands need none
    from core.doctor import examine  # noqa: PLC0415
    from core.resources.resource import Section  # noqa: PLC0415

    home = Home.default()
    known, sizes = _known(home)
    checks = [*examine(home)]
    if as_json:
        print_json(_document(known, sizes, checks))
        return
    sections = [
        Section("Health", [pair for check in checks for pair in check_pairs(check)]),
        *known,
        Section("Sizes", [size_pair(name, taken) for name, taken in sizes.items()]),
    ]
    if as_plain:
        facts = ((section.title, pair.label, pair.text) for section in sections for pair in section.pairs)
        print_plain(("SECTION", "NAME", "VALUE"), facts)
        return
    from cli.resource_output import print_sections  # noqa: PLC0415

    print_sections([section for section in sections if section.pairs])


def _known(home: Home) -> tuple[list[Section], dict[str, int]]:
    """Return what can be told, and what takes how many bytes: little, where the home cannot be opened."""
    from core.about import engine, home_sizes, versions, you  # noqa: PLC0415
    from core.resources.resource import Pair, Section  # noqa: PLC0415
    from tui.console_log import log_path  # noqa: PLC0415
    from tui.keymap import keymap_path  # noqa: PLC0415

    software, sizes = versions(), dict[str, int]()
    try:
        here = session()
        sections = [Section(software.title, [*software.pairs, engine(here)]), you(here)]
        sizes.update(home_sizes(here))
    except ShoalError as error:
        sections = [software, Section("You", [Pair("name", error.message)])]
    places = {
        "home": home.root,
        "scheduler's log": home.scheduler_log,
        "console's log": log_path(),
        "keymap": keymap_path(),
    }
    return [*sections, Section("Places", [Pair(name, str(path)) for name, path in places.items()])], sizes


def _document(known: list[Section], sizes: dict[str, int], checks: list[Check]) -> dict[str, Any]:
    facts = {section.title.lower(): {pair.label: pair.text for pair in section.pairs} for section in known}
    return {**facts, "sizes": sizes, "health": [asdict(check) for check in checks]}
