from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from core.storage.checksums import CHUNK, Checksums, checksum, copy, sha256

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK * 2 + 3])
def test_checksums_are_those_of_hashlib(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    path = tmp_path / "file"
    path.write_bytes(content)
    expected = Checksums(
        size,
        hashlib.md5(content, usedforsecurity=False).hexdigest(),
        hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        hashlib.sha256(content).hexdigest(),
    )
    seen: list[int] = []
    assert checksum(path, seen.append) == expected
    assert seen[-1:] == ([size] if size else [])
    assert sha256(path) == expected.sha256
    with path.open("rb") as reading, (tmp_path / "copy").open("wb") as writing:
        reading.seek(size)
        assert checksum(reading.fileno()) == expected
        assert copy(reading.fileno(), writing.fileno()) == expected
    assert (tmp_path / "copy").read_bytes() == content


def test_progress_ends_a_reading(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * CHUNK * 3)

    def stop(done: int) -> None:
        if done >= CHUNK * 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        checksum(path, stop)
