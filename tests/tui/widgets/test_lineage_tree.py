from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from textual.app import App

from core.lineage_children import BELOW, Child, ChildPage
from core.lineage_node import LineageNode
from tui.widgets.lineage_line import pieces
from tui.widgets.lineage_rows import LineageRows
from tui.widgets.lineage_tree import LineageTree

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.geometry import Region
    from textual.message import Message

    from core.lineage_node import Kind
    from tui.widgets.lineage_rows import Row

HOSTILE = (
    "[/]",
    "[red]x",
    "\x1b[31mred\x1b[0m",
    "\u202eabc",
    "名前" * 60,
    "x" * 500,
    "e\u0301" * 40,
    "👩\u200d🔬",
    "\ttab\nline",
)


def child(id_: int, kind: Kind = "file", *, below: int = 0, label: str = "", status: str = "") -> Child:
    node = LineageNode(kind, id_, f"{kind}-{id_}", label or f"{kind} {id_}", "detail", status)
    return Child(node, ("", id_), below)


def page(*children: Child, more: int = 0) -> ChildPage:
    return ChildPage(children, more, children[-1].place if more else None)


def tree_of(up: ChildPage, down: ChildPage) -> LineageRows:
    root = LineageNode("file", 1, "root", "model.npz", "1 B")
    return LineageRows(root, {"up": up, "down": down})


def labels(rows: LineageRows) -> list[str]:
    return [row.node.label if row.node else f"{row.kind} {row.way}" for row in rows.visible]


def test_both_branches_hang_on_the_root_and_each_can_be_shown_alone() -> None:
    rows = tree_of(page(child(10, "execution", below=2)), page(child(11, "execution")))
    assert labels(rows) == ["model.npz", "branch up", "execution 10", "branch down", "execution 11"]
    rows.show("down")
    assert labels(rows) == ["model.npz", "branch down", "execution 11"]
    rows.show("up")
    assert labels(rows) == ["model.npz", "branch up", "execution 10"]


def test_what_is_loaded_is_unfolded_in_its_place_and_folded_again() -> None:
    rows = tree_of(page(child(10, "execution", below=2)), page(child(11, "execution")))
    maker = rows.visible[2]
    rows.add(maker, page(child(2), child(3, below=1)))
    assert len(rows.visible) == 5
    rows.open(maker)
    assert labels(rows)[2:5] == ["execution 10", "file 2", "file 3"]
    rows.close(maker)
    assert len(rows.visible) == 5
    rows.close(rows.root.children[0])
    rows.open(maker)
    assert labels(rows) == ["model.npz", "branch up", "branch down", "execution 11"]


def test_further_pages_take_the_place_of_what_stood_for_them() -> None:
    rows = tree_of(page(), page(child(10, "execution"), child(9, "execution"), more=3))
    branch = rows.root.children[1]
    assert labels(rows)[-1] == "more down"
    assert branch.below == 5
    rows.add(branch, page(child(8, "execution"), child(7, "execution"), more=1))
    rows.add(branch, page(child(6, "execution")))
    assert labels(rows)[2:] == ["branch down", *(f"execution {number}" for number in range(10, 5, -1))]
    assert [row.ordinal for row in branch.children] == [0, 1, 2, 3, 4]


def test_a_node_that_is_met_again_leads_to_where_it_was_met_first() -> None:
    rows = tree_of(page(child(10, "execution", below=2)), page())
    maker = rows.visible[2]
    first, second, twice = rows.add(maker, page(child(2, below=1), child(3, below=1), child(2, below=1)))
    assert (twice.same, twice.can_open) == (first, False)
    (below,) = rows.add(second, page(child(20, "execution")))
    (above,) = rows.add(first, page(child(20, "execution")))
    assert above.same is below
    assert "↓ shown below" in text(rows, above, 60)
    assert "↑ shown above" in text(rows, twice, 60)


def text(rows: LineageRows, row: Row, width: int) -> str:
    return "".join(piece for piece, _ in pieces(rows, row, width, marked=False))


