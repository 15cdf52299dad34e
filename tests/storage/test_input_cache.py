from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from core.storage.input_cache import InputCache
from core.storage.stage import StagedInput, stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.session import Session
    from core.shoal import Shoal

SIZE = 1000


@pytest.fixture
def fetch(system: Session, session: Session, data: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Stages a file of SIZE bytes through a cache that may hold two of them; returns where it was put."""
    session.settings.set("input_cache_size", 2 * SIZE)

    def fetch(name: str) -> Path:
        (data / name).write_bytes(name.encode() * SIZE)
        wanted = [StagedInput("data", 0, f"file://{data}/{name}", name, None, None)]
        stage(system, wanted, tmp_path / f"inputs-{name}", report=print, stopped=lambda: False)
        return tmp_path / f"inputs-{name}" / "data" / name

    return fetch


def cached(session: Session) -> str:
    names = sorted(path.read_bytes()[:1].decode() for path in (session.home.cache / "inputs").glob("??/*"))
    rows = session.database.reader().execute("SELECT count(*) FROM cached_contents").fetchone()[0]
    assert rows == len(names)
    return "".join(names)


def test_the_least_recently_used_goes_first(system: Session, fetch: Callable[[str], Path]) -> None:
    for name in "abab":
        fetch(name).unlink()
    fetch("a").unlink()
    fetch("c").unlink()
    assert cached(system) == "ac"


def test_what_is_in_use_stays(system: Session, fetch: Callable[[str], Path]) -> None:
    held = [fetch(name) for name in "abc"]
    assert cached(system) == "abc"
    held[1].unlink()
    fetch("d").unlink()
    assert cached(system) == "acd"
    for path in (held[0], held[2]):
        path.unlink()
    InputCache(system).evict()
    assert len(cached(system)) == 2


def test_what_is_pinned_stays(system: Session, fetch: Callable[[str], Path]) -> None:
    fetch("a").unlink()
    (content,) = (system.home.cache / "inputs").glob("??/*")
    cache = InputCache(system)
    cache.pin(content.name)
    for name in "bcd":
        fetch(name).unlink()
    assert "a" in cached(system)
    InputCache(system).unpin([content.name])
    fetch("e").unlink()
    assert "a" not in cached(system)


def test_stagings_and_evictions_at_once_lose_nothing(session: Session, fetch: Callable[[str], Path]) -> None:
    session.settings.set("input_cache_size", 1)
    failures: list[BaseException] = []

    def run(name: str) -> None:
        try:
            for _ in range(20):
                path = fetch(name)
                assert path.read_bytes() == name.encode() * SIZE
                path.unlink()
        except BaseException as error:  # noqa: BLE001 - shown by the test's thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_what_a_kill_left_without_a_row_is_removed(
    shoal: Shoal, system: Session, fetch: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch("a").unlink()
    with shoal.database.transaction() as connection:
        connection.execute("DELETE FROM cached_contents")
    monkeypatch.setattr("core.storage.input_cache._states", {})
    InputCache(system).evict()
    assert cached(system) == ""


def test_what_could_not_be_recorded_is_evicted_all_the_same(
    system: Session, fetch: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fetch("a").unlink()

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(InputCache, "record", fail)
        with pytest.raises(sqlite3.OperationalError):
            fetch("a")
    (tmp_path / "inputs-a" / "data" / "a").unlink()
    for name in "bc":
        fetch(name).unlink()
    assert cached(system) == "bc"
