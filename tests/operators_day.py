"""A day as an operator meets it, for pictures: forty executions of three people wait, five run, a week lies behind."""

from __future__ import annotations

import math
import random
import time
from typing import TYPE_CHECKING

from tests.enacted import Enacted
from tests.queueing import Queueing

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from core.session import Session
    from core.shoal import Shoal

HOUR = 3600.0
PAST = 120
BURST = 20
WAITING = 40
STEPS = ("train", "evaluate", "train", "preprocess")


def fill(shoal: Shoal, directory: Path) -> Enacted:
    """Fill an empty home; the environment is called `gpu`."""
    chance = random.Random(7)
    enacted = Enacted(shoal, directory)
    queueing = Queueing(shoal, enacted)
    limits = {"maximum_scale": "5", "per_user_quota": "2", "price_per_hour": "2.50"}
    environment = enacted.session.environments.create("gpu", name="A100 boxes", **limits)
    enacted.session.environments.make_default(environment.slug)
    people = [queueing.person(name) for name in ("ada", "bob", "eve")]
    past(queueing, people, chance)
    for number in range(5):
        queueing.runs(queueing.waits(people[number % 3], STEPS[number % 4]), since=chance.uniform(60, 900))
    for number in range(WAITING):
        queueing.waits(people[number % 3], STEPS[number % 4])
    queueing.planned()
    with queueing.system.write("execution.run") as connection:
        connection.execute(
            "UPDATE executions SET created_at = created_at - (:newest - id) * 40 WHERE status IN ('created', 'queued')",
            {"newest": PAST + 5 + WAITING},
        )
        lease_since(connection)
        write_samples(connection, environment.id, chance)
    return enacted


def past(queueing: Queueing, people: list[Session], chance: random.Random) -> None:
    """Write what ran in the week before, in bursts."""
    for number in range(PAST):
        queueing.ran(people[number % 3], STEPS[number % 4], chance.uniform(600, 3600))
    with queueing.system.write("execution.run") as connection:
        rows = connection.execute(
            "SELECT id, started_at, ended_at FROM executions WHERE status = 'complete'"
        ).fetchall()
        for number, (id_, started_at, ended_at) in enumerate(rows):
            created_at = time.time() - 6.5 * 24 * HOUR * (1 - number // BURST * BURST / PAST) - chance.uniform(0, HOUR)
            begun_at = created_at + chance.uniform(5, 1500)
            connection.execute(
                "UPDATE executions SET created_at = ?, queued_at = ?, started_at = ?, ended_at = ? WHERE id = ?",
                (created_at, created_at, begun_at, begun_at + ended_at - started_at, id_),
            )


def lease_since(connection: sqlite3.Connection) -> None:
    """Let the machines be as old as what runs on them."""
    rows = connection.execute(
        "SELECT m.id, e.started_at FROM machines m JOIN executions e ON e.machine_id = m.id WHERE m.state = 'leased'"
    ).fetchall()
    for number, (id_, at) in enumerate(rows, start=1):
        connection.execute(
            "UPDATE machines SET name = ?, state_at = ?, requested_at = ?, ready_at = ? WHERE id = ?",
            (f"a100-{number}", at, at, at, id_),
        )
        connection.execute("UPDATE machine_usage SET began_at = ? WHERE machine_id = ? AND ended_at IS NULL", (at, id_))


def write_samples(connection: sqlite3.Connection, environment_id: int, chance: random.Random) -> None:
    """Write how the environment stood in the last week: busy around this hour of each day, asleep in between."""
    now = time.time()
    for number in range(7 * 24 * 12):
        at = now - number * 300
        wave = math.cos((now - at) / (24 * HOUR) * 2 * math.pi)
        waiting = max(0, round(12 * wave + chance.uniform(-3, 3)))
        busy = min(5, max(0, round(4 * wave + chance.uniform(0, 2))))
        idle = 1 if 0 < busy < 5 else 0
        connection.execute(
            "INSERT OR REPLACE INTO environment_samples VALUES (?, ?, ?, ?, 0, ?)",
            (environment_id, at, busy, idle, waiting),
        )
