from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING

import pytest

from core.errors import UnavailableError
from core.lineage_export import export, graph, path_graph, write
from core.lineage_path import lineage_path
from tests import lineage_graph
from tests.lineage_graph import LineageGraph

if TYPE_CHECKING:
    from pathlib import Path

    from core.shoal import Shoal

HOSTILE = (
    'quote " backslash \\ end\\',
    "\\N\\n &amp; &quot; <b>bold</b> [/] [red]x",
    '"]; evil --> x; n1["',
    "1. list `code` **bold** #35; %%{init}%%",
    "escape \x1b[31m red \u202e turned\nnew line",
    "名前" * 30 + "x" * 500,
    "- item",
    "end",
)
_DOT_NODE = re.compile(r'^  "((?:[^"\\]|\\.)*)" \[label="((?:[^"\\]|\\.)*)", shape=(\w+)\];$')
_DOT_EDGE = re.compile(r'^  "((?:[^"\\]|\\.)*)" -> "((?:[^"\\]|\\.)*)";$')
_MERMAID_NODE = re.compile(r'^  (n\d+)(\[|\(\[|\[\()"([^"]*)"(\]|\]\)|\)\])$')
_MERMAID_EDGE = re.compile(r"^  (n\d+) --> (n\d+)$")


@pytest.fixture
def hostile(shoal: Shoal) -> LineageGraph:
    graph = LineageGraph(shoal)
    for number, name in enumerate(HOSTILE, 1):
        graph.file(number, name=name)
    graph.execution([*range(1, len(HOSTILE) + 1), 's3://bucket/"x"\\'], [100], step='s"t\\ep [/]')
    return graph


def read_dot(text: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Read what Graphviz would: escapes of labels undone, character references resolved."""
    lines = text.splitlines()
    assert lines[:2] == ["digraph lineage {", "  rankdir=LR;"]
    assert lines[-1] == "}"
    nodes, edges = {}, []
    for line in lines[2:-1]:
        if node := _DOT_NODE.match(line):
            nodes[node[1]] = html.unescape(re.sub(r"\\(.)", r"\1", node[2]))
        else:
            edge = _DOT_EDGE.match(line)
            assert edge, line
            edges.append((edge[1], edge[2]))
    return nodes, edges


def read_mermaid(text: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    lines = text.splitlines()
    assert lines[0] == "flowchart LR"
    nodes, edges = {}, []
    for line in lines[1:]:
        if node := _MERMAID_NODE.match(line):
            assert not set(re.sub(r"#\d+;", "", node[3])) & set("\"'`*_<>[](){}|&#;%\\~:"), node[3]
            assert not re.match(r"\d|-", node[3])
            nodes[node[1]] = re.sub(r"#(\d+);", lambda match: chr(int(match[1])), node[3])
        else:
            edge = _MERMAID_EDGE.match(line)
            assert edge, line
            edges.append((edge[1], edge[2]))
    return nodes, edges


def test_whatever_names_hold_every_format_says_the_same(hostile: LineageGraph) -> None:
    shown = graph(hostile.session.lineage.of_file(100))
    document = json.loads(export(shown, "json"))
    names = {node["id"]: node["name"] for node in document["nodes"]}
    assert set(HOSTILE) <= set(names.values())
    dot, dot_edges = read_dot(export(shown, "dot"))
    mermaid, mermaid_edges = read_mermaid(export(shown, "mermaid"))
    assert dot_edges == [(edge["from"], edge["to"]) for edge in document["edges"]]
    assert len(mermaid_edges) == len(dot_edges) == len(HOSTILE) + 2
    assert list(dot.values()) == list(mermaid.values())
    assert dot["execution-1"] == '#1 s"t\\ep [/] complete'
    assert dot["file-1"] == HOSTILE[0]
    assert dot["file-5"] == "escape  red  turned new line"
    assert len(dot["file-6"]) == 200
    for form in ("dot", "mermaid", "json"):
        assert "\x1b" not in export(shown, form)


def test_what_is_met_twice_is_one_node_and_what_is_not_shown_is_counted(shoal: Shoal) -> None:
    diamond = lineage_graph.diamond(shoal)
    shown = graph(diamond.session.lineage.of_file(6, depth=9, direction="up"))
    assert [node.label for node in shown.nodes.values()].count("#1 train") == 1
    assert len(shown.edges) == 11
    assert ("file-1", "execution-1") in shown.edges
    assert ("execution-4", "file-6") in shown.edges
    diamond.users(1, 200)
    wide = graph(diamond.session.lineage.of_file(1, depth=1, direction="down"))
    assert wide.hidden == {"file-1": 151}
    assert "raw.csv (+151)" in read_dot(export(wide, "dot"))[0].values()
    assert json.loads(export(wide, "json"))["nodes"][0]["hidden"] == 151


def test_a_path_is_a_graph_too(shoal: Shoal) -> None:
    diamond = lineage_graph.diamond(shoal)
    shown = path_graph(lineage_path(diamond.session, ("file", 1), ("file", 2)))
    assert shown.edges == [("file-1", "execution-1"), ("execution-1", "file-2")]


def test_nothing_that_lies_there_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "trace.dot").write_text("mine")
    assert write("x", "dot", tmp_path, "trace") == tmp_path / "trace-2.dot"
    assert (tmp_path / "trace.dot").read_text() == "mine"
    assert write("x", "mermaid", tmp_path, "../../etc/x y").parent == tmp_path
    with pytest.raises(UnavailableError):
        write("x", "dot", tmp_path / "missing", "trace")
