"""What the console costs somebody over SSH: the real command in a terminal of 120 by 40, every goal of its design.

Run: python -m bench.console [executions]. Bytes, CPU seconds and counts are the same on any machine; times are not.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.lineage_graph import build_fan
from bench.report import goal, line, spread
from bench.startup import COMMAND, filled_home
from bench.terminal import Terminal
from core.executions.transitions import Place, count, queue, start
from core.home import Home
from core.scheduler.machines import launch, lease
from core.shoal import Shoal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.terminal import Answer, Cost

STARTS = 7
CHANGES = 10
"""Visible changes a second in the live queue."""
WAITING, RUNNING = 15, 5
FIRST_ROW = " step "
"""The name of the executions' step: a row is shown that one can read."""
KB = 1000


def console(home: Home, *arguments: str) -> Terminal:
    """Open the console as somebody would who only looks on: it starts no scheduler for what waits."""
    return Terminal([str(COMMAND), "console", "--read-only", *arguments], environment={"SHOAL_HOME": str(home.root)})


def busy_home(root: Path, number: int) -> Home:
    """Make a home of `number` executions that have ended, but that the newest wait and those after them run."""
    root.mkdir()
    home = filled_home(root, number)
    shoal = Shoal.open(home)
    session, system = shoal.session(), shoal.system_session()
    newest = session.executions.list(session.projects.list()[0], limit=WAITING + RUNNING).rows
    with system.write("execution.run") as connection:
        connection.execute("UPDATE executions SET created_at = created_at - 7200, ended_at = ended_at - 3600")
        connection.execute("UPDATE execution_counts SET number = number - ?", (len(newest),))
        for execution in newest:
            connection.execute(
                "UPDATE executions SET status = 'created', ended_at = NULL WHERE id = ?", (execution.id,)
            )
            count(connection, Place(1, session.actor.id, 0, execution.project_id), None, "created")
            queue(connection, execution.id)
        for execution in newest[WAITING:]:
            machine = launch(connection, 1)
            assert machine is not None
            lease(connection, machine)
            start(connection, execution.id, machine)
    shoal.close()
    return home


@contextmanager
def changing(home: Home, rate: int = CHANGES, source: str = "executions") -> Iterator[None]:
    """Have another process change what is visible of a list, so many times a second."""
    process = subprocess.Popen([sys.executable, "-m", "bench.changes", str(home.root), str(rate), source])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which such a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def starts(opened: Callable[[], Terminal], shown: str) -> tuple[list[float], list[float], list[float]]:
    """Return seconds to the first useful paint, CPU seconds to get there, and MB of memory a second later."""
    times, cpus, sizes = [], [], []
    for _ in range(STARTS):
        with opened() as terminal:
            times.append(terminal.wait_for(shown) - terminal.began)
            cpus.append(terminal.cpu_seconds())
            terminal.watch(1.0)
            sizes.append(terminal.memory())
    return times, cpus, sizes


def starting(small: Home, large: Home, number: int) -> None:
    """From the command to rows that one can read, with few executions and with many."""
    floor = starts(lambda: Terminal([sys.executable, "-m", "bench.data_table", "0"]), "#200")
    times, cpus, sizes = starts(lambda: console(small, "executions"), FIRST_ROW)
    goal("first useful paint", spread(times), statistics.median(times), 0.6, "600 ms")
    line("  floor: an application with nothing but a table", spread(floor[0]))
    goal("CPU to get there", spread(cpus), statistics.median(cpus), 0.45, "450 ms")
    line("  floor", spread(floor[1]))
    goal("memory at start", spread(sizes, "MB", 1.0), statistics.median(sizes), 60, "60 MB")
    times, _, sizes = starts(lambda: console(large, "executions"), FIRST_ROW)
    goal(f"open {number:,} rows, to the first", spread(times), statistics.median(times), 1.0, "1 s")
    goal(f"memory with {number:,} executions", spread(sizes, "MB", 1.0), statistics.median(sizes), 100, "100 MB")


def idling(home: Home) -> None:
    """Nothing happens, nobody touches a key, and nothing in sight is so young that its age moves each second."""
    with console(home, "executions", "status=complete") as terminal:
        terminal.wait_for(FIRST_ROW)
        terminal.settle(2.0)
        cost = terminal.watch(20)
    goal("idle: bytes a second", f"{cost.bytes_per_second:.1f}", cost.bytes, 0, "0")
    goal("idle: CPU", f"{cost.cpu_share:.2%}", cost.cpu_share, 0.003, "0.3 %")


