from __future__ import annotations

import random

import pyte
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from tui.terminal_picture import DiffedApp, TerminalPicture, Written

WIDTH, HEIGHT = 40, 6
STYLES = [Style(color=color, bgcolor=back) for color in ("red", "green") for back in ("black", "blue")]
STYLES += [Style(color="red", bgcolor="black", bold=True), Style(underline=True), Style(reverse=True)]


class Terminal:
    """A terminal with a picture before it, and one that gets everything."""

    def __init__(self) -> None:
        self.console = Console(force_terminal=True, color_system="truecolor", width=WIDTH)
        self.picture = TerminalPicture()
        self.screen, self.whole = pyte.Screen(WIDTH, HEIGHT), pyte.Screen(WIDTH, HEIGHT)
        self._stream, self._whole_stream = pyte.Stream(self.screen), pyte.Stream(self.whole)
        self.sent = 0

    def draw(self, update: LayoutUpdate | ChopsUpdate) -> str:
        self._whole_stream.feed(update.render_segments(self.console))
        found = self.picture.take(update, self.console)
        sequences = found.render_segments(self.console) if isinstance(found, Written) else ""
        self._stream.feed(sequences)
        return sequences

    def same(self) -> bool:
        return all(
            self._cell(self.screen, y, x) == self._cell(self.whole, y, x) for y in range(HEIGHT) for x in range(WIDTH)
        )

    @staticmethod
    def _cell(screen: pyte.Screen, y: int, x: int) -> object:
        cell = screen.buffer[y][x]
        # Of a space, nobody sees the foreground nor the weight.
        return cell if cell.data != " " or cell.reverse or cell.underscore else (cell.data, cell.bg)


def layout(lines: list[Strip]) -> LayoutUpdate:
    return LayoutUpdate([[line] for line in lines], Region(0, 0, WIDTH, HEIGHT))


def strip(text: str, style: Style = STYLES[0]) -> Strip:
    return Strip([Segment(text, style)]).adjust_cell_length(WIDTH, STYLES[0])


def test_what_is_shown_already_is_not_sent_again() -> None:
    terminal = Terminal()
    lines = [strip(f"line {y}") for y in range(HEIGHT)]
    assert terminal.draw(layout(lines))
    assert terminal.picture.take(layout(lines), terminal.console) is None
    lines[3] = strip("line 4")
    sent = terminal.draw(layout(lines))
    assert "line" not in sent
    assert len(sent) < 40
    assert terminal.same()
    terminal.picture.forget()
    assert len(terminal.draw(layout(lines))) > WIDTH * HEIGHT


def test_a_line_with_a_wide_character_is_sent_as_a_whole() -> None:
    terminal = Terminal()
    terminal.draw(layout([strip("日本語 old")] * HEIGHT))
    sent = terminal.draw(layout([strip("日本語 new")] * HEIGHT))
    assert sent.count("日本語") == HEIGHT
    assert terminal.same()


def test_any_sequence_of_pictures_ends_in_the_same_screen() -> None:
    chance = random.Random(3)
    terminal = Terminal()
    words = ["alpha", "  ", "b", " c ", "日本", "―", "x y z", "é", ""]
    for _ in range(150):
        lines = []
        for _ in range(HEIGHT):
            segments = [Segment(chance.choice(words), chance.choice(STYLES)) for _ in range(chance.randrange(1, 9))]
            lines.append(Strip(segments).adjust_cell_length(WIDTH, chance.choice(STYLES)))
        if chance.random() < 0.5:
            terminal.draw(layout(lines))
        else:
            chops = [{0: line} for line in lines]
            spans = [(y, 0, WIDTH) for y in sorted(chance.sample(range(HEIGHT), 3))]
            terminal.draw(ChopsUpdate(chops, spans, [[WIDTH]] * HEIGHT))
        assert terminal.same()


async def test_an_app_forgets_the_picture_when_the_terminal_has_another_size_or_was_somebody_elses() -> None:
    app: DiffedApp[None] = DiffedApp()
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        for happens in (app._resume_signal, app.action_redraw):
            app.refresh(layout=True)
            await pilot.pause()
            assert app.picture.take(LayoutUpdate([[strip("new")]], Region(0, 0, WIDTH, 1)), app.console)
            assert app.picture.take(LayoutUpdate([[strip("new")]], Region(0, 0, WIDTH, 1)), app.console) is None
            happens()
            assert app.picture.take(LayoutUpdate([[strip("new")]], Region(0, 0, WIDTH, 1)), app.console)
        await pilot.resize_terminal(61, 10)
        await pilot.pause()
        assert app.picture.take(LayoutUpdate([[strip("new")]], Region(0, 0, WIDTH, 1)), app.console)
