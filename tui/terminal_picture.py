"""What the terminal shows, kept so that only what differs from it is sent.

Textual sends every region that was marked dirty, be it the same as before. Over a slow line that is most of what is
sent: a widget that took the focus, a screen opened over a like one, a list of which one number has changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from rich.color import ColorSystem
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App

from tui.terminal_cells import Cell, Pen, cells_of, look_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType
    from textual import events
    from textual.screen import Screen
    from textual.strip import Strip

ReturnType = TypeVar("ReturnType")

_CHEAPER_THAN_A_MOVE = 4
_FIRST_WIDE = chr(0x2E80)


Line = list["Cell | None"]
"""A line's cells; None where it is not known what the terminal shows."""


class Written(CompositorUpdate):
    """What is to be sent, as it is."""

    def __init__(self, sequences: str) -> None:
        self.sequences = sequences

    def render_segments(self, console: Console) -> str:  # noqa: ARG002
        """Return the sequences."""
        return self.sequences


class TerminalPicture:
    """The cells of the terminal. `forget` it when somebody else may have written on it, or its size has changed."""

    def __init__(self) -> None:
        self._lines: dict[int, Line] = {}

    def forget(self) -> None:
        """Take nothing for granted any more."""
        self._lines.clear()

    def take(
        self, update: RenderableType | CompositorUpdate | None, console: Console
    ) -> RenderableType | CompositorUpdate | None:
        """Return what has to be sent for an update to be shown, None where it is shown already."""
        if not isinstance(update, LayoutUpdate | ChopsUpdate):
            return update
        system = console._color_system or ColorSystem.TRUECOLOR  # noqa: SLF001 - as Textual does
        pen = Pen()
        for y, x, strip in _pieces(update):
            cells: list[Cell] = []
            for text, style, control in strip:
                if not control:
                    cells.extend(cells_of(text, look_of(style, system)))
            self._draw(pen, y, x, cells)
        return Written(pen.finished()) if pen.sequences else None

    def _draw(self, pen: Pen, y: int, x: int, cells: Sequence[Cell]) -> None:
        line = self._lines.setdefault(y, [])
        end = x + len(cells)
        line.extend([None] * (end - len(line)))
        old = line[x:end]
        if old == cells:
            return
        # Terminals disagree about how wide some characters are: a line that has one is sent as a whole.
        certain = _are_certain(old) and _are_certain(cells)
        for start, stop in _differences(old, cells) if certain else [(0, len(cells))]:
            pen.move(x + start, y)
            pen.put(cells[start:stop])
        _cut_wide(line, x, end)
        line[x:end] = cells


class DiffedApp(App[ReturnType]):
    """An application that sends only what differs from what the terminal shows."""

    def __init__(self) -> None:
        super().__init__()
        self.picture = TerminalPicture()

    def on_mount(self) -> None:
        """Take nothing for granted after the terminal was somebody else's."""
        self.app_resume_signal.subscribe(self, lambda _app: self.picture.forget(), immediate=True)

    def on_resize(self, _event: events.Resize) -> None:
        """Take nothing for granted: terminals wrap lines anew."""
        self.picture.forget()

    def action_redraw(self) -> None:
        """Draw everything again, after something else has written on the terminal."""
        self.picture.forget()
        self.refresh(layout=True)

    def _display(self, screen: Screen[Any], renderable: Any) -> None:  # noqa: ANN401 - it sends more than it declares
        if self._running and not self._batch_count:
            renderable = self.picture.take(renderable, self.console)
        super()._display(screen, renderable)


def _pieces(update: LayoutUpdate | ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Yield line, column and strip of everything that an update draws."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for whole in strips:
                yield y, x, whole
                x += whole.cell_length
        return
    for y, start, end in update.spans:
        for stop, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x < end and stop > start:
                yield y, x, strip if stop <= end else strip.crop(0, end - x)


def _differences(old: Sequence[Cell | None], new: Sequence[Cell]) -> list[tuple[int, int]]:
    """Return where cells differ, from and to; a few that do not in between are written along."""
    found: list[tuple[int, int]] = []
    for index, (before, after) in enumerate(zip(old, new, strict=True)):
        if before != after:
            if found and index - found[-1][1] <= _CHEAPER_THAN_A_MOVE:
                found[-1] = (found[-1][0], index + 1)
            else:
                found.append((index, index + 1))
    return found


def _are_certain(cells: Sequence[Cell | None]) -> bool:
    """Return whether every cell holds one character about whose width terminals agree, or is not known."""
    texts = [cell.text for cell in cells if cell is not None]
    text = "".join(texts)
    return "" not in texts and len(text) == len(texts) and max(text, default=" ") < _FIRST_WIDE


def _cut_wide(line: Line, start: int, end: int) -> None:
    """Take note that half of a wide character was written over, with which the terminal drops the other half."""
    if start > 0 and (cell := line[start]) is not None and not cell.text:
        line[start - 1] = None
    if end < len(line) and (cell := line[end]) is not None and not cell.text:
        line[end] = None
