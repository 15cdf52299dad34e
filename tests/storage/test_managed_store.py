from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import InvalidInputError
from core.storage.checksums import checksum
from core.storage.managed_store import ManagedStore

KEY = "data/016b8/016b888a/output-1/train/model.npz"


@pytest.fixture
def store(tmp_path: Path) -> ManagedStore:
    return ManagedStore(tmp_path / "store")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "given"
    path.write_bytes(b"weights")
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_linked_and_only_shoal_may_enter(store: ManagedStore, source: Path, tmp_path: Path) -> None:
    assert store.adopt(source, KEY) == checksum(source)
    kept = store.path(KEY)
    assert kept.samefile(source)
    assert mode(kept) == 0o444
    directory = kept.parent
    while directory != tmp_path:
        assert mode(directory) == 0o700
        directory = directory.parent


def test_a_second_call_finds_the_first(store: ManagedStore, source: Path) -> None:
    first = store.adopt(source, KEY)
    assert store.adopt(source, KEY) == first
    assert store.path(KEY).samefile(source)


def test_a_key_is_never_overwritten(store: ManagedStore, source: Path, tmp_path: Path) -> None:
    store.adopt(source, KEY)
    other = tmp_path / "other"
    other.write_bytes(b"other..")
    with pytest.raises(FileExistsError):
        store.adopt(other, KEY)
    assert store.path(KEY).read_bytes() == b"weights"


def test_a_file_where_a_directory_is_needed_is_left_alone(store: ManagedStore, source: Path, tmp_path: Path) -> None:
    store.adopt(source, "data/a")
    other = tmp_path / "other"
    other.write_bytes(b"other")
    with pytest.raises(NotADirectoryError):
        store.adopt(other, "data/a/b")
    assert store.path("data/a").read_bytes() == b"weights"


def test_a_file_that_has_a_name_elsewhere_is_copied(store: ManagedStore, source: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.hardlink_to(source)
    assert store.adopt(source, KEY) == checksum(elsewhere)
    assert not store.path(KEY).samefile(elsewhere)
    assert store.path(KEY).samefile(source), "so that a second call knows what was done"
    elsewhere.write_bytes(b"changed")
    assert store.path(KEY).read_bytes() == b"weights"


def test_a_file_that_somebody_still_writes_is_copied(store: ManagedStore, source: Path) -> None:
    with source.open("r+b") as writing:
        adopted = store.adopt(source, KEY)
        writing.write(b"CHANGED")
    assert store.path(KEY).read_bytes() == b"weights"
    assert checksum(store.path(KEY)) == adopted


KILLED_BEFORE_THE_RENAME = """
import os, signal, sys
from pathlib import Path
from core.storage.managed_store import ManagedStore

Path.replace = os.rename = os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
ManagedStore(Path(sys.argv[1])).adopt(Path(sys.argv[2]), sys.argv[3])
"""


def test_a_kill_leaves_nothing_beside_the_source(store: ManagedStore, tmp_path: Path) -> None:
    directory = tmp_path / "collected"
    directory.mkdir()
    source = directory / "model.npz"
    source.write_bytes(b"weights")
    (tmp_path / "elsewhere").hardlink_to(source)
    command = [sys.executable, "-c", KILLED_BEFORE_THE_RENAME, str(tmp_path / "store"), str(source), KEY]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert list(directory.iterdir()) == [source]
    assert store.incoming.sweep() > 0
    assert store.adopt(source, KEY) == checksum(source)
    assert list(store.path(".incoming").iterdir()) == []


def test_a_file_of_another_file_system_is_copied_once(store: ManagedStore) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == Path(store.path("x")).parent.stat().st_dev:
        pytest.skip("needs /dev/shm on a file system of its own")
    source = memory / f"shoal-test-{os.getpid()}"
    source.write_bytes(b"weights")
    try:
        copied = store.adopt(source, KEY)
        assert copied == checksum(source)
        assert store.adopt(source, KEY) == copied
    finally:
        source.unlink()
    assert list(store.path(".incoming").iterdir()) == []


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/etc/passwd", "a//b", ".", "a/.", "", "a\0b"])
def test_a_key_never_leads_out(store: ManagedStore, key: str) -> None:
    with pytest.raises(InvalidInputError):
        store.path(key)


def test_links_and_sockets_are_no_files(store: ManagedStore, source: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(source)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(os.path.relpath(tmp_path / "s"))
    for path in (link, pipe, tmp_path / "s", tmp_path):
        with pytest.raises(InvalidInputError):
            store.adopt(path, KEY)
    listening.close()
    assert not store.path(KEY).exists()
