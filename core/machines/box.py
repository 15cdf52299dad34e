"""Whether the machines of this box's environments fit into it: what they may take in all, and what there is."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from core.environments.settings import LIMITS, read_limit
from core.environments.values import gpu_list
from core.errors import InvalidInputError
from core.quantities import binary_size

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from core.environments.environment import Environment
    from core.session import Session

_LIMITS = ("enabled", "maximum_scale", "cpus", "memory", "gpu_devices", "gpus_per_machine")
_SHOWN = 3


class Share(NamedTuple):
    """What one environment of this box may take: `cpus` and `memory` of one machine, None where they have no limit."""

    slug: str
    machines: int
    cpus: float | None
    memory: int | None
    gpus: tuple[str, ...]


class Box(NamedTuple):
    """What this box has."""

    cpus: int
    memory: int

    @classmethod
    def here(cls) -> Box:
        """Look at this box."""
        return cls(os.cpu_count() or 1, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def box_warning(session: Session, environment: Environment | None, answers: Mapping[str, str]) -> str | None:
    """Return what is to be said of an environment with these answers (None: a new one of this box), if anything."""
    if environment is not None and environment.kind != "local":
        return None
    if environment is not None and not {*answers} & {*_LIMITS}:
        return None
    slug = answers.get("slug", "the new one") if environment is None else environment.slug
    values = {name: _value(environment, name, answers) for name in _LIMITS}
    shares = [share for share in _shares(session.read("environment.see")) if share.slug != slug]
    if values["enabled"]:
        machines, cpus, memory = values["maximum_scale"], values["cpus"], values["memory"]
        shares.append(Share(slug, machines, cpus, memory, gpu_list(values["gpu_devices"])))
    # What was too much before is not this edit's.
    before = box_warnings(session.read("environment.see"))
    return "; ".join(line for line in warnings(shares, Box.here()) if line not in before) or None


def box_warnings(connection: sqlite3.Connection) -> Sequence[str]:
    """Return what is to be said of all environments of this box."""
    shares = _shares(connection)
    return [*warnings(shares, Box.here()), *_missing_gpus(shares, len(list(Path("/dev").glob("nvidia[0-9]*"))))]


def _missing_gpus(shares: Sequence[Share], there: int) -> Iterator[str]:
    """Say of GPUs that are named and cannot be there; it is said later, not when they are named: drivers may come."""
    named = {gpu for share in shares for gpu in share.gpus}
    if len(named) > there:
        whose = " and ".join(share.slug for share in shares if share.gpus)
        yield f"{whose} give away {len(named)} GPUs, and this box shows {there} (/dev/nvidia*): is the driver there?"


def warnings(shares: Sequence[Share], box: Box) -> Sequence[str]:
    """Return a sentence for each thing of which more is promised than there is; what has no limit promises nothing."""
    told = []
    cpus = [(share.slug, share.machines, share.cpus) for share in shares if share.cpus is not None]
    if (taken := sum(machines * each for _, machines, each in cpus)) > box.cpus:
        parts = [f"{slug} {machines} × {each:g}" for slug, machines, each in cpus]
        told.append(f"machines of this box may take {taken:g} CPUs in all ({_few(parts)}), and it has {box.cpus}")
    memory = [(share.slug, share.machines, share.memory) for share in shares if share.memory is not None]
    if (needed := sum(machines * each for _, machines, each in memory)) > box.memory:
        parts = [f"{slug} {machines} × {binary_size(each)}" for slug, machines, each in memory]
        there = f"{box.memory / 1024**3:.1f} GiB"
        whole = f"{needed / 1024**3:.1f} GiB of memory in all ({_few(parts)})"
        told.append(f"machines of this box may take {whole}, and it has {there}")
    owners = Counter(gpu for share in shares for gpu in share.gpus)
    for gpu in sorted(gpu for gpu, number in owners.items() if number > 1):
        slugs = " and ".join(share.slug for share in shares if gpu in share.gpus)
        told.append(f"GPU {gpu} is named by {slugs}: it goes to whichever is first")
    return told


def _value(environment: Environment | None, name: str, answers: Mapping[str, str]) -> Any:  # noqa: ANN401
    """Return a limit as it would be; what cannot be is refused elsewhere."""
    otherwise = read_limit(name, LIMITS[name].default) if environment is None else getattr(environment, name)
    try:
        return read_limit(name, answers[name]) if name in answers else otherwise
    except InvalidInputError:
        return otherwise


def _shares(connection: sqlite3.Connection) -> list[Share]:
    rows = connection.execute(
        "SELECT slug, maximum_scale, cpus, memory, gpu_devices FROM environments"
        " WHERE kind = 'local' AND enabled AND deleted_at IS NULL ORDER BY slug"
    )
    return [
        Share(row["slug"], row["maximum_scale"], row["cpus"], row["memory"], gpu_list(row["gpu_devices"]))
        for row in rows
    ]


def _few(parts: Sequence[str]) -> str:
    more = len(parts) - _SHOWN
    return " + ".join([*parts[:_SHOWN], *([f"{more} others"] if more > 0 else [])])
