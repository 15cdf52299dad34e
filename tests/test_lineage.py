from __future__ import annotations

import random
from typing import TYPE_CHECKING, Literal

import pytest

from bench.lineage_graph import GraphShape, build
from core import ancestry, lineage
from core.ancestry_block import BLOCK, Block, load_block
from core.errors import NotAllowedError, NotFoundError
from core.home import Home
from core.policy import Role
from core.session import Actor, Session
from tests import lineage_graph
from tests.lineage_graph import LineageGraph

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from core.lineage_node import LineageNode
    from core.shoal import Shoal


@pytest.fixture
def graph(shoal: Shoal) -> LineageGraph:
    return LineageGraph(shoal)


@pytest.fixture
def diamond(shoal: Shoal) -> LineageGraph:
    return lineage_graph.diamond(shoal)


def shown(node: LineageNode) -> object:
    name = node.label + ("*" if node.repeated else "")
    return name if not node.children else [name, *map(shown, node.children)]


def test_what_a_file_came_from(diamond: LineageGraph) -> None:
    root = diamond.session.lineage.of_file(6, depth=6, direction="up")
    first = ["2.npz", ["#1 train", "raw.csv"]]
    second = ["3.npz", "#1 train*"]
    assert shown(root) == [
        "6.npz",
        [
            "#4 train",
            ["4.npz", ["#2 train", first]],
            ["5.npz", ["#3 train", second]],
            "https://example.org/x.csv",
        ],
    ]
    source = root.children[0].children[2]
    assert (source.kind, source.id, source.uuid, source.detail) == ("source", 0, "", "7 B, sha256 abcdef")


def test_what_came_from_a_file(diamond: LineageGraph) -> None:
    root = diamond.session.lineage.of_file(1, depth=8, direction="down")
    below = ["4.npz", ["#4 train", ["6.npz", "#5 evaluate"]]]
    assert shown(root) == [
        "raw.csv",
        ["#1 train", ["2.npz", ["#2 train", below]], ["3.npz", ["#3 train", ["5.npz", "#4 train*"]]]],
    ]


def test_what_hangs_below_a_file_is_read_before_it_is_referred_to(graph: LineageGraph) -> None:
    """1 goes into #1, the long way to 4, and straight into #3: the level of #3 has it first, the reader second."""
    graph.file(1)
    graph.execution([1], [2])
    graph.execution([2], [3])
    graph.execution([3, 2], [4])
    root = graph.session.lineage.of_file(4, depth=9, direction="up")
    made = ["2.npz", ["#1 train", "1.npz"]]
    assert shown(root) == ["4.npz", ["#3 train", ["3.npz", ["#2 train", made]], "2.npz*"]]


@pytest.mark.parametrize("seed", range(10))
def test_every_reference_is_to_what_stands_above(graph: LineageGraph, seed: int) -> None:
    chance = random.Random(seed)
    graph.file(1)
    for number in range(2, 40):
        graph.execution(sorted(chance.sample(range(1, number), min(number - 1, 3))), [number])
    directions: tuple[Literal["up", "down"], ...] = ("up", "down")
    for direction in directions:
        root = graph.session.lineage.of_file(39 if direction == "up" else 1, depth=100, direction=direction)
        read: set[tuple[str, int]] = set()
        pending = [root]
        while pending:
            node = pending.pop()
            assert node.repeated == ((node.kind, node.id) in read)
            assert not (node.repeated and node.children)
            read.add((node.kind, node.id))
            pending.extend(reversed(node.children))


def test_both_ways_and_no_further_than_asked(diamond: LineageGraph) -> None:
    root = diamond.session.lineage.of_execution(2, depth=1)
    assert [(child.direction, child.label) for child in root.children] == [("up", "2.npz"), ("down", "4.npz")]
    assert (root.kind, root.label, root.status) == ("execution", "#2 train", "complete")
    assert root.detail == "epochs=5 · commit 0123456789ab · python"
    assert diamond.session.lineage.of_file(1, depth=0).children == []


def test_an_upload_that_nothing_used_stands_alone(graph: LineageGraph) -> None:
    graph.file(1)
    assert graph.session.lineage.of_file(1).children == []
    assert graph.session.lineage.ancestors(1) == ancestry.Relatives(set(), set())
    assert graph.session.lineage.descendants(1) == ancestry.Relatives(set(), set())


def test_many_children_are_counted_and_not_shown(graph: LineageGraph) -> None:
    many = lineage.BREADTH + 20
    for number in range(1, many + 1):
        graph.file(number)
    graph.execution([*range(1, many + 1)], [1000])
    for _ in range(many):
        graph.execution([1000, 1000], [])
    up = graph.session.lineage.of_file(1000, direction="up")
    assert (len(up.children[0].children), up.children[0].hidden, up.hidden) == (lineage.BREADTH, 20, 0)
    both = graph.session.lineage.of_file(1000)
    assert (len(both.children), both.hidden) == (lineage.BREADTH + 1, 20)


def test_a_level_has_an_end(graph: LineageGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "LEVEL", 6)
    graph.file(1)
    for number in range(4):
        graph.execution([1], [10 + 3 * number, 11 + 3 * number, 12 + 3 * number])
    root = graph.session.lineage.of_file(1, direction="down")
    assert [(len(child.children), child.hidden) for child in root.children] == [(3, 0), (3, 0), (0, 3), (0, 3)]


def test_what_may_not_be_seen_is_not_found(diamond: LineageGraph) -> None:
    shoal = diamond.shoal
    other = Session(shoal.database, shoal.home, Actor(9, "eve", Role.ADMIN, 2)).lineage
    nobody = Session(shoal.database, shoal.home, Actor(9, "eve", Role.NOBODY, 1)).lineage
    for service, error in ((other, NotFoundError), (nobody, NotAllowedError)):
        for call in (service.of_file, service.of_execution, service.ancestors, service.descendants):
            with pytest.raises(error):
                call(1)
    with pytest.raises(NotFoundError):
        diamond.session.lineage.of_execution(77)


