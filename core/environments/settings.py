"""What can be set of an environment: what it is called, how its text is read and written, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.environments import values
from core.errors import InvalidInputError
from core.quantities import binary_size, money

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["text", "choice", "flag", "lines"]
"""How a setting is asked for: a line, one of some words, on or off, several lines."""

LONGEST_DESCRIPTION = 500
_DAY = 86400.0
LONGEST_GRACE = 365 * _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One thing that can be set.

    `read` gives the value of a text, and raises ValueError for one that cannot be; `write` gives the text of a value.
    `default` is the text of what holds where nobody says anything, and `spellings` are shorter names in commands.
    """

    label: str
    meaning: str
    read: Callable[[str], Any]
    write: Callable[[Any], str] = str
    default: str = ""
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    needed: bool = True
    spellings: tuple[str, ...] = ()


def _on_off(label: str, meaning: str, default: str) -> Limit:
    return Limit(
        label=label, meaning=meaning, read=values.flag, write=values.written_flag, default=default, kind="flag"
    )


def _choice(label: str, meaning: str, *choices: str) -> Limit:
    return Limit(
        label=label, meaning=meaning, read=values.one_of(*choices), default=choices[0], kind="choice", choices=choices
    )


LIMITS: dict[str, Limit] = {
    "name": Limit(label="Name", meaning="1 to 80 printable characters", read=values.printable(1, 80), needed=False),
    "enabled": _on_off("Enabled", "on; off: nothing starts, what runs goes on, idle machines leave", "on"),
    "minimum_scale": Limit(
        label="Minimum scale",
        meaning=f"machines always kept once launched, a whole number up to {values.MOST_MACHINES}",
        read=values.whole(0, values.MOST_MACHINES),
        default="0",
        spellings=("min",),
    ),
    "maximum_scale": Limit(
        label="Maximum scale",
        meaning=f"machines at most, a whole number up to {values.MOST_MACHINES}",
        read=values.whole(0, values.MOST_MACHINES),
        default="5",
        spellings=("max",),
    ),
    "scale_down_grace_period": Limit(
        label="Scale-down grace",
        meaning="how long an idle machine is kept: seconds, or 90s, 15m, 2h; 0: it goes at once",
        read=values.seconds(0, LONGEST_GRACE),
        write=values.written_period,
        default="15m",
        spellings=("grace",),
    ),
    "launch_timeout": Limit(
        label="Launch timeout",
        meaning="how long a machine may take to come up before it is given up, from 1s to 1d",
        read=values.seconds(1, _DAY),
        write=values.written_period,
        default="10m",
    ),
    "host_timeout": Limit(
        label="Host timeout",
        meaning="how long a host may not answer before what ran there is lost, up to 7d; 0: at once",
        read=values.seconds(0, 7 * _DAY),
        write=values.written_period,
        default="5m",
    ),
    "restart_lost": _on_off(
        "Restart lost ones",
        "on: what was lost with its machine starts again by itself, up to 5 attempts; off: it ends crashed",
        "off",
    ),
    "per_user_quota": Limit(
        label="Quota per user",
        meaning=f"machines that one user may use at once, up to {values.MOST_MACHINES}; 0 for no limit",
        read=values.whole(0, values.MOST_MACHINES),
        default="0",
        spellings=("quota",),
    ),
    "access": _choice(
        "Access",
        "everyone; or teams: only those that are named, with a quota that is not 0",
        "everyone",
        "teams",
    ),
    "teams": Limit(
        label="Teams",
        meaning="a team and the machines that it may use at once: vision 2; audio 0 for none; nlp for no limit",
        read=values.teams,
        write=values.written_lines,
        kind="lines",
        needed=False,
    ),
    "personal_projects": _on_off(
        "Personal projects", "on: projects that are somebody's own may use it; off: not", "on"
    ),
    "priority_allowed": _on_off("High priority", "on: an execution may be put before others; off: not", "on"),
    "price_per_hour": Limit(
        label="Price per hour",
        meaning=f"price of one machine hour, such as 1.25, up to {values.DEAREST}; for machines launched from then on",
        read=values.amount,
        write=money,
        default="0.00",
    ),
    "cpus": Limit(
        label="CPUs of a machine",
        meaning="CPUs of one machine, at most those of this box, such as 2 or 0.5, or all",
        read=values.cpus,
        write=lambda value: "all" if value is None else f"{value:g}",
        default="all",
    ),
    "memory": Limit(
        label="Memory of a machine",
        meaning="memory of one machine, at least 6m, such as 512m or 8g, or all",
        read=values.memory,
        write=lambda value: "all" if value is None else binary_size(value),
        default="all",
    ),
    "pids": Limit(
        label="Processes at most",
        meaning="processes that one machine may run, a whole number from 10 on",
        read=values.whole(10, 4_194_304),
        default="4096",
    ),
    "gpu_devices": Limit(
        label="GPUs of this box",
        meaning="GPUs for its machines, by number or UUID with commas: 0,1,2,3 (of hosts, each host names its own)",
        read=values.gpus,
        needed=False,
    ),
    "gpus_per_machine": Limit(
        label="GPUs of a machine",
        meaning="how many of them one machine has: 0,1,2,3 with 2 are the machines 0,1 and 2,3",
        read=values.whole(0, values.MOST_GPUS),
        default="0",
    ),
    "network": _choice(
        "Network", "bridge, host (faster, and without a wall to this box) or none", "bridge", "host", "none"
    ),
    "isolation": _choice(
        "Isolation",
        "standard; or strict: not root, no capabilities, only its own directories writable",
        "standard",
        "strict",
    ),
    "mount_roots": Limit(
        label="Mounts below",
        meaning="directories below which a step's mounts may lie, absolute and not / itself; none: mounts are left out",
        read=values.roots,
        kind="lines",
        needed=False,
    ),
    "aliases": Limit(
        label="Other names",
        meaning="slugs or UUIDs that projects of other installations name, and that mean this environment",
        read=values.aliases,
        write=values.written_lines,
        kind="lines",
        needed=False,
    ),
    "description": Limit(
        label="Description",
        meaning=f"what it is for: at most {LONGEST_DESCRIPTION} printable characters",
        read=values.printable(0, LONGEST_DESCRIPTION),
        needed=False,
    ),
}
"""Everything that can be set of an environment after it was made, in the order in which a form asks for it."""

SIMULATED = (
    "enabled",
    "minimum_scale",
    "maximum_scale",
    "scale_down_grace_period",
    "per_user_quota",
    "access",
    "teams",
    "price_per_hour",
)
"""Of which of them a forecast can say what they would have done."""


def read_limit(name: str, text: str) -> Any:  # noqa: ANN401 - the type is that of the Environment's attribute
    """Return the value of the limit called `name` that a text gives.

    Raises:
        InvalidInputError: there is no such limit, or it does not take the text.
    """
    limit = LIMITS.get(name)
    if limit is None:
        message = f"there is no limit {name!r:.120}: it is one of {', '.join(LIMITS)}"
        raise InvalidInputError(message, field=name)
    try:
        return limit.read(text)
    except (ValueError, KeyError, OverflowError) as error:
        message = f"{name} cannot be {text!r:.120}: it is {limit.meaning}"
        raise InvalidInputError(message, field=name) from error
