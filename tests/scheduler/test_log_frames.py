"""Lines come out of Docker's frames once each, wherever the reading is cut."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.scheduler.log_frames import LONGEST_PIECE, LogFrames

if TYPE_CHECKING:
    from core.scheduler.log_frames import Line

PIECE = 16 * 1024


def frame(stream: int, second: int, nanosecond: int, text: bytes) -> bytes:
    stamp = f"2026-01-01T00:{second // 60:02}:{second % 60:02}.{nanosecond:09}Z ".encode()
    payload = stamp + text
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


def frames_of(stream: int, second: int, nanosecond: int, line: bytes) -> list[tuple[int, bytes]]:
    """Cut a line as Docker does: pieces of 16 KiB with one time, a newline after the last."""
    text = line + b"\n"
    return [(second, frame(stream, second, nanosecond, text[i : i + PIECE])) for i in range(0, len(text), PIECE)]


def joined(lines: list[Line]) -> dict[str, list[bytes]]:
    streams: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    open_: dict[str, bytes] = {"stdout": b"", "stderr": b""}
    for line in lines:
        open_[line.stream] += line.text
        if not line.partial:
            streams[line.stream].append(open_[line.stream])
            open_[line.stream] = b""
    return streams


@pytest.mark.parametrize("seed", range(40))
def test_every_line_once_whatever_is_cut(seed: int) -> None:
    chance = random.Random(seed)
    log: list[tuple[int, bytes]] = []
    wanted: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    now = 0
    clock = {1: 0, 2: 0}
    for number in range(300):
        stream = chance.choice([1, 1, 2])
        now += chance.choice([0, 0, 1, 5])
        clock[stream] = max(clock[stream], now - chance.choice([0, 0, 10, 40]))
        second = clock[stream] // 10
        line = b"%d " % number + b"x" * chance.choice([0, 3, 40, 20_000, 40_000])
        log.extend(frames_of(stream, second, clock[stream] % 10, line))
        wanted["stdout" if stream == 1 else "stderr"].append(line)
    lines: list[Line] = []
    cursor: dict[str, list[str | int]] = {}
    while True:
        frames = LogFrames(cursor)
        start = frames.since()
        visible = [data for second, data in log if second >= start - 1767225600] if start else [data for _, data in log]
        stream_bytes = b"".join(visible)
        cut = len(stream_bytes) if chance.random() < 0.3 else chance.randrange(len(stream_bytes) + 1)
        position = 0
        while position < cut:
            size = chance.randrange(1, 100_000)
            lines.extend(frames.take(stream_bytes[position : min(position + size, cut)]))
            position += size
            cursor = frames.cursor()
        if cut == len(stream_bytes):
            break
    assert joined(lines) == wanted


def test_a_stream_opened_again_in_the_same_process_repeats_nothing() -> None:
    frames = LogFrames()
    data = frame(1, 0, 1, b"one\n") + frame(1, 0, 1, b"two\n")
    first = list(frames.take(data + frame(1, 1, 0, b"half")))
    frames.reopen()
    second = list(frames.take(data + frame(1, 1, 0, b"half") + frame(1, 1, 0, b" whole\n")))
    assert [line.text for line in first + second] == [b"one", b"two", b"half whole"]


def test_a_line_that_takes_long_to_come_is_not_lost_when_the_other_stream_goes_on() -> None:
    begun = frame(2, 0, 0, b"progress ")
    others = b"".join(frame(1, second, 0, b"step\n") for second in range(1, 100))
    frames = LogFrames()
    before = [*frames.take(begun), *frames.take(others)]
    again = LogFrames(frames.cursor())
    assert again.since() <= 1767225600
    after = list(again.take(begun + others + frame(2, 0, 0, b"done\n")))
    assert [line.text for line in before + after] == [b"step"] * 99 + [b"progress done"]


@pytest.mark.parametrize("cut", range(4, 8))
def test_a_clock_that_steps_back_neither_loses_nor_doubles(cut: int) -> None:
    seconds = [20, 21, 22, 5, 6, 7, 8]
    log = [frame(1, second, 0, b"%d\n" % second) for second in seconds]
    frames = LogFrames()
    before = list(frames.take(b"".join(log[:cut])))
    again = LogFrames(frames.cursor())
    start = again.since()
    visible = [data for second, data in zip(seconds, log, strict=True) if not start or second >= start - 1767225600]
    after = list(again.take(b"".join(visible)))
    assert [line.text for line in before + after] == [b"%d" % second for second in seconds]


def test_a_line_without_a_newline_comes_at_the_end() -> None:
    frames = LogFrames()
    assert list(frames.take(frame(2, 3, 0, b"no newline"))) == []
    (line,) = frames.finish()
    assert (line.stream, line.text, line.partial) == ("stderr", b"no newline", False)


def test_a_very_long_line_comes_in_pieces_of_bounded_size() -> None:
    frames = LogFrames()
    lines: list[Line] = []
    for _, data in frames_of(1, 0, 0, b"y" * (5 * LONGEST_PIECE + 7)):
        lines.extend(frames.take(data))
    assert max(len(line.text) for line in lines) <= LONGEST_PIECE + PIECE
    assert [line.partial for line in lines] == [True] * (len(lines) - 1) + [False]
    assert sum(len(line.text) for line in lines) == 5 * LONGEST_PIECE + 7


def test_the_time_of_a_line_is_read_to_the_microsecond() -> None:
    (line,) = LogFrames().take(frame(1, 61, 250_000_000, b"x\n"))
    assert line.at == 1767225600 + 61.25


@given(st.binary(max_size=200).filter(lambda text: b"\n" not in text))
def test_any_bytes_survive(text: bytes) -> None:
    (line,) = LogFrames().take(frame(1, 0, 0, text + b"\n"))
    assert line.text == text


def test_what_the_engine_says_of_a_log_that_it_cannot_read_is_no_line() -> None:
    frames = LogFrames()
    said = b"Error grabbing logs: unexpected EOF\n"
    data = frame(1, 0, 0, b"one\n") + bytes([3, 0, 0, 0]) + len(said).to_bytes(4, "big") + said
    assert [line.text for line in frames.take(data)] == [b"one"]
    assert frames.fault == "Error grabbing logs: unexpected EOF"
    frames.reopen()
    assert frames.fault == ""
