"""The real command in real terminals: sizes, floods, lost lines; always given back, nothing left running."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from bench.terminal import Terminal
from tests.tui.opened import gave_back, opened
from tests.tui.test_hostile_names import NAMES, rename_everything

if TYPE_CHECKING:
    from core.shoal import Shoal
    from tests.enacted import Enacted


def leaves(terminal: Terminal) -> None:
    """Leave the console and find the terminal as it was."""
    terminal.press("ctrl+c", "ctrl+c")
    assert terminal.wait_ended() == 0
    assert gave_back(terminal)


def test_a_terminal_that_is_too_small_is_told_what_is_needed(finished: Enacted) -> None:
    with opened(finished.session.home, columns=40, rows=10) as terminal:
        terminal.wait_for("60", "15")
        terminal.resize(80, 24)
        terminal.wait_for("preprocess")
        leaves(terminal)


def test_a_very_large_terminal_is_filled(finished: Enacted) -> None:
    with opened(finished.session.home, columns=300, rows=100) as terminal:
        terminal.wait_for("preprocess")
        terminal.settle()
        assert len(terminal.lines[-1]) > 280
        leaves(terminal)


@pytest.mark.parametrize("name", ["dumb", ""])
def test_a_terminal_that_cannot_move_its_cursor_is_refused_in_a_sentence(finished: Enacted, name: str) -> None:
    with opened(finished.session.home, environment={"TERM": name}) as terminal:
        assert terminal.wait_ended() != 0
        assert "needs a terminal that can move its cursor" in terminal.text.replace("\n", " ")
        assert "Traceback" not in terminal.text
        assert b"\x1b[?1049h" not in terminal.raw


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "xterm"}, {"TERM": "screen", "COLORTERM": ""}])
def test_terminals_with_few_or_no_colours(finished: Enacted, environment: dict[str, str]) -> None:
    with opened(finished.session.home, environment=environment) as terminal:
        terminal.wait_for("preprocess", "complete")
        leaves(terminal)


def test_a_window_that_is_dragged_about(finished: Enacted) -> None:
    with opened(finished.session.home) as terminal:
        terminal.wait_for("preprocess")
        for size in [(200, 60), (80, 24)] * 10:
            terminal.resize(*size)
            terminal.watch(0.1)
        terminal.settle()
        terminal.wait_for("preprocess")
        assert len(terminal.lines) == 24
        leaves(terminal)


def test_a_megabyte_pasted_into_a_field(finished: Enacted) -> None:
    with opened(finished.session.home) as terminal:
        terminal.wait_for("preprocess")
        terminal.press("/")
        terminal.settle()
        terminal.paste("penguin [/] red\n" * 65_000)
        terminal.settle(1.0)
        terminal.press("escape")
        terminal.settle()
        terminal.press("escape")
        terminal.wait_for("preprocess")
        leaves(terminal)


def test_ctrl_c_once_stays_and_twice_leaves(finished: Enacted) -> None:
    with opened(finished.session.home) as terminal:
        terminal.wait_for("preprocess")
        terminal.press("ctrl+c")
        terminal.wait_for("ctrl+c again")
        assert terminal.process.poll() is None
        leaves(terminal)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_gives_the_terminal_back(finished: Enacted, number: signal.Signals) -> None:
    with opened(finished.session.home) as terminal:
        terminal.wait_for("preprocess")
        terminal.process.send_signal(number)
        assert terminal.wait_ended() not in (0, 1)
        assert gave_back(terminal)


def test_a_lost_connection_leaves_nothing_running(finished: Enacted) -> None:
    with opened(finished.session.home, "execution", "2", "logs") as terminal:
        terminal.wait_for("done")
        family = terminal.family()
        terminal.hang_up()
        terminal.wait_ended(patience=20)
        _, alive = psutil.wait_procs(family, timeout=5)
        assert not alive


def test_suspended_and_resumed(finished: Enacted) -> None:
    with opened(finished.session.home) as terminal:
        terminal.wait_for("preprocess")
        terminal.process.send_signal(signal.SIGTSTP)
        terminal.watch(0.3)
        terminal.process.send_signal(signal.SIGCONT)
        terminal.press("down")
        terminal.wait_for("preprocess")
        leaves(terminal)


# The database.


def test_a_locked_database_stops_no_key(finished: Enacted) -> None:
    finished.create("train", title="waits")
    with opened(finished.session.home, "--read-only") as terminal:
        terminal.wait_for("waits")
        with sqlite3.connect(finished.session.home.database, isolation_level=None) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            terminal.press("down")
            terminal.press("enter")
            terminal.wait_for("execution 3")
            terminal.press("escape")
            terminal.wait_for("preprocess")
            lock.execute("ROLLBACK")
        leaves(terminal)


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_another_database_in_its_place_is_told(finished: Enacted, how: str) -> None:
    database = finished.session.home.database
    with opened(finished.session.home) as terminal:
        terminal.wait_for("preprocess")
        if how == "replaced":
            shutil.copy(database, f"{database}.other")
            os.replace(f"{database}.other", database)  # noqa: PTH105 - the shell's mv
        else:
            database.unlink()
        terminal.wait_for("replaced or removed")
        terminal.press("down", "enter", "escape")
        terminal.watch(1.0)
        leaves(terminal)


def test_a_database_of_a_newer_shoal_under_an_open_console(finished: Enacted) -> None:
    with opened(finished.session.home) as terminal:
        terminal.wait_for("preprocess")
        with sqlite3.connect(finished.session.home.database) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute(f"PRAGMA user_version = {version + 1000}")
        terminal.watch(1.0)
        terminal.press("down", "enter")
        terminal.settle(1.0)
        leaves(terminal)
    with opened(finished.session.home) as terminal:
        assert terminal.wait_ended() != 0
        assert "newer" in terminal.text
        assert "Traceback" not in terminal.text


# Floods.


def test_hostile_names_send_no_sequence_of_theirs(finished: Enacted, shoal: Shoal) -> None:
    rename_everything(shoal, NAMES["escapes"] + NAMES["bidirectional"])
    with opened(finished.session.home, "--project", "*") as terminal:
        terminal.wait_for("complete")
        for address in ("files", "projects", "environments", "machines", "activity", "execution 1", "trace file=1"):
            terminal.send(f":{address}")
            terminal.press("enter")
            terminal.settle()
        for sequence in ("\x1b]0;pwned", "\x9b", "\u202e", "\u2066", "\u2067", "\x00"):
            assert sequence.encode() not in terminal.raw
        leaves(terminal)


@pytest.mark.parametrize(
    "lines",
    [
        [b"x" * 20_000_000],
        [bytes(range(256)).replace(b"\n", b"") * 40] * 200,
        [b"\r".join(b"epoch %d%%" % share for share in range(100))] * 500,
        ["模型[/][red]\u202e".encode() * 2000] * 50,
    ],
    ids=["one-long-line", "binary", "progress", "wide"],
)
def test_a_log_of_any_kind_is_shown_and_left(finished: Enacted, lines: list[bytes]) -> None:
    execution = finished.start(finished.create("train"))
    finished.prints(execution, [*lines, b"the end"])
    with opened(finished.session.home, "--read-only", "execution 4 logs") as terminal:
        terminal.wait_for("the end")
        terminal.press("home")
        terminal.settle(1.0)
        terminal.press("end")
        terminal.wait_for("the end")
        assert b"\x00" not in terminal.raw
        leaves(terminal)


@pytest.mark.slow
def test_fifty_thousand_lines_a_second_leave_the_keys_alive(finished: Enacted) -> None:
    execution = finished.start(finished.create("train"))
    stop = threading.Event()

    def flood() -> None:
        number = 0
        while not stop.wait(0.1):
            finished.prints(execution, [b"line %d of a flood" % (number + line) for line in range(5_000)])
            number += 5_000

    writer = threading.Thread(target=flood)
    with opened(finished.session.home, "--read-only", "execution 4 logs") as terminal:
        terminal.wait_for("following")
        writer.start()
        try:
            terminal.wait_for("of a flood")
            cost = terminal.watch(3.0)
            assert cost.bytes_per_second < 200_000
            terminal.send(":executions\r")
            terminal.wait_for("preprocess")
        finally:
            stop.set()
            writer.join()
        leaves(terminal)


@pytest.mark.slow
def test_many_rows_that_change_while_somebody_scrolls_and_acts(enacted: Enacted) -> None:
    from core.projects.manifest import read_manifest
    from core.projects.specification import specify

    session = enacted.session
    specification = specify(read_manifest(enacted.commit.yaml), "train")
    for _ in range(4):
        session.executions.create_many(enacted.project, enacted.commit, [specification] * 25_000)
    stop = threading.Event()

    def change() -> None:
        while not stop.wait(0.05):
            with session.write("execution.edit") as connection:
                connection.execute("UPDATE executions SET title = hex(randomblob(4)) WHERE id > 90000")
                connection.execute(
                    "INSERT INTO changes (at, actor, kind, subject, what)"
                    " SELECT 0, 1, 'execution', id, 'title' FROM executions WHERE id > 99000"
                )

    writer = threading.Thread(target=change)
    with opened(session.home, "--read-only") as terminal:
        terminal.wait_for("#100000", "100,000")
        writer.start()
        try:
            terminal.press(*["pagedown", "down", "space", "end", "up", "home"] * 5)
            terminal.press("end")
            terminal.wait_for("#1 ")
            terminal.press("enter")
            terminal.wait_for("execution 1")
            terminal.press("escape")
            terminal.wait_for("#1 ")
        finally:
            stop.set()
            writer.join()
        leaves(terminal)


BUSY = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from core.home import Home
from core.shoal import Shoal
from tui.app import Console, run
from tui.lanes import Lane

def slow():
    ThreadPoolExecutor().submit(time.sleep, 600).result()

def change():
    Path(sys.argv[1]).write_text("begun")
    time.sleep(1)
    Path(sys.argv[1]).write_text("done")

def begin(console):
    console.run_worker(console.lanes.run(Lane.LONG, slow), exit_on_error=False)
    console.run_worker(console.lanes.run(Lane.ACT, change), exit_on_error=False)

Console.on_ready = begin
code = run(Console(Shoal.open().session(), starts_scheduler=False))
print("not reached")
sys.exit(code)
"""


def test_leaving_waits_for_a_change_and_not_for_a_copy(finished: Enacted, tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    command = [sys.executable, "-c", BUSY, str(noted)]
    own = {"SHOAL_HOME": str(finished.session.home.root), "HOME": str(tmp_path)}
    with Terminal(command, columns=80, rows=24, environment=own, directory=Path.cwd()) as terminal:
        terminal.wait_for("preprocess")
        assert noted.exists()
        terminal.press("ctrl+c", "ctrl+c")
        assert terminal.wait_ended() == 0
        assert gave_back(terminal)
        assert "not reached" not in terminal.text
    assert noted.read_text() == "done"
