"""Commands that come from a declaration: what a new kind of thing gets without a line written for it."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from core.errors import InvalidInputError, NotFoundError
from core.resources.form import Field, Form
from core.resources.listed import Listed
from core.resources.registry import registered
from core.resources.resource import Action, Column, Consequence, Empty, Pair, Resource, RowFilter, Section, Tone
from core.text import cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from core.projects.service import Project
    from core.session import Session
    from tests.cli.conftest import Ran


@dataclass(frozen=True)
class Registry:
    """A place that images come from: a kind of thing that nothing but this test knows."""

    id: int
    name: str
    address: str
    state: str = "on"
    notes: str = ""
    token: str = ""


class Registries:
    """The rules of registries, as a service has them."""

    def __init__(self) -> None:
        self.rows: dict[int, Registry] = {}

    def list(self, session: Session, _: Project | None) -> list[Registry]:
        session.require("organization.see")
        return [*self.rows.values()]

    def find(self, session: Session, _: Project | None, name: str) -> Registry:
        for row in self.list(session, None):
            if row.name == name:
                return row
        message = f"there is no registry {name!r}"
        raise NotFoundError(message, field="registry")

    def add(self, session: Session, _: Project | None, answers: Mapping[str, str]) -> Registry:
        session.require("organization.edit")
        row = Registry(len(self.rows) + 1, **answers)
        self.rows[row.id] = row
        return row

    def edit(self, session: Session, row: Registry, answers: Mapping[str, str]) -> Registry:
        session.require("organization.edit")
        self.rows[row.id] = replace(row, **dict[str, Any](answers))
        return self.rows[row.id]

    def remove(self, session: Session, row: Registry) -> str:
        session.require("organization.edit")
        del self.rows[row.id]
        return f"{row.name} was removed"


def _address(text: str) -> None:
    if not text.startswith("https://"):
        message = f"{text!r} is no address: it begins with https://"
        raise InvalidInputError(message, field="address")


def declared(registries: Registries) -> Resource[Registry]:
    columns: tuple[Column[Registry], ...] = (
        Column(key="name", title="NAME", text=lambda row, _: row.name, flexible=True),
        Column(key="address", title="ADDRESS", text=lambda row, _: row.address, sortable=False, flexible=True),
        Column(
            key="state",
            title="STATE",
            text=lambda row, _: f"● {row.state}",
            value=lambda row: row.state,
            tone=lambda row: Tone.GOOD if row.state == "on" else Tone.DIM,
        ),
        Column(key="notes", title="NOTES", text=lambda row, _: row.notes, wide=True),
    )
    return Resource(
        name="registries",
        singular="registry",
        meaning="where images come from",
        permission="organization.see",
        columns=columns,
        source=Listed(
            registries.list,
            key=lambda row: row.id,
            columns=columns,
            kinds=frozenset({"registry"}),
            filters={"state": lambda row: row.state},
        ),
        key=lambda row: row.id,
        label=lambda row: f"registry {row.name}",
        reference=lambda row: row.name,
        find=registries.find,
        empty=Empty("No registry: images come from Docker Hub.", "a adds the first"),
        describe=lambda _, row: [Section("Registry", [Pair("name", row.name), Pair("notes", row.notes)])],
        form=Form(
            fields=(
                Field(key="name", label="Name", required=True, fixed=True),
                Field(key="address", label="Address", meaning="where it answers", required=True, check=_address),
                Field(key="state", label="State", kind="choice", default="on", choices=lambda _: ("on", "off")),
                Field(key="notes", label="Notes", kind="lines"),
                Field(key="token", label="Token", kind="secret"),
            ),
            values=lambda row: {"name": row.name, "address": row.address, "state": row.state, "notes": row.notes},
            add=registries.add,
            add_permission="organization.edit",
            edit=registries.edit,
            edit_permission="organization.edit",
            consequence=lambda _, row, answers: f"3 steps use {row.name}" if "address" in answers else None,
        ),
        actions=(
            Action(
                id="remove",
                key="X",
                title="Remove",
                meaning="Remove it from the list.",
                permission="organization.edit",
                many=True,
                refuse=lambda _, row: f"{row.name} is in use" if row.name == "kept" else None,
                consequence=lambda _, rows: Consequence(
                    f"Remove {len(rows)} registries?", "Images stay where they are."
                ),
                run=registries.remove,
            ),
            Action(
                id="images",
                key="i",
                title="Images",
                meaning="List its images.",
                permission="organization.see",
                changes=False,
                address=lambda row: f"images registry={row.name}",
            ),
        ),
        filters=(RowFilter("state", "whether it is asked", ("on", "off")),),
        aliases=("reg",),
    )


@pytest.fixture
def registries(linked: Session) -> Iterator[Registries]:  # noqa: ARG001
    registries = Registries()
    with registered(declared(registries)):
        yield registries


@pytest.fixture
def two(run: Callable[[str], Ran], registries: Registries) -> Registries:
    assert run("registries add --name ours --address https://ours").out == "registry ours was added\n"
    assert run("registries add --name theirs --address https://theirs --state off --notes a --notes b").code == 0
    return registries


@pytest.mark.usefixtures("registries")
def test_a_new_kind_has_its_group(run: Callable[[str], Ran]) -> None:
    assert "registries  " in run("--help").out
    told = run("registries --help").out
    assert "where images come from" in told
    for command in ("ls", "show", "add", "edit", "remove"):
        assert f"  {command} " in told
    assert "  images " not in told
    for command in ("add", "edit"):
        assert "--address TEXT" in run(f"registries {command} --help").out
    assert "--name" not in run("registries edit --help").out
    assert "state: whether it is asked" in " ".join(run("registries ls --help").out.split())
    assert run("registries ls").err == ("No registry: images come from Docker Hub. `shoal registries add` adds one.\n")


@pytest.mark.usefixtures("two")
def test_a_list_is_filtered_sorted_and_cut(run: Callable[[str], Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    header, ours, _ = run("registries ls").out.splitlines()
    assert header.split() == ["NAME", "ADDRESS", "STATE"]
    assert ours.split() == ["ours", "https://ours", "●", "on"]
    assert [row["name"] for row in run("registries ls --json --sort name --reverse").json] == ["theirs", "ours"]
    assert [row["name"] for row in run("registries ls --json --filter OURS").json] == ["ours"]
    assert [row["name"] for row in run("registries ls --json --filter ours --invert").json] == ["theirs"]
    assert [row["name"] for row in run("reg ls --json --where state=off").json] == ["theirs"]
    assert run("registries ls --filter nothing").err == "nothing here is like that\n"
    one = run("registries list --limit 1")
    assert (len(one.out.splitlines()), "more follow" in one.err) == (2, True)
    monkeypatch.setenv("COLUMNS", "24")
    assert all(cells(line) <= 24 for line in run("registries ls").out.splitlines())


@pytest.mark.usefixtures("two")
def test_plain_is_whole_and_has_tabs_only(run: Callable[[str], Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    assert run("registries ls --plain").out.splitlines() == [
        "NAME\tADDRESS\tSTATE\tNOTES",
        "ours\thttps://ours\ton\t",
        "theirs\thttps://theirs\toff\ta b",
    ]
    assert run("registries show theirs --plain").out.splitlines() == [
        "SECTION\tNAME\tVALUE",
        "Registry\tname\ttheirs",
        "Registry\tnotes\ta b",
    ]
    assert run("registries ls --plain --filter nothing").out == "NAME\tADDRESS\tSTATE\tNOTES\n"
    both = run("registries ls --plain --json")
    assert (both.code, "give one of them" in both.err) == (2, True)


def test_show_tells_all(run: Callable[[str], Ran], two: Registries) -> None:
    two.rows[1] = replace(two.rows[1], notes="\x1b[2Jfine\u202e")
    assert run("registries show ours").out.splitlines() == ["Registry", "  name   ours", "  notes  fine"]
    shown = run("registries show ours --json")
    assert "\x1b" not in shown.out
    assert shown.json["state"] == "on"
    assert shown.json["description"][0]["facts"][0] == {"name": "name", "text": "ours"}
    missing = run("registries show none --json")
    assert (missing.code, json.loads(missing.err)["error"]) == (3, "not_found")


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        ("registries add --address https://x", 2, "--name: Name is needed"),
        ("registries add --name x --address x", 2, "it begins with https://"),
        ("registries add --name x --address https://x --state loose", 2, "'loose' is none of on, off"),
        ("registries edit ours --address x", 2, "--address: 'x' is no address"),
        ("registries ls --sort size", 2, "no column 'size'"),
        ("registries ls --sort address", 2, "cannot be sorted by 'address'"),
        ("registries ls --where colour=red", 2, "no filter 'colour', but state"),
        ("registries ls --where state", 2, "--where takes NAME=VALUE"),
        ("registries ls --limit 0", 2, "--limit"),
        ("registries rm ours", 3, "commands: ls, show, add, edit, remove"),
        ("registries remov ours", 3, "did you mean 'remove'"),
        ("registries images ours", 3, "no command"),
        ("registres ls", 3, "did you mean 'registries'"),
    ],
)
def test_mistakes_are_told(run: Callable[[str], Ran], two: Registries, line: str, code: int, text: str) -> None:
    before = dict(two.rows)
    ran = run(line)
    assert ran.code == code
    assert text in ran.err
    assert two.rows == before


def test_edit_changes_what_is_given(run: Callable[[str], Ran], two: Registries) -> None:
    assert run("registries edit ours --state off --notes x").out.splitlines() == ["state: on → off", "notes: none → x"]
    assert (two.rows[1].state, two.rows[1].notes, two.rows[1].address) == ("off", "x", "https://ours")
    assert run("registries edit ours --state off").err == "nothing changed\n"
    assert run("registries edit theirs --notes '' --json").json["notes"] == ""


def test_a_consequence_is_decided_by_somebody(
    run: Callable[[str], Ran], two: Registries, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = run("registries edit ours --address https://new")
    assert (refused.code, "3 steps use ours: give --yes to do it" in refused.err) == (2, True)
    assert two.rows[1].address == "https://ours"
    assert run("registries edit ours --address https://new --yes").code == 0
    assert two.rows[1].address == "https://new"

    monkeypatch.setattr(sys, "stdin", terminal("n\n"))
    assert run("registries remove ours theirs").code == 130
    assert len(two.rows) == 2
    monkeypatch.setattr(sys, "stdin", terminal("y\n"))
    done = run("registries remove ours theirs")
    assert done.out == "ours was removed\ntheirs was removed\n"
    assert "Remove 2 registries? Images stay where they are." in done.err
    assert two.rows == {}


def terminal(typed: str) -> io.StringIO:
    """What a person types at a terminal."""
    given = io.StringIO(typed)
    given.isatty = lambda: True  # type: ignore[method-assign]
    return given


@pytest.mark.usefixtures("registries")
def test_an_action_refuses_before_it_begins(run: Callable[[str], Ran], registries: Registries) -> None:
    for name in ("first", "kept"):
        run(f"registries add --name {name} --address https://x")
    ran = run("registries remove first kept --yes")
    assert (ran.code, ran.err) == (5, "shoal: kept is in use\n")
    assert len(registries.rows) == 2
    assert run("registries remove first --yes --json").json == [{"registry": "first", "done": "first was removed"}]


@pytest.mark.usefixtures("registries")
def test_a_secret_is_read_and_never_given(
    run: Callable[[str], Ran], registries: Registries, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = run("registries add --name x --address https://x --token hunter2")
    assert (refused.code, "hunter2" in refused.err) == (2, False)
    monkeypatch.setattr(sys, "stdin", io.StringIO("hunter2\n"))
    assert "hunter2" not in run("registries add --name x --address https://x --token -").out
    assert registries.rows[1].token == "hunter2"


def test_who_may_not_is_told_so(run: Callable[[str], Ran], two: Registries, linked: Session) -> None:
    with linked.database.transaction() as connection:
        connection.execute("UPDATE memberships SET role = 'member'")
    assert run("registries ls").code == 0
    for line in ("add --name x --address https://x", "edit ours --state off", "remove ours --yes"):
        assert run(f"registries {line}").code == 4
    assert len(two.rows) == 2


@pytest.mark.usefixtures("linked")
def test_the_built_in_kinds_have_what_they_declare(run: Callable[[str], Ran], execution: Callable[..., Any]) -> None:
    execution()
    assert run("projects ls --json").json[0]["executions"] == {"created": 1}
    assert run("projects edit penguins --default-environment local").out == "default_environment: none → local\n"
    assert run("projects add --name other --json").json["name"] == "other"
    assert run("machines ls").err.startswith("No machine is present.")
    assert run("activity ls --json --all-projects --filter 'set up'").json[0]["subject"] == "default"
    assert run("activity ls --plain --where kind=execution").out.splitlines()[1].split("\t")[3] == "execution #1 train"
    assert "Queue: 1" in run("environments show local").out
    assert "takes" in run("settings show stop_grace_period").out
    assert run("setting edit stop_grace_period 5").code == 0


@pytest.mark.usefixtures("linked")
def test_files_are_shown_and_labelled(run: Callable[[str], Ran], directory: Any) -> None:
    (directory / "rows.csv").write_text("a\n")
    run("files upload rows.csv --alias newest")
    (directory / "more.csv").write_text("b\n")
    run("files upload more.csv")
    assert run("files edit more.csv --tags raw --tags small").out == "tags: none → raw small\n"
    moved = run("files edit more.csv --aliases newest")
    assert (moved.code, "'newest' points to another file now (rows.csv)" in moved.err) == (2, True)
    assert run("files edit more.csv --aliases newest --yes").code == 0
    assert run("files show newest --json").json["name"] == "more.csv"
    assert "Hashes" in run("files show newest").out


@pytest.mark.parametrize(
    "line",
    [
        "executions ls",
        "executions ls --sort loss",
        "executions show 1",
        "executions metadata 1",
        "executions metadata 1 loss",
        "files ls",
        "environments ls",
        "settings ls",
    ],
)
@pytest.mark.usefixtures("linked")
def test_every_list_has_a_plain_twin(
    run: Callable[[str], Ran], execution: Callable[..., Any], session: Session, line: str
) -> None:
    made = execution()
    with session.database.transaction() as connection:
        connection.execute("UPDATE executions SET title = ? WHERE id = ?", ("\x1b[31mred\ttab", made.id))
    ran = run(f"{line} --plain")
    assert ran.code == 0
    header, *rows = ran.out.splitlines()
    assert header == header.upper() or "loss" in header
    assert all(row.count("\t") == header.count("\t") for row in rows)
    assert "\x1b" not in ran.out
    assert "  " not in ran.out


@pytest.mark.usefixtures("linked")
def test_about_has_three_forms(run: Callable[[str], Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nothing/here.sock")
    assert "Versions" in run("about").out
    assert {line.count("\t") for line in run("about --plain").out.splitlines()} == {2}
    told = run("about --json").json
    assert told["you"]["role"] == "admin"
    assert told["sizes"]["database"] > 0
    assert {check["name"] for check in told["health"]} >= {"home", "database", "docker"}


def test_about_needs_no_home(run: Callable[[str], Ran]) -> None:
    ran = run("about")
    assert (ran.code, "Shoal is not set up" in ran.out) == (0, True)
