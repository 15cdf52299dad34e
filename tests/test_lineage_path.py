from __future__ import annotations

import random
from collections import deque
from typing import TYPE_CHECKING

import pytest

from core import lineage_path as module
from core.errors import InvalidInputError, NotAllowedError, NotFoundError, UnavailableError
from core.lineage_path import lineage_path
from core.policy import Role
from core.session import Actor, Session
from tests import lineage_graph
from tests.lineage_graph import LineageGraph

if TYPE_CHECKING:
    from core.lineage_node import NodeKey
    from core.shoal import Shoal


@pytest.fixture
def diamond(shoal: Shoal) -> LineageGraph:
    return lineage_graph.diamond(shoal)


def shown(graph: LineageGraph, one: NodeKey, other: NodeKey) -> list[str]:
    return [node.label for node in lineage_path(graph.session, one, other)]


def test_a_path_leads_from_the_earlier_to_the_later_whichever_is_named_first(diamond: LineageGraph) -> None:
    path = ["raw.csv", "#1 train", "2.npz", "#2 train", "4.npz", "#4 train", "6.npz"]
    assert shown(diamond, ("file", 1), ("file", 6)) == path
    assert shown(diamond, ("file", 6), ("file", 1)) == path
    assert shown(diamond, ("execution", 3), ("execution", 5)) == [
        "#3 train",
        "5.npz",
        "#4 train",
        "6.npz",
        "#5 evaluate",
    ]
    assert shown(diamond, ("file", 6), ("execution", 4)) == ["#4 train", "6.npz"]


def test_the_shortest_path_is_taken(shoal: Shoal) -> None:
    graph = LineageGraph(shoal)
    graph.file(1)
    graph.execution([1], [2])
    graph.execution([2], [3])
    graph.execution([3, 1], [4])
    assert shown(graph, ("file", 1), ("file", 4)) == ["1.npz", "#3 train", "4.npz"]


def test_what_is_not_connected_is_said(diamond: LineageGraph) -> None:
    with pytest.raises(NotFoundError, match=r"4\.npz and 5\.npz are not connected: neither came from the other"):
        shown(diamond, ("file", 4), ("file", 5))
    with pytest.raises(NotFoundError):
        shown(diamond, ("file", 4), ("file", 77))
    with pytest.raises(InvalidInputError):
        shown(diamond, ("file", 4), ("file", 4))


def test_a_search_has_an_end(diamond: LineageGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    with pytest.raises(UnavailableError):
        shown(diamond, ("file", 1), ("file", 6))


def test_what_may_not_be_seen_is_not_found(diamond: LineageGraph) -> None:
    shoal = diamond.shoal
    for actor, error in (
        (Actor(9, "eve", Role.ADMIN, 2), NotFoundError),
        (Actor(9, "eve", Role.NOBODY, 1), NotAllowedError),
    ):
        with pytest.raises(error):
            lineage_path(Session(shoal.database, shoal.home, actor), ("file", 1), ("file", 6))


def test_paths_are_as_short_as_a_plain_search_finds(shoal: Shoal) -> None:
    graph = LineageGraph(shoal)
    chance = random.Random(3)
    graph.file(1)
    inputs: dict[int, list[int]] = {1: []}
    for number in range(2, 60):
        inputs[number] = sorted(chance.sample(range(max(1, number - 12), number), min(number - 1, 2)))
        graph.execution(inputs[number], [number])
    for start in (59, 40, 13):
        distances = {start: 0}
        pending = deque([start])
        while pending:
            file = pending.popleft()
            for each in inputs[file]:
                if each not in distances:
                    distances[each] = distances[file] + 2
                    pending.append(each)
        for target in range(1, start):
            if target in distances:
                path = lineage_path(graph.session, ("file", start), ("file", target))
                assert len(path) - 1 == distances[target]
                assert (path[0].id, path[-1].id) == (target, start)
            else:
                with pytest.raises(NotFoundError):
                    lineage_path(graph.session, ("file", start), ("file", target))
