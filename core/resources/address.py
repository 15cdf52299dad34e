"""Addresses of places: what somebody may type to come there, such as `executions status=error`."""

from __future__ import annotations

import shlex


def address(*words: str, **arguments: str) -> str:
    """Return the address of these words and arguments, each quoted where it has to be."""
    return shlex.join([*words, *(f"{key}={value}" for key, value in arguments.items())])


def execution_address(execution_id: int) -> str:
    """Return the address of an execution, whatever its project."""
    return address("execution", id=str(execution_id))