def live(home: Home) -> None:
    """A queue in which ten visible rows change each second."""
    with changing(home):
        cost = _watched(lambda: console(home, "executions"))
    floor = _watched(lambda: Terminal([sys.executable, "-m", "bench.data_table", str(CHANGES)]))
    what = f"live queue, {CHANGES} changes a second"
    goal(f"{what}: bytes a second", f"{cost.bytes_per_second:,.0f}", cost.bytes_per_second, 3.5 * KB, "3,500")
    line(
        "  floor: Textual's DataTable",
        f"{floor.bytes_per_second:,.0f}",
        _times(floor.bytes_per_second, cost.bytes_per_second),
    )
    goal(f"{what}: CPU", f"{cost.cpu_share:.2%}", cost.cpu_share, 0.015, "1.5 %")
    line("  floor", f"{floor.cpu_share:.2%}", _times(floor.cpu_share, cost.cpu_share))


def queue_home(root: Path, number: int) -> Home:
    """Make a home in which so many executions of three people wait, and a few run."""
    root.mkdir()
    home = filled_home(root, number)
    shoal = Shoal.open(home)
    with shoal.system_session().write("execution.run") as connection:
        connection.executemany(
            "INSERT INTO users (uuid, name, created_at) VALUES (?, ?, 0)", ((name, name) for name in PEOPLE)
        )
        connection.execute(
            "UPDATE executions SET created_at = created_at - 7200, status = 'queued', ended_at = NULL,"
            " user_id = (SELECT id FROM users WHERE name = ?) + id % ?",
            (PEOPLE[0], len(PEOPLE)),
        )
        connection.execute("DELETE FROM execution_counts")
        connection.execute(_COUNT)
        for execution_id in range(1, RUNNING + 1):
            machine = launch(connection, 1)
            assert machine is not None
            lease(connection, machine)
            start(connection, execution_id, machine)
    shoal.database.optimize()
    shoal.close()
    return home


PEOPLE = ("alice", "bob", "carol")
_COUNT = (
    "INSERT INTO execution_counts SELECT environment_id, user_id, team_id, project_id, status, count(*)"
    " FROM executions GROUP BY 1, 2, 3, 4, 5"
)


def queue_screen(home: Home, number: int) -> None:
    """The queue of all environments, in which so many wait: opened, while its rows change, and while it moves on."""
    times, _, sizes = starts(lambda: console(home, "queue"), FIRST_ROW)
    goal(f"queue of {number:,}, to the first row", spread(times), statistics.median(times), 1.0, "1 s")
    goal(f"memory with {number:,} waiting", spread(sizes, "MB", 1.0), statistics.median(sizes), 100, "100 MB")
    with changing(home, source="queue"):
        cost = _watched(lambda: console(home, "queue"))
    what = f"queue of {number:,}, {CHANGES} changes a second"
    goal(f"{what}: bytes a second", f"{cost.bytes_per_second:,.0f}", cost.bytes_per_second, 3.5 * KB, "3,500")
    goal(f"{what}: CPU", f"{cost.cpu_share:.2%}", cost.cpu_share, 0.015, "1.5 %")
    with console(home, "queue") as terminal:
        terminal.wait_for(FIRST_ROW)
        terminal.settle(2.0)
        moves = [terminal.answer_to(key) for key in ["down"] * 25 + ["up"] * 25]
        pages = [terminal.answer_to(key) for key in ["pagedown", "pageup"] * 10]
    _key("queue, cursor key", moves, 1.2 * KB, 0.030, first=True)
    _key("queue, a page", pages, 20 * KB, 0.120, first=False)
    with moving_on(home):
        cost = _watched(lambda: console(home, "queue"))
    line("  one begins and one ends each second: bytes a second", f"{cost.bytes_per_second:,.0f}")
    line("  CPU", f"{cost.cpu_share:.2%}")


@contextmanager
def moving_on(home: Home) -> Iterator[None]:
    """Have one execution end and the next one begin each second."""
    process = subprocess.Popen([sys.executable, "-m", "bench.changes", str(home.root), "1", "ends"])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _watched(opened: Callable[[], Terminal]) -> Cost:
    with opened() as terminal:
        terminal.wait_for("#")
        terminal.watch(3.0)
        return terminal.watch(20)


def _times(floor: float, ours: float) -> str:
    return f"{floor / ours:.1f} times ours"


def keys(home: Home) -> None:
    """A key that moves the cursor, a page, and keys that lead to another screen and back."""
    with console(home, "executions") as terminal:
        terminal.wait_for(FIRST_ROW)
        terminal.settle(1.0)
        moves = [terminal.answer_to(key) for key in ["down"] * 25 + ["up"] * 25]
        pages = [terminal.answer_to(key) for key in ["pagedown", "pageup"] * 10]
        screens = [terminal.answer_to(key, quiet=0.2) for key in ["enter", "escape"] * 12]
    _key("cursor key", moves, 1.2 * KB, 0.030, first=True)
    _key("a page", pages, 20 * KB, 0.120, first=False)
    _key("screen change", screens, 20 * KB, 0.120, first=False)


