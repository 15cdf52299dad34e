"""Dispatch against the bare floor: the same containers created, started and waited for on a kept-alive socket.

Run: python -m bench.dispatch [executions]. The floor and Shoal take turns, one container each; both
are removed outside of the time, but for the burst, where removing is part of the rate.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.report import line, spread
from core.executions.execution import FINAL
from core.home import Home
from core.projects.manifest import read_manifest
from core.projects.specification import specify
from core.scheduler.engines.docker import DockerEngine
from core.scheduler.engines.docker_connection import DockerConnection
from core.scheduler.engines.engines import Engines
from core.scheduler.lease import Lease
from core.scheduler.scheduler import Scheduler
from core.shoal import Shoal
from tests.images import busybox_image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.executions.execution import Execution
    from core.scheduler.engines.docker_connection import DockerStream
    from core.scheduler.engines.engine import ContainerSpecification, Stream

YAML = """
- step:
    name: nothing
    image: {image}
    command: "true"
"""


class TimedEngine(DockerEngine):
    """Notes how long Docker itself takes for each execution's container."""

    seconds: dict[str, dict[str, float]] = {}  # noqa: RUF012 - one table for all threads
    last: list[ContainerSpecification] = []  # noqa: RUF012

    def submit(self, specification: ContainerSpecification) -> str:
        """Create, timed."""
        self.last[:] = [specification]
        begin = time.perf_counter()
        result = super().submit(specification)
        self.seconds[specification.name] = {"create": time.perf_counter() - begin}
        return result

    def start(self, name: str) -> None:
        """Start, timed."""
        begin = time.perf_counter()
        super().start(name)
        self.seconds[name]["start"] = time.perf_counter() - begin
        self.seconds[name]["begun"] = time.perf_counter()

    def follow(self, name: str, since: int, *, wait: bool) -> Stream:  # type: ignore[override]
        """Follow; the end of the stream is the end of the container."""
        return _TimedStream(super().follow(name, since, wait=wait), self.seconds[name])

    def forget(self, name: str) -> None:
        """Remove, timed."""
        begin = time.perf_counter()
        super().forget(name)
        self.seconds[name]["remove"] = time.perf_counter() - begin


class _TimedStream:
    def __init__(self, stream: DockerStream, seconds: dict[str, float]) -> None:
        self._stream = stream
        self._seconds = seconds

    def chunks(self) -> Iterator[bytes]:
        yield from self._stream.chunks()
        self._seconds.setdefault("run", time.perf_counter() - self._seconds["begun"])

    def close(self) -> None:
        self._stream.close()


def floor(docker: DockerConnection, body: dict[str, object], name: str) -> float:
    """Create, start and wait for one container; return the seconds until it has ended. It is removed after that."""
    begin = time.perf_counter()
    for path, query, content in (
        ("/containers/create", {"name": name}, body),
        (f"/containers/{name}/start", None, None),
        (f"/containers/{name}/wait", None, None),
    ):
        status, answer = docker.call("POST", path, query, content)
        assert status < 400, answer
    end = time.perf_counter()
    docker.call("DELETE", f"/containers/{name}", {"v": 1})
    return end - begin


