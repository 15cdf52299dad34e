"""What the provider of hosts writes and runs, without any host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.scheduler.engines.engines import Engines
from core.scheduler.providers.host_state import read_hosts
from core.scheduler.providers.hosts import HostsProvider

if TYPE_CHECKING:
    import sqlite3

    from core.scheduler.host_commands import HostCommand
    from core.session import Session


def test_a_command_whose_row_was_not_committed_is_never_run(
    session: Session, system: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.environments.create("farm", kind="hosts")
    session.hosts.create("gpu-1", "farm", "ssh://gpu-1", start_command="wakeonlan aa:bb")
    (host,) = read_hosts(system.database.reader())
    provider = HostsProvider(system, Engines(system), "abcdef12", lambda *_: None)
    run: list[int] = []

    def note(command_id: int, _: HostCommand) -> None:
        run.append(command_id)

    def fail(_: sqlite3.Connection) -> None:
        raise RuntimeError

    monkeypatch.setattr(provider._commands, "run", note)
    with pytest.raises(RuntimeError):
        provider._carry_out([lambda connection: provider._begin(connection, host, "start", None), fail])
    provider._carry_out([lambda connection: provider._begin(connection, host, "start", None)])
    rows = system.database.reader().execute("SELECT id FROM host_commands")
    assert run == [row["id"] for row in rows]
    assert len(run) == 1