@pytest.mark.parametrize("width", [1, 2, 9, 40, 80, 200])
def test_whatever_a_name_holds_a_line_is_as_wide_as_the_widget(width: int) -> None:
    from rich.cells import cell_len

    rows = tree_of(
        page(), page(*(child(number, label=name, below=5) for number, name in enumerate(HOSTILE, 2)), more=9)
    )
    for row in rows.visible:
        line = text(rows, row, width)
        assert cell_len(line) == width
        assert not set(line) & set("\x1b\u202e\n\t")


def test_however_deep_a_node_lies_its_name_is_seen() -> None:
    rows = tree_of(page(child(2, below=1)), page())
    row = rows.visible[2]
    for depth in range(3, 60):
        (row,) = rows.add(row, page(child(depth, below=1)))
    assert "file 59" in text(rows, row, 60)
    assert "58: " in text(rows, row, 60)


def test_what_is_not_shown_is_counted() -> None:
    rows = tree_of(page(child(2, below=3), child(3, below=BELOW)), page())
    assert "+3" in text(rows, rows.visible[2], 60)
    assert f"+{BELOW} or more" in text(rows, rows.visible[3], 60)
    assert "nothing has used it yet" in text(rows, rows.root.children[1], 60)


class Shown(App[None]):
    """Only the tree; what it asks for is kept, and its regions that are drawn are counted."""

    def __init__(self, rows: LineageRows) -> None:
        super().__init__()
        self.shown = LineageTree()
        self.rows = rows
        self.told: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.shown

    def on_mount(self) -> None:
        self.shown.focus()
        self.shown.show(self.rows)

    def on_lineage_tree_wanted(self, message: LineageTree.Wanted) -> None:
        self.told.append(message)

    def on_lineage_tree_opened(self, message: LineageTree.Opened) -> None:
        self.told.append(message)

    @property
    def at(self) -> str:
        row = self.shown.current
        assert row is not None
        return row.node.label if row.node else row.kind

    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]


def wide(number: int = 50) -> LineageRows:
    return tree_of(
        page(child(10, "execution", below=2)),
        page(*(child(100 + each, "execution", below=1, status="complete") for each in range(number)), more=400),
    )


async def test_the_cursor_stays_on_its_node_whatever_is_loaded_above_it() -> None:
    app = Shown(wide())
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press(*["down"] * 6)
        assert app.at == "execution 102"
        app.shown.add(app.rows.visible[2], page(child(2), child(3)))
        await pilot.pause()
        assert app.at == "execution 102"
        assert "▸" in next(line for line in app.lines() if "execution 102" in line)
        await pilot.press("up", "up", "up", "left", "left")
        assert app.at == "model.npz"


async def test_right_unfolds_and_goes_on_left_folds_and_goes_back() -> None:
    app = Shown(wide(3))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("down", "down", "right", "right")
        (wanted,) = app.told
        assert isinstance(wanted, LineageTree.Wanted)
        assert wanted.row.node is not None
        assert wanted.row.node.label == "execution 10"
        app.shown.add(wanted.row, page(child(2)))
        await pilot.press("right")
        assert app.at == "file 2"
        await pilot.press("left")
        assert app.at == "execution 10"
        await pilot.press("left")
        assert not any("file 2" in line for line in app.lines())
        await pilot.press("right")
        assert any("file 2" in line for line in app.lines())
        assert len(app.told) == 1


async def test_more_loads_the_next_and_the_cursor_goes_to_the_first_of_them() -> None:
    app = Shown(wide(3))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("end")
        assert "… 400 more" in "\n".join(app.lines())
        await pilot.press("enter")
        (wanted,) = app.told
        assert isinstance(wanted, LineageTree.Wanted)
        app.shown.add(wanted.row, page(child(200, "execution"), more=399))
        await pilot.pause()
        assert app.at == "execution 200"


