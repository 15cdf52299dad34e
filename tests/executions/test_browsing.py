"""Going through a long list of executions: order, filters, and what changes while one looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from core.errors import InvalidInputError
from core.executions import browsing
from core.executions.browsing import FIRST_PART, BrowsedExecutions
from core.resources.resource import Query
from data.changes import newest, since

if TYPE_CHECKING:
    from tests.enacted import Enacted

SOURCE = BrowsedExecutions()


def numbers(enacted: Enacted, **query: Any) -> list[int]:
    """Return the numbers that a query lists, after checking that the source agrees with itself."""
    asked = Query(**query)
    ids = [id_ for part in SOURCE.ids(enacted.session, asked) for id_ in part]
    assert list(SOURCE.matching(enacted.session, asked, ids[::-1])) == ids
    if not asked.text:
        assert SOURCE.total(enacted.session, asked) == len(ids)
    rows = SOURCE.rows(enacted.session, ids)
    return [rows[id_].counter for id_ in ids]


def test_the_newest_come_first_and_in_parts_of_which_the_first_is_small(enacted: Enacted) -> None:
    from core.projects.manifest import read_manifest
    from core.projects.specification import specify

    specification = specify(read_manifest(enacted.commit.yaml), "train")
    enacted.session.executions.create_many(enacted.project, enacted.commit, [specification] * (FIRST_PART + 50))
    parts = [len(part) for part in SOURCE.ids(enacted.session, Query())]
    assert parts == [FIRST_PART, 50]
    listed = numbers(enacted)
    assert listed == sorted(listed, reverse=True)
    assert numbers(enacted, descending=True) == sorted(listed)


def test_filters_by_name(enacted: Enacted) -> None:
    waiting = enacted.create("train", tags=["a"])
    failed = enacted.ends(enacted.start(enacted.create("evaluate")), "error")
    assert numbers(enacted, where={"status": "error"}) == [failed.counter]
    assert numbers(enacted, where={"status": "created,error"}) == [failed.counter, waiting.counter]
    assert numbers(enacted, where={"tag": "a"}) == [waiting.counter]
    assert numbers(enacted, where={"step": "evaluate", "user": waiting.user}) == [failed.counter]
    assert numbers(enacted, where={"environment": "nowhere"}) == []
    assert numbers(enacted, project=enacted.session.projects.create("another")) == []


@pytest.mark.parametrize("where", [{"status": "fine"}, {"colour": "red"}])
def test_a_filter_that_is_none_is_named(enacted: Enacted, where: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError) as error:
        numbers(enacted, where=where)
    assert error.value.field in where


def test_a_text_has_to_stand_in_what_is_shown(enacted: Enacted) -> None:
    first = enacted.create("train", title="A 100% sure_thing", tags=["naïve"])
    second = enacted.create("evaluate")
    assert numbers(enacted, text="train") == [first.counter]
    assert numbers(enacted, text="TRAIN 100%") == [first.counter]
    assert numbers(enacted, text="100_") == []
    assert numbers(enacted, text="sure_thing") == [first.counter]
    assert numbers(enacted, text="sureXthing") == []
    assert numbers(enacted, text=f"#{second.counter}") == [second.counter]
    assert numbers(enacted, text="naïve") == [first.counter]
    assert numbers(enacted, text="train", inverted=True) == [second.counter]
    assert numbers(enacted, text="' OR 1=1 --") == []
    enacted.ends(enacted.start(second), "error", "exit code 7: look at the log")
    assert numbers(enacted, text="code 7") == [second.counter]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", ["duration", "step", "machine", "user", "status", "age", "title", "cost", "priority"])
def test_sorting_puts_what_has_no_value_last(enacted: Enacted, sort: str, *, descending: bool) -> None:
    enacted.ends(enacted.start(enacted.create("train", title="b")))
    enacted.ends(enacted.start(enacted.create("evaluate")), "error")
    waiting = enacted.create("train", title="a")
    listed = numbers(enacted, sort=sort, descending=descending)
    assert sorted(listed) == [1, 2, 3]
    if sort in ("duration", "machine"):
        assert listed[-1] == waiting.counter
    if sort == "title":
        assert listed == ([1, 3, 2] if descending else [3, 1, 2])


def test_a_column_that_cannot_be_sorted_by_is_named(enacted: Enacted) -> None:
    with pytest.raises(InvalidInputError, match="cannot be sorted by 'colour'"):
        numbers(enacted, sort="colour")


def test_changes_name_the_executions_that_they_are_about(enacted: Enacted) -> None:
    before = newest(enacted.session.database.reader())
    execution = enacted.create("train")
    changes = since(enacted.session.database.reader(), before)
    assert SOURCE.touched(enacted.session, changes) == {execution.id}


@pytest.mark.parametrize("query", [{}, {"sort": "step"}, {"text": "train"}, {"where": {"tag": "a"}}])
def test_what_is_committed_while_a_list_is_read_in_parts_is_seen_at_once(
    enacted: Enacted, monkeypatch: pytest.MonkeyPatch, query: dict[str, Any]
) -> None:
    monkeypatch.setattr(browsing, "FIRST_PART", 2)
    for _ in range(4):
        enacted.create("train", tags=["a"])
    parts = SOURCE.ids(enacted.session, Query(**query))
    next(parts)
    before = newest(enacted.session.database.reader())
    added = enacted.create("train", tags=["a"])
    assert since(enacted.session.database.reader(), before)
    assert SOURCE.matching(enacted.session, Query(**query), [added.id]) == [added.id]


@pytest.mark.parametrize("where", [{}, {"status": "created"}, {"tag": "a"}])
def test_whether_a_few_match_is_told_without_looking_at_the_others(enacted: Enacted, where: dict[str, str]) -> None:
    from core.projects.manifest import read_manifest
    from core.projects.specification import specify

    specification = specify(read_manifest(enacted.commit.yaml), "train")
    enacted.session.executions.create_many(enacted.project, enacted.commit, [specification] * 2_000)
    tagged = enacted.create("train", tags=["a"])
    steps = []
    connection = enacted.session.database.reader()
    connection.set_progress_handler(lambda: steps.append(1), 10)
    assert SOURCE.matching(enacted.session, Query(enacted.project, where=where), [tagged.id]) == [tagged.id]
    connection.set_progress_handler(None, 0)
    assert len(steps) < 100


@pytest.mark.parametrize("where", [{}, {"status": "error"}, {"tag": "a"}, {"step": "evaluate"}])
@pytest.mark.parametrize("sort", [None, "age", "number", "step"])
@pytest.mark.parametrize("descending", [False, True])
def test_parts_that_are_smaller_than_the_list_leave_nothing_out_and_name_nothing_twice(
    enacted: Enacted, monkeypatch: pytest.MonkeyPatch, where: dict[str, str], sort: str | None, *, descending: bool
) -> None:
    monkeypatch.setattr(browsing, "FIRST_PART", 2)
    monkeypatch.setattr(browsing, "PART", 3)
    for number in range(9):
        created = enacted.create("evaluate" if number % 2 else "train", tags=["a"] * (number % 3 == 0))
        if number % 4 == 0:
            enacted.ends(enacted.start(created), "error")
    listed = numbers(enacted, where=where, sort=sort, descending=descending)
    assert listed == numbers(enacted, project=enacted.project, where=where, sort=sort, descending=descending)
    wanted = {"status": 3, "tag": 3, "step": 4}
    assert len({*listed}) == len(listed) == wanted.get(next(iter(where), ""), 9)


def test_another_organizations_executions_are_nobodys(enacted: Enacted) -> None:
    from dataclasses import replace

    from core.session import Session

    execution = enacted.create("train")
    stranger = replace(enacted.session.actor, organization_id=99)
    elsewhere = Session(enacted.session.database, enacted.session.home, stranger)
    assert [id_ for part in SOURCE.ids(elsewhere, Query()) for id_ in part] == []
    assert SOURCE.rows(elsewhere, [execution.id]) == {}
    assert SOURCE.total(elsewhere, Query()) == 0


def test_what_changed_is_looked_up_however_long_the_list_is(enacted: Enacted) -> None:
    from core.projects.manifest import read_manifest
    from core.projects.specification import specify

    specification = specify(read_manifest(enacted.commit.yaml), "train")
    ids = enacted.session.executions.create_many(enacted.project, enacted.commit, [specification] * 5_000)
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    reader = enacted.session.database.reader()
    reader.set_progress_handler(step, 100)
    for query in (Query(), Query(enacted.project), Query(enacted.session.projects.create("another"))):
        expected = [] if query.project and query.project != enacted.project else [ids[7], ids[3]]
        assert SOURCE.matching(enacted.session, query, [ids[3], ids[7]]) == expected
    assert steps < 10, "it walks through the executions"
