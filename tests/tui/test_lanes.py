"""The threads for slow work."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, cast

import pytest

from tui.lanes import Lane, Lanes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data.database import Database

PATIENCE = 20


class Readers:
    """Takes note in which threads a reader was closed."""

    def __init__(self) -> None:
        self.closed: list[int] = []

    def close_reader(self) -> None:
        self.closed.append(threading.get_ident())


@pytest.fixture
def readers() -> Readers:
    return Readers()


@pytest.fixture
def lanes(readers: Readers) -> Iterator[Lanes]:
    made = Lanes(cast("Database", readers))
    yield made
    made.close()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


async def test_a_call_that_is_dropped_while_it_waits_is_never_made_and_does_not_count(
    lanes: Lanes, gate: threading.Event
) -> None:
    made: list[str] = []
    first = asyncio.create_task(lanes.run(Lane.READ, gate.wait, PATIENCE))
    second = asyncio.create_task(lanes.run(Lane.READ, made.append, "second"))
    await asyncio.sleep(0)
    assert lanes.busy == 2
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert lanes.busy == 1
    gate.set()
    assert await first
    await lanes.run(Lane.READ, made.append, "third")
    assert (made, lanes.busy) == (["third"], 0)


async def test_long_calls_do_not_wait_for_each_other_and_others_keep_their_order(lanes: Lanes) -> None:
    together = threading.Barrier(4)
    await asyncio.gather(*(lanes.run(Lane.LONG, together.wait, PATIENCE) for _ in range(4)))
    made: list[int] = []
    await asyncio.gather(*(lanes.run(Lane.ACT, made.append, number) for number in range(20)))
    assert made == [*range(20)]


async def test_errors_reach_who_waits_and_the_thread_goes_on(lanes: Lanes) -> None:
    with pytest.raises(ZeroDivisionError):
        await lanes.run(Lane.READ, lambda: 1 // 0)
    assert await lanes.run(Lane.READ, lambda: 7) == 7


async def test_a_sorting_list_holds_up_no_short_look(lanes: Lanes, gate: threading.Event) -> None:
    sorting = asyncio.create_task(lanes.run(Lane.LIST, gate.wait, PATIENCE))
    assert await lanes.run(Lane.READ, lambda: "seen") == "seen"
    assert not sorting.done()
    gate.set()
    await sorting


async def test_closing_finishes_changes_drops_what_waits_and_closes_the_reader_of_each_thread(
    readers: Readers, gate: threading.Event
) -> None:
    lanes = Lanes(cast("Database", readers))
    together = threading.Barrier(4)
    idents = set(await asyncio.gather(*(lanes.run(Lane.LONG, _ident, together) for _ in range(4))))
    assert len(idents) == 4
    begun = threading.Barrier(5)
    long = [asyncio.create_task(lanes.run(Lane.LONG, _held, begun, gate)) for _ in range(4)]
    await asyncio.to_thread(begun.wait, PATIENCE)
    done: list[str] = []
    waiting = asyncio.create_task(lanes.run(Lane.LONG, done.append, "waits"))
    changes = [asyncio.create_task(lanes.run(Lane.ACT, done.append, name)) for name in ("one", "two")]
    await asyncio.sleep(0)
    threads = [thread for thread in threading.enumerate() if thread.ident in idents]
    lanes.close()
    assert done == ["one", "two"]
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(asyncio.CancelledError):
        await lanes.run(Lane.READ, done.append, "late")
    await asyncio.gather(*changes)
    assert lanes.busy == 4
    gate.set()
    await asyncio.gather(*long)
    for thread in threads:
        thread.join(PATIENCE)
    assert idents <= set(readers.closed)
    assert lanes.busy == 0


def _held(begun: threading.Barrier, gate: threading.Event) -> None:
    begun.wait(PATIENCE)
    gate.wait(PATIENCE)


def _ident(together: threading.Barrier) -> int:
    together.wait(PATIENCE)
    return threading.get_ident()
