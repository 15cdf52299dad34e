"""How long the command takes from process start, and what a scheduler costs that has a million executions in its file.

Run: python -m bench.startup [executions]. The floor is Python itself with sqlite3, started in turn with the command.
"""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.report import line, spread
from bench.state import project_of
from core.home import Home
from core.projects.manifest import read_manifest
from core.projects.specification import specify
from core.shoal import Shoal

COMMAND = Path(sys.executable).parent / "shoal"
ROUNDS = 15


def filled_home(root: Path, number: int) -> Home:
    """Make a home with `number` executions that have ended, each with its attempt."""
    home = Home(root / "home")
    shoal = Shoal.create(home)
    session = shoal.session()
    project, commit = project_of(session, root)
    session.projects.link(root / "project", project)
    specification = specify(read_manifest(commit.yaml), "step")
    for begin in range(0, number, 50_000):
        session.executions.create_many(project, commit, [specification] * min(50_000, number - begin))
    with shoal.database.transaction() as connection:
        connection.execute("UPDATE executions SET status = 'complete', ended_at = created_at")
        connection.execute("UPDATE execution_counts SET status = 'complete'")
        connection.execute(
            "INSERT INTO machines (id, uuid, environment_id, name, state, state_at, requested_at)"
            " VALUES (1, 'bench', 1, 'bench', 'gone', 0, 0)"
        )
        connection.execute(
            "INSERT INTO attempts (execution_id, number, machine_id, state, created_at)"
            " SELECT id, 1, 1, 'closed', created_at FROM executions"
        )
    shoal.database.optimize()
    shoal.close()
    return home


def seconds(command: list[str], directory: Path, environment: dict[str, str]) -> float:
    """Return how long a command takes as a process."""
    begin = time.perf_counter()
    subprocess.run(command, cwd=directory, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def listing(root: Path, environment: dict[str, str]) -> None:
    """`shoal executions ls` beside bare Python."""
    ours, floors = [], []
    for _ in range(ROUNDS):
        floors.append(seconds([sys.executable, "-c", "import sqlite3"], root / "project", environment))
        ours.append(seconds([str(COMMAND), "executions", "ls"], root / "project", environment))
    line("shoal executions ls, from process start", spread(ours), "aim <= 100 ms")
    line("  floor: python -c 'import sqlite3'", spread(floors))
    line("  ratio", f"{statistics.median(ours) / statistics.median(floors):.2f}")


def scheduler(environment: dict[str, str]) -> None:
    """`shoal up` until it says that it is ready, and its memory then."""
    times, sizes = [], []
    for _ in range(5):
        begin = time.perf_counter()
        process = subprocess.Popen(
            [str(COMMAND), "up"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdout is not None
        for text in process.stdout:
            if "ready" in text:
                break
        times.append(time.perf_counter() - begin)
        status = Path(f"/proc/{process.pid}/status").read_text()
        sizes.append(int((re.search(r"VmRSS:\s+(\d+)", status) or [0, 0])[1]) / 1024)
        process.send_signal(signal.SIGTERM)
        process.wait()
    line("shoal up, until it is ready", spread(times), "aim <= 1 s")
    line("  its memory then", spread(sizes, "MB", 1.0), "aim <= 80 MB")


def main(number: int = 1_000_000) -> None:
    """Run and print."""
    with tempfile.TemporaryDirectory(prefix="shoal-bench-") as directory:
        root = Path(directory)
        home = filled_home(root, number)
        line(f"home with {number:,} executions", f"{home.database.stat().st_size / 1e6:.0f} MB")
        environment = os.environ | {"SHOAL_HOME": str(home.root)}
        listing(root, environment)
        scheduler(environment)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
