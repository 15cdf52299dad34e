"""Which host a machine comes from, what keeps hosts from giving one, and which GPUs it gets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from core.environments.loads import load
from core.scheduler import machines
from core.scheduler.engines.engines import Engines
from core.scheduler.host_choice import LONGEST_BACK_OFF, back_off, health_sentence, offers
from core.scheduler.providers.hosts import HostsProvider
from core.scheduler.providers.local import LocalProvider

if TYPE_CHECKING:
    from core.scheduler.snapshot import Launching
    from core.session import Session

NOW = 1_800_000_000.0


@pytest.fixture
def farm(session: Session) -> int:
    return session.environments.create("farm", kind="hosts").id


def host(session: Session, environment_id: int, name: str, **columns: object) -> int:
    values = {"health": "up", "health_at": NOW, "slots": 1} | columns
    with session.database.transaction() as connection:
        cursor = connection.execute(
            f"INSERT INTO hosts (uuid, environment_id, name, address, created_at, {', '.join(values)})"  # noqa: S608
            f" VALUES (?, ?, ?, 'ssh://root@gpu:22', 0, {', '.join('?' * len(values))})",
            (name, environment_id, name, *values.values()),
        )
    return cursor.lastrowid or 0


def launch(session: Session, environment_id: int) -> tuple[str, str, str] | None:
    """Return the host, the state and the GPUs of a new machine."""
    with session.database.transaction() as connection:
        machine = machines.launch(connection, environment_id)
        if machine is None:
            return None
        row = connection.execute(
            "SELECT coalesce(h.name, ''), m.state, m.gpu_devices FROM machines m LEFT JOIN hosts h ON h.id = m.host_id"
            " WHERE m.id = ?",
            (machine,),
        ).fetchone()
        return tuple(row)


def launching(session: Session, system: Session, environment_id: int, now: float = NOW) -> Launching:
    provider = HostsProvider(system, Engines(system), "test", lambda *_: None)
    return provider.launching(session.read("machine.see"), environment_id, now)


def test_a_host_that_is_up_comes_first_and_the_emptiest_of_those(session: Session, farm: int) -> None:
    host(session, farm, "sleeping", health="down", start_command="wake", slots=9)
    host(session, farm, "small", slots=1)
    host(session, farm, "large", slots=3)
    assert [launch(session, farm) for _ in range(4)] == [
        ("large", "idle", ""),
        ("large", "idle", ""),
        ("small", "idle", ""),
        ("large", "idle", ""),
    ]
    assert launch(session, farm) == ("sleeping", "starting", "")


def test_many_machines_at_once_come_from_the_same_hosts_as_one_after_the_other(session: Session, farm: int) -> None:
    host(session, farm, "sleeping", health="down", start_command="wake", slots=2)
    for name, slots in (("a", 2), ("b", 4), ("c", 3)):
        host(session, farm, name, slots=slots)
    asked = 0
    with session.database.transaction() as connection:

        def offered(_: str) -> None:
            nonlocal asked
            asked += 1

        connection.set_trace_callback(offered)
        launched = machines.launch_many(connection, farm, 12)
        connection.set_trace_callback(None)
        rows = connection.execute("SELECT h.name FROM machines m JOIN hosts h ON h.id = m.host_id ORDER BY m.id")
        assert [row["name"] for row in rows] == ["b", "b", "c", *"abcabc", "sleeping", "sleeping"]
    assert len(launched) == 11
    assert asked < 11 * 7 + 4 * 2, "every host is looked at once, not for every machine"


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"cordoned": 1}, "host gpu-2 is cordoned"),
        ({"health": "unknown", "health_at": None}, "host gpu-2 was not looked at yet"),
        ({"health": "unknown", "start_command": "wake"}, "host gpu-2 is being looked at"),
        ({"health": "down", "health_detail": "does not answer"}, "host gpu-2 does not answer since"),
        ({"health": "refused", "health_detail": "CHANGED", "start_command": "wake"}, "host gpu-2 CHANGED (since"),
        ({"slots": 0}, "all slots of its host are taken"),
    ],
)
def test_a_host_that_gives_none_says_why(
    session: Session, system: Session, farm: int, columns: dict[str, object], problem: str
) -> None:
    slots = columns.pop("slots", 1)
    host(session, farm, "gpu-2", **columns)
    if slots == 0:
        assert launch(session, farm) is not None
    given = launching(session, system, farm)
    assert given.launchable == 0
    assert given.problem.startswith(problem)
    assert launch(session, farm) is None


def test_an_environment_without_hosts_says_so(session: Session, system: Session, farm: int) -> None:
    assert launching(session, system, farm).problem == "it has no hosts yet: add one with `shoal hosts add`"
    for number in range(4):
        host(session, farm, f"gpu-{number}", cordoned=1)
    problem = launching(session, system, farm).problem
    assert problem == "host gpu-0 is cordoned; host gpu-1 is cordoned; and 2 hosts more"


def test_failures_in_a_row_make_the_wait_longer_up_to_an_end() -> None:
    waits = [back_off(number) for number in range(9)]
    assert waits == [0, 15, 30, 60, 120, 240, 480, LONGEST_BACK_OFF, LONGEST_BACK_OFF]
    assert back_off(10**6) == LONGEST_BACK_OFF


def test_a_host_that_failed_is_tried_after_its_wait_and_others_are_not_held_up(
    session: Session, system: Session, farm: int
) -> None:
    host(session, farm, "gpu-1", health="down", start_command="wake", failures=2, failed_at=NOW, failure="it fell over")
    given = launching(session, system, farm)
    assert (given.launchable, given.after, given.problem) == (1, NOW + 30, "it fell over")
    assert launching(session, system, farm, NOW + 30).after == 0
    host(session, farm, "gpu-2")
    assert launching(session, system, farm) == launching(session, system, farm, NOW + 10)
    assert (launching(session, system, farm).launchable, launching(session, system, farm).after) == (1, 0)


def test_a_clock_that_was_set_back_makes_no_wait_longer_than_it_is(session: Session, farm: int) -> None:
    host(session, farm, "gpu-1", health="down", start_command="wake", failures=1, failed_at=NOW * 2, failure="x")
    (offer,) = offers(session.read("machine.see"), farm, NOW)
    assert offer.after <= NOW
    with session.database.transaction() as connection:
        machine = machines.launch(connection, farm)
        assert machine is not None
        assert machines.give_up(connection, machine, "y")
    host_row = session.read("host.see").execute("SELECT failures, failed_at <= strftime('%s', 'now') + 1 FROM hosts")
    assert tuple(host_row.fetchone()) == (2, 1)


def test_machines_that_fail_together_are_one_failure_of_their_host(session: Session, farm: int) -> None:
    sleeping = host(session, farm, "gpu-1", health="down", start_command="wake", slots=2)
    with session.database.transaction() as connection:
        both = [machines.launch(connection, farm) for _ in range(2)]
    for machine in both:
        with session.database.transaction() as connection:
            assert machine is not None
            assert machines.give_up(connection, machine, "no luck")
            assert not machines.give_up(connection, machine, "no luck")
    row = session.read("host.see").execute("SELECT failures, failure FROM hosts WHERE id = ?", (sleeping,)).fetchone()
    assert tuple(row) == (1, "no luck")


def test_every_machine_has_gpus_of_its_own(session: Session, system: Session, farm: int) -> None:
    session.environments.set("farm", gpus_per_machine="2")
    host(session, farm, "gpu-1", gpu_devices="0,1,2,3,4", slots=9)
    assert [launch(session, farm) for _ in range(3)] == [("gpu-1", "idle", "0,1"), ("gpu-1", "idle", "2,3"), None]
    assert launching(session, system, farm).problem == "all slots of its host are taken"


def test_environments_of_this_box_share_its_gpus(session: Session, system: Session) -> None:
    first = session.environments.create("first", gpu_devices="0 1", gpus_per_machine="1").id
    second = session.environments.create("second", gpu_devices="1 2", gpus_per_machine="1").id
    assert [launch(session, first) for _ in range(2)] == [("", "idle", "0"), ("", "idle", "1")]
    provider = LocalProvider(system, Engines(system), "test")
    assert provider.launching(session.read("machine.see"), second, NOW).launchable == 1
    assert [launch(session, second) for _ in range(2)] == [("", "idle", "2"), None]
    assert provider.launching(session.read("machine.see"), second, NOW).problem == (
        "0 of its GPUs are free, and one machine has 1"
    )
    provider.leave()


def test_health_is_said_with_its_time() -> None:
    at = time.mktime((2026, 11, 24, 14, 2, 0, 0, 0, -1))
    assert health_sentence("gpu-2", "down", at, "does not answer (timed out)") == (
        "host gpu-2 does not answer since 14:02 (timed out)"
    )
    assert health_sentence("gpu-2", "up", at, "") == "host gpu-2 answers since 14:02"
    assert health_sentence("gpu-2", "down", at, "answered, but no Docker Engine listens") == (
        "host gpu-2 answered, but no Docker Engine listens (since 14:02)"
    )


def test_a_machine_that_drains_can_be_kept(session: Session) -> None:
    local = session.environments.get("local").id
    with session.database.transaction() as connection:
        machine = machines.launch(connection, local)
        assert machine is not None
        assert machines.cordon(connection, machine, on=True)
        assert not machines.cordon(connection, machine, on=True)
        assert machines.lease(connection, machine) is None
        assert machines.cordon(connection, machine, on=False)
        assert machines.lease(connection, machine) is not None
        assert machines.drain(connection, machine)
        assert not machines.drain(connection, machine)
        assert machines.cordon(connection, machine, on=False)
        assert machines.release(connection, machine)
    assert load(session, session.environments.get("local")).idle == 1
