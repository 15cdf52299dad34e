"""All that a file came from, and all that came from it: walks over a graph of any size, never loaded as a whole.

A walk begins with indexed look-ups, one frontier at a time. One that grows large starts again over the blocks
(`core/ancestry_block.py`) that it touches, with one mark for each file (8 bytes): a packed block is read ten times
faster than its rows, and a mark in a list is made several times faster than an entry in a set. A walk only reads;
blocks are packed by `pack_finished_blocks`.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING

from core.ancestry_block import BLOCK, BLOCK_BITS, Block, finished_blocks, load_block, store_blocks

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from core.session import Session

LOOK_UPS = 2_000
"""Executions that a walk looks up before it goes over to blocks."""

PACKED_AT_ONCE = 16
"""Blocks packed in one transaction."""

KEPT = 512
"""Blocks read as rows that a walk keeps at most, for when it comes by again."""

_INPUTS_OF = """
    SELECT i.file_id FROM json_each(?) e CROSS JOIN execution_inputs i ON i.execution_id = e.value
    WHERE i.file_id IS NOT NULL
"""
_MAKERS_OF = """
    SELECT f.execution_id FROM json_each(?) i CROSS JOIN files f ON f.id = i.value WHERE f.execution_id IS NOT NULL
"""
_OUTPUTS_OF = "SELECT f.id FROM json_each(?) e CROSS JOIN files f ON f.execution_id = e.value"
_USERS_OF = "SELECT i.execution_id FROM json_each(?) f CROSS JOIN execution_inputs i ON i.file_id = f.value"
_INPUTS_WHERE_NO_FILE_WAS_MADE = """
    SELECT e.id, i.file_id FROM executions e CROSS JOIN execution_inputs i ON i.execution_id = e.id
    WHERE e.id >= ? AND i.file_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM files f WHERE f.execution_id = e.id)
"""


@dataclass(frozen=True, slots=True)
class Relatives:
    """The ids of the executions and files that a walk found; the file that it began with is not among them."""

    executions: set[int]
    files: set[int]


class Ancestry:
    """The walks of one session."""

    def __init__(self, session: Session) -> None:
        self._connection = session.read("file.see")
        self._kept: dict[int, Block] = {}

    def ancestors(self, file_id: int) -> Relatives:
        """Return every execution and file that the file came from."""
        with _one_moment(self._connection):
            makers = self._column(_MAKERS_OF, _bound([file_id]))
            found = self._look_up(makers, _INPUTS_OF, _MAKERS_OF) or self._sweep_up(file_id)
        found.files.discard(file_id)
        return found

    def descendants(self, file_id: int) -> Relatives:
        """Return every execution and file that came from the file."""
        with _one_moment(self._connection):
            users = set(self._column(_USERS_OF, _bound([file_id])))
            found = self._look_up(users, _OUTPUTS_OF, _USERS_OF) or self._sweep_down(file_id, min(users))
        found.files.discard(file_id)
        return found

    def _look_up(self, start: Iterable[int], files_of: str, executions_of: str) -> Relatives | None:
        """Walk by look-ups, frontier by frontier; None where they would be many."""
        executions, files = set(start), set[int]()
        frontier = executions.copy()
        while frontier:
            if len(executions) > LOOK_UPS:
                return None
            new_files = set(self._column(files_of, _bound(frontier))) - files
            files |= new_files
            frontier = set(self._column(executions_of, _bound(new_files))) - executions
            executions |= frontier
        return Relatives(executions, files)

    def _sweep_up(self, file_id: int) -> Relatives:
        """Take blocks from the highest down: what a file came from has lower ids, so that each is taken once."""
        marks = self._marks(file_id)
        swept = [False] * len(marks)
        executions: set[int] = set()
        while marks != swept:
            for number in range(len(marks) >> BLOCK_BITS, -1, -1):
                first = number << BLOCK_BITS
                if marks[first : first + BLOCK] != swept[first : first + BLOCK]:
                    executions.update(_sweep_block_up(self._block(number), marks, swept))
        return Relatives(executions, _marked(marks))

    def _sweep_down(self, file_id: int, first_user: int) -> Relatives:
        """Take every block from the file's own up: what came from a file has higher ids."""
        marks = self._marks(file_id)
        executions: set[int] = set()
        for number in range(file_id >> BLOCK_BITS, (len(marks) - 1 >> BLOCK_BITS) + 1):
            executions.update(_sweep_block_down(self._block(number), marks))
        for execution, file in self._connection.execute(_INPUTS_WHERE_NO_FILE_WAS_MADE, (first_user,)):
            if marks[file]:
                executions.add(execution)
        return Relatives(executions, _marked(marks))

    def _marks(self, file_id: int) -> list[bool]:
        marks = [False] * (self._connection.execute("SELECT max(id) FROM files").fetchone()[0] + 1)
        marks[file_id] = True
        return marks

    def _block(self, number: int) -> Block:
        if number in self._kept:
            return self._kept[number]
        block, is_packed = load_block(self._connection, number)
        if not is_packed and len(self._kept) < KEPT:
            self._kept[number] = block
        return block

    def _column(self, query: str, ids: str) -> list[int]:
        cursor = self._connection.cursor()
        cursor.row_factory = None
        return [value for (value,) in cursor.execute(query, (ids,))]


def pack_finished_blocks(session: Session) -> int:
    """Pack up to `PACKED_AT_ONCE` blocks that will get no more files, for the walks to come; return how many."""
    connection = session.read("execution.run")
    packed = {number for (number,) in connection.execute("SELECT block FROM ancestry_blocks")}
    missing = [number for number in range(finished_blocks(connection)) if number not in packed][:PACKED_AT_ONCE]
    if not missing:
        return 0
    with _one_moment(connection):
        blocks = [load_block(connection, number)[0] for number in missing]
    with session.write("execution.run") as writing:
        return store_blocks(writing, blocks)


@contextlib.contextmanager
def _one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """Let all that is read in a block be of the same moment, whatever is committed meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.rollback()


def _bound(ids: Iterable[int]) -> str:
    return json.dumps([*ids])


def _marked(marks: list[bool]) -> set[int]:
    return set(compress(range(len(marks)), marks))


def _sweep_block_up(block: Block, marks: list[bool], swept: list[bool]) -> list[int]:
    """Mark what the marked files of a block came from; return the makers of those files."""
    first, owners, starts, inputs = block.first, block.owners, block.starts, block.inputs
    end = min(first + BLOCK, len(marks))
    made = [False] * len(block.makers)
    while marks[first:end] != swept[first:end]:
        for file in range(end - 1, first - 1, -1):
            if marks[file]:
                owner = owners[file - first]
                if not made[owner]:
                    made[owner] = True
                    for each in inputs[starts[owner] : starts[owner + 1]]:
                        marks[each] = True
                swept[file] = True
    return [maker for maker in compress(block.makers, made) if maker]


def _sweep_block_down(block: Block, marks: list[bool]) -> list[int]:
    """Mark the files of a block that came from marked ones; return their makers."""
    first, starts, inputs = block.first, block.starts, block.inputs
    came: dict[int, bool] = {0: False}
    for file, owner in zip(range(first, len(marks)), block.owners, strict=False):
        if owner not in came:
            came[owner] = any(map(marks.__getitem__, inputs[starts[owner] : starts[owner + 1]]))
        if came[owner]:
            marks[file] = True
    return [block.makers[owner] for owner, is_relative in came.items() if is_relative]
