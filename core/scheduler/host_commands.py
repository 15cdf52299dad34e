"""Runs the start and stop commands of hosts: each in a session and a thread of its own, with a limit of time.

What a command is for stands in its row before it is run. When the scheduler dies under one, the next scheduler ends
what is left of it and closes its row without an exit code.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core.quantities import duration
from data.changes import SYSTEM, record

if TYPE_CHECKING:
    from core.session import Session

KEPT = 16 * 1024
"""Bytes of a command's output that are kept: half from its beginning, half from its end."""
KEPT_RUNS = 200
"""Runs of a host's commands that are kept: some hosts are started and stopped many times a day."""
TIMED_OUT = 124
NOT_STARTED = 127
_DIES_WITHIN = 2.0
_LEAVE_WITHIN = 5.0
_WRITE_TRIES = 5
WRITE_AGAIN = 1.0
"""Seconds after which the end of a command is written again where the database did not take it."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HostCommand:
    """What to run: `environment` is added to the scheduler's own."""

    host_id: int
    machine_id: int | None
    kind: Literal["start", "stop"]
    command: str
    limit: float
    environment: dict[str, str]


class HostCommands:
    """Those that run now."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._stop = threading.Event()
        self._threads: dict[int, threading.Thread] = {}

    def __bool__(self) -> bool:
        return any(thread.is_alive() for thread in self._threads.values())

    def begin(self, connection: sqlite3.Connection, command: HostCommand) -> int:
        """Write down that a command is run; `run` runs it once that is committed."""
        cursor = connection.execute(
            "INSERT INTO host_commands (host_id, machine_id, kind, began_at) VALUES (?, ?, ?, ?)",
            (command.host_id, command.machine_id, command.kind, time.time()),
        )
        connection.execute(
            "DELETE FROM host_commands WHERE host_id = ?1 AND ended_at IS NOT NULL AND id <="
            " (SELECT id FROM host_commands WHERE host_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            (command.host_id, KEPT_RUNS),
        )
        record(connection, SYSTEM, "host", command.host_id, f"{command.kind} command began")
        return cursor.lastrowid or 0

    def run(self, command_id: int, command: HostCommand) -> None:
        """Run a command that was begun."""
        self._threads = {key: thread for key, thread in self._threads.items() if thread.is_alive()}
        thread = threading.Thread(
            target=self._run,
            args=(command_id, command, self._stop),
            name=f"{command.kind} command of host {command.host_id}",
            daemon=True,
        )
        self._threads[command_id] = thread
        thread.start()

    def settle(self) -> None:
        """End what an earlier scheduler left under way, and close its rows."""
        rows = (
            self._session.read("machine.run")
            .execute("SELECT id, host_id, kind, process FROM host_commands WHERE ended_at IS NULL")
            .fetchall()
        )
        for row in rows:
            pid, _, started = row["process"].partition(":")
            if pid and _start_time(int(pid)) == started:
                _end_group(int(pid))
            self._close(row["id"], row["host_id"], row["kind"], None, "the scheduler ended while this ran")

    def leave(self) -> None:
        """End those that run."""
        self._stop.set()
        deadline = time.monotonic() + _LEAVE_WITHIN
        for thread in self._threads.values():
            thread.join(timeout=max(0.0, deadline - time.monotonic()))
        self._stop = threading.Event()

    def _run(self, command_id: int, command: HostCommand, stop: threading.Event) -> None:
        try:
            code, output = self._told(command_id, command, stop)
            self._close(command_id, command.host_id, command.kind, code, output, stop)
        except sqlite3.Error:
            logger.exception("the end of command %s of host %s is not written down", command_id, command.host_id)
        finally:
            self._session.database.close_reader()

    def _told(self, command_id: int, command: HostCommand, stop: threading.Event) -> tuple[int | None, str]:
        """Return how it went; what nobody expected is a failure like any other, since a host waits for its end."""
        try:
            return self._carried_out(command_id, command, stop)
        except Exception as error:
            logger.exception("command %s of host %s could not be looked after", command_id, command.host_id)
            return NOT_STARTED, f"it could not be looked after ({type(error).__name__})"

    def _carried_out(self, command_id: int, command: HostCommand, stop: threading.Event) -> tuple[int | None, str]:
        """Return the exit code and what was printed; None where the scheduler leaves."""
        try:
            process = subprocess.Popen(
                ["sh", "-c", command.command],
                cwd="/",
                env=os.environ | command.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return NOT_STARTED, f"it could not be started: {error}"
        try:
            self._note(command_id, f"{process.pid}:{_start_time(process.pid)}")
            output, ended = _listen(process, time.monotonic() + command.limit, stop)
            if ended:
                return process.wait(), output.text
            if stop.is_set():
                return None, f"{output.text}\nthe scheduler left while this ran".strip()
            return TIMED_OUT, f"{output.text}\nended: it took longer than {duration(command.limit)}".strip()
        finally:
            if process.poll() is None:
                _end_group(process.pid)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def _note(self, command_id: int, process: str) -> None:
        """Write down by what it is found again; a database that is busy is no reason to end it."""
        try:
            with self._session.write("machine.run") as connection:
                connection.execute("UPDATE host_commands SET process = ? WHERE id = ?", (process, command_id))
        except sqlite3.OperationalError as error:
            logger.warning("command %s would not be found again: %s", command_id, error)

    def _close(
        self,
        command_id: int,
        host_id: int,
        kind: str,
        code: int | None,
        output: str,
        stop: threading.Event | None = None,
    ) -> None:
        """Write its end down, for as long as that takes: a row that is open keeps its host from every other command."""
        for tries in count(1):
            try:
                with self._session.write("machine.run") as connection:
                    cursor = connection.execute(
                        "UPDATE host_commands SET ended_at = ?, exit_code = ?, output = ?"
                        " WHERE id = ? AND ended_at IS NULL",
                        (time.time(), code, output, command_id),
                    )
                    if cursor.rowcount:
                        record(connection, SYSTEM, "host", host_id, f"{kind} command {_ending(code)}")
            except sqlite3.OperationalError:
                if tries >= _WRITE_TRIES and (stop is None or stop.is_set()):
                    raise
                time.sleep(WRITE_AGAIN)
            else:
                return


def _listen(process: subprocess.Popen[bytes], deadline: float, stop: threading.Event) -> tuple[_Output, bool]:
    """Take in what it prints until its own end; what it leaves in the background may print on unheard."""
    output = _Output()
    pipe = process.stdout.fileno() if process.stdout is not None else -1
    os.set_blocking(pipe, False)
    # A poll, not a select: that takes no descriptor above 1023.
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    open_still = True
    while True:
        ended = process.poll() is not None
        if open_still and poll.poll(0 if ended else 100):
            with suppress(BlockingIOError):
                data = os.read(pipe, 65536)
                open_still = bool(data)
                output.add(data)
                if data and not ended and time.monotonic() < deadline:
                    continue
        if ended:
            return output, True
        if time.monotonic() >= deadline or stop.is_set():
            return output, False
        if not open_still:
            time.sleep(0.05)


class _Output:
    """The beginning and the end of what is printed."""

    def __init__(self) -> None:
        self._head = b""
        self._tail = b""
        self._left_out = 0

    def add(self, data: bytes) -> None:
        room = KEPT // 2 - len(self._head)
        self._head += data[:room]
        tail = self._tail + data[room:]
        self._left_out += max(len(tail) - KEPT // 2, 0)
        self._tail = tail[-KEPT // 2 :]

    @property
    def text(self) -> str:
        middle = f"\n… {self._left_out} bytes are left out …\n".encode() if self._left_out else b""
        return (self._head + middle + self._tail).decode(errors="replace").strip()


def ending(kind: str, name: str, code: int | None) -> str:
    """Say how a command ended: `start command of gpu-2 failed (exit code 3)`; what it printed is not for everybody."""
    return f"{kind} command of {name} {_ending(code)}"


def _ending(code: int | None) -> str:
    if code is None:
        return "was interrupted"
    if code == TIMED_OUT:
        return "took too long"
    return "is done" if code == 0 else f"failed (exit code {code})"


def _start_time(pid: int) -> str:
    """Return when a process began, in ticks since the start of the system: with its pid, what is unique to it."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return "gone"


def _end_group(leader: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, number)
        deadline = time.monotonic() + _DIES_WITHIN
        while number is signal.SIGTERM and time.monotonic() < deadline:
            with suppress(ChildProcessError):
                os.waitpid(leader, os.WNOHANG)
            try:
                os.killpg(leader, 0)
            except (ProcessLookupError, PermissionError):
                return
            time.sleep(0.05)
