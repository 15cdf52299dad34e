"""What other settings would have done, from what was recorded."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from core.environments.load_history import load_history
from core.environments.what_if import FEWEST, PERIOD, in_short, wait_text, what_if
from core.errors import InvalidInputError, NotAllowedError
from core.policy import Role
from core.resources.what_if import environment_preview, what_if_sections
from core.scheduler.simulator import Job, Waits
from core.scheduler.synthetic_load import synthetic_load
from core.session import Actor, Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.environments.environment import Environment
    from tests.enacted import Enacted

HOUR = 3600.0


def recorded(enacted: Enacted, rows: Sequence[tuple[float, float | None, float | None, str]]) -> float:
    """Let executions arrive, start and end so many seconds after a day ago; return when that is."""
    begin = float(int(time.time() - 86400))
    for created, started, ended, status in rows:
        execution = enacted.create("train")
        with enacted.session.database.transaction() as connection:
            connection.execute(
                "UPDATE executions SET created_at = ?, started_at = ?, ended_at = ?, status = ? WHERE id = ?",
                (
                    begin + created,
                    None if started is None else begin + started,
                    None if ended is None else begin + ended,
                    status,
                    execution.id,
                ),
            )
    return begin


def at_once(number: int) -> list[tuple[float, float | None, float | None, str]]:
    """Return so many that arrive at once, and ran an hour each, one after the other."""
    return [(0.0, each * HOUR, (each + 1) * HOUR, "complete") for each in range(number)]


@pytest.fixture
def environment(enacted: Enacted) -> Environment:
    return enacted.session.environments.set(
        "local", maximum_scale="1", minimum_scale="0", scale_down_grace_period="0", price_per_hour="2"
    )


def test_twice_the_machines_halve_the_waits(enacted: Enacted, environment: Environment) -> None:
    begin = recorded(enacted, at_once(12))
    result = what_if(enacted.session, environment, {"maximum_scale": "2"}, begin)
    assert result.today is not None
    assert result.proposed is not None
    assert result.measured is not None
    assert result.today.waits == Waits(12, 5 * HOUR, 11 * HOUR, 11 * HOUR)
    assert result.measured.waits == result.today.waits, "what was recorded is what today's settings give"
    assert result.proposed.waits == Waits(12, 2 * HOUR, 5 * HOUR, 5 * HOUR)
    assert (result.today.peak_machines, result.proposed.peak_machines) == (1, 2)
    assert result.today.machine_seconds == result.proposed.machine_seconds == 12 * HOUR
    assert result.today.cost == result.proposed.cost == 24_000_000
    assert result.proposed.utilization == 1.0
    assert in_short(result.today, result.proposed) == "median wait 5 h → 2 h; as many machine hours"


def test_what_a_longer_grace_period_costs(enacted: Enacted, environment: Environment) -> None:
    begin = recorded(
        enacted, [(each * 2 * HOUR, each * 2 * HOUR, (each * 2 + 1) * HOUR, "complete") for each in range(10)]
    )
    result = what_if(enacted.session, environment, {"scale_down_grace_period": "30m"}, begin)
    assert result.today is not None
    assert result.proposed is not None
    assert in_short(result.today, result.proposed) == "waits as before; 5.0 more machine hours, which cost 10.00 more"
    assert result.proposed.utilization == pytest.approx(10 / 15)
    cheaper = what_if(enacted.session, environment, {"price_per_hour": "1"}, begin)
    assert cheaper.today is not None
    assert cheaper.proposed is not None
    assert in_short(cheaper.today, cheaper.proposed) == "waits as before; as many machine hours, which cost 10.00 less"


def test_what_changes_nothing_that_is_simulated(enacted: Enacted, environment: Environment) -> None:
    begin = recorded(enacted, at_once(12))
    result = what_if(enacted.session, environment, {"name": "another", "maximum_scale": "1", "pids": "x"}, begin)
    assert result.today is result.proposed
    assert what_if_sections(result)[0].pairs[0].text == "nothing would be different"


def test_what_never_ran_and_what_runs(enacted: Enacted, environment: Environment) -> None:
    begin = recorded(
        enacted,
        [
            *at_once(11),
            (5.0, 11 * HOUR, None, "started"),
            (6.0, None, None, "queued"),
            (7.0, None, None, "created"),
            (8.0, None, 9.0, "stopped"),
        ],
    )
    connection = enacted.session.database.reader()
    history = load_history(connection, environment.id, begin, begin + 20 * HOUR)
    assert (history.ended, history.running, history.waiting, history.withdrawn) == (11, 1, 2, 1)
    assert [job.duration for job in history.jobs] == [HOUR] * 11 + [9 * HOUR, HOUR, HOUR]
    assert [job.arrival - begin for job in history.jobs] == [0.0] * 11 + [5.0, 6.0, 7.0]
    told = " ".join(
        pair.text
        for section in what_if_sections(what_if(enacted.session, environment, {}, begin))
        for pair in section.pairs
    )
    for part in ("11 executions that ended", "1 that run", "2 that wait", "left out: 1"):
        assert part in told


def test_only_what_arrived_since_then_and_there_counts(enacted: Enacted, environment: Environment) -> None:
    begin = recorded(enacted, [(each * HOUR, each * HOUR, each * HOUR + 60, "complete") for each in range(10)])
    connection = enacted.session.database.reader()
    assert load_history(connection, environment.id, begin + 4 * HOUR, time.time()).ended == 6
    other = enacted.session.environments.create("other")
    assert load_history(connection, other.id, begin, time.time()).jobs == []


def test_of_very_much_the_newest_is_taken(enacted: Enacted, environment: Environment) -> None:
    begin = recorded(enacted, [(each * HOUR, each * HOUR, each * HOUR + 60, "complete") for each in range(14)])
    result = what_if(enacted.session, environment, {"maximum_scale": "2"}, begin, most=10)
    assert (len(result.history.jobs), result.since) == (10, begin + 4 * HOUR)
    assert any("older ones are left out" in pair.text for section in what_if_sections(result) for pair in section.pairs)
    assert not what_if(enacted.session, environment, {}, begin, most=14).history.is_cut


def test_too_little_history_gives_no_figures(enacted: Enacted, environment: Environment) -> None:
    begin = recorded(enacted, at_once(FEWEST - 1))
    result = what_if(enacted.session, environment, {"maximum_scale": "2"}, begin)
    assert result.today is result.proposed is result.measured is None
    (section,) = what_if_sections(result)
    assert "only 9 of the executions" in section.pairs[0].text
    assert "none of the executions" in what_if(enacted.session, environment, {}, time.time() - 1).missing


def test_answers_that_cannot_be(enacted: Enacted, environment: Environment) -> None:
    begin = recorded(enacted, at_once(FEWEST))
    for answers, field in (({"maximum_scale": "-1"}, "maximum_scale"), ({"minimum_scale": "2"}, "minimum_scale")):
        with pytest.raises(InvalidInputError) as caught:
            what_if(enacted.session, environment, answers, begin)
        assert caught.value.field == field


def test_settings_that_serve_nobody(enacted: Enacted, environment: Environment) -> None:
    begin = recorded(enacted, at_once(FEWEST))
    result = what_if(enacted.session, environment, {"maximum_scale": "0"}, begin)
    assert result.today is not None
    assert result.proposed is not None
    assert "10 more would wait for ever" in in_short(result.today, result.proposed)


def test_hosts_give_no_more_machines_than_they_have(enacted: Enacted, environment: Environment) -> None:
    begin = recorded(enacted, at_once(12))
    with enacted.session.database.transaction() as connection:
        connection.execute("UPDATE environments SET kind = 'hosts' WHERE id = ?", (environment.id,))
        connection.execute(
            "INSERT INTO hosts (uuid, environment_id, name, address, slots, created_at)"
            " VALUES ('u', ?, 'h', 'a', 2, 0)",
            (environment.id,),
        )
    environment = enacted.session.environments.get("local")
    result = what_if(enacted.session, environment, {"maximum_scale": "8"}, begin)
    assert result.proposed is not None
    assert result.proposed.peak_machines == 2
    assert any("at most 2 machines" in pair.text for section in what_if_sections(result) for pair in section.pairs)


def test_the_preview_of_the_form_says_the_most_first(enacted: Enacted, environment: Environment) -> None:
    from core.environments.loads import load

    recorded(enacted, at_once(12))
    sections = environment_preview(enacted.session, load(enacted.session, environment), {"maximum_scale": "2"})
    assert sections[0].pairs[0].text.startswith("median wait 5 h → 2 h")
    assert [section.title for section in sections][1:] == [
        "Today's settings → these",
        "Measured in this time",
        "Made of",
    ]


def test_who_may_not_see_the_environment_gets_no_forecast(enacted: Enacted, environment: Environment) -> None:
    actor = enacted.session.actor
    stranger = Session(
        enacted.session.database, enacted.session.home, Actor(99, "x", Role.NOBODY, actor.organization_id)
    )
    with pytest.raises(NotAllowedError):
        what_if(stranger, environment, {})


def test_a_made_up_load_is_the_same_for_the_same_seed() -> None:
    load = synthetic_load(500, users=5, days=7, machines=4, seed=1)
    assert load == synthetic_load(500, users=5, days=7, machines=4, seed=1)
    assert load != synthetic_load(500, users=5, days=7, machines=4, seed=2)
    assert len(load) == 500
    assert load == sorted(load, key=lambda job: job.arrival)
    assert sum(job.duration for job in load) == pytest.approx(4 * PERIOD)
    assert all(job.duration > 0 and job.arrival >= 0 for job in load)
    assert {job.user_id for job in load} == {1, 2, 3, 4, 5}


def test_a_made_up_load_has_the_rhythm_of_a_week() -> None:
    load = synthetic_load(4000, users=20, days=7, seed=3)

    def during(first: int, last: int, jobs: Sequence[Job] = load) -> int:
        return sum(first <= job.arrival / HOUR % 24 < last for job in jobs)

    weekend = [job for job in load if job.arrival >= 5 * 86400]
    assert during(10, 16) > 3 * during(0, 6)
    assert len(weekend) / 2 < len(load) / 7 / 2, "a day of the weekend has less than half of what a day has"
    gaps = [later.arrival - earlier.arrival for earlier, later in pairwise(load)]
    assert sum(gap < 3 for gap in gaps) > len(load) / 3, "sweeps come in bursts"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.44, "0.4 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (90, "1.5 min"),
        (24_500, "6.8 h"),
        (85_800, "24 h"),
        (3000 * 86400, "3,000 d"),
    ],
)
def test_a_wait_is_told_as_exactly_as_it_is_known(seconds: float, text: str) -> None:
    assert wait_text(seconds) == text
