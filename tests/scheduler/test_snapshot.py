"""A snapshot that follows the change feed is the same as one that is read anew."""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.executions import transitions
from core.executions.transitions import Outcome, Place
from core.home import Home
from core.scheduler import carry_out, machines, snapshot
from core.scheduler.fair_order import Waiting
from core.scheduler.known_queues import Tally, heads_needed, machines_to_give
from core.scheduler.plan import plan
from core.scheduler.snapshot import Launching, SnapshotReader
from core.shoal import Shoal
from data.changes import SYSTEM, record
from tests.scheduler.crowd import Crowd

if TYPE_CHECKING:
    import sqlite3

    import pytest

    from core.scheduler.plan import Environment

which = st.integers(0, 1000)
people = st.integers(0, 2)


class Histories(RuleBasedStateMachine):
    """Random writes to a real database; after each of them both ways of reading it must agree."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.shoal = Shoal.create(Home(Path(self.directory.name) / "home"))
        self.database = self.shoal.database
        self.reader = SnapshotReader()
        self.reasons = carry_out.WrittenReasons()
        with self.database.transaction() as connection:
            self.crowd = Crowd(connection)
            self.users = [1, *(self.crowd.user(connection, name) for name in ("alice", "bob"))]
            self.teams = [0, *(self.crowd.team(connection, name) for name in ("vision", "speech"))]
            self.environments = [1, self.crowd.environment(connection, "gpu")]
        self.filled = 0

    def teardown(self) -> None:
        self.shoal.close()
        self.directory.cleanup()

    def one(self, connection: sqlite3.Connection, which: int, statement: str) -> int | None:
        """Return one of the ids that a question finds."""
        ids = [row[0] for row in connection.execute(statement)]
        return ids[which % len(ids)] if ids else None

    @rule(user=people, team=people, where=st.integers(0, 1), priority=st.integers(0, 1), number=st.integers(1, 12))
    def submit(self, user: int, team: int, where: int, priority: int, number: int) -> None:
        with self.database.transaction() as connection:
            place = (self.environments[where], self.users[user], self.teams[team])
            self.crowd.submit(connection, *place, priority, number)

    @rule(which=which)
    def tick(self, which: int) -> None:
        environments = self.reader.read(self.database.reader(), self.launching())
        decision = plan(environments, time.time() + which)
        with self.database.transaction() as connection:
            carry_out.carry_out(connection, decision)
            self.reasons.write(connection, carry_out.reasons_of(decision))
        assert carry_out.known_reasons(self.database.reader()) == carry_out.reasons_of(decision)

    @rule(which=which, how=st.sampled_from(["complete", "stopping", "lost"]))
    def go_on(self, which: int, how: str) -> None:
        with self.database.transaction() as connection:
            running = self.one(connection, which, "SELECT id FROM executions WHERE status IN ('started', 'stopping')")
            if running is None:
                return
            if how == "stopping":
                transitions.begin_stopping(connection, running, SYSTEM, "asked for")
                return
            machine = connection.execute("SELECT machine_id FROM executions WHERE id = ?", (running,)).fetchone()[0]
            if how == "lost":
                connection.execute("UPDATE executions SET restart_lost = 1 WHERE id = ?", (running,))
                transitions.lose(connection, running, "its host does not answer")
                machines.vanish(connection, machine, "lost")
            else:
                transitions.end(connection, running, Outcome("complete", "exit code 0"))
                machines.release(connection, machine)

    @rule(which=which, how=st.sampled_from(["stop", "raise", "move", "give back"]))
    def steer_what_waits(self, which: int, how: str) -> None:
        with self.database.transaction() as connection:
            waiting = self.one(connection, which, "SELECT id FROM executions WHERE status IN ('created', 'queued')")
            if waiting is None:
                return
            if how == "stop":
                transitions.stop_waiting(connection, waiting, SYSTEM, "stopped")
                return
            if how == "raise":
                connection.execute("UPDATE executions SET priority = 1 - priority WHERE id = ?", (waiting,))
            else:
                self._begin_again(connection, waiting, other=how == "move")
            record(connection, SYSTEM, "execution", waiting, how)

    def _begin_again(self, connection: sqlite3.Connection, execution: int, *, other: bool) -> None:
        row = connection.execute("SELECT * FROM executions WHERE id = ?", (execution,)).fetchone()
        before, of_whom = row["environment_id"], (row["user_id"], row["team_id"], row["project_id"])
        after = 3 - before if other and set(self.environments) == {1, 2} else before
        transitions.count(connection, Place(before, *of_whom), None, row["status"], -1)
        transitions.count(connection, Place(after, *of_whom), None, "created")
        connection.execute(
            "UPDATE executions SET environment_id = ?, status = 'created' WHERE id = ?", (after, execution)
        )

    @rule(which=which, how=st.sampled_from(["cordon", "uncordon", "drain", "terminate", "launch", "start", "ready"]))
    def look_after_a_machine(self, which: int, how: str) -> None:
        with self.database.transaction() as connection:
            machine = self.one(connection, which, "SELECT id FROM machines WHERE state != 'gone'")
            if how == "launch" or machine is None:
                machine = machines.launch(connection, self.environments[which % 2])
                assert machine is not None
                if which % 3 == 0:
                    connection.execute("UPDATE machines SET state = 'starting' WHERE id = ?", (machine,))
            elif how == "drain":
                machines.drain(connection, machine)
            elif how == "terminate":
                machines.terminate(connection, machine)
            elif how in ("ready", "start"):
                machines.ready(connection, machine)
            else:
                machines.cordon(connection, machine, on=how == "cordon")

    @rule(
        where=st.integers(0, 1),
        column=st.sampled_from(["per_user_quota", "maximum_scale", "scale_down_grace_period", "launch_timeout"]),
        number=st.integers(1, 6),
        access=st.sampled_from(["everyone", "everyone", "teams"]),
    )
    def change_limits(self, where: int, column: str, number: int, access: str) -> None:
        with self.database.transaction() as connection:
            environment = self.environments[where]
            change = f"UPDATE environments SET {column} = ?, access = ? WHERE id = ?"  # noqa: S608 - of a constant
            connection.execute(change, (number, access, environment))
            record(connection, SYSTEM, "environment", environment, column)

    @rule(where=st.integers(0, 1), team=st.integers(1, 2), quota=st.sampled_from([None, 0, 1, 3]))
    def change_a_teams_quota(self, where: int, team: int, quota: int | None) -> None:
        with self.database.transaction() as connection:
            key = (self.environments[where], self.teams[team])
            connection.execute("INSERT OR REPLACE INTO environment_teams VALUES (?, ?, ?)", (*key, quota))
            record(connection, SYSTEM, "environment", key[0], "teams")

    @rule(kind=st.sampled_from(["file", "setting", "weather", "project"]))
    def something_else_happens(self, kind: str) -> None:
        with self.database.transaction() as connection:
            record(connection, SYSTEM, kind, 1, "changed")

    @rule()
    def the_feed_is_cut(self) -> None:
        with self.database.transaction() as connection:
            record(connection, SYSTEM, "file", 1, "changed")
            connection.execute("DELETE FROM changes WHERE seq = (SELECT max(seq) FROM changes)")

    def launching(self) -> dict[int, Launching]:
        return {1: Launching(), 2: Launching(launchable=2)}

    @invariant()
    def following_is_reading_anew(self) -> None:
        connection = self.database.reader()
        followed = self.reader.read(connection, self.launching())
        anew = snapshot.snapshot(connection, self.launching())
        assert plan(followed, 0.0) == plan(anew, 0.0)
        order = self.true_order(connection)
        for environment, other in zip(followed, anew, strict=True):
            assert replace(environment, queues=()) == replace(other, queues=())
            for queue, read in zip(environment.queues, other.queues, strict=True):
                key = (environment.id, queue.user_id, queue.team_id)
                tally = Tally(queue.created_total, queue.queued_total)
                created, queued = heads_needed(other.room(), key[1:], tally, machines_to_give(other))
                for head, status, needed in ((queue.created, "created", created), (queue.queued, "queued", queued)):
                    assert tuple(order[*key, status][: len(head)]) == tuple(head)
                    assert len(head) >= needed
                assert queue.created_total == read.created_total == len(order[*key, "created"])
                assert queue.queued_total == read.queued_total == len(order[*key, "queued"])

    def true_order(self, connection: sqlite3.Connection) -> defaultdict[tuple[object, ...], list[Waiting]]:
        """Return all that waits, by environment, user, team and status."""
        order: defaultdict[tuple[object, ...], list[Waiting]] = defaultdict(list)
        for row in connection.execute("SELECT * FROM executions ORDER BY priority DESC, id"):
            key = (row["environment_id"], row["user_id"], row["team_id"], row["status"])
            order[key].append(Waiting(-row["priority"], row["id"]))
        return order


Histories.TestCase.settings = settings(
    max_examples=max(20, settings().max_examples // 10), stateful_step_count=40, deadline=None
)
TestHistories = Histories.TestCase


class Reading:
    """Counts the questions of one reading."""

    def __init__(self, shoal: Shoal, reader: SnapshotReader) -> None:
        self.statements: list[str] = []
        connection = shoal.database.reader()
        connection.set_trace_callback(self.statements.append)
        self.environments: list[Environment] = reader.read(connection, {})
        connection.set_trace_callback(None)

    def asked_for(self, table: str) -> int:
        return sum(f"FROM {table}" in statement for statement in self.statements)


def crowded(shoal: Shoal, people: int, waiting: int) -> Crowd:
    with shoal.database.transaction() as connection:
        crowd = Crowd(connection)
        for i in range(people):
            crowd.submit(connection, 1, crowd.user(connection, f"user-{i}"), 0, number=waiting)
    return crowd


def test_without_an_idle_machine_or_room_in_a_quota_no_queue_is_read(shoal: Shoal) -> None:
    crowded(shoal, 30, 2)
    assert Reading(shoal, SnapshotReader()).asked_for("executions ") == 0


def test_only_the_queues_of_touched_people_are_read_again(shoal: Shoal) -> None:
    crowded(shoal, 30, 3)
    with shoal.database.transaction() as connection:
        machines.launch(connection, 1)
    reader = SnapshotReader()
    assert Reading(shoal, reader).asked_for("executions ") == 30
    with shoal.database.transaction() as connection:
        transitions.stop_waiting(connection, 1, SYSTEM, "stopped")
    reading = Reading(shoal, reader)
    assert reading.asked_for("executions ") == 2
    assert reading.asked_for("execution_counts") == 1
    assert len(reading.environments[0].queues) == 30


def test_heads_are_read_for_all_who_wait_when_a_machine_comes(shoal: Shoal) -> None:
    crowded(shoal, 3, 2)
    reader = SnapshotReader()
    assert [queue.created for queue in Reading(shoal, reader).environments[0].queues] == [(), (), ()]
    with shoal.database.transaction() as connection:
        machines.launch(connection, 1)
    assert [len(queue.created) for queue in Reading(shoal, reader).environments[0].queues] == [2, 2, 2]


def test_a_gap_in_the_feed_makes_it_read_all_anew(shoal: Shoal) -> None:
    crowded(shoal, 1, 3)
    reader = SnapshotReader()
    Reading(shoal, reader)
    with shoal.database.transaction() as connection:
        transitions.stop_waiting(connection, 1, SYSTEM, "stopped")
        record(connection, SYSTEM, "file", 1, "changed")
        connection.execute("DELETE FROM changes WHERE kind = 'execution'")
    assert Reading(shoal, reader).environments[0].queues[0].created_total == 2


def test_room_that_a_team_mate_leaves_is_seen(shoal: Shoal) -> None:
    crowd = crowded(shoal, 0, 0)
    with shoal.database.transaction() as connection:
        team = crowd.team(connection, "vision")
        connection.execute("INSERT INTO environment_teams VALUES (1, ?, 1)", (team,))
        for name in ("alice", "bob"):
            crowd.submit(connection, 1, crowd.user(connection, name), team)
        transitions.queue(connection, 1)
        machine = machines.launch(connection, 1)
        assert machine is not None
        machines.lease(connection, machine, 1)
        transitions.start(connection, 1, machine)
        # Another one is idle all the time, so that it is not the number of machines that has the queues read again.
        machines.launch(connection, 1)
    reader = SnapshotReader()
    assert Reading(shoal, reader).environments[0].queues[0].created == ()
    with shoal.database.transaction() as connection:
        transitions.end(connection, 1, Outcome("complete", "exit code 0"))
        machines.release(connection, machine)
    assert Reading(shoal, reader).environments[0].queues[0].created == (Waiting(0, 2),)


def test_reasons_that_are_over_are_removed(shoal: Shoal) -> None:
    reasons: carry_out.Reasons = {(1, 1, 0, "queued"): ("busy", "5 of 5 machines are busy", None)}
    written = carry_out.WrittenReasons()
    for wanted in (reasons, {}):
        with shoal.database.transaction() as connection:
            written.write(connection, wanted)
        assert carry_out.known_reasons(shoal.database.reader()) == wanted
        assert written.are(shoal.database.reader(), wanted)


def test_what_the_feed_does_not_tell_is_seen_when_it_stands_still(
    shoal: Shoal, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowded(shoal, 1, 3)
    reader = SnapshotReader()
    before = Reading(shoal, reader).environments
    with shoal.database.transaction() as connection:
        connection.execute("UPDATE execution_counts SET number = 2")
    assert Reading(shoal, reader).environments == before
    monkeypatch.setattr(snapshot, "FRESH_AFTER", 0.0)
    assert Reading(shoal, reader).environments[0].queues[0].created_total == 2


def test_a_stale_head_leads_to_an_update_that_does_nothing_and_to_another_look(shoal: Shoal) -> None:
    crowded(shoal, 1, 2)
    with shoal.database.transaction() as connection:
        machines.launch(connection, 1)
        transitions.queue_all(connection, 1, shoal_user(connection), 0)
    reader = SnapshotReader()
    decision = plan(Reading(shoal, reader).environments, time.time())
    with shoal.database.transaction() as connection:
        transitions.stop_waiting(connection, decision.assign[0][0], SYSTEM, "stopped meanwhile")
        assert carry_out.carry_out(connection, decision) == []
    again = plan(Reading(shoal, reader).environments, time.time())
    assert [execution for execution, _ in again.assign] == [decision.assign[0][0] + 1]


def shoal_user(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT max(id) FROM users").fetchone()[0])
