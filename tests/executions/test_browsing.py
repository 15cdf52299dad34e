"""Going through a long list of executions: order, filters, and what changes while one looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from core.errors import InvalidInputError
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


def test_another_organizations_executions_are_nobodys(enacted: Enacted) -> None:
    from dataclasses import replace

    from core.session import Session

    execution = enacted.create("train")
    stranger = replace(enacted.session.actor, organization_id=99)
    elsewhere = Session(enacted.session.database, enacted.session.home, stranger)
    assert list(SOURCE.ids(elsewhere, Query())) == []
    assert SOURCE.rows(elsewhere, [execution.id]) == {}
    assert SOURCE.total(elsewhere, Query()) == 0
