"""Going through the queue: its order over all environments, filters, groups, and what a change means to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from core.environments.loads import queues
from core.errors import InvalidInputError
from core.executions.moving import set_priority
from core.queue import browsing as queue_browsing
from core.queue.browsing import BrowsedQueue
from core.queue.service import OTHERS
from core.resources.resource import Query
from core.session import Session
from data.changes import newest, since
from tests.queueing import Queueing

if TYPE_CHECKING:
    from core.shoal import Shoal
    from tests.enacted import Enacted

SOURCE = BrowsedQueue()


@pytest.fixture
def queueing(shoal: Shoal, enacted: Enacted) -> Queueing:
    """Two environments: #1 runs, #2 to #4 wait for local, alice's second one kept by a quota, #5 and #6 for gpu."""
    queueing = Queueing(shoal, enacted)
    alice, bob = queueing.person("alice", teams=("vision",)), queueing.person("bob")
    queueing.environment("gpu", teams={"vision": 5})
    queueing.environment(per_user_quota=2, maximum_scale=3)
    queueing.runs(queueing.waits(alice))
    queueing.waits(alice)
    queueing.waits(alice)
    queueing.waits(bob)
    queueing.waits(alice, "evaluate", environment="gpu")
    queueing.waits(bob, environment="gpu")
    return queueing


def numbers(queueing: Queueing, **query: Any) -> list[int]:
    """Return the numbers that a query lists, after checking that the source agrees with itself."""
    asked = Query(**query)
    ids = [id_ for part in SOURCE.ids(queueing.admin, asked) for id_ in part]
    assert len({*ids}) == len(ids)
    assert sorted(SOURCE.matching(queueing.admin, asked, ids)) == sorted(ids)
    if not asked.text:
        assert SOURCE.total(queueing.admin, asked) == len(ids)
    rows = SOURCE.rows(queueing.admin, ids)
    return [rows[id_].number for id_ in ids]


IN_ORDER = [1, 5, 4, 6, 2, 3]
"""What runs, then the first one of each environment, the second ones, and what a quota keeps."""


def test_what_runs_then_place_by_place_then_what_a_quota_keeps(queueing: Queueing) -> None:
    assert numbers(queueing) == IN_ORDER
    assert numbers(queueing, descending=True) == IN_ORDER[::-1]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"environment": "local"}, [1, 4, 2, 3]),
        ({"environment": "gpu"}, [5, 6]),
        ({"user": "bob"}, [4, 6]),
        ({"team": "vision"}, [1, 5, 2, 3]),
        ({"project": "penguins", "status": "started"}, [1]),
        ({"status": "created,queued", "user": "alice"}, [5, 2, 3]),
        ({"project": "nothing"}, []),
        ({"environment": "nowhere"}, []),
    ],
)
def test_filters(queueing: Queueing, where: dict[str, str], expected: list[int]) -> None:
    assert numbers(queueing, where=where) == expected


@pytest.mark.parametrize("part", [1, 2, 100])
@pytest.mark.parametrize("query", [{}, {"where": {"user": "alice"}}, {"text": "train"}, {"sort": "user"}])
def test_small_parts_leave_nothing_out(
    queueing: Queueing, monkeypatch: pytest.MonkeyPatch, query: dict[str, Any], part: int
) -> None:
    whole = numbers(queueing, **query)
    monkeypatch.setattr(queue_browsing, "FIRST_PART", part)
    monkeypatch.setattr(queue_browsing, "PART", part)
    assert numbers(queueing, **query) == whole


def test_within_a_group_the_order_stays(queueing: Queueing) -> None:
    assert numbers(queueing, sort="user") == [1, 5, 2, 3, 4, 6]
    assert numbers(queueing, sort="user", descending=True) == [4, 6, 1, 5, 2, 3]
    assert numbers(queueing, sort="team") == [1, 5, 2, 3, 4, 6], "what has none comes last"


def test_a_text_is_looked_for_in_what_is_shown(queueing: Queueing) -> None:
    assert numbers(queueing, text="evaluate") == [5]
    assert numbers(queueing, text="bob gpu") == [6]
    queueing.planned()
    assert 3 in numbers(queueing, text="quota")


@pytest.mark.parametrize("query", [{"where": {"colour": "red"}}, {"where": {"status": "error"}}, {"sort": "cost"}])
def test_mistakes_are_named(queueing: Queueing, query: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=r"the queue|no status"):
        numbers(queueing, **query)


def test_a_change_of_places_has_all_read_again_and_a_title_one_row(queueing: Queueing) -> None:
    reader = queueing.admin.database.reader()
    execution = queueing.admin.executions.get(queueing.enacted.project, 2)
    before = newest(reader)
    queueing.admin.executions.set_title(execution, "new")
    assert SOURCE.touched(queueing.admin, since(reader, before)) == {execution.id}
    before = newest(reader)
    set_priority(queueing.admin, execution, 1)
    assert SOURCE.touched(queueing.admin, since(reader, before)) is None
    before = newest(reader)
    queueing.planned()
    reasons = [change for change in since(reader, before) if change.kind == "environment"]
    assert reasons
    assert SOURCE.touched(queueing.admin, reasons) == set()


def other_organization(queueing: Queueing) -> Session:
    """Return a session of another organization, which has nothing here."""
    with queueing.system.write("execution.run") as connection:
        connection.execute("INSERT INTO organizations (id, uuid, name, created_at) VALUES (99, 'x', 'other', 0)")
    stranger = replace(queueing.admin.actor, organization_id=99)
    return Session(queueing.admin.database, queueing.admin.home, stranger)


def test_another_organizations_queue_is_nobodys(queueing: Queueing) -> None:
    elsewhere = other_organization(queueing)
    assert [id_ for part in SOURCE.ids(elsewhere, Query()) for id_ in part] == []
    assert SOURCE.total(elsewhere, Query()) == 0
    assert SOURCE.rows(elsewhere, [1, 2, 3]) == {}
    assert elsewhere.queue.groups("environment", {}) == []
    assert numbers(queueing) == IN_ORDER


def test_names_that_another_organization_has_too_mean_ones_own(queueing: Queueing) -> None:
    elsewhere = other_organization(queueing)
    with queueing.system.write("execution.run") as connection:
        connection.execute(
            "INSERT INTO projects (id, uuid, organization_id, name, created_by, created_at)"
            " SELECT 0, 'p', 99, name, created_by, 0 FROM projects WHERE name = 'penguins'"
        )
    assert numbers(queueing, where={"project": "penguins"})
    assert [id_ for part in SOURCE.ids(elsewhere, Query(where={"project": "penguins"})) for id_ in part] == []


def test_the_slug_of_an_environment_that_was_deleted_means_the_one_that_has_it_now(queueing: Queueing) -> None:
    with queueing.system.write("execution.run") as connection:
        connection.execute(
            "INSERT INTO environments (id, uuid, slug, name, created_at, deleted_at) VALUES (0, 'e', 'local', '', 0, 1)"
        )
    assert numbers(queueing, where={"environment": "local"})


def test_who_waits_before_one_is_not_told_to_another_organization(queueing: Queueing) -> None:
    elsewhere = other_organization(queueing)
    environment = queueing.environment()
    own = queueing.admin.queue.front(environment, 3)
    others = elsewhere.queue.front(environment, 3)
    assert [each.id for each in own] == [each.id for each in others]
    assert {each.user for each in others} == {OTHERS} != {each.user for each in own}
    local = queueing.admin.environments.get("local")
    assert queues(queueing.admin, local)
    assert queues(elsewhere, local) == []
