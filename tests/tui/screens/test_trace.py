from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from core.executions.transitions import Outcome, end
from tests import lineage_graph
from tests.lineage_graph import LineageGraph
from tests.tui.story import story

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from core.shoal import Shoal
    from tests.tui.story import Person


@pytest.fixture
def diamond(shoal: Shoal) -> LineageGraph:
    return lineage_graph.diamond(shoal)


def sits(
    graph: LineageGraph, address: str, *, size: tuple[int, int] = (80, 24), read_only: bool = False
) -> AbstractAsyncContextManager[Person]:
    project = graph.session.projects.get("penguins")
    return story(graph.session, size=size, project=project, address=address, read_only=read_only)


async def test_a_file_with_what_it_came_from_and_what_came_from_it(diamond: LineageGraph) -> None:
    async with sits(diamond, "trace 6.npz") as person:
        await person.sees(
            "trace 6.npz", "both ways", "↑ came from", "#4 train  ✓ complete", "https://example.org/x.csv"
        )
        await person.sees("↓ went into", "#5 evaluate  ▶ started")
        await person.presses("o").sees("what it came from").does_not_see("went into")
        await person.presses("o").sees("went into").does_not_see("↑ came from")
        await person.presses("o").sees("both ways")


async def test_what_has_no_choice_is_unfolded_by_one_key(diamond: LineageGraph) -> None:
    async with sits(diamond, "trace 6.npz") as person:
        await person.on_row("4.npz").presses("right").sees("#2 train", "2.npz", "#1 train")
        await person.on_row("5.npz").presses("right").sees("#3 train", "3.npz", "↑ shown above")
        await person.on_row("↑ shown above").presses("enter")
        assert "#1 train" in await person.reads_line("▸")


async def test_empty_sides_say_why(diamond: LineageGraph) -> None:
    async with sits(diamond, "trace raw.csv") as person:
        await person.sees("nothing here: it was brought in by hand")
        person.console.go("trace 5")
        await person.sees("no files so far")
    diamond.file(50)
    async with sits(diamond, "trace 50.npz") as person:
        await person.sees("nothing has used it yet")


async def test_another_root_and_back(diamond: LineageGraph) -> None:
    async with sits(diamond, "trace 6.npz") as person:
        await person.on_row("#4 train").presses("t").sees("↑ took", "↓ made", "6.npz")
        assert person.console.screen.address == "trace 4"  # type: ignore[attr-defined]
        await person.presses("escape").sees("↓ went into")
        await person.on_row("https").presses("t").sees("there is no file or execution on this line")


async def test_details_stand_beside_the_tree_where_there_is_room(diamond: LineageGraph) -> None:
    async with sits(diamond, "trace 6.npz", size=(120, 40)) as person:
        await person.sees("made by", "fedcba", "datum://file-6")
        await person.on_row("#4 train").sees("0123456789abcdef", "digest", "epochs")
        await person.on_row("https").sees("Source", "abcdef")
        await person.presses("d").does_not_see("Source")
        await person.resizes(80, 24).presses("d").does_not_see("Source").presses("d").sees("Source").does_not_see("#4")
        await person.presses("escape").sees("#4 train").does_not_see("Source")


async def test_a_path_between_two_marked_nodes(diamond: LineageGraph) -> None:
    async with sits(diamond, "trace 6.npz") as person:
        await person.on_row("4.npz").presses("right", "space").on_row("#1 train").presses("space", "P")
        await person.sees("a path of 3 steps", "↓ 2.npz", "↓ #2 train", "↓ 4.npz").does_not_see("5.npz")
        assert person.console.screen.address == "trace 1 to 4.npz"  # type: ignore[attr-defined]
        person.console.go("trace 6.npz to raw.csv")
        await person.sees("trace raw.csv to 6.npz", "a path of 6 steps").presses("escape").sees("a path of 3 steps")
        person.console.go("trace 4.npz to 5.npz")
        await person.sees("neither came from the other", "a path of 3 steps")


async def test_a_path_to_the_root_needs_no_marks(diamond: LineageGraph) -> None:
    async with sits(diamond, "trace 6.npz") as person:
        await person.on_row("5.npz").presses("P").sees("a path of 2 steps")
        await person.presses("escape", "home", "P").sees("a path needs two ends")


