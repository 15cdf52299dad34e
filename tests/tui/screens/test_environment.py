"""The operator's places: the list of environments with its gauges, and the screen of one of them."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from typing import TYPE_CHECKING

import pytest

from core.projects.manifest import read_manifest
from core.projects.specification import specify
from core.resources.environments import ENVIRONMENTS
from core.resources.resource import Pair, Section, Tone
from data.changes import record
from tests.tui.opened import opened
from tests.tui.story import story

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.environments.environment import Environment
    from core.executions.execution import Execution
    from core.session import Session
    from tests.enacted import Enacted

WIDE = (120, 40)


@pytest.fixture
def gpu(enacted: Enacted) -> Environment:
    """An environment of five machines, each user at most two."""
    return enacted.session.environments.create("gpu", maximum_scale="5", per_user_quota="2", price_per_hour="2.50")


def waits(enacted: Enacted, number: int) -> Sequence[Execution]:
    """Have executions wait in `gpu`."""
    manifest = read_manifest(enacted.commit.yaml)
    specification = specify(manifest, "train", inputs={}, parameters={}, environment="gpu")
    found = [enacted.session.executions.create(enacted.project, enacted.commit, specification) for _ in range(number)]
    assert {each.environment for each in found} == {"gpu"}
    return found


def machine(enacted: Enacted, environment: Environment, state: str, *, cordoned: bool = False) -> None:
    """Put a machine there, in any state."""
    with enacted.session.write("execution.edit") as connection:
        count = connection.execute("SELECT count(*) FROM machines").fetchone()[0]
        id_ = connection.execute(
            "INSERT INTO machines (uuid, environment_id, name, state, state_at, requested_at, cordoned)"
            " VALUES (:name, :environment, :name, :state, :now, :now, :cordoned) RETURNING id",
            {
                "name": f"gpu-m{count}",
                "environment": environment.id,
                "state": state,
                "now": time.time(),
                "cordoned": cordoned,
            },
        ).fetchone()[0]
        record(connection, 0, "machine", id_, state)


def ended(enacted: Enacted, number: int) -> None:
    """Have executions ended in `gpu` of late, all of which came at once."""
    waits(enacted, number)
    with enacted.session.write("execution.edit") as connection:
        connection.execute(
            "UPDATE executions SET status = 'complete', created_at = :now - 90000, queued_at = :now - 90000,"
            " started_at = :now - 89000 + id, ended_at = :now - 88000 + id",
            {"now": time.time()},
        )
        connection.execute("UPDATE execution_counts SET status = 'complete'")


async def test_the_list_has_gauges_that_follow(enacted: Enacted, gpu: Environment) -> None:
    first, *_ = waits(enacted, 4)
    async with story(enacted.session, address="environments") as person:
        line = await person.reads_line("gpu")
        assert line.split()[1:9] == ["gpu", "on", "·····", "0", "0", "0", "5", "4"], line
        enacted.start(first)
        machine(enacted, gpu, "starting")
        machine(enacted, gpu, "idle", cordoned=True)
        await person.sees("█▁x··")
        line = await person.reads_line("gpu")
        assert line.split()[3:9] == ["█▁x··", "1", "0", "1", "5", "3"], line


async def test_enter_opens_it_and_panes_are_reached_by_number_and_by_tab(enacted: Enacted, gpu: Environment) -> None:
    waits(enacted, 3)
    async with story(enacted.session, address="environments") as person:
        await person.on_row("gpu").presses("enter").sees("environment gpu queue", "3 waiting", "train")
        await person.sees("the scheduler has not", "0 to 5 machines", "2 for each user")
        await person.presses("2").sees("environment gpu machines", "No machine is present")
        machine(enacted, gpu, "starting")
        await person.sees("gpu-m0", "starting", "▁ 1 starting")
        await person.presses("tab").sees("environment gpu history", "nothing was recorded within an hour")
        await person.presses("w").sees("nothing was recorded within a day")
        await person.presses("tab").sees("environment gpu limits", "Maximum scale")
        await person.presses("tab").sees("environment gpu queue").presses("escape").sees("ENVIRONMENT")


async def test_both_lists_stand_together_where_there_is_room(enacted: Enacted, gpu: Environment) -> None:
    waits(enacted, 3)
    machine(enacted, gpu, "idle")
    async with story(enacted.session, address="environment gpu", size=WIDE) as person:
        await person.sees("gpu-m0", "train", "last hour", "environment gpu queue")
        await person.presses("2").sees("environment gpu machines", "train", "gpu-m0")
        await person.resizes(80, 24).sees("gpu-m0").does_not_see("train")
        await person.presses("1").sees("train").does_not_see("gpu-m0")


@pytest.mark.usefixtures("gpu")
async def test_what_happens_is_seen(enacted: Enacted) -> None:
    first, second = waits(enacted, 2)
    async with story(enacted.session, address="environment gpu machines") as person:
        await person.sees("2 waiting", "· 5 more possible")
        enacted.start(first)
        await person.sees("1 running", "1 waiting", "█ 1 busy", "· 4 more possible", f"#{first.counter} train")
        enacted.start(second)
        await person.sees("2 running", "0 waiting", "█ 2 busy")
        enacted.ends(first)
        await person.sees("1 running", "▄ 1 idle")


@pytest.mark.usefixtures("gpu")
async def test_the_maximum_is_raised_in_place(enacted: Enacted) -> None:
    waits(enacted, 2)
    async with story(enacted.session, address="environment gpu") as person:
        await (
            person.presses("greater_than_sign")
            .sees("Maximum scale of gpu: 5 → 6?")
            .presses("n")
            .sees("0 to 5 machines")
        )
        assert enacted.session.environments.get("gpu").maximum_scale == 5
        await person.types(">>>").sees("Maximum scale of gpu: 5 → 8?").presses("y").sees("0 to 8 machines")
        assert enacted.session.environments.get("gpu").maximum_scale == 8
        await person.types("<>").does_not_see("Maximum scale of gpu")


@pytest.mark.usefixtures("gpu")
async def test_lowering_the_maximum_says_what_runs_on(enacted: Enacted) -> None:
    for each in waits(enacted, 3):
        enacted.start(each)
    async with story(enacted.session, address="environment gpu") as person:
        await person.types("<<<").sees("5 → 2?", "3 run and will not be ended").presses("escape")
        await person.sees("0 to 5 machines")


async def test_a_read_only_console_changes_nothing(enacted: Enacted, gpu: Environment) -> None:
    async with story(enacted.session, address=f"environment {gpu.slug}", read_only=True) as person:
        await (
            person.presses("greater_than_sign")
            .sees("this console is read-only")
            .presses("e")
            .sees("environment gpu queue")
        )


async def test_the_form_is_reached_and_left_again(enacted: Enacted, gpu: Environment) -> None:
    async with story(enacted.session, address=f"environment {gpu.slug}") as person:
        await person.presses("e").sees("edit environment gpu", "Maximum scale").presses("escape")
        await person.sees("environment gpu queue")


async def test_a_frozen_picture_stays_and_goes_on(enacted: Enacted, gpu: Environment) -> None:
    async with story(enacted.session, address=f"environment {gpu.slug}") as person:
        await person.sees("0 waiting").presses("p").sees("frozen")
        waits(enacted, 2)
        await person.sees("changes since").sees("0 waiting").presses("p").sees("2 waiting")


async def test_hostile_names_are_shown_as_text(enacted: Enacted, gpu: Environment) -> None:
    waits(enacted, 1)
    hostile = "[/] [red]red[/red]\x1b[31m\u202e"
    with enacted.session.write("execution.edit") as connection:
        connection.execute("UPDATE executions SET step = ?", (hostile,))
        connection.execute("UPDATE environments SET name = ? WHERE id = ?", (hostile, gpu.id))
        connection.execute("UPDATE users SET name = ?", (hostile,))
    async with story(enacted.session, address="environment gpu", size=WIDE) as person:
        await person.sees("[/] [re")
        assert not {"\x1b", "\u202e"} & set(person.screen)
        await person.presses("4").sees("[/] [red]red[/red]").presses("escape")
        await person.goes("edit environment gpu").sees("[/] [red]red[/red]")


async def test_there_is_no_such_pane(enacted: Enacted, gpu: Environment) -> None:
    async with story(enacted.session, address="environments") as person:
        await person.goes(f"environment {gpu.slug} nonsense").sees("an environment has no pane 'nonsense'")


async def test_the_form_says_what_it_would_have_done(enacted: Enacted, gpu: Environment) -> None:
    ended(enacted, 30)
    async with story(enacted.session, address=f"edit environment {gpu.slug}", size=WIDE) as person:
        await person.sees("Change a limit").on_field("Maximum scale").presses("backspace").types("1")
        await person.sees("replayed", "median wait", "utilization", "* 1")
        await person.presses("f2").sees("Change environment gpu?", "median wait").presses("n").sees("1 changed")
        await person.presses("backspace").types("x").sees("cannot be").does_not_see("median wait")


async def test_the_forecast_is_reached_on_a_small_screen(enacted: Enacted, gpu: Environment) -> None:
    ended(enacted, 30)
    async with story(enacted.session, address=f"edit environment {gpu.slug}") as person:
        await person.sees("What if (f3): nothing was changed yet").on_field("Maximum scale")
        await person.presses("backspace").types("1").sees("What if (f3): median wait").does_not_see("utilization")
        await person.presses("f3").sees("utilization").does_not_see("Maximum scale")
        await person.presses("escape").sees("Maximum scale", "1 changed").does_not_see("utilization")
        await person.presses("f3", "f3").sees("Maximum scale").presses("f2").sees("Change environment gpu?")
        await person.presses("y").sees("was changed: Maximum scale")
    assert enacted.session.environments.get("gpu").maximum_scale == 1


async def test_raising_the_maximum_says_what_it_would_have_done(enacted: Enacted, gpu: Environment) -> None:
    ended(enacted, 30)
    async with story(enacted.session, address=f"environment {gpu.slug}") as person:
        await person.types("<<<<").sees("5 → 1?", "edian wait").presses("n").sees("0 to 5 machines")


async def test_without_a_history_nothing_is_foretold(enacted: Enacted, gpu: Environment) -> None:
    async with story(enacted.session, address=f"edit environment {gpu.slug}") as person:
        await person.on_field("Maximum scale").presses("backspace").types("9").sees("there is no forecast")
        await person.presses("f2").sees("was changed: Maximum scale")


async def test_what_is_typed_meanwhile_is_foretold_at_last(
    enacted: Enacted, gpu: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def preview(_session: Session, _row: object, answers: Mapping[str, str]) -> Sequence[Section]:
        asked.append(answers["maximum_scale"])
        begun.set()
        assert go_on.wait(20)
        return [Section("", [Pair("", f"forecast for {asked[-1]}", tone=Tone.STRONG)])]

    assert ENVIRONMENTS.form is not None
    form = dataclasses.replace(ENVIRONMENTS.form, preview=preview)
    monkeypatch.setattr("core.resources.environments.ENVIRONMENTS", dataclasses.replace(ENVIRONMENTS, form=form))
    async with story(enacted.session, address=f"edit environment {gpu.slug}") as person:
        await person.on_field("Maximum scale")
        await person._pilot.press("ctrl+u", "6")
        await person.waits_for("simulating…")
        assert await asyncio.to_thread(begun.wait, 20)
        await person._pilot.press("backspace", "7")
        go_on.set()
        await person.sees("forecast for 7").does_not_see("forecast for 6")
    assert asked == ["6", "7"]


def test_an_idle_environment_sends_nothing_and_a_live_one_little(enacted: Enacted, gpu: Environment) -> None:
    executions = waits(enacted, 30)
    with enacted.session.write("execution.edit") as connection:  # ages that do not move with the seconds
        connection.execute("UPDATE executions SET created_at = created_at - 9000")
    stop = threading.Event()

    def change() -> None:
        for number in range(1_000):
            if stop.wait(0.1):
                return
            enacted.session.executions.set_title(executions[number % 30], f"e{number}")

    writer = threading.Thread(target=change)
    with opened(enacted.session.home, "environment", gpu.slug, "--read-only", columns=120, rows=40) as terminal:
        terminal.wait_for("30 waiting", "live")
        terminal.settle(1.5)
        assert terminal.watch(3.0).bytes == 0
        writer.start()
        terminal.wait_for("(e")
        cost = terminal.watch(2.5)
        stop.set()
        writer.join()
    assert 0 < cost.bytes_per_second <= 3_500
