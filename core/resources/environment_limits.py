"""The limits of an environment in a form: what they are called, how they are written, what changing them would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.environments.environment import limit_text
from core.environments.settings import LIMITS, read_limit
from core.quantities import duration
from core.resources.form import Field

if TYPE_CHECKING:
    from core.environments.environment import Environment

LABELS = {name: limit.label for name, limit in LIMITS.items()}
_PERIODS = ("scale_down_grace_period", "launch_timeout", "host_timeout")
_SHOWN_EMPTY = {
    "teams": "none is named",
    "gpu_devices": "none",
    "mount_roots": "none allowed",
    "aliases": "none",
    "description": "none",
}


def limit_field(name: str) -> Field:
    """Return the field that asks for a limit, which its own rule checks."""
    limit = LIMITS[name]
    return Field(
        key=name,
        label=limit.label,
        meaning=limit.meaning,
        kind=limit.kind,
        required=limit.needed,
        default=limit.default,
        check=lambda text: read_limit(name, text),
        choices=(lambda _: limit.choices) if limit.choices else None,
        spellings=limit.spellings,
    )


def shown_limit(environment: Environment, name: str) -> str:
    """Return a limit as people read it, on one line."""
    if name in _PERIODS:
        return duration(getattr(environment, name)) if getattr(environment, name) else "none: at once"
    if name == "per_user_quota" and not environment.per_user_quota:
        return "no limit"
    return ", ".join(limit_text(environment, name).split("\n")) or _SHOWN_EMPTY.get(name, "")
