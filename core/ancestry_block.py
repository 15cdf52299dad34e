"""A block: the makers of 1,024 files and what they took in, as arrays."""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

BLOCK_BITS = 10
BLOCK = 1 << BLOCK_BITS
"""Files in a block; the triggers of `ancestry_blocks` know it too."""

_UNSIGNED = "I"
"""The arrays' type: 4 bytes, for ids up to four billion."""


@dataclass(frozen=True, slots=True)
class Block:
    """Files `first` to `first + BLOCK - 1`, and the executions that made them.

    The maker of file `first + n` is `makers[owners[n]]`, 0 for an upload or where there is no file; the files that the
    kth maker took in are `inputs[starts[k]:starts[k + 1]]`. `makers[0]` is 0 and took in nothing.
    """

    first: int
    owners: array[int]
    makers: array[int]
    starts: array[int]
    inputs: array[int]

    @property
    def number(self) -> int:
        """The block's key."""
        return self.first >> BLOCK_BITS

    def packed(self) -> bytes:
        """Return what `unpacked` takes."""
        head = array(_UNSIGNED, [len(self.makers)])
        return b"".join(part.tobytes() for part in (head, self.owners, self.makers, self.starts, self.inputs))

    @classmethod
    def unpacked(cls, number: int, packed: bytes) -> Block:
        """Return the block that was packed."""
        numbers = array(_UNSIGNED, packed)
        makers = 1 + BLOCK
        starts = makers + numbers[0]
        inputs = starts + numbers[0] + 1
        return cls(
            number << BLOCK_BITS, numbers[1:makers], numbers[makers:starts], numbers[starts:inputs], numbers[inputs:]
        )


def load_block(connection: sqlite3.Connection, number: int) -> tuple[Block, bool]:
    """Return a block, and whether it was packed already."""
    row = connection.execute("SELECT packed FROM ancestry_blocks WHERE block = ?", (number,)).fetchone()
    if row is not None:
        return Block.unpacked(number, row[0]), True
    return _read_rows(connection, number), False


def finished_blocks(connection: sqlite3.Connection) -> int:
    """Return how many blocks, the first ones, will get no more files."""
    newest = connection.execute("SELECT max(id) FROM files").fetchone()[0] or 0
    return int(newest) >> BLOCK_BITS


def store_blocks(connection: sqlite3.Connection, blocks: Iterable[Block]) -> int:
    """Pack blocks into their table, within the caller's transaction; return how many.

    One that may still get files is left out, and so is one whose inputs changed since it was read.
    """
    finished = finished_blocks(connection)
    rows = [
        (block.number, block.packed())
        for block in blocks
        if block.number < finished and _count_inputs(connection, block) == len(block.inputs)
    ]
    connection.executemany("INSERT OR REPLACE INTO ancestry_blocks VALUES (?, ?)", rows)
    return len(rows)


def _read_rows(connection: sqlite3.Connection, number: int) -> Block:
    first = number << BLOCK_BITS
    owners = array(_UNSIGNED, [0]) * BLOCK
    places = {0: 0}
    made = "SELECT id, execution_id FROM files WHERE id >= ? AND id < ? AND execution_id IS NOT NULL"
    for file, maker in connection.execute(made, (first, first + BLOCK)):
        owners[file - first] = places.setdefault(maker, len(places))
    took = """
        SELECT e.value, (SELECT json_group_array(file_id) FROM execution_inputs
            WHERE execution_id = e.value AND file_id IS NOT NULL)
        FROM json_each(?) e
    """
    taken = dict(connection.execute(took, (json.dumps([*places]),)).fetchall())
    starts, inputs = array(_UNSIGNED, [0]), array(_UNSIGNED)
    for maker in places:
        inputs.extend(json.loads(taken[maker]))
        starts.append(len(inputs))
    return Block(first, owners, array(_UNSIGNED, places), starts, inputs)


def _count_inputs(connection: sqlite3.Connection, block: Block) -> int:
    query = """
        SELECT count(i.file_id) FROM json_each(?) e CROSS JOIN execution_inputs i ON i.execution_id = e.value
    """
    return int(connection.execute(query, (json.dumps([*block.makers]),)).fetchone()[0])
