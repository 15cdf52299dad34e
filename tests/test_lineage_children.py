from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from core import lineage_children
from core.errors import NotAllowedError, NotFoundError
from core.lineage_children import BELOW, PAGE, children, lineage_node, lineage_nodes
from core.policy import Role
from core.session import Actor, Session
from tests import lineage_graph
from tests.lineage_graph import LineageGraph

if TYPE_CHECKING:
    from core.lineage_children import ChildPage
    from core.lineage_node import NodeKey, Way
    from core.shoal import Shoal


@pytest.fixture
def diamond(shoal: Shoal) -> LineageGraph:
    return lineage_graph.diamond(shoal)


def labels(page: ChildPage) -> list[tuple[str, int]]:
    return [(child.node.label, child.below) for child in page.children]


def test_neighbours_of_each_kind_and_what_is_further_on(diamond: LineageGraph) -> None:
    session = diamond.session
    assert labels(children(session, ("file", 6), "up")) == [("#4 train", 3)]
    assert labels(children(session, ("file", 6), "down")) == [("#5 evaluate", 0)]
    assert labels(children(session, ("execution", 4), "up")) == [
        ("4.npz", 1),
        ("5.npz", 1),
        ("https://example.org/x.csv", 0),
    ]
    assert labels(children(session, ("execution", 1), "down")) == [("2.npz", 1), ("3.npz", 1)]
    assert children(session, ("file", 1), "up").children == []
    source = children(session, ("execution", 4), "up").children[2]
    assert (source.node.kind, source.node.direction, source.place) == ("source", "up", ("data", 2))


@pytest.mark.parametrize(("key", "way"), [(("file", 1), "down"), (("execution", 1), "up"), (("execution", 1), "down")])
def test_pages_follow_each_other_without_gap_or_overlap(shoal: Shoal, key: NodeKey, way: Way) -> None:
    graph = LineageGraph(shoal)
    graph.files((number, f"{number}.npz") for number in range(1, 26))
    graph.execution(range(1, 26))
    graph.files(((number, f"{number}.npz") for number in range(101, 126)), 1)
    graph.users(1, 24)
    found: list[int] = []
    page = children(graph.session, key, way, limit=10)
    left = [page.more]
    found += [child.node.id for child in page.children]
    while page.next is not None:
        page = children(graph.session, key, way, after=page.next, limit=10)
        found += [child.node.id for child in page.children]
        left.append(page.more)
    expected = {("file", "down"): range(25, 0, -1), ("execution", "up"): range(1, 26)}
    assert found == [*expected.get((key[0], way), range(101, 126))]
    assert left == [15, 5, 0]


def test_an_execution_that_took_a_file_twice_is_there_once(shoal: Shoal) -> None:
    graph = LineageGraph(shoal)
    graph.file(1)
    graph.execution([1, 1], [2])
    assert labels(children(graph.session, ("file", 1), "down")) == [("#1 train", 1)]
    assert labels(children(graph.session, ("execution", 1), "up")) == [("1.npz", 0), ("1.npz", 0)]


def queries(session: Session, call: Any) -> list[str]:
    asked: list[str] = []
    session.database.reader().set_trace_callback(asked.append)
    try:
        call()
    finally:
        session.database.reader().set_trace_callback(None)
    return asked


def test_a_node_with_50_000_children_costs_no_more_than_three_queries(
    shoal: Shoal, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = LineageGraph(shoal)
    graph.file(1)
    graph.users(1, 50_000)
    session = graph.session
    page = children(session, ("file", 1), "down")
    assert (len(page.children), page.more) == (PAGE, 50_000 - PAGE)
    assert len(queries(session, lambda: children(session, ("file", 1), "down", after=page.next))) == 3
    # The steps of SQLite's machine, which do not depend on how busy this computer is.
    steps = 0

    def counted() -> int:
        nonlocal steps
        steps += 1
        return 0

    session.database.reader().set_progress_handler(counted, 1000)
    children(session, ("file", 1), "down")
    session.database.reader().set_progress_handler(None, 0)
    assert steps < 600
    monkeypatch.setattr(lineage_children, "COUNTED", 1000)
    assert children(session, ("file", 1), "down").more == 1000


def test_what_is_further_on_is_counted_as_far_as_it_is_shown(shoal: Shoal) -> None:
    graph = LineageGraph(shoal)
    graph.file(1)
    graph.execution([1], [2])
    graph.users(2, BELOW + 50)
    assert labels(children(graph.session, ("execution", 1), "down")) == [("2.npz", BELOW)]


def test_what_may_not_be_seen_is_not_found(diamond: LineageGraph) -> None:
    shoal = diamond.shoal
    other = Session(shoal.database, shoal.home, Actor(9, "eve", Role.ADMIN, 2))
    nobody = Session(shoal.database, shoal.home, Actor(9, "eve", Role.NOBODY, 1))
    keys: tuple[NodeKey, ...] = (("file", 1), ("execution", 1))
    for key in keys:
        assert lineage_nodes(other, key[0], [key[1]]) == {}
        for session, error in ((other, NotFoundError), (nobody, NotAllowedError)):
            with pytest.raises(error):
                lineage_node(session, key)
            with pytest.raises(error):
                children(session, key, "down")
    with pytest.raises(NotFoundError):
        children(diamond.session, ("file", 77), "up")
