"""How the machines of an environment are shown in a few characters: shapes first, so that no colour is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from core.resources.resource import Tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.environments.loads import Load


class Share(NamedTuple):
    """Machines that do the same: how many, their shape, what they are called, and how that looks."""

    number: int
    shape: str
    word: str
    tone: Tone


def shares(load: Load) -> Sequence[Share]:
    """Return an environment's machines by what they do, and how many more may come."""
    return (
        Share(load.busy, "█", "busy", Tone.BUSY),
        Share(load.idle, "▄", "idle", Tone.GOOD),
        Share(load.starting, "▁", "starting", Tone.WAITING),
        Share(load.cordoned, "x", "cordoned", Tone.BAD),
        Share(load.room, "·", "more possible", Tone.DIM),
    )


def bars(load: Load, width: int) -> Sequence[tuple[str, Tone]]:
    """Return a bar of at most `width` characters in parts: one for each machine, or in proportion where they are many.

    What is there at all has one character at least.
    """
    parts = [share for share in shares(load) if share.number]
    whole = sum(share.number for share in parts)
    if whole <= width:
        return [(share.shape * share.number, share.tone) for share in parts]
    lengths = [max(1, share.number * width // whole) for share in parts]
    while sum(lengths) > width and max(lengths) > 1:
        lengths[lengths.index(max(lengths))] -= 1
    lengths[max(range(len(parts)), key=lambda index: parts[index].number)] += width - sum(lengths)
    return [(share.shape * length, share.tone) for share, length in zip(parts, lengths, strict=True)]


def bar(load: Load, width: int) -> str:
    """Return the bar as text."""
    return "".join(text for text, _ in bars(load, width))
