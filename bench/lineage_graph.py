"""Fills a home with a large graph of executions and files, as a few years of work leave it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.shoal import Shoal

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from core.home import Home

_COMMIT = """
INSERT INTO commits (id, uuid, project_id, identifier, adhoc, archive, yaml, created_by, created_at)
VALUES (1, 'commit', 1, '0123456789abcdef', 0, 'x.tar.gz', '', 1, 0)
"""
_EXECUTION = """
INSERT INTO executions (id, uuid, project_id, counter, commit_id, environment_id, user_id, step, status, image, command,
    parameters, store_id, created_at)
VALUES (?1, 'execution-' || ?1, 1, ?1, 1, 1, 1, 'train', 'complete', 'python:3.12', '["python train.py"]',
    '{"epochs": 5, "learning_rate": 0.001}', 1, ?1)
"""
_FILE = """
INSERT INTO files (id, uuid, project_id, store_id, key, name, size, md5, sha1, sha256, execution_id, created_by,
    created_at)
VALUES (?1, 'file-' || ?1, 1, 1, 'data/01ABC/output-' || ?1 || '/model.npz', 'model.npz', ?1, printf('%032x', ?1),
    printf('%040x', ?1), printf('%064x', ?1), ?1, 1, ?1)
"""
_INPUT = """
INSERT INTO execution_inputs (execution_id, name, position, requested, uri, path, file_id, size, md5, sha1, sha256)
VALUES (?1, 'data', ?2, 'datum://file-' || ?3, 'datum://file-' || ?3, ?2 || '.npz', ?3, ?3, printf('%032x', ?3),
    printf('%040x', ?3), printf('%064x', ?3))
"""


@dataclass(frozen=True, slots=True)
class GraphShape:
    """`executions` with one file each, all but the first from `inputs` different files of the `window` before it.

    Nodes are twice the executions, edges `inputs + 1` times.
    """

    executions: int = 125_000
    inputs: int = 7
    window: int = 5_000
    seed: int = 1


def build(home: Home, shape: GraphShape) -> Shoal:
    """Make a home with such a graph; the file with the highest id, which is `shape.executions`, has most ancestors."""
    shoal = Shoal.create(home)
    session = shoal.session()
    session.projects.create("graph")
    with shoal.database.transaction() as connection:
        connection.execute(_COMMIT)
        _insert_graph(connection, shape)
    shoal.database.optimize()
    return shoal


def _insert_graph(connection: sqlite3.Connection, shape: GraphShape) -> None:
    numbers = range(1, shape.executions + 1)
    connection.executemany(_EXECUTION, ((number,) for number in numbers))
    connection.executemany(_FILE, ((number,) for number in numbers))
    connection.executemany(_INPUT, _inputs(shape))


def _inputs(shape: GraphShape) -> Iterator[tuple[int, int, int]]:
    chance = random.Random(shape.seed)  # noqa: S311 - a graph that is the same each time
    for number in range(2, shape.executions + 1):
        earlier = range(max(1, number - shape.window), number)
        for position, file in enumerate(chance.sample(earlier, min(shape.inputs, len(earlier)))):
            yield number, position, file


def build_fan(home: Home, executions: int) -> Shoal:
    """Make a home with one file of raw data that so many executions used, each of which left a file."""
    shoal = Shoal.create(home)
    shoal.session().projects.create("fan")
    with shoal.database.transaction() as connection:
        connection.execute(_COMMIT)
        connection.executemany(_EXECUTION, ((number,) for number in range(1, executions + 2)))
        connection.executemany(_FILE, ((number,) for number in range(2, executions + 2)))
        connection.execute(
            "INSERT INTO files (id, uuid, project_id, store_id, key, name, size, md5, sha1, sha256, created_by,"
            " created_at) VALUES (1, 'raw', 1, 1, 'raw', 'raw.csv', 1, '', '', 'abcdef', 1, ?)",
            (executions + 10,),
        )
        connection.executemany(_INPUT, ((number, 0, 1) for number in range(2, executions + 2)))
    shoal.database.optimize()
    return shoal