@pytest.fixture(params=["look-ups", "blocks"])
def _walk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "blocks":
        monkeypatch.setattr(ancestry, "LOOK_UPS", 0)


@pytest.mark.usefixtures("_walk")
def test_all_ancestors_and_descendants(diamond: LineageGraph) -> None:
    service = diamond.session.lineage
    assert service.ancestors(6) == ancestry.Relatives({1, 2, 3, 4}, {1, 2, 3, 4, 5})
    assert service.ancestors(4) == ancestry.Relatives({1, 2}, {1, 2})
    assert service.descendants(1) == ancestry.Relatives({1, 2, 3, 4, 5}, {2, 3, 4, 5, 6})
    assert service.descendants(5) == ancestry.Relatives({4, 5}, {6})
    assert service.descendants(6) == ancestry.Relatives({5}, set())


@pytest.mark.usefixtures("_walk")
def test_walks_over_many_blocks_agree_with_a_plain_search(graph: LineageGraph) -> None:
    chance = random.Random(7)
    file = 0
    makers: dict[int, tuple[int, list[int]]] = {}
    for _ in range(60):
        inputs = chance.sample([*makers], min(len(makers), 3))
        execution = graph.execution([*inputs], [])
        for _ in range(chance.randrange(3)):
            file += chance.choice((1, 1, BLOCK // 4))  # several blocks, with gaps
            graph.file(file, execution)
            makers[file] = (execution, inputs)
    service = graph.session.lineage
    for start in chance.sample([*makers], 12):
        executions, files, todo = set[int](), set[int](), [start]
        while todo:
            execution, inputs = makers[todo.pop()]
            executions.add(execution)
            todo += set(inputs) - files
            files |= set(inputs)
        assert service.ancestors(start) == ancestry.Relatives(executions, files)
        for other in makers:
            assert (start in service.descendants(other).files) == (other in files)


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shoal]:
    """A graph of three blocks, two of which are packed."""
    monkeypatch.setattr(ancestry, "LOOK_UPS", 100)
    shape = GraphShape(executions=3 * BLOCK - 100, inputs=3, window=300)
    shoal = build(Home(tmp_path / "graph"), shape)
    assert ancestry.pack_finished_blocks(shoal.system_session()) == 2
    yield shoal
    shoal.close()


def blocks(shoal: Shoal) -> list[int]:
    return [row[0] for row in shoal.database.reader().execute("SELECT block FROM ancestry_blocks ORDER BY block")]


def test_a_walk_over_packed_blocks_finds_the_same(packed: Shoal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert blocks(packed) == [0, 1], "the last may still grow"
    service = packed.session().lineage
    start = 3 * BLOCK - 100
    up, down = service.ancestors(start), service.descendants(5)
    assert len(up.files) > 2 * BLOCK
    monkeypatch.setattr(ancestry, "LOOK_UPS", 10**9)
    assert service.ancestors(start) == up
    assert service.descendants(5) == down


def test_a_block_that_changed_is_packed_anew(packed: Shoal) -> None:
    service = packed.session().lineage
    start = 3 * BLOCK - 100
    with packed.database.transaction() as connection:
        connection.execute("DELETE FROM execution_inputs WHERE execution_id = 1200")
    assert blocks(packed) == [0]
    service.ancestors(start)
    assert blocks(packed) == [0], "a walk only reads"
    assert ancestry.pack_finished_blocks(packed.system_session()) == 1
    assert ancestry.pack_finished_blocks(packed.system_session()) == 0
    assert blocks(packed) == [0, 1]
    with packed.database.transaction() as connection:
        connection.execute("UPDATE execution_inputs SET file_id = 1 WHERE execution_id = 5 AND position = 0")
    assert blocks(packed) == [1]
    with packed.database.transaction() as connection:
        connection.execute("UPDATE files SET execution_id = NULL WHERE id = 1500")
    assert blocks(packed) == []
    assert 1500 not in service.ancestors(start).executions


def test_only_shoal_itself_packs(packed: Shoal) -> None:
    with pytest.raises(NotAllowedError):
        ancestry.pack_finished_blocks(packed.session())


@pytest.mark.parametrize("walk", ["ancestors", "descendants"])
def test_what_is_committed_during_a_walk_is_not_part_of_it(
    diamond: LineageGraph, monkeypatch: pytest.MonkeyPatch, walk: str
) -> None:
    monkeypatch.setattr(ancestry, "LOOK_UPS", 0)
    service = diamond.session.lineage
    before = getattr(service, walk)(4)

    def load_while_work_goes_on(connection: sqlite3.Connection, number: int) -> tuple[Block, bool]:
        newest = connection.execute("SELECT max(id) FROM files").fetchone()[0]
        diamond.execution([4], [newest + 10])
        diamond.execution([newest + 10], [])
        with diamond.shoal.database.transaction() as writing:
            writing.execute("UPDATE execution_inputs SET file_id = ? WHERE execution_id = 2", (newest + 10,))
        return load_block(connection, number)

    monkeypatch.setattr(ancestry, "load_block", load_while_work_goes_on)
    assert getattr(service, walk)(4) == before


def test_checksums_written_later_change_no_block(packed: Shoal) -> None:
    with packed.database.transaction() as connection:
        connection.execute("UPDATE execution_inputs SET size = 1, sha256 = 'x' WHERE execution_id = 5")
    assert blocks(packed) == [0, 1]
