"""Directories of a machine that a step asks to see in its container: which of them an environment allows."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError
from core.projects.specification import MountRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.environments.environment import Environment

_OURS = "/valohai"
IGNORED = "the step's mounts are left out: the environment {slug!r} allows none (mount_roots)"


def allowed(environment: Environment, mounts: Sequence[MountRequest], home: Path) -> list[dict[str, Any]]:
    """Return mounts as an execution keeps them: source, target and whether it is read-only.

    Only what is written is looked at: where a source leads by way of links is asked of the machine, by `real`.

    Raises:
        InvalidInputError: one lies where none may; the message names the directories below which they may.
    """
    roots = environment.mount_roots.split("\n") if environment.mount_roots else []
    if not roots:
        return []
    return [_checked(mount, roots, environment, home) for mount in mounts]


def check_kept(environment: Environment, kept: Sequence[Mapping[str, Any]], home: Path) -> None:
    """Look whether an environment allows the mounts that an execution keeps: what is moved leaves none behind.

    Raises:
        InvalidInputError: it does not; the message names the first one that it does not allow.
    """
    mounts = [MountRequest(each["source"], each["target"], each["read_only"]) for each in kept]
    if mounts and not allowed(environment, mounts, home):
        message = f"it mounts {mounts[0].source}, and the environment {environment.slug!r} allows no mounts"
        raise InvalidInputError(message, field="environment")


def real(environment: Environment, mounts: Sequence[Mapping[str, Any]], home: Path) -> list[dict[str, Any]]:
    """Return mounts of this machine with sources that hold no link: what Docker is told is what was looked at.

    A container may write below a root, so a link there may be anybody's.

    Raises:
        InvalidInputError: one is not there, or leads where none may; the message names it.
    """
    roots = [os.path.realpath(root) for root in environment.mount_roots.split("\n") if root]
    found = []
    for mount in mounts:
        source = os.path.realpath(mount["source"])
        if not Path(source).exists():
            message = f"the step mounts {mount['source']}, which is not there: make it on this machine, then run again"
            raise InvalidInputError(message, field="mounts")
        ours = str(home.resolve())
        if not any(is_below(source, root) for root in roots) or is_below(source, ours) or is_below(ours, source):
            message = (
                f"the step mounts {mount['source']}, which is {source}: the environment {environment.slug!r}"
                f" allows no mounts there"
            )
            raise InvalidInputError(message, field="mounts")
        found.append({**mount, "source": source})
    return found


def is_below(path: str, root: str) -> bool:
    """Whether a normal path is a directory, or lies below it."""
    return path == root or path.startswith(f"{root.rstrip('/')}/")


def _checked(mount: MountRequest, roots: Sequence[str], environment: Environment, home: Path) -> dict[str, Any]:
    what = f"the mount of {mount.source!r:.200} at {mount.target!r:.200}"
    if mount.kind not in ("", "bind"):
        message = f"{what} is of the type {mount.kind!r}: mount it on the machine, and name the directory there"
        raise InvalidInputError(message, field="mounts")
    source, target = _normal(mount.source), _normal(mount.target)
    if target is None or target == "/" or is_below(target, _OURS):
        message = f"{what} cannot be: the destination is an absolute path without '..', not / and not below {_OURS}"
        raise InvalidInputError(message, field="mounts")
    if source is None or not any(is_below(source, root) for root in roots):
        message = f"{what} is not allowed in the environment {environment.slug!r}: it may lie below {', '.join(roots)}"
        raise InvalidInputError(message, field="mounts")
    ours = str(home.resolve())
    if environment.kind == "local" and (is_below(source, ours) or is_below(ours, source)):
        message = f"{what} is not allowed: it would show what Shoal itself keeps in {ours}"
        raise InvalidInputError(message, field="mounts")
    return {"source": source, "target": target, "read_only": mount.read_only}


def _normal(path: str) -> str | None:
    if not path.startswith("/") or ".." in path.split("/") or not path.isprintable() or len(path.encode()) > 4000:
        return None
    return "/" + posixpath.normpath(path).lstrip("/")
