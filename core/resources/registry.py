"""The kinds of things that Shoal knows, by name: what lists, places, keys, help and commands are made from."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from core.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.resources.resource import Resource

RESOURCES: dict[str, str] = {
    "executions": "core.resources.executions:EXECUTIONS",
    "queue": "core.resources.queue:QUEUE",
    "files": "core.resources.files:FILES",
    "projects": "core.resources.projects:PROJECTS",
    "environments": "core.resources.environments:ENVIRONMENTS",
    "hosts": "core.resources.hosts:HOSTS",
    "machines": "core.resources.machines:MACHINES",
    "costs": "core.resources.costs:COSTS",
    "teams": "core.resources.teams:TEAMS",
    "members": "core.resources.members:MEMBERS",
    "alarms": "core.resources.alarms:ALARMS",
    "activity": "core.resources.activity:ACTIVITY",
    "settings": "core.resources.settings:SETTINGS",
}
"""Where each declaration lies, as `module:attribute`, in the order in which a menu lists them; imported when used."""

_registered: dict[str, Resource[Any]] = {}


def names() -> Sequence[str]:
    """Return the names of all resources."""
    return [*RESOURCES, *_registered]


def resource(name: str) -> Resource[Any]:
    """Return the resource that has this name, or this alias.

    Raises:
        NotFoundError: there is none; the message offers the most similar.
    """
    if name in RESOURCES or name in _registered:
        return _declared(name)
    for each in map(_declared, names()):
        if name == each.singular or name in each.aliases:
            return each
    from core.projects.manifest import close_match  # noqa: PLC0415 - for a mistake only

    message = f"there is no resource {name!r}{close_match(name, names())}; there are {', '.join(names())}"
    raise NotFoundError(message, field="resource")


def register(declared: Resource[Any]) -> None:
    """Add a resource beside those that are built in; one of the same name that was added before is replaced."""
    _registered[declared.name] = declared


@contextmanager
def registered(declared: Resource[Any]) -> Iterator[Resource[Any]]:
    """Have a resource for as long as the block lasts."""
    register(declared)
    try:
        yield declared
    finally:
        del _registered[declared.name]


def _declared(name: str) -> Resource[Any]:
    if name in _registered:
        return _registered[name]
    module, _, attribute = RESOURCES[name].partition(":")
    declared: Resource[Any] = getattr(import_module(module), attribute)
    return declared
