"""Looking at a log anywhere: parts before and after a place, long lines, damage, and what is found."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.errors import InvalidInputError, NotAllowedError
from core.executions import log_blocks, log_reader
from core.executions.log_reader import PART, LogReader
from core.executions.log_search import Needle
from core.executions.log_text import SHOWN, shown
from core.policy import Role
from core.session import Actor, Session
from tests.executions.written_log import BEGAN, WrittenLog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.executions.logs import Stream

MILLION = 1_000_000


@pytest.fixture
def log(session: Session, tmp_path: Path) -> WrittenLog:
    return WrittenLog(session, tmp_path / "code")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes each read of the file asked for."""
    sizes: list[int] = []
    original = log_blocks._read

    def counted(file: object, offset: int, size: int) -> bytes:
        sizes.append(size)
        return original(file, offset, size)  # type: ignore[arg-type]

    monkeypatch.setattr(log_blocks, "_read", counted)
    return sizes


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have parts end by their size only, so that their number does not depend on how busy the machine is."""
    monkeypatch.setattr(log_reader, "PART_TAKES", 1e9)


def texts(reader: LogReader, *, backward: bool, streams: Sequence[Stream] = log_reader.ALL) -> list[str]:
    """Read the whole log, seven lines at a time."""
    size = reader.state().size
    found: list[str] = []
    at = size if backward else 0
    while at > 0 if backward else at < size:
        part = reader.before(at, 7, streams) if backward else reader.after(at, size, 7, streams)
        lines = [line.text for line in part.lines]
        found = lines + found if backward else found + lines
        assert (part.end, part.start)[not backward] == at
        at = part.start if backward else part.end
    return found


@pytest.mark.parametrize("block", [5, 64, 4096])
@pytest.mark.parametrize("backward", [True, False])
def test_every_line_comes_once_whatever_the_blocks(
    log: WrittenLog, block: int, monkeypatch: pytest.MonkeyPatch, *, backward: bool
) -> None:
    monkeypatch.setattr(log_blocks, "BLOCK", block)
    log.print(*(b"%d%s" % (n, b"x" * (n % 50)) for n in range(100)), b"")
    log.print(b"trouble", stream="stderr")
    log.print(b"ended", stream="status")
    expected = [f"{n}{'x' * (n % 50)}" for n in range(100)] + ["", "trouble", "ended"]
    assert texts(log.reader, backward=backward) == expected
    assert texts(log.reader, backward=backward, streams=("stderr", "status")) == ["trouble", "ended"]


def test_a_million_lines_open_at_the_end_with_one_read(log: WrittenLog, read: list[int]) -> None:
    log.print_many(MILLION)
    state = log.reader.state()
    part = log.reader.before(state.size, 100)
    assert [line.text for line in part.lines] == [f"line {n}" for n in range(MILLION - 100, MILLION)]
    assert (state.lines, part.end) == (MILLION, state.size)
    assert sum(read) <= log_blocks.BLOCK
    read.clear()
    middle = log.reader.around(state.size // 2, state.size, 100)
    assert len(middle.lines) == 100
    assert int(middle.lines[0].text.split()[1]) == pytest.approx(MILLION / 2, rel=0.1)
    assert sum(read) <= 2 * log_blocks.BLOCK


@pytest.mark.usefixtures("patient")
def test_looking_for_a_rare_stream_goes_on_in_parts(log: WrittenLog, read: list[int]) -> None:
    log.print(b"the only one", stream="stderr")
    log.print_many(300_000)
    size, parts = log.reader.state().size, 0
    at, found = size, 0
    while at > 0:
        read.clear()
        part = log.reader.before(at, 5, ("status",))
        assert sum(read) <= PART + log_blocks.BLOCK
        assert part.start < at
        at, found, parts = part.start, found + len(part.lines), parts + 1
    assert found == 0
    assert parts == pytest.approx(size / PART, abs=2)


@pytest.mark.usefixtures("patient")
def test_a_line_of_100_mb_costs_only_what_is_shown_of_it(log: WrittenLog, read: list[int]) -> None:
    piece = b"x" * 1024 * 1024
    for _ in range(99):
        log.print(piece, partial=True)
    log.print(piece)
    log.print(b"after it")
    part = log.reader.before(log.size, 2)
    assert [line.text[:10] for line in part.lines] == ["x" * 10, "after it"]
    assert (len(part.lines[0].text), part.lines[0].rest, part.lines[0].partial) == (SHOWN, 1024 * 1024 - SHOWN, False)
    assert sum(read) < 8 * PART
    read.clear()
    first = log.reader.after(0, log.size, 50)
    assert 0 < len(first.lines) < 50, "a part ends before so many pieces were read"
    assert first.lines[0].partial
    assert sum(read) < 8 * PART


@pytest.mark.parametrize(
    ("printed", "seen"),
    [
        (b" 0%|   |\r 50%|## |\r100%|###|", "100%|###|"),
        (b"done\r", "done"),
        (b"\r\r", ""),
        (b"Epoch 1\b2", "Epoch 2"),
        (b"\b\b\b", ""),
        (b"a\tb", "a       b"),
        ("宽\tb".encode(), "宽      b"),
        (b"\x1b[1;31mred\x1b[0m \x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b", "red \ufffd"),
        ("\u202eevil\u202c \u2066x".encode(), "evil x"),
        (b"\x00\x01\xff\xfe", "\ufffd\ufffd"),
        (b"", ""),
    ],
)
def test_a_line_is_seen_as_a_terminal_would_have_left_it(printed: bytes, seen: str) -> None:
    assert shown(printed) == (seen, 0)


def test_a_character_that_is_cut_in_two_is_not_shown_as_broken() -> None:
    text, rest = shown("é".encode() * SHOWN + b"x")
    assert (set(text), rest) == ({"é"}, SHOWN + 1)
    assert shown(b"x" + "é".encode() * SHOWN)[0] == "x" + "é" * (SHOWN // 2 - 1)


def test_a_log_that_is_missing_or_cut_off_has_an_end(log: WrittenLog) -> None:
    assert log.reader.state() == (0, 0, False)
    assert log.reader.before(0, 10).lines == log.reader.after(0, 0, 10).lines == []
    log.print(b"one", b"two", b"three")
    size = log.size
    with log.path.open("r+b") as file:
        file.truncate(size - 4)
    assert texts(log.reader, backward=False) == ["one", "two"]
    assert log.reader.before(size, 10) == ([], 0, size)
    log.path.unlink()
    assert log.reader.state().missing
    assert log.reader.after(0, size, 10) == ([], 0, size)
    assert log.reader.around(3, size, 10).end == size


def test_records_that_were_damaged_on_the_disk_are_shown(log: WrittenLog) -> None:
    log.write([b"\n", b"garbage\n", b"x o text\n", b"1.5 q what\n"])
    assert len(log.reader.after(0, log.size, 10).lines) <= 4
    assert [line.text for line in log.reader.before(log.size, 10).lines if line.text][-1] == "text"


def found(reader: LogReader, needle: str, streams: Sequence[Stream] = log_reader.ALL) -> list[str]:
    """Search the whole log backward and forward; both have to find the same."""
    size = reader.state().size
    backward: list[int] = []
    forward: list[int] = []
    at = size
    while at > 0:
        part = reader.matches_before(at, Needle(needle), streams)
        backward, at = [*part.offsets, *backward], part.start
    while at < size:
        part = reader.matches_after(at, size, Needle(needle), streams)
        forward, at = [*forward, *part.offsets], part.end
    assert backward == forward
    return [reader.after(offset, size, 1).lines[0].text for offset in backward]


def test_a_search_finds_what_is_seen_and_nothing_else(log: WrittenLog) -> None:
    log.print(b"An ERROR here", b"no such thing", b"er\x1b[31mror in red", b"error overwritten\rfine", b"1764000000")
    log.print(b"error too", stream="stderr")
    log.print("Überraschung".encode())
    assert found(log.reader, "error") == ["An ERROR here", "error in red", "error too"]
    assert found(log.reader, "error", ("stderr",)) == ["error too"]
    assert found(log.reader, "31m") == []
    assert found(log.reader, "1764") == ["1764000000"], "the records' times are not searched"
    assert found(log.reader, "ÜBERR") == ["Überraschung"]
    assert found(log.reader, ".*") == []


def test_a_search_looks_beyond_what_is_shown_of_a_long_line(log: WrittenLog) -> None:
    log.print(b"x" * 100_000 + b"needle")
    log.print(b"x" * 100_000)
    assert len(found(log.reader, "NEEDLE")) == 1


@pytest.mark.usefixtures("patient")
def test_a_search_through_a_million_lines_goes_on_in_parts(log: WrittenLog, read: list[int]) -> None:
    log.print_many(MILLION)
    at, total = log.reader.state().size, 0
    needle = Needle("line 99999")
    while at > 0:
        read.clear()
        part = log.reader.matches_before(at, needle)
        assert sum(read) <= PART + log_blocks.BLOCK
        at, total = part.start, total + len(part.offsets)
    assert total == 11


def test_a_log_is_saved_as_it_was_printed(log: WrittenLog, tmp_path: Path) -> None:
    log.print(b"\x1b[31mred", b"\xff")
    log.print(b"a long ", partial=True)
    log.print(b"trouble", stream="stderr")
    log.print(b"another long ", partial=True)
    log.print(b"line")
    expected = b"\x1b[31mred\n\xff\na long \ntrouble\nanother long line\n"
    directory = tmp_path / "out"
    directory.mkdir()
    for name in ("train-1.log", "train-1.2.log"):
        path, size = log.reader.save(directory, "train-1")
        assert (path, path.read_bytes(), size) == (directory / name, expected, len(expected))
    with pytest.raises(InvalidInputError, match="no file can be made"):
        log.reader.save(tmp_path / "nowhere", "x")


def test_the_policy_stands_at_every_door(log: WrittenLog, session: Session) -> None:
    log.print(b"secret")
    reader = LogReader(Session(session.database, session.home, Actor(9, "x", Role.NOBODY, 1)), log.execution)
    calls: list[Callable[[], object]] = [
        reader.state,
        lambda: reader.before(log.size, 1),
        lambda: reader.after(0, log.size, 1),
        lambda: reader.around(0, log.size, 1),
        lambda: reader.matches_before(log.size, Needle("x")),
        lambda: reader.matches_after(0, log.size, Needle("x")),
        lambda: reader.save(Path(), "x"),
    ]
    for call in calls:
        with pytest.raises(NotAllowedError):
            call()


def test_times_are_those_of_the_records(log: WrittenLog) -> None:
    log.print(b"a", b"b")
    times = [line.at for line in log.reader.before(log.size, 2).lines]
    assert times == [BEGAN, BEGAN + 1]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
