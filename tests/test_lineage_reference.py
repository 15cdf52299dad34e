from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from core.errors import InvalidInputError, NotFoundError
from core.lineage_details import describe_node, describe_source
from core.lineage_reference import reference_words, resolve
from tests import lineage_graph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.lineage_node import NodeKey
    from core.resources.resource import Section
    from core.shoal import Shoal
    from tests.lineage_graph import LineageGraph


@pytest.fixture
def diamond(shoal: Shoal) -> LineageGraph:
    return lineage_graph.diamond(shoal)


@pytest.mark.parametrize(
    ("words", "arguments", "key"),
    [
        (["raw.csv"], {}, ("file", 1)),
        (["4"], {}, ("execution", 4)),
        (["#4"], {}, ("execution", 4)),
        (["execution", "4"], {}, ("execution", 4)),
        (["file", "6.npz"], {}, ("file", 6)),
        (["file-6"], {}, ("file", 6)),
        (["datum://file-6"], {}, ("file", 6)),
        ([], {"execution": "5"}, ("execution", 5)),
        ([], {"file": "5"}, ("file", 5)),
        (["2"], {"project": "penguins"}, ("execution", 2)),
    ],
)
def test_how_a_node_is_named(diamond: LineageGraph, words: list[str], arguments: dict[str, str], key: NodeKey) -> None:
    project = None if "project" in arguments else diamond.session.projects.get("penguins")
    assert resolve(diamond.session, project, words, arguments) == key


def test_without_a_project_a_name_has_to_be_certain(diamond: LineageGraph) -> None:
    session = diamond.session
    assert resolve(session, None, ["raw.csv"]) == ("file", 1)
    assert resolve(session, None, ["4"]) == ("execution", 4)
    session.projects.create("seals")
    with pytest.raises(InvalidInputError, match="choose a project"):
        resolve(session, None, ["4"])


@pytest.mark.parametrize("words", [[], ["a", "b"], ["execution", "x"]])
def test_what_names_nothing_is_refused(diamond: LineageGraph, words: list[str]) -> None:
    with pytest.raises(InvalidInputError):
        resolve(diamond.session, diamond.session.projects.get("penguins"), words)


def test_what_is_not_there_is_said_with_what_is_like_it(diamond: LineageGraph) -> None:
    with pytest.raises(NotFoundError, match=r"did you mean .raw\.csv"):
        resolve(diamond.session, diamond.session.projects.get("penguins"), ["rav.csv"])
    with pytest.raises(NotFoundError):
        resolve(diamond.session, None, ["nothing"])


def test_the_words_of_an_address_lead_back(diamond: LineageGraph) -> None:
    session = diamond.session
    project = session.projects.get("penguins")
    diamond.files([(10, "6.npz"), (11, "7"), (12, "a=b"), (13, "to"), (14, "\x1b[31mred")])
    expected = {6: ["file-6"], 10: ["6.npz"], 11: ["file", "7"], 12: ["file-12"], 13: ["file-13"], 14: ["file-14"]}
    for id_, words in expected.items():
        assert reference_words(session, project, ("file", id_)) == words
        assert resolve(session, project, words) == ("file", id_)
    assert reference_words(session, project, ("execution", 4)) == ["4"]
    assert reference_words(session, None, ("execution", 4)) == ["4", "project=penguins"]


def pairs(sections: Sequence[Section]) -> dict[str, str]:
    return {pair.label: pair.text for section in sections for pair in section.pairs}


def test_the_details_of_each_kind_of_node(diamond: LineageGraph) -> None:
    session = diamond.session
    file = pairs(describe_node(session, ("file", 6), time.time()))
    assert (file["name"], file["made by"], file["sha256"], file["input"]) == ("6.npz", "#4", "fedcba", "datum://file-6")
    assert "uploaded" in pairs(describe_node(session, ("file", 1), time.time()))["made by"]
    execution = pairs(describe_node(session, ("execution", 5), time.time()))
    assert (execution["name"], execution["status"]) == ("#5 evaluate", "▶ started")
    assert (execution["commit"], execution["image"], execution["epochs"]) == ("0123456789abcdef", "python", "5")
    source = pairs(describe_source(session, 4, ("data", 2)))
    assert (source["address"], source["sha256"]) == ("https://example.org/x.csv", "abcdef")
    with pytest.raises(NotFoundError):
        describe_source(session, 4, ("data", 9))


@pytest.mark.parametrize("number", ["9" * 30, "²", "-1"])
def test_an_id_that_no_row_can_have_is_a_mistake(diamond: LineageGraph, number: str) -> None:
    with pytest.raises(InvalidInputError):
        resolve(diamond.session, None, [], {"execution": number})
