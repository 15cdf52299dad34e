"""Whole records of a log's file, read from any place in it, forward and backward; a place is an offset in bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

BLOCK = 64 * 1024
"""Bytes that are read at once; four times as many where not one record ends in them."""


def block_after(file: BinaryIO, offset: int, limit: int) -> bytes:
    """Return records that begin at `offset` and end before `limit`; nothing where the file holds no whole one."""
    size = BLOCK
    while offset < limit:
        data = _read(file, offset, min(size, limit - offset))
        if end := data.rfind(b"\n") + 1:
            return data[:end]
        if len(data) < size:
            break
        size *= 4
    return b""


def block_before(file: BinaryIO, offset: int) -> bytes:
    """Return records of which the last one ends at `offset`; nothing where the file does not reach there."""
    size = BLOCK
    while offset > 0:
        start = max(0, offset - size)
        data = _read(file, start, offset - start)
        if len(data) < offset - start:
            break
        begin = data.find(b"\n") + 1 if start else 0
        if begin < len(data) and (begin or not start):
            return data[begin:]
        size *= 4
    return b""


def next_record(file: BinaryIO, offset: int, limit: int) -> int:
    """Return where the first record begins that does not begin before `offset`; `limit` where there is none."""
    if offset <= 0:
        return 0
    at = offset - 1
    while at < limit:
        data = _read(file, at, min(BLOCK, limit - at))
        if (found := data.find(b"\n")) >= 0:
            return at + found + 1
        if not data:
            break
        at += len(data)
    return limit


def records(data: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """Yield the records of a block that lies at `offset`, without their newline, each with its own offset."""
    for raw in data.split(b"\n")[:-1]:
        yield offset, raw
        offset += len(raw) + 1


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)
