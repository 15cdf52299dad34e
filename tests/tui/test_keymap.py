"""A person's own keys: a file that gives them, what is wrong with it, and the list of what can be changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cli.main import main
from core.errors import InvalidInputError
from tests.tui.story import story
from tui.all_keys import Key, all_keys
from tui.keymap import keymap_path, load, problems

if TYPE_CHECKING:
    from pathlib import Path

    from core.session import Session

KNOWN = [
    Key("console.help", ("question_mark",), "Keys", ""),
    Key("list.filter", ("slash",), "Filter", ""),
    Key("list.sort", ("s",), "Sort", ""),
    Key("executions.stop", ("X",), "Stop", ""),
    Key("log.wrap", ("w",), "Wrap", ""),
]


@pytest.fixture
def keymap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of a keymap file that is not there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "shoal").mkdir()
    return keymap_path()


async def test_a_file_gives_other_keys_and_the_help_shows_them(session: Session, keymap: Path) -> None:
    keymap.write_text("console.menu: f9\nlist.filter: [f, '/']\n")  # noqa: ASYNC240 - a line
    async with story(session) as person:
        await person.presses("f9").sees("machines").presses("f9").does_not_see("machines").presses("m")
        await person.does_not_see("machines").presses("f").sees("No filter")


async def test_what_is_said_names_the_keys_of_the_file(session: Session, keymap: Path) -> None:
    keymap.write_text("list.add: n\n")  # noqa: ASYNC240 - a line
    async with story(session) as person:
        await person.sees("Start the first one (n).").presses("/").types("x")
        await person.sees("Change the filter (/), or go back (esc).")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no.such: x", "nothing is called 'no.such'"),
        ("list.filtre: x", "list.filter"),
        ("list.sort: /", "'/' would do list.sort and list.filter"),
        ("[1, 2]", "is no list of keys"),
        ("a: b: c", "line 1 is no YAML"),
        ("list.sort:", "needs a key"),
        ("'[/]\\x1b[31m': x", "nothing is called"),
        ("&a [*a]", "keymap.yaml"),
    ],
)
async def test_what_is_wrong_with_a_file_is_told_in_a_line(
    session: Session, keymap: Path, text: str, said: str
) -> None:
    keymap.write_text(text)  # noqa: ASYNC240 - a line
    async with story(session, size=(200, 24)) as person:
        await person.sees(said, "No execution yet")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large").write_text("#" * 100_000)
    for name in ("latin", "large", "missing"):
        with pytest.raises(InvalidInputError, match=name):
            load(tmp_path / name)
    (tmp_path / "empty").write_text("# nothing\n")
    assert load(tmp_path / "empty") == {}


def test_keys_clash_only_where_both_are_live() -> None:
    assert problems({"list.sort": "w"}, KNOWN) == []
    assert problems({"list.sort": "/", "list.filter": "s"}, KNOWN) == []
    assert len(problems({"list.sort": "X"}, KNOWN)) == 1
    assert len(problems({"log.wrap": "?"}, KNOWN)) == 1


def test_every_key_has_a_meaning_and_none_is_one_that_terminals_take() -> None:
    taken = {f"ctrl+{letter}" for letter in "abjqs"}
    for key in all_keys():
        assert key.meaning, key.id
        assert "." in key.id
        assert not taken & set(key.keys), key.id


def test_the_command_lists_them_as_text_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "--json"]) == 0
    found = {each["id"]: each for each in json.loads(capsys.readouterr().out)}
    assert found["list.filter"]["keys"] == ["slash"]
    assert main(["keys", "--plain"]) == 0
    assert any(line.startswith("executions.stop\tX\t") for line in capsys.readouterr().out.splitlines())
