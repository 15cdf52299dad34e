"""Machines as a list: those that are present, those that were, and what each did."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest

from core.errors import InvalidInputError
from core.machines.service import ROW
from core.resources.machines import MACHINES
from core.resources.resource import Query
from tests.resources.conftest import listed

if TYPE_CHECKING:
    from core.session import Session
    from tests.enacted import Enacted


def machine(session: Session, name: str, state: str = "idle", **columns: object) -> int:
    values = {"state_at": 0.0, "requested_at": 0.0} | columns
    with session.database.transaction() as connection:
        cursor = connection.execute(
            f"INSERT INTO machines (uuid, environment_id, name, state, {', '.join(values)})"  # noqa: S608
            f" VALUES (?, 1, ?, ?, {', '.join('?' * len(values))})",
            (name, name, state, *values.values()),
        )
    return cursor.lastrowid or 0


def shown(session: Session, key: str, name: str, now: float = 0.0) -> str:
    return MACHINES.column(key).text(MACHINES.find(session, None, name), now)


def names(session: Session, query: Query) -> list[str]:
    ids = [*chain.from_iterable(MACHINES.source.ids(session, query))]
    rows = MACHINES.source.rows(session, ids)
    return [rows[id_].name for id_ in ids]


def test_those_that_have_gone_are_shown_when_asked_for_newest_first_in_parts(session: Session) -> None:
    for number in range(300):
        machine(session, f"m-{number}", "gone" if number % 2 else "idle", gone_at=5.0, reason=f"reason-{number % 7}")
    gone = Query(where={"state": "gone"})
    parts = [*MACHINES.source.ids(session, gone)]
    assert len(parts) > 1
    assert names(session, gone)[:3] == ["m-299", "m-297", "m-295"]
    assert names(session, Query(where={"state": "gone"}, descending=True))[:2] == ["m-1", "m-3"]
    assert MACHINES.source.total(session, gone) == len(names(session, gone)) == 150
    assert names(session, Query())[:2] == ["m-0", "m-2"]
    assert all("reason-3" in MACHINES.find(session, None, name).reason for name in names(session, _text("reason-3")))
    both = Query(where={"state": "gone,idle"})
    assert len(names(session, both)) == 300
    by_reason = names(session, Query(where={"state": "gone"}, sort="reason"))
    assert MACHINES.find(session, None, by_reason[0]).reason == "reason-0"
    some = [MACHINES.find(session, None, name).id for name in ("m-1", "m-2")]
    assert MACHINES.source.matching(session, gone, some) == some[:1]


def _text(text: str) -> Query:
    return Query(text=text, where={"state": "gone"})


@pytest.mark.parametrize("column", [column.key for column in MACHINES.columns if column.sortable])
def test_every_column_sorts_both_ways(session: Session, column: str) -> None:
    machine(session, "a", reason="x")
    machine(session, "b", "leased")
    for descending in (False, True):
        assert sorted(names(session, Query(sort=column, descending=descending))) == ["a", "b"]


@pytest.mark.parametrize(
    "query", [Query(where={"state": "broken"}), Query(where={"colour": "red"}), Query(sort="colour")]
)
def test_what_cannot_be_asked_is_refused(session: Session, query: Query) -> None:
    machine(session, "a")
    with pytest.raises(InvalidInputError):
        names(session, query)


def test_a_machine_tells_what_it_did_and_cost(session: Session, enacted: Enacted) -> None:
    execution = enacted.start(enacted.create("train"))
    name = execution.machine or ""
    with session.database.transaction() as connection:
        connection.execute(
            "UPDATE machines SET requested_at = state_at - 3600, price_per_hour = 2000000 WHERE name = ?", (name,)
        )
        connection.execute("UPDATE machine_usage SET began_at = began_at - 1800 WHERE kind = 'execution'")
    found = MACHINES.find(session, None, name)
    assert (found.ran, found.counter, found.step) == (1, execution.counter, "train")
    assert 0.49 < (found.utilization(found.state_at) or 0) < 0.51
    assert 2_000_000 <= found.cost < 2_010_000
    assert shown(session, "used", name, found.state_at) == "50%"
    assert MACHINES.describe is not None
    told = [pair.text for section in MACHINES.describe(session, found) for pair in section.pairs]
    assert any(f"#{execution.counter} train" in text and "worked" in text for text in told)
    assert found.utilization(found.requested_at - 10_000) is None


def test_what_a_machine_runs_and_ran_is_found_by_index(session: Session) -> None:
    rows = session.read("machine.see").execute(
        f"EXPLAIN QUERY PLAN {ROW} WHERE m.id IN (SELECT value FROM json_each('[1]'))",  # noqa: S608
        {"organization": 1},
    )
    steps = [row["detail"] for row in rows]
    assert [step for step in steps if step.startswith("SCAN") and "json_each" not in step] == []
    assert not any("(status=" in step for step in steps), "not by looking at all that runs"


def test_a_machine_of_this_box_is_cordoned_drained_and_kept(session: Session) -> None:
    machine(session, "a")
    machine(session, "b", "leased")
    actions = {action.id: action for action in MACHINES.actions}

    def act(action: str, name: str) -> None:
        row = MACHINES.find(session, None, name)
        refuse = actions[action].refuse
        assert refuse is not None
        assert refuse(session, row) is None
        actions[action].carry_out(session, row, lambda *_: None)

    act("cordon", "a")
    assert shown(session, "state", "a") == "idle, cordoned"
    act("uncordon", "a")
    act("drain", "a")
    act("drain", "b")
    assert (shown(session, "state", "a"), shown(session, "state", "b")) == ("gone", "draining")
    act("uncordon", "b")
    assert shown(session, "state", "b") == "leased"
    refuse = actions["cordon"].refuse
    assert refuse is not None
    assert refuse(session, MACHINES.find(session, None, "a")) == "machine a is gone"


def test_a_machine_of_a_host_is_cordoned_with_its_host(session: Session) -> None:
    session.environments.create("farm", kind="hosts")
    host = session.hosts.create("gpu-2", "farm", "ssh://gpu-2", slots="2")
    machine(session, "a", host_id=host.id)
    machine(session, "b", "leased", host_id=host.id)
    row = MACHINES.find(session, None, "a")
    cordon = next(action for action in MACHINES.actions if action.id == "cordon")
    assert cordon.consequence is not None
    told = cordon.consequence(session, [row])
    assert told is not None
    assert "gpu-2" in told.question
    assert cordon.carry_out(session, row, lambda *_: None) == "host gpu-2 takes no new work"
    assert session.hosts.get("gpu-2").cordoned
    assert [each.cordoned for each in listed(session, MACHINES)] == [True, True]
    session.machines.drain(row)
    assert [(each.name, each.state) for each in listed(session, MACHINES)] == [("b", "draining")]
