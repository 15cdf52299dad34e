"""Names that others chose to harm a terminal or the console: they are shown on every place there is, as plain text."""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING

import pytest

from core.text import plain
from tests.tui.story import story
from tui.places import places

if TYPE_CHECKING:
    from core.shoal import Shoal
    from tests.enacted import Enacted

NAMES = {
    "markup": "[/] [red]red[/red] [link=x] \\[",
    "escapes": "a\x1b[31mred\x1b]0;pwned\x07\x1b[2J\x9b1m\r\nb\x00\x7f",
    "bidirectional": "safe\u202etxt.exe\u2066\u200b\u2067 עברית",
    "long": "n" * 500,
    "wide": "模型訓練" * 20 + "🐧👩‍🔬🇫🇮é" * 10,
}
# Where each may stand that others choose, and how names that must differ are made to.
_NAMED = (
    ("projects", "name", "id"),
    ("users", "name", "id"),
    ("environments", "name", "id"),
    ("environments", "slug", "id"),
    ("machines", "name", "id"),
    ("machines", "reason", "''"),
    ("executions", "step", "''"),
    ("executions", "title", "''"),
    ("executions", "status_detail", "''"),
    ("executions", "image", "''"),
    ("execution_events", "message", "''"),
    ("execution_inputs", "path", "''"),
    ("execution_inputs", "requested", "''"),
    ("execution_tags", "tag", "execution_id"),
    ("metadata_keys", "name", "id"),
    ("files", "name", "id"),
    ("changes", "what", "''"),
    ("commits", "description", "''"),
    ("commits", "ref", "''"),
)
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]")
SINGLE = (
    "execution 1 details",
    "execution 2 logs",
    "execution 2 metadata",
    "execution 1 outputs",
    "execution 1 events",
    "describe execution 2",
    "json execution 2",
    "code execution=2",
    "new copy=2",
    "trace file=1",
    "trace execution=2",
    "edit environment id=1",
    "environment id=1",
    "environment machines id=1",
    "environment limits id=1",
    "add project",
    "describe file id=1",
    "json file id=1",
    "describe environment id=1",
    "describe project id=1",
    "executions user=x",
    "nowhere [/]",
)


def rename_everything(shoal: Shoal, name: str) -> None:
    """Put a name wherever one can stand, past the rules that would have refused some."""
    with sqlite3.connect(shoal.home.database) as connection:
        for table, column, distinct in _NAMED:
            connection.execute(f"UPDATE {table} SET {column} = ? || {distinct}", (name,))  # noqa: S608
        connection.execute(
            "UPDATE executions SET parameters = json_object(?, ?), environment_variables = '{}'", (name, name)
        )
        connection.execute("UPDATE executions SET command = json_array(?)", (name,))
        connection.execute("UPDATE files SET properties = json_object(?, ?)", (name, name))


def addresses() -> list[str]:
    """Return all places that can be opened without saying more, and one of each that needs more."""
    return [place.name for place in places() if not place.takes or place.takes.startswith("[")] + [*SINGLE]


@pytest.mark.parametrize("kind", NAMES)
async def test_names_are_shown_as_text_everywhere(finished: Enacted, shoal: Shoal, kind: str) -> None:
    name = NAMES[kind]
    execution = finished.start(finished.create("train"))
    finished.prints(execution, [name.replace("\n", " ").encode(), b"\x00\xff\x1b[31m binary", b"10%\r20%\r30%"])
    rename_everything(shoal, name)
    seen = 0
    async with story(finished.session, size=(120, 40)) as person:
        for address in addresses():
            person.console.go(address)
            await person.rests()
            assert not UNSAFE.search(person.screen), f"{address} shows what it must not:\n{person.screen!r}"
            seen += plain(name)[:5] in person.screen
            person.console.back()
            await person.rests()
        for warn in (person.console.warn, person.console.tell):
            warn(name)
            await person.rests()
            assert not UNSAFE.search(person.screen)
    assert seen > 10, "hardly any place shows a name: the test looks past them"
