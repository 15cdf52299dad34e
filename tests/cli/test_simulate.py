"""`shoal environments simulate`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.executions.execution import Execution
    from core.session import Session
    from tests.cli.conftest import Ran


@pytest.fixture
def recorded(execution: Callable[..., Execution], linked: Session) -> Session:
    """An environment with one machine, on which twelve that arrived at once ran ten minutes each."""
    session = linked
    session.environments.set("local", maximum_scale="1", scale_down_grace_period="0", price_per_hour="6")
    begin = time.time() - 86400
    for number in range(12):
        made = execution()
        with session.database.transaction() as connection:
            connection.execute(
                "UPDATE executions SET created_at = ?, started_at = ?, ended_at = ?, status = 'complete' WHERE id = ?",
                (begin, begin + 600 * number, begin + 600 * (number + 1), made.id),
            )
    return session


@pytest.mark.usefixtures("recorded")
def test_figures_stand_side_by_side(run: Callable[[str], Ran]) -> None:
    ran = run("environments simulate local --max 4")
    first, blank, titles, median, *_ = ran.out.splitlines()
    assert first.startswith("median wait 50 min → 10 min")
    assert blank == ""
    assert titles.split("  ")[-1].strip() == "MEASURED"
    assert median.split("  ", 1)[0] == "median wait"
    assert [text.strip() for text in median.split("  ") if text.strip()][1:] == ["50 min", "10 min", "50 min"]
    assert "12 executions that ended" in ran.err
    assert max(map(len, ran.out.splitlines())) <= 80


def test_nothing_is_changed(run: Callable[[str], Ran], recorded: Session) -> None:
    before = recorded.environments.get("local")
    assert run("environments simulate local --max 4 --min 1 --grace 5m --quota 1 --price 9").code == 0
    assert recorded.environments.get("local") == before


@pytest.mark.usefixtures("recorded")
def test_for_scripts(run: Callable[[str], Ran]) -> None:
    fields = run("environments simulate local --max 4 --json").json
    assert fields["today"]["wait_median"] == pytest.approx(3000, abs=1)
    assert fields["proposed"]["wait_median"] == pytest.approx(600, abs=1)
    assert fields["today"]["cost"] == pytest.approx(12.0, abs=0.1)
    assert fields["executions"] == {"ended": 12, "running": 0, "waiting": 0, "withdrawn": 0}
    lines = run("environments simulate local --max 4 --plain").out.splitlines()
    assert lines[0] == "FIGURE\tTODAY'S SETTINGS\tTHESE SETTINGS\tMEASURED"
    assert lines[1] == "median wait\t50 min\t10 min\t50 min"


@pytest.mark.usefixtures("recorded")
def test_too_little_history_says_so(run: Callable[[str], Ran]) -> None:
    ran = run("environments simulate local --max 4 --since 1h")
    assert (ran.code, ran.out, "none of the executions" in ran.err) == (0, "", True)
    fields = run("environments simulate local --max 4 --since 1h --json").json
    assert "there is no forecast" in fields["missing"]
    assert "today" not in fields


@pytest.mark.usefixtures("linked")
def test_a_made_up_week_needs_no_history(run: Callable[[str], Ran]) -> None:
    fields = run("environments simulate local --max 8 --quota 2 --synthetic --json").json
    assert fields["made_up"]
    assert fields["measured"] is None
    assert fields["proposed"]["peak_machines"] <= 8
    assert run("environments simulate local --max 8 --synthetic").out


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        ("local --max many", 2, "maximum_scale cannot be 'many'"),
        ("local --min 3", 2, "minimum_scale would be above maximum_scale"),
        ("local --since whenever", 2, "--since cannot be"),
        ("nowhere --max 3", 3, "nowhere"),
    ],
)
def test_what_cannot_be(run: Callable[[str], Ran], given: str, code: int, told: str) -> None:
    ran = run(f"environments simulate {given}")
    assert (ran.code, told in ran.err) == (code, True)
