"""What can be done with a host, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.machines.host_keys import fingerprint
from core.machines.host_rules import why_kept
from core.resources.address import address
from core.resources.resource import Action, Consequence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.machines.host import Host
    from core.progress import Progress
    from core.session import Session


def _fetch(session: Session, row: Host, progress: Progress) -> str:
    progress(f"asking {row.name} for its key", 0, 0)
    host = session.hosts.fetch_key(row)
    shown = fingerprint(host.offered_key)
    if not host.offered_fingerprint:
        return f"host {row.name} shows {shown}, which is the pinned key"
    return f"host {row.name} shows {shown}: compare it with the host's own, then pin it"


def _test(session: Session, row: Host, progress: Progress) -> str:
    progress(f"logging in to {row.name}", 0, 0)
    return session.hosts.test(row)


def _refuse_pin(_: Session, row: Host) -> str | None:
    if not row.offered_key:
        return f"host {row.name} has shown no key yet: fetch it first"
    return None if row.offered_fingerprint else f"the key that host {row.name} showed is pinned already"


def _pin_consequence(_: Session, rows: Sequence[Host]) -> Consequence | None:
    row = rows[0]
    how = "On the host, `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` shows its own: they have to be the same."
    if not row.host_key:
        return Consequence(f"Trust {row.offered_fingerprint} as the key of host {row.name}?", how)
    return Consequence(
        f"Host {row.name} CHANGED its key. Trust the new one?",
        f"Pinned is {row.fingerprint}; it showed {row.offered_fingerprint}. Was it not installed anew, somebody may"
        f" stand between, and would see all that runs there. {how}",
        type_name=row.name,
    )


def _pin(session: Session, row: Host) -> str:
    host = session.hosts.pin(row, row.offered_fingerprint)
    return f"host {host.name} is trusted by {host.fingerprint}"


def _drain_consequence(_: Session, rows: Sequence[Host]) -> Consequence | None:
    names = ", ".join(row.name for row in rows)
    it, stays = ("It takes", "it stays") if len(rows) == 1 else ("They take", "they stay")
    leave = _leaving(sum(row.machines for row in rows), sum(row.busy for row in rows))
    return Consequence(f"Drain {names}?", f"{it} no new work, and {stays} cordoned. {leave}")


def _leaving(machines: int, busy: int) -> str:
    """Return when the machines of hosts leave, and that what runs there is not ended."""
    if not machines:
        return "No machine is there."
    what = "Its machine" if machines == 1 else f"{machines} machines"
    if not busy:
        return f"{what} {'leaves' if machines == 1 else 'leave'}: nothing runs there."
    if machines == 1:
        return "Its machine finishes what it runs, and then leaves."
    return f"Of {machines} machines, {busy} {'finishes what it runs' if busy == 1 else 'finish what they run'} first."


def _works_on(row: Host) -> str:
    if not row.busy:
        return "nothing runs there"
    return "what runs there goes on" if row.busy == 1 else f"{row.busy} executions there go on"


def _delete_consequence(_: Session, rows: Sequence[Host]) -> Consequence | None:
    names = ", ".join(row.name for row in rows)
    machines = sum(row.machines for row in rows)
    on = any(row.stop_command and row.health == "up" for row in rows)
    stays = " It stays switched on: its stop command is not run; drain it first for that." if on else ""
    idle = "" if not machines else "; its idle machine leaves" if machines == 1 else f"; {machines} idle machines leave"
    return Consequence(
        f"Remove {names}?",
        f"Its private key is removed too{idle}. What ran there stays in the history.{stays}",
    )


def _cordon(session: Session, row: Host) -> str:
    session.hosts.cordon(row)
    return f"host {row.name} takes no new work; {_works_on(row)}"


def _uncordon(session: Session, row: Host) -> str:
    session.hosts.uncordon(row)
    return f"host {row.name} takes work again"


def _drain(session: Session, row: Host) -> str:
    session.hosts.drain(row)
    return f"host {row.name} drains: {_works_on(row)}"


def _delete(session: Session, row: Host) -> str:
    session.hosts.delete(row)
    return f"host {row.name} was removed"


HOST_ACTIONS: tuple[Action[Host], ...] = (
    Action(
        id="test",
        key="T",
        title="Test",
        meaning="Log in and ask its Docker Engine what it is.",
        permission="host.edit",
        changes=False,
        run_slowly=_test,
    ),
    Action(
        id="fetch-key",
        key="f",
        title="Fetch host key",
        meaning="Ask it for its key, and show the fingerprint; it is not trusted yet.",
        permission="host.edit",
        run_slowly=_fetch,
    ),
    Action(
        id="pin-key",
        key="P",
        title="Pin host key",
        meaning="Trust the key that it showed, from now on and no other.",
        permission="host.edit",
        refuse=_refuse_pin,
        consequence=_pin_consequence,
        run=_pin,
    ),
    Action(
        id="cordon",
        key="n",
        title="Cordon",
        meaning="Give it no new work; what runs there goes on.",
        permission="host.edit",
        many=True,
        refuse=lambda _, row: f"host {row.name} is cordoned already" if row.cordoned else None,
        run=_cordon,
    ),
    Action(
        id="uncordon",
        key="U",
        title="Uncordon",
        meaning="Let it take work again.",
        permission="host.edit",
        many=True,
        refuse=lambda _, row: None if row.cordoned else f"host {row.name} takes work already",
        run=_uncordon,
    ),
    Action(
        id="drain",
        key="X",
        title="Drain",
        meaning="Give it no new work, and let its machines go as they become empty.",
        permission="host.edit",
        many=True,
        consequence=_drain_consequence,
        run=_drain,
    ),
    Action(
        id="delete",
        key="D",
        title="Remove",
        meaning="Take it away, with its key; nothing may run there.",
        permission="host.edit",
        refuse=lambda _, row: why_kept(row),
        consequence=_delete_consequence,
        run=_delete,
    ),
    Action(
        id="machines",
        key="o",
        title="Machines",
        meaning="List its machines and what runs on them.",
        permission="machine.see",
        changes=False,
        address=lambda row: address("machines", host=row.name),
    ),
)
