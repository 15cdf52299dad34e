"""The limits of an environment in a form: what they are called, how they are written, what changing them would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.environments import LIMITS, read_limit
from core.quantities import binary_size, duration, money
from core.resources.form import Field, FieldKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.environments import Environment

LABELS = {
    "name": "Name",
    "enabled": "Enabled",
    "minimum_scale": "Machines at least",
    "maximum_scale": "Machines at most",
    "scale_down_grace_period": "Idle machines are kept",
    "per_user_quota": "Machines for each user",
    "priority_allowed": "High priority allowed",
    "price_per_hour": "Price of an hour",
    "cpus": "CPUs of a machine",
    "memory": "Memory of a machine",
    "pids": "Processes of a machine",
    "network": "Network",
    "isolation": "Isolation",
}
FLAGS = ("enabled", "priority_allowed")
CHOICES = {"network": ("bridge", "host", "none"), "isolation": ("standard", "strict")}
_DEFAULTS = {
    "enabled": "on",
    "minimum_scale": "0",
    "maximum_scale": "5",
    "scale_down_grace_period": "15m",
    "per_user_quota": "0",
    "priority_allowed": "on",
    "price_per_hour": "0.00",
    "cpus": "all",
    "memory": "all",
    "pids": "4096",
    "network": "bridge",
    "isolation": "standard",
}


def _flag(value: Any) -> str:  # noqa: ANN401 - as read from the Environment
    return "on" if value else "off"


def _period(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}"


_WRITTEN: dict[str, Callable[[Any], str]] = {
    "enabled": _flag,
    "priority_allowed": _flag,
    "scale_down_grace_period": _period,
    "price_per_hour": money,
    "memory": lambda value: "all" if value is None else binary_size(value),
    "cpus": lambda value: "all" if value is None else f"{value:g}",
}


def limit_text(environment: Environment, name: str) -> str:
    """Return a limit as the text that sets it."""
    return _WRITTEN.get(name, str)(getattr(environment, name))


def limit_field(name: str) -> Field:
    """Return the field that asks for a limit, which its own rule checks."""
    kind: FieldKind = "flag" if name in FLAGS else "choice" if name in CHOICES else "text"
    choices = CHOICES.get(name)
    return Field(
        key=name,
        label=LABELS.get(name, name),
        meaning=LIMITS[name].meaning,
        kind=kind,
        required=name != "name",
        default=_DEFAULTS.get(name, ""),
        check=lambda text: read_limit(name, text),
        choices=None if choices is None else lambda _: choices,
    )


def shown_limit(environment: Environment, name: str) -> str:
    """Return a limit as people read it."""
    if name == "scale_down_grace_period":
        return duration(environment.scale_down_grace_period)
    if name == "per_user_quota" and not environment.per_user_quota:
        return "no limit"
    return limit_text(environment, name)
