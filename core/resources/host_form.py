"""The form of a host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InvalidInputError, UnavailableError
from core.machines.host import SETTINGS, Host, read_setting
from core.machines.host_keys import LARGEST_KEY
from core.resources.form import Field, Form

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from core.progress import Progress
    from core.projects.service import Project
    from core.session import Session

_LABELS = {
    "name": "Name",
    "address": "Address",
    "docker_socket": "Docker socket",
    "host_key": "Host key",
    "start_command": "Start command",
    "stop_command": "Stop command",
    "command_timeout": "Time limit of commands",
    "slots": "Machines it gives",
    "gpu_devices": "GPUs",
}


def _check(name: str) -> Callable[[str], object]:
    return lambda text: read_setting(name, text)


def _field(name: str) -> Field:
    setting = SETTINGS[name]
    return Field(
        key=name,
        label=_LABELS[name],
        meaning=setting.meaning,
        required=name in ("name", "address"),
        argument=name == "name",
        default=setting.default,
        check=_check(name),
    )


_FORM_FIELDS = (
    _field("name"),
    Field(
        key="environment",
        label="Environment",
        meaning="whose machines it gives: one of kind hosts, which is added first where there is none",
        kind="choice",
        required=True,
        choices=lambda session: [each.slug for each in session.environments.list() if each.kind == "hosts"],
    ),
    _field("address"),
    _field("docker_socket"),
    Field(
        key="private_key",
        label="Private key",
        meaning="the key to log in with, or the path of its file; empty: Shoal makes one and shows its public half",
        kind="secret",
    ),
    _field("host_key"),
    *(_field(name) for name in ("slots", "gpu_devices", "start_command", "stop_command", "command_timeout")),
)


def _values(row: Host) -> Mapping[str, str]:
    return {
        "name": row.name,
        "environment": row.environment,
        "address": row.address,
        "docker_socket": row.docker_socket,
        "private_key": "",
        "host_key": row.host_key,
        "slots": str(row.slots),
        "gpu_devices": row.gpu_devices,
        "start_command": row.start_command,
        "stop_command": row.stop_command,
        "command_timeout": f"{row.command_timeout:g}",
    }


def _private_key(text: str) -> str:
    """Return a private key that was given as it is, or by the path of its file."""
    if not text.startswith(("/", "~")):
        return text
    try:
        path = Path(text).expanduser()
        if path.stat().st_size > LARGEST_KEY:
            message = f"{text:.200} is too large to be a private key"
            raise InvalidInputError(message, field="private_key")
        return path.read_text()
    except (OSError, ValueError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        message = f"the private key cannot be read from {text:.200} ({reason})"
        raise InvalidInputError(message, field="private_key") from error


def _add(session: Session, _: Project | None, answers: Mapping[str, str], progress: Progress) -> Host:
    given = {key: text for key, text in answers.items() if text}
    if "private_key" in given:
        given["private_key"] = _private_key(given["private_key"])
    host = session.hosts.create(given.pop("name", ""), given.pop("environment", ""), given.pop("address", ""), **given)
    if host.host_key:
        return host
    try:
        progress("asking for its host key", 0, 0)
        return session.hosts.fetch_key(host)
    except UnavailableError:
        # It may be switched off until its start command is run.
        return host


def _edit(session: Session, row: Host, answers: Mapping[str, str], seen: int | None) -> Host:
    changes = dict(answers)
    key = changes.pop("private_key", "")
    return session.hosts.set(row, seen=seen, private_key=_private_key(key) if key else "", **changes)


def consequence(session: Session, row: Host, answers: Mapping[str, str]) -> str | None:
    """Return what new settings would do to what is there, None where nothing is to be said."""
    now = session.hosts.get(row.uuid)
    told = []
    if answers.get("host_key", now.host_key) != now.host_key and now.host_key:
        told.append(f"another host key is trusted than {now.fingerprint}")
    if now.busy and any(answers.get(key, old) != old for key, old in _connection(now).items()):
        told.append(f"{now.busy} machines work there: they are followed over the new connection, or lost if it fails")
    slots = answers.get("slots", "")
    if slots.isdecimal() and int(slots) < now.machines:
        told.append(f"{now.machines - int(slots)} machines leave as they become empty; nothing is ended")
    return "; ".join(told) or None


def _connection(row: Host) -> Mapping[str, str]:
    return {"address": row.address, "docker_socket": row.docker_socket}


def _next(row: Host) -> Sequence[str]:
    lines = []
    if row.public_key:
        lines += [f"put this line into ~/.ssh/authorized_keys of the user in {row.address}:", row.public_key]
    if row.fingerprint:
        return [*lines, f"then: `shoal hosts test {row.name}`"]
    shown = f"it showed the host key {row.offered_fingerprint}; if that is right" if row.offered_key else "then"
    fetch = "" if row.offered_key else f"`shoal hosts fetch-key {row.name}`, "
    return [*lines, f"{shown}: {fetch}`shoal hosts pin-key {row.name}`, `shoal hosts test {row.name}`"]


HOST_FORM: Form[Host] = Form(
    fields=_FORM_FIELDS,
    after_adding=_next,
    values=_values,
    add_slowly=_add,
    add_permission="host.edit",
    edit_version=_edit,
    version=lambda row: row.version,
    edit_permission="host.edit",
    consequence=consequence,
)
