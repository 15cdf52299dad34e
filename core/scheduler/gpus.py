"""Which GPU devices a machine gets: those that are named and that no other machine of the same box has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence


def devices(text: str) -> list[str]:
    """Return the ids of devices that a text lists, with commas or spaces between, each once."""
    return [*dict.fromkeys(each for each in re.split(r"[\s,]+", text) if each)]


def free(connection: sqlite3.Connection, listed: str, host_id: int | None) -> list[str]:
    """Return those of the listed devices that no present machine of a host, or of this box, has."""
    # `IS ?` for both would not use the index of a host's machines.
    of_it, values = ("host_id IS NULL", ()) if host_id is None else ("host_id = ?", (host_id,))
    rows = connection.execute(
        f"SELECT gpu_devices FROM machines WHERE {of_it} AND state != 'gone' AND gpu_devices != ''",  # noqa: S608
        values,
    )
    taken = {device for row in rows for device in devices(row[0])}
    return [device for device in devices(listed) if device not in taken]


def given(connection: sqlite3.Connection, listed: str, host_id: int | None, number: int) -> Sequence[str] | None:
    """Return the devices of a new machine that has `number` of them; None where fewer are free."""
    if not number:
        return ()
    unused = free(connection, listed, host_id)
    return unused[:number] if len(unused) >= number else None