async def test_a_search_goes_from_match_to_match(diamond: LineageGraph) -> None:
    async with sits(diamond, "trace 6.npz") as person:
        await person.presses("slash").types("train").presses("enter")
        assert "#4 train" in await person.reads_line("▸")
        await person.presses("slash").types("nowhere").presses("enter").sees("nothing that is loaded here has")


async def test_an_execution_that_changes_is_drawn_anew(diamond: LineageGraph) -> None:
    async with sits(diamond, "trace 6.npz") as person:
        await person.on_row("4.npz").sees("#5 evaluate  ▶ started")
        with diamond.shoal.database.transaction() as connection:
            assert end(connection, 5, Outcome("error", "exit code 1", 1))
        await person.sees("#5 evaluate  ✗ error")
        assert "4.npz" in await person.reads_line("▸")


async def test_what_is_made_meanwhile_appears_and_the_cursor_stays(diamond: LineageGraph) -> None:
    async with sits(diamond, "trace 6.npz") as person:
        await person.on_row("4.npz").presses("right").on_row("raw.csv")
        diamond.execution([6], step="compare")
        with diamond.shoal.database.transaction() as connection:
            from data.changes import record

            record(connection, 1, "execution", 6, "created", project_id=1)
        await person.sees("#6 compare", "#5 evaluate", "#1 train")
        assert "raw.csv" in await person.reads_line("▸")


async def test_why_a_key_cannot_be_used(diamond: LineageGraph) -> None:
    async with sits(diamond, "trace 6.npz") as person:
        await person.presses("r").sees("only an execution can be run again")
        await person.presses("l").sees("only an execution has a log")
        await person.presses("n").sees("nothing was searched for yet")
        await person.on_row("https").presses("enter").sees("c copies its address")
    async with sits(diamond, "trace 4", read_only=True) as person:
        await person.presses("r").sees("read-only")


async def test_a_graph_is_written_where_one_is(
    diamond: LineageGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with sits(diamond, "trace 6.npz") as person:
        await person.presses("x").sees("DOT", "Mermaid", "JSON").presses("3").sees("nodes and")
        await person.presses("x").presses("1").sees("trace-6.npz.dot")
    document = json.loads((tmp_path / "trace-6.npz.json").read_text())
    assert {"from": "execution-4", "to": "file-6"} in document["edges"]
    assert (tmp_path / "trace-6.npz.dot").read_text().startswith("digraph")


async def test_50_000_users_come_page_by_page(shoal: Shoal) -> None:
    graph = LineageGraph(shoal)
    graph.file(1, name="wide.csv")
    graph.users(1, 50_000)
    async with sits(graph, "trace wide.csv") as person:
        await person.sees("↓ went into  50,000", "#50000 use", "#49990 use").presses("end").sees("… 49,750 more")
        await person.presses("enter").sees("#49750 use").presses("end").sees("… 49,500 more")


async def test_names_of_others_cannot_harm_the_screen(shoal: Shoal) -> None:
    graph = LineageGraph(shoal)
    names = ["[/] [red]x", "\x1b[31mred\x1b]0;title\x07", "\u202eabc", "名前" * 90, "x" * 500]
    graph.files(enumerate(names, 1))
    graph.execution(range(1, 6), [100], step="[/] \x1b[5m")
    async with sits(graph, "trace 100.npz", size=(120, 40)) as person:
        await person.sees("[/] [red]x", "名前名前", "xxxx…", "#1 [/]")
        for name in ("[/] [red]x", "名前", "#1 [/]"):
            await person.on_row(name).presses("t").sees("both ways").presses("escape")
        assert "\x1b" not in person.screen
        assert "\u202e" not in person.screen


async def test_what_is_not_there_is_said_at_the_place_one_is(diamond: LineageGraph) -> None:
    async with sits(diamond, "trace 6.npz") as person:
        for address, message in (
            ("trace file=999", "there is no file with id 999"),
            ("trace nothing.csv", "has the id, alias or name"),
            ("trace", "a trace begins at one thing"),
        ):
            person.console.go(address)
            await person.sees(message, "both ways")