async def test_enter_on_a_node_that_was_met_before_jumps_to_it() -> None:
    rows = tree_of(page(child(10, "execution", below=3)), page())
    maker = rows.visible[2]
    rows.add(maker, page(child(2), child(3), child(2)))
    rows.open(maker)
    app = Shown(rows)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("down", "down", "down", "down", "down")
        assert "↑ shown above" in "\n".join(app.lines())
        await pilot.press("enter")
        assert app.shown.current is maker.children[0]


async def test_a_cursor_key_draws_two_lines_and_no_more_than_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Shown(wide())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        drawn: list[Region] = []
        refresh = app.shown.refresh

        def counted(*regions: Region, **given: Any) -> Any:
            drawn.extend(regions)
            return refresh(*regions, **given)

        monkeypatch.setattr(app.shown, "refresh", counted)
        await pilot.press("down")
        assert [(region.y, region.height) for region in drawn] == [(0, 1), (1, 1)]
        drawn.clear()
        app.shown.update({105: LineageNode("execution", 105, "execution-105", "execution 105", "detail", "error")})
        await pilot.pause()
        (region,) = drawn
        assert region.height == 1
        assert region.x > 20
        assert "✗ error" in "\n".join(app.lines())
        drawn.clear()
        app.shown.update({105: LineageNode("execution", 105, "execution-105", "execution 105", "detail", "error")})
        assert drawn == []


async def test_a_search_goes_round_and_unfolds_what_it_finds() -> None:
    rows = tree_of(page(child(10, "execution", below=3)), page(child(11, "execution", label="#11 train [/]")))
    rows.add(rows.visible[2], page(child(2, label="deep.csv")))
    app = Shown(rows)
    async with app.run_test(size=(60, 20)) as pilot:
        assert app.shown.find("DEEP", 0)
        await pilot.pause()
        assert app.at == "deep.csv"
        assert app.shown.find("e", 1)
        assert app.at == "#11 train [/]"
        assert app.shown.find("e", 1)
        assert app.at == "model.npz"
        assert app.shown.find("e", -1)
        assert app.at == "#11 train [/]"
        assert app.shown.find("e", -1)
        assert app.at == "deep.csv"
        assert not app.shown.find("nowhere", 1)


async def test_two_nodes_can_be_marked_and_the_oldest_mark_goes() -> None:
    app = Shown(wide(5))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("down", "down", "down", "down", "space", "space", "space")
        assert [row.node.id for row in app.shown.marked if row.node] == [101, 102]
        assert sum("●" in line for line in app.lines()) == 2
        await pilot.press("up", "space")
        assert [row.node.id for row in app.shown.marked if row.node] == [101]


async def test_a_tree_that_is_made_anew_keeps_cursor_and_marks() -> None:
    app = Shown(wide(5))
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press(*["down"] * 6, "space", "down")
        assert app.at == "execution 104"
        newer = [child(90, "execution"), *(child(100 + each, "execution") for each in range(5))]
        app.shown.show(tree_of(page(child(10, "execution", below=2)), page(*newer)))
        await pilot.pause()
        assert app.at == "execution 104"
        assert [row.node.id for row in app.shown.marked if row.node] == [102]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (20, 5)])
async def test_a_long_tree_is_walked_through_to_its_end_and_back(size: tuple[int, int]) -> None:
    app = Shown(wide(300))
    async with app.run_test(size=size) as pilot:
        for key, row in (("end", "more"), ("home", "model.npz"), ("pagedown", None), ("pageup", "model.npz")):
            await pilot.press(key)
            assert row is None or app.at == row
            assert sum("▸" in line for line in app.lines()) == 1
        await pilot.resize_terminal(40, 4)
        await pilot.press("end")
        assert "more" in "\n".join(app.lines())


def test_every_child_of_a_very_wide_node_can_be_loaded() -> None:
    rows = tree_of(page(), page(child(1, "execution"), more=50_000))
    branch = rows.root.children[1]
    for start in range(2, 50_002, 2_500):
        more = 50_000 - start - 2_498
        rows.add(branch, page(*(child(start + each, "execution") for each in range(2_500)), more=more))
    assert labels(rows)[3:] == [f"execution {number}" for number in range(1, 50_002)]
