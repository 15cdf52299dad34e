"""The JSON that lists print: stable names, times as ISO 8601 in UTC, money in units of the organization's currency.

A value that is no number in JSON is the text "NaN", "Infinity" or "-Infinity".

New fields may be added; a field that is here keeps its name and meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.environments.values import gpu_list
from core.quantities import iso_time

if TYPE_CHECKING:
    from core.environments.environment import Environment
    from core.executions.estimates import Estimate
    from core.executions.execution import Event, Execution, ExecutionInput
    from core.lineage_node import LineageNode
    from core.storage.files import File


def execution_fields(execution: Execution) -> dict[str, Any]:
    """Return an execution; `reason` says why it waits or how it ended, `duration` is in seconds."""
    return {
        "id": execution.id,
        "uuid": execution.uuid,
        "number": execution.counter,
        "step": execution.step,
        "title": execution.title,
        "status": execution.status,
        "reason": execution.reason,
        "commit": execution.commit,
        "environment": execution.environment,
        "machine": execution.machine,
        "user": execution.user,
        "priority": execution.priority,
        "image": execution.image,
        "image_digest": execution.image_digest,
        "parameters": execution.parameters,
        "tags": list(execution.tags),
        "created_at": _time(execution.created_at),
        "queued_at": _time(execution.queued_at),
        "started_at": _time(execution.started_at),
        "ended_at": _time(execution.ended_at),
        "duration": None if execution.ended_at is None else execution.duration(execution.ended_at),
        "exit_code": execution.exit_code,
        "out_of_memory": execution.out_of_memory,
        "cost": _money(execution.cost),
        "copied_from": execution.copied_from,
    }


def file_fields(file: File) -> dict[str, Any]:
    """Return a file; `size` in bytes, `execution` the number of the execution that made it."""
    return {
        "id": file.id,
        "uuid": file.uuid,
        "uri": file.uri,
        "name": file.name,
        "size": file.size,
        "md5": file.md5,
        "sha1": file.sha1,
        "sha256": file.sha256,
        "created_at": _time(file.created_at),
        "execution": file.execution_counter,
        "tags": list(file.tags),
        "aliases": list(file.aliases),
        "properties": file.properties,
    }


def environment_fields(environment: Environment) -> dict[str, Any]:
    """Return an environment and its limits; periods in seconds, memory in bytes."""
    return {
        "id": environment.id,
        "uuid": environment.uuid,
        "slug": environment.slug,
        "name": environment.name,
        "description": environment.description,
        "kind": environment.kind,
        "enabled": environment.enabled,
        "minimum_scale": environment.minimum_scale,
        "maximum_scale": environment.maximum_scale,
        "scale_down_grace_period": environment.scale_down_grace_period,
        "launch_timeout": environment.launch_timeout,
        "host_timeout": environment.host_timeout,
        "restart_lost": environment.restart_lost,
        "per_user_quota": environment.per_user_quota,
        "access": environment.access,
        "teams": [{"team": each.team, "quota": each.quota} for each in environment.teams],
        "personal_projects": environment.personal_projects,
        "priority_allowed": environment.priority_allowed,
        "price_per_hour": _money(environment.price_per_hour),
        "cpus": environment.cpus,
        "memory": environment.memory,
        "pids": environment.pids,
        "gpu_devices": [*gpu_list(environment.gpu_devices)],
        "gpus_per_machine": environment.gpus_per_machine,
        "network": environment.network,
        "isolation": environment.isolation,
        "mount_roots": [root for root in environment.mount_roots.split("\n") if root],
        "aliases": [*environment.aliases],
        "version": environment.version,
        "created_at": _time(environment.created_at),
    }


def input_fields(file: ExecutionInput) -> dict[str, Any]:
    """Return one file of an input: what was asked for, what it resolved to, its path below the input's directory."""
    return {
        "input": file.name,
        "path": file.path,
        "requested": file.requested,
        "uri": file.uri,
        "size": file.size,
        "md5": file.md5,
        "sha1": file.sha1,
        "sha256": file.sha256,
    }


def event_fields(event: Event) -> dict[str, Any]:
    """Return something that happened to an execution."""
    return {"at": _time(event.at), "kind": event.kind, "message": event.message}


def estimate_fields(estimate: Estimate | None) -> dict[str, Any] | None:
    """Return an estimate, in seconds from now; None where there is none."""
    if estimate is None:
        return None
    return {
        "low": round(estimate.low, 1),
        "median": round(estimate.median, 1),
        "high": round(estimate.high, 1),
        "runs": estimate.runs,
        "steps": list(estimate.steps),
    }


def lineage_fields(node: LineageNode) -> dict[str, Any]:
    """Return a node of a lineage with all below it; `at` is when an execution ended or a file came to be."""
    return {
        "kind": node.kind,
        "uuid": node.uuid,
        "label": node.label,
        "detail": node.detail,
        "status": node.status,
        "at": _time(node.at or None),
        "direction": node.direction,
        "repeated": node.repeated,
        "hidden": node.hidden,
        "children": [lineage_fields(child) for child in node.children],
    }


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else iso_time(seconds)


def _money(millionths: int | None) -> float | None:
    return None if millionths is None else millionths / 1_000_000
