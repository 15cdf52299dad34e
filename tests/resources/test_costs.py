"""The bill as a list: what it is divided by, what is typed, and that its lines are those that were read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from core.errors import InvalidInputError, NotFoundError
from core.machines import usage as machine_usage
from core.resources.costs import COSTS, BrowsedCosts
from core.resources.resource import Query
from core.scheduler.machines import launch
from tests.resources.conftest import listed
from tests.tui.story import story

if TYPE_CHECKING:
    from core.executions.execution import Execution
    from core.resources.bill import CostRow
    from core.session import Session
    from tests.enacted import Enacted


@pytest.fixture
def account(enacted: Enacted, system: Session) -> list[Execution]:
    """Two executions of an hour and of two hours, and half an hour of grace, at 2.00 an hour."""
    made = [enacted.create("train"), enacted.create("evaluate")]
    with system.write("machine.run") as connection:
        connection.execute("UPDATE environments SET price_per_hour = 2000000, scale_down_grace_period = 7200")
        machine = launch(connection, 1)
        assert machine is not None
        at = time.time() - 20_000
        connection.execute("DELETE FROM machine_usage")
        connection.execute("UPDATE machines SET requested_at = ?", (at,))
        connection.execute("INSERT INTO teams VALUES (7, 'u7', 1, 'vision', 0)")
        connection.execute("UPDATE executions SET team_id = 7 WHERE id = ?", (made[1].id,))
        machine_usage.enter(connection, machine, "execution", at, made[0].id)
        machine_usage.enter(connection, machine, "execution", at + 3600, made[1].id)
        machine_usage.enter(connection, machine, "grace", at + 10_800)
        machine_usage.leave(connection, machine, at + 12_600)
    return made


def shown(session: Session, **query: object) -> list[tuple[str, str, str]]:
    rows: list[CostRow] = listed(session, COSTS, **query)
    return [(row.cost.name, row.kind, row.amount) for row in rows]


def test_it_is_divided_as_asked(session: Session, account: list[Execution]) -> None:
    grace = ("", "grace", "1.00")
    assert shown(session) == [(account[0].user, "executions", "6.00"), grace]
    assert shown(session, where={"by": "team"}) == [
        ("vision", "executions", "4.00"),
        ("no team", "executions", "2.00"),
        grace,
    ]
    assert shown(session, where={"by": "environment"}) == [("local", "executions", "6.00"), ("local", "grace", "1.00")]
    assert shown(session, where={"by": "team", "since": "1h"}) == []
    assert shown(session, where={"by": "team", "environment": "local"}, text="VISION") == [
        ("vision", "executions", "4.00")
    ]
    by_hours = shown(session, where={"by": "team"}, sort="hours")
    assert [row[0] for row in by_hours] == ["", "no team", "vision"]
    assert shown(session, where={"by": "team"}, sort="hours", descending=True) == by_hours[::-1]


@pytest.mark.usefixtures("account")
def test_lines_of_several_bills_are_told_apart(session: Session) -> None:
    source = BrowsedCosts()
    lists = [Query(where={"by": by, "since": since}) for by in ("user", "team") for since in ("1d", "2d")]
    ids = [[each for part in source.ids(session, query) for each in part] for query in lists]
    assert len({tuple(each) for each in ids}) == 4
    for query, of in zip(lists, ids, strict=True):
        rows = source.rows(session, of)
        assert {row.bill.by for row in rows.values()} == {query.where["by"]}
        assert {row.bill.since for row in rows.values()} == {query.where["since"]}
        assert list(rows) == of
        assert source.matching(session, query, of) == of
        assert source.total(session, query) == len(of)


@pytest.mark.usefixtures("account")
def test_each_line_leads_to_what_it_is_about(session: Session) -> None:
    assert COSTS.opens is not None
    assert COSTS.describe is not None
    for by, address in (("user", "executions"), ("team", "team vision"), ("project", "executions project=penguins")):
        row = listed(session, COSTS, where={"by": by})[0]
        assert COSTS.opens(row).startswith(address)
        assert COSTS.find(session, None, row.cost.name).cost.name == row.cost.name
        assert COSTS.describe(session, row)[0].pairs[0].text == row.cost.name
    assert COSTS.opens(listed(session, COSTS)[-1]) == "machines"


@pytest.mark.parametrize("where", [{"by": "planet"}, {"since": "x"}, {"colour": "red"}])
def test_a_wrong_filter_is_named(session: Session, where: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError) as error:
        COSTS.source.matching(session, Query(where=where), [])
    assert error.value.field == next(iter(where))
    with pytest.raises(NotFoundError):
        COSTS.source.matching(session, Query(where={"environment": "nowhere"}), [])


@pytest.mark.usefixtures("account")
async def test_its_screen_has_a_total_and_turns_by_key(session: Session) -> None:
    async with story(session, size=(100, 24), address="costs") as person:
        await person.sees("total 7.00", "3.50 h", "86% at work", "by user, as of", "grace")
        await person.presses("b").sees("costs by=team", "vision", "no team", "total 7.00")
        await person.presses("w").sees("since=30d").presses("enter").sees("vision")


async def test_without_machines_it_says_so(session: Session) -> None:
    async with story(session, address="costs") as person:
        await person.sees("No machine was there in that time.", "total 0.00")