class Bench:
    """A home with a scheduler thread, and executions of a step that does nothing."""

    def __init__(self, root: Path) -> None:
        self.shoal = Shoal.create(Home(root / "home"))
        self.session = self.shoal.session()
        self.session.environments.set("local", network="none", maximum_scale="4")
        project = root / "project"
        project.mkdir()
        (project / "valohai.yaml").write_text(YAML.format(image=busybox_image()))
        self.project = self.session.projects.create("bench")
        self.commit = self.session.projects.commit_working_tree(self.project, project)
        self.specification = specify(read_manifest(self.commit.yaml), "nothing")
        lease = Lease(self.shoal.home, self.shoal.database)
        lease.acquire()
        self.shoal.bell.listen()
        system = self.shoal.system_session()
        scheduler = Scheduler(system, self.shoal.bell, lease, Engines(system, TimedEngine))
        self.stop = threading.Event()
        threading.Thread(target=scheduler.run, args=(self.stop,), daemon=True).start()

    def run(self) -> tuple[float, Execution]:
        """Run one execution from its creation to its recorded end; return the seconds."""
        begin = time.perf_counter()
        execution = self.session.executions.create(self.project, self.commit, self.specification)
        reader = self.shoal.database.reader()
        while True:
            status = reader.execute("SELECT status FROM executions WHERE id = ?", (execution.id,)).fetchone()[0]
            if status in FINAL:
                return time.perf_counter() - begin, self.session.executions.by_id(execution.id)
            time.sleep(0.001)

    def settle(self) -> None:
        """Wait until everything that ended is removed."""
        while any(self.shoal.home.attempts.iterdir()):
            time.sleep(0.005)

    def burst(self, number: int) -> float:
        """Create many at once and return the seconds until the last has ended and all are removed."""
        begin = time.perf_counter()
        self.session.executions.create_many(self.project, self.commit, [self.specification] * number)
        while sum(self.session.executions.counts(self.project)[status] for status in FINAL) < self.total + number:
            time.sleep(0.01)
        self.total += number
        self.settle()
        return time.perf_counter() - begin

    total = 0


def main(number: int = 60, many: int = 200) -> None:
    """Run and print."""
    from core.scheduler.engines.docker import _container  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="shoal-bench-") as directory:
        root = Path(directory)
        bench = Bench(root)
        docker = DockerConnection()
        bench.run()
        prepared = root / "prepared"
        for name in ("repository", "inputs", "outputs", "config"):
            (prepared / name).mkdir(parents=True)
        (prepared / "command").write_text("true\n")
        mounts = [replace(mount, source=prepared / Path(mount.source).name) for mount in TimedEngine.last[0].mounts]
        body = _container(replace(TimedEngine.last[0], mounts=mounts))
        floors, totals, shares, waits = [], [], [], []
        for index in range(number):
            floors.append(floor(docker, body, f"shoal-bench-floor-{index}"))
            total, execution = bench.run()
            bench.settle()
            spent = TimedEngine.seconds[
                next(name for name in TimedEngine.seconds if execution.uuid.replace("-", "") in name)
            ]
            totals.append(total)
            shares.append(total - spent["create"] - spent["start"] - spent["run"])
            waits.append((execution.started_at or 0) - execution.created_at)
        bench.total = number + 1
        line("one after the other: floor (create, start, wait)", spread(floors))
        line("one after the other: Shoal, from create() to the record", spread(totals))
        ratio = statistics.median(totals) / statistics.median(floors)
        line("ratio of the medians", f"{ratio:.3f}", "aim <= 1.05")
        line("our own share of each", spread(shares), "aim p50 <= 15 ms")
        line("  of that, from create() to started", spread(waits))
        for stage in ("create", "start", "run", "remove"):
            line(f"  Docker: {stage}", spread([s[stage] for s in TimedEngine.seconds.values() if stage in s]))
        rates: dict[str, list[float]] = {"floor": [], "Shoal": []}
        for round_ in range(2):
            rates["floor"].append(many / _parallel_floor(body, many, f"r{round_}"))
            rates["Shoal"].append(many / bench.burst(many))
        line(f"burst of {many}, 4 at once: floor", f"{statistics.median(rates['floor']):.2f} /s")
        line(f"burst of {many}, 4 at once: Shoal", f"{statistics.median(rates['Shoal']):.2f} /s")
        share = statistics.median(rates["Shoal"]) / statistics.median(rates["floor"])
        line("ratio of the rates", f"{share:.3f}", "aim >= 0.95")
        bench.stop.set()
        bench.shoal.bell.ring()
        time.sleep(0.5)


def _parallel_floor(body: dict[str, object], number: int, tag: str) -> float:
    local = threading.local()

    def one(index: int) -> float:
        if not hasattr(local, "docker"):
            local.docker = DockerConnection()
        return floor(local.docker, body, f"shoal-bench-{tag}-{index}")

    begin = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(number)))
    return time.perf_counter() - begin


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
