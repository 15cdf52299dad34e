"""An environment whose machines are slots of hosts, with a scheduler in a process of its own."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.second_host import SecondHost
from tests.workbench import SchedulerProcess, until

if TYPE_CHECKING:
    from core.machines.host import Host
    from core.machines.service import Machine
    from core.shoal import Shoal


class Farm:
    """The environment `farm`; its hosts are named gpu-1 and so on, in the order in which they are added."""

    def __init__(self, shoal: Shoal) -> None:
        self.shoal = shoal
        self.session = shoal.session()
        self.scheduler = SchedulerProcess(shoal)
        self.machines_behind: list[SecondHost] = []
        self.session.environments.create(
            "farm", kind="hosts", network="none", maximum_scale="4", scale_down_grace_period="1h", host_timeout="1h"
        )

    def add(self, *, on: bool = True, trusted: bool = True, **settings: str) -> SecondHost:
        """Add a host, switched on or not, whose key is pinned."""
        behind = SecondHost(f"gpu-{len(self.machines_behind) + 1}")
        self.machines_behind.append(behind)
        if on:
            behind.start()
        given = {
            "docker_socket": behind.docker_socket,
            "private_key": behind.private_key,
            "host_key": behind.host_key if trusted else "",
        }
        self.session.hosts.create(behind.name, "farm", behind.address, **(given | settings))
        return behind

    def set(self, **limits: str) -> None:
        """Change the environment."""
        self.session.environments.set("farm", **limits)

    def host(self, number: int = 1) -> Host:
        """Return how a host is."""
        return self.session.hosts.get(f"gpu-{number}")

    def machines(self, *states: str) -> list[Machine]:
        """Return the machines in these states, by default all that are present."""
        wanted = states or ("starting", "idle", "leased", "draining")
        rows = self.session.read("machine.see").execute("SELECT id FROM machines ORDER BY id").fetchall()
        found = self.session.machines.by_ids([row["id"] for row in rows])
        return [found[row["id"]] for row in rows if found[row["id"]].state in wanted]

    def until_health(self, health: str, number: int = 1) -> Host:
        until(lambda: self.host(number).health == health, f"host gpu-{number} to be {health}")
        return self.host(number)

    def until_machines(self, number: int, *states: str) -> list[Machine]:
        until(lambda: len(self.machines(*states)) == number, f"{number} machines {' or '.join(states)}")
        return self.machines(*states)

    def told(self, kind: str = "host") -> list[str]:
        """Return what the feed says of things of a kind."""
        query = "SELECT what FROM changes WHERE kind = ? ORDER BY seq"
        return [row["what"] for row in self.session.read("organization.see").execute(query, (kind,))]

    def close(self) -> None:
        self.scheduler.kill()
        for behind in self.machines_behind:
            behind.remove()


def waits_for(path: Path) -> str:
    """Return a command that tells that it was begun and goes on until a file is there."""
    code = (
        "import pathlib, sys, time\n"
        "pathlib.Path(sys.argv[1] + '.begun').write_text('')\n"
        "while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.02)"
    )
    return shlex.join([sys.executable, "-c", f"exec({code!r})", str(path)])


def begun(path: Path) -> bool:
    """Tell whether a command that waits for a file was begun."""
    return Path(f"{path}.begun").exists()