def _key(what: str, answers: Sequence[Answer], most_bytes: float, most_seconds: float, *, first: bool) -> None:
    sizes = [answer.bytes for answer in answers]
    times = [seconds for answer in answers if (seconds := answer.first if first else answer.last) is not None]
    figure = f"{statistics.median(sizes):,.0f} (at most {max(sizes):,})"
    goal(f"{what}: bytes", figure, max(sizes), most_bytes, f"{most_bytes:,.0f}")
    late, to = percentile(times, 0.95), "first byte" if first else "last byte"
    figure = f"{statistics.median(times) * 1e3:.1f} ms, p95 {late * 1e3:.1f} ms"
    goal(f"{what}: to the {to}", figure, late, most_seconds, f"p95 {most_seconds * 1e3:.0f} ms")


def _beating(report: Path, *arguments: str) -> Sequence[str]:
    return [sys.executable, "-m", "bench.heartbeat", str(report), "console", "--read-only", *arguments]


def lagging(home: Home, report: Path) -> None:
    """How late the event loop is while the queue lives and somebody goes from place to place."""
    command = _beating(report, "executions")
    with changing(home), Terminal(command, environment={"SHOAL_HOME": str(home.root)}) as terminal:
        terminal.wait_for(FIRST_ROW)
        for key in [
            *["down"] * 20,
            "pagedown",
            "end",
            "home",
            "enter",
            "escape",
            "slash",
            "7",
            "escape",
            "s",
            "escape",
        ] * 3:
            terminal.answer_to(key)
        terminal.watch(5.0)
    late = json.loads(report.read_text())
    figure = f"p95 {percentile(late, 0.95) * 1e3:.1f} ms, at most {max(late) * 1e3:.1f} ms"
    goal("event loop late, p95", figure, percentile(late, 0.95), 0.030, "30 ms")
    goal("event loop late, at most", figure, max(late), 0.100, "100 ms")


def changes_seen(home: Home) -> None:
    """From the commit of a change to its being on screen."""
    shoal = Shoal.open(home)
    session = shoal.session()
    newest = session.executions.list(session.projects.list()[0], limit=20).rows
    times = []
    with console(home, "executions") as terminal:
        terminal.wait_for(FIRST_ROW)
        terminal.settle(1.0)
        for number, execution in enumerate(newest):
            session.executions.set_title(execution, f"s{number}")
            begin = time.perf_counter()
            times.append(terminal.wait_for(f"(s{number})") - begin)
            terminal.watch(0.1 + 0.013 * number)  # not in step with the console's own looks
    shoal.close()
    goal("a change in the database, until it is on screen", spread(times), percentile(times, 0.95), 0.4, "p95 400 ms")


def tracing(root: Path, children: int) -> None:
    """Open the trace of a file that so many executions used."""
    home = Home(root / "fan")
    build_fan(home, children).close()
    times, lags = [], root / "lags"
    command = _beating(lags, "files")
    with Terminal(command, environment={"SHOAL_HOME": str(home.root)}) as terminal:
        terminal.wait_for("model.npz")
        for _ in range(5):
            terminal.settle(0.5)
            terminal.send(":trace raw.csv")
            terminal.settle(0.3)
            begin = time.perf_counter()
            terminal.press("enter")
            times.append(terminal.wait_for("↓ went into", f"#{children} train") - begin)
            terminal.settle(0.5)
            terminal.press("escape")
            terminal.wait_gone("↓ went into")
    goal(f"a lineage node with {children:,} children", spread(times), statistics.median(times), 1.0, "1 s")
    late = json.loads(lags.read_text())
    line("  event loop late meanwhile", f"at most {max(late) * 1e3:.1f} ms")


def main(number: int = 100_000, children: int = 50_000) -> None:
    """Run and print."""
    os.environ["PYTHONPATH"] = os.getcwd()  # noqa: PTH109
    with tempfile.TemporaryDirectory(prefix="shoal-bench-") as directory:
        root = Path(directory)
        small, large = busy_home(root / "small", 100), busy_home(root / "large", number)
        starting(small, large, number)
        idling(large)
        keys(large)
        live(large)
        changes_seen(large)
        lagging(large, root / "late")
        queue_screen(queue_home(root / "queue", number), number)
        tracing(root, children)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
