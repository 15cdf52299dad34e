"""The list of a resource: what is shown, what is typed, what goes on while somebody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.resources.form import Field, Form
from core.resources.listed import Listed
from core.resources.registry import registered
from core.resources.resource import Action, Column, Consequence, Empty, Resource
from tests.tui.story import story

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.session import Session
    from tests.enacted import Enacted


async def test_rows_counts_and_keys_are_shown(finished: Enacted) -> None:
    waiting = finished.create("train", title="next")
    async with story(finished.session, size=(120, 24), project=finished.project) as person:
        await person.sees("✓ 3 complete", "◌ 1 created", "train (next)", "evaluate", "/ Filter", "? keys")
        assert "the scheduler has not lo" in await person.reads_line(f"#{waiting.counter}")


async def test_a_filter_narrows_counts_inverts_and_is_taken_away(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project) as person:
        await person.presses("/").types("train").presses("enter").sees("1 of 3", "executions train")
        await person.does_not_see("preprocess")
        await person.presses("escape").sees("preprocess").does_not_see("1 of 3")
        await person.presses("/").types("!train").presses("enter").sees("2 of 3").does_not_see("#2")
        await person.presses("/").presses("escape").sees("#2")


async def test_a_filter_that_nothing_matches_says_so(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project) as person:
        await person.presses("/").types("walrus").presses("enter").sees("Nothing here matches", "0 of 3")


async def test_an_address_filters_and_sorts(finished: Enacted) -> None:
    finished.ends(finished.start(finished.create("train")), "error", "exit code 1")
    address = "executions status=error,complete sort=step"
    async with story(finished.session, project=finished.project, address=address) as person:
        await person.sees("STEP▲", "✗ error", address)
        rows = [line for line in person.screen.splitlines() if "#" in line and "STATUS" not in line]
        assert ["evaluate" in rows[0], "preprocess" in rows[1], "train" in rows[2]] == [True] * 3


async def test_a_wrong_address_is_said_and_leads_to_the_list(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project, address="executions colour=red") as person:
        await person.sees("no filter 'colour'", "evaluate")


async def test_what_happens_is_seen(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project) as person:
        await person.sees("✓ 3 complete")
        execution = finished.create("train", title="new")
        await person.sees("train (new)", "◌ created")
        finished.start(execution)
        await person.sees("▶ started", "▶ 1 started")
        finished.ends(execution, "error", "exit code 1")
        await person.sees("✗ error", "exit code 1").does_not_see("▶ started")


async def test_a_row_that_no_longer_belongs_leaves_and_the_cursor_stays_on_its_row(finished: Enacted) -> None:
    first, second, third = (finished.create("train", title=name) for name in ("one", "two", "three"))
    async with story(finished.session, project=finished.project, address="executions status=created") as person:
        await person.on_row("two")
        finished.start(third)
        await person.does_not_see("three")
        finished.create("train", title="four")
        await person.sees("four", "one")
        assert "two" in await person.reads_line("▸")
    assert (first.counter, second.counter) == (4, 5)


async def test_the_picture_is_frozen_and_goes_on(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project) as person:
        await person.presses("p").sees("frozen")
        finished.create("train", title="new")
        await person.sees("1 changes since").does_not_see("train (new)")
        await person.presses("p").sees("train (new)", "live")


async def test_waiting_executions_are_stopped_after_a_question_that_stands_on_no(finished: Enacted) -> None:
    executions = [finished.create("train") for _ in range(3)]
    async with story(finished.session, project=finished.project) as person:
        await person.presses("space", "space", "X").sees("Stop #6, #5?", "None of them has begun").presses("enter")
        assert finished.session.executions.counts()["created"] == 3
        await person.presses("X").sees("Stop #6, #5?").presses("y").sees("Stop: 2 done")
    assert [finished.session.executions.by_id(each.id).status for each in executions] == [
        "created",
        "stopped",
        "stopped",
    ]


async def test_a_key_that_cannot_be_used_says_why(finished: Enacted) -> None:
    async with story(finished.session, project=finished.project) as person:
        await person.presses("X").sees("#3 has ended already (complete)")


async def test_a_read_only_console_changes_nothing(finished: Enacted) -> None:
    execution = finished.create("train")
    async with story(finished.session, project=finished.project, read_only=True) as person:
        await person.presses("X").sees("this console is read-only").presses("r").presses("a").presses("e")
        await person.sees("read-only")
    assert finished.session.executions.by_id(execution.id).status == "created"
    assert finished.session.executions.get(finished.project, "latest").counter == execution.counter


async def test_columns_are_chosen_and_kept(finished: Enacted) -> None:
    async with story(finished.session, size=(120, 24), project=finished.project) as person:
        await person.does_not_see("COMMIT").presses("C").sees("space switches")
        keys = [column.key for column in person.console.shown_screen.resource.columns]  # type: ignore[union-attr]
        for _ in range(keys.index("commit")):
            await person.presses("down")
        await person.presses("space", "enter").resizes(160, 24).sees("COMMIT")
        assert "commit" in person.console.view.get("executions.columns", [])


async def test_an_empty_list_says_what_belongs_there(session: Session) -> None:
    project = session.projects.create("new")
    async with story(session, project=project) as person:
        await person.sees("No execution yet", "Start the first one (a).")


_ROWS: dict[int, str] = {1: "first", 2: "second"}


def _added(session: Session, project: object, answers: Mapping[str, str]) -> tuple[int, str]:
    del session, project
    key = max(_ROWS) + 1
    _ROWS[key] = answers["name"]
    return key, answers["name"]


def _edited(session: Session, row: tuple[int, str], answers: Mapping[str, str]) -> tuple[int, str]:
    del session
    _ROWS[row[0]] = answers["name"]
    return row[0], answers["name"]


def _removed(session: Session, row: tuple[int, str]) -> str:
    del session
    del _ROWS[row[0]]
    return f"{row[1]} was removed"


_COLUMNS: Sequence[Column[tuple[int, str]]] = (
    Column(key="name", title="NAME", text=lambda row, _: row[1], flexible=True),
)
AREA: Resource[Any] = Resource(
    name="areas",
    singular="area",
    meaning="things that only this test knows",
    permission="organization.see",
    columns=tuple(_COLUMNS),
    source=Listed(lambda *_: [*_ROWS.items()], key=lambda row: row[0], columns=_COLUMNS, kinds=frozenset({"area"})),
    key=lambda row: row[0],
    label=lambda row: row[1],
    reference=lambda row: row[1],
    find=lambda _session, _project, name: next(row for row in _ROWS.items() if row[1] == name),
    empty=Empty("No area yet.", "a adds one"),
    form=Form(
        fields=(Field(key="name", label="Name", required=True),),
        values=lambda row: {"name": row[1]},
        add=_added,
        add_permission="organization.edit",
        edit=_edited,
        edit_permission="organization.edit",
    ),
    actions=(
        Action(
            id="remove",
            key="Z",
            title="Remove",
            meaning="Remove it for ever.",
            permission="organization.edit",
            consequence=lambda _session, rows: Consequence(f"Remove {rows[0][1]}?", type_name=rows[0][1]),
            run=_removed,
        ),
    ),
)


async def test_a_declaration_alone_gives_list_form_keys_help_and_place(session: Session) -> None:
    with registered(AREA):
        async with story(session, size=(100, 30)) as person:
            await person.goes("areas").sees("first", "second", "NAME", "Z Remove")
            await person.presses("?").sees("Remove it for ever.").presses("escape")
            await person.presses("a").sees("Name").types("third").presses("f2").sees("third", "areas")
            await person.goes("areas").on_row("first").presses("e").sees("first")
            await person.presses("ctrl+p").types("areas").sees("things that only this test knows").presses("escape")
    assert _ROWS[3] == "third"
