"""The log file and its committed length."""

from __future__ import annotations

import resource
import signal
from typing import TYPE_CHECKING

import pytest

from core.errors import UnavailableError
from core.executions import logs
from core.executions.logs import LogWriter, log_path, read_log, record, tail_offset

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return log_path(tmp_path, "01a20e66-a607-254f-5131-0ffb5581b1ae")


def write(path: Path, texts: list[bytes], committed: int = 0) -> int:
    with LogWriter(path, committed) as writer:
        writer.append(record("stdout", 1.5, text) for text in texts)
        return writer.length


def test_lines_come_back_as_they_were(path: Path) -> None:
    texts = [b"plain", b"", b"with \t tab and \r return", "Ünïcode ✓".encode(), b"\xff broken"]
    length = write(path, texts)
    lines, offset = read_log(path, length)
    assert [line.text.encode("utf-8", "replace") for line in lines[:4]] == texts[:4]
    assert lines[4].text == "\ufffd broken"
    assert (offset, lines[0].at, lines[0].stream) == (length, 1.5, "stdout")


def test_what_was_written_but_not_committed_is_cut_off(path: Path) -> None:
    committed = write(path, [b"kept"])
    write(path, [b"lost in a kill"], committed)
    length = write(path, [b"next"], committed)
    assert [line.text for line in read_log(path, length)[0]] == ["kept", "next"]


def test_a_reader_sees_committed_lines_only_and_whole_ones(path: Path) -> None:
    length = write(path, [b"a" * 100, b"b" * 100])
    lines, offset = read_log(path, length, 0, size=50)
    assert [line.text for line in lines] == ["a" * 100]
    assert [line.text for line in read_log(path, length, offset, size=50)[0]] == ["b" * 100]
    assert read_log(path, length, length) == ([], length)


@pytest.mark.parametrize(
    ("lines", "wanted"), [(0, []), (1, ["9"]), (3, ["7", "8", "9"]), (99, [str(i) for i in range(10)])]
)
def test_the_tail_begins_at_a_line(path: Path, lines: int, wanted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "READ_SIZE", 7)
    length = write(path, [b"%d" % i for i in range(10)])
    offset = tail_offset(path, length, lines)
    assert [line.text for line in read_log(path, length, offset, size=10_000)[0]] == wanted


def test_a_full_disk_counts_nothing_and_says_so(path: Path) -> None:
    """A limit on a file's size fails a write in the same way as a full disk, and needs no disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with LogWriter(path, 0) as writer:
            writer.append([b"fits\n"])
            with pytest.raises(UnavailableError, match="cannot be written"):
                writer.append([b"x" * 200])
            assert writer.length == 5
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"fits\n"
