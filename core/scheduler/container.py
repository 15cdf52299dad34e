"""What the container of an execution is made of: the contract that existing Valohai projects rely on."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from core.machines.host_address import read_address
from core.quantities import iso_time
from core.scheduler.engines.engine import ContainerSpecification, Mount
from core.scheduler.workplace import STRICT_USER

if TYPE_CHECKING:
    from core.environments.environment import Environment
    from core.executions.execution import Execution
    from core.projects.service import Project
    from core.scheduler.attempts import Attempt
    from core.scheduler.workplace import Workplace

LAUNCH = (
    "if command -v bash >/dev/null 2>&1; then"
    " exec bash -c \"trap 'exit 143' TERM; . {script}\"; fi;"
    " trap 'exit 143' TERM; . {script}"
)
"""Runs the script in bash where the image has it (steps use `source`), else in sh.

The trap lets a command that got SIGTERM finish what it does on it: without one the shell ends at once and takes the
container with it.
"""


def container_specification(
    name: str,
    instance: str,
    execution: Execution,
    project: Project,
    environment: Environment,
    workplace: Workplace,
    attempt: Attempt,
    script: str,
) -> ContainerSpecification:
    """Describe the container of an attempt."""
    strict = environment.isolation == "strict"
    return ContainerSpecification(
        name=name,
        labels={"shoal.instance": instance, "shoal.execution": execution.uuid},
        image=execution.image,
        command=_command(workplace.script, script),
        environment=variables(execution, project, _address(attempt.address), strict=strict),
        mounts=[*workplace.mounts(), *(Mount(**mount) for mount in attempt.mounts)],
        working_directory="/valohai/repository",
        network=environment.network,
        strict=strict,
        user=strict_user() if strict else None,
        cpus=environment.cpus,
        memory=environment.memory,
        pids=environment.pids,
        gpus=attempt.gpus,
    )


def _command(place: str, script: str) -> list[str]:
    """Return what runs a script that lies at `place`: itself where its first line says of what kind it is."""
    return [place] if script.startswith("#!") else ["/bin/sh", "-c", LAUNCH.format(script=place)]


def strict_user() -> str:
    """Return the user and group of a strict container: never root."""
    return f"{os.geteuid()}:{os.getegid()}" if os.geteuid() != 0 else f"{STRICT_USER}:{STRICT_USER}"


def variables(execution: Execution, project: Project, address: str, *, strict: bool) -> dict[str, str]:
    """Return the container's environment variables; those that say what it is win over the person's."""
    own = {"HOME": "/tmp"} if strict else {}  # noqa: S108 - the only place that a strict container can write to
    identity = {
        "VH_JOB_ID": f"exec-{execution.uuid}",
        "VH_EXECUTION_ID": execution.uuid,
        "VH_PROJECT_ID": project.uuid,
        "VH_REPOSITORY_DIR": "/valohai/repository",
        "VH_INPUTS_DIR": "/valohai/inputs",
        "VH_OUTPUTS_DIR": "/valohai/outputs",
        "VH_CONFIG_DIR": "/valohai/config",
        "VH_LOCAL_IP": address,
        "VH_PUBLIC_IP": address,
        # docker-init is tini, which by default signals the shell only, not the command that the shell waits for.
        "TINI_KILL_PROCESS_GROUP": "1",
    }
    return own | execution.environment_variables | identity


def config_files(
    execution: Execution, project: Project, organization: str, environment: Environment, inputs: dict[str, Any]
) -> dict[str, Any]:
    """Return the contents of /valohai/config, by file name without its ending."""
    return {
        "execution": _execution_file(execution, project, organization, environment),
        "inputs": inputs,
        "parameters": execution.parameters,
        "runtime": {
            "environment": environment.slug,
            "isolation": environment.isolation,
            "network": environment.network,
        },
        "api": {},
    }


def _execution_file(
    execution: Execution, project: Project, organization: str, environment: Environment
) -> dict[str, Any]:
    facts = {
        "commit-identifier": execution.commit,
        "creator-email": None,
        "creator-id": execution.user_id,
        "creator-name": execution.user,
        "environment-id": environment.uuid,
        "environment-name": environment.name,
        "environment-slug": environment.slug,
        "execution-counter": execution.counter,
        "execution-ctime": iso_time(execution.created_at),
        "execution-duration": None,
        "execution-id": execution.uuid,
        "execution-image": execution.image,
        "execution-qtime": None,
        "execution-status": "created",
        "execution-step": execution.step,
        "execution-tags": list(execution.tags),
        "execution-title": execution.title,
        "project-id": project.uuid,
        "project-name": f"{organization}/{project.name}",
    }
    return {f"valohai.{name}": value for name, value in facts.items()}


def _address(of_host: str | None) -> str:
    """Return the address of a host that is reached as `of_host`, or this machine's towards others.

    Asking for a route sends nothing.
    """
    if of_host is not None:
        name = read_address(of_host).host
        with suppress(OSError):
            return socket.gethostbyname(name)
        return name
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
