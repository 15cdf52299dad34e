"""How an execution ended, judged from what is known of its container, in words that say what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.executions.transitions import Outcome

if TYPE_CHECKING:
    from core.scheduler.engines.engine import ContainerState

KILLED = (137, 143)
"""Exit codes of a process that SIGKILL or SIGTERM ended."""
FOUND_DEAD = 255
"""Exit code that a Docker Engine gives a container whose end it did not see."""


def loss(state: ContainerState | None, *, stop_reason: str | None, engine_was_down: bool) -> str | None:
    """Say how an attempt was lost, where its machine, not its program, ended it; None where it was not.

    A container that a Docker Engine finds dead when it comes back has the exit code 255.
    """
    if stop_reason is not None:
        return None
    if state is None:
        return "its container vanished (somebody removed it, or the Docker Engine lost it)"
    if engine_was_down and not state.out_of_memory and state.exit_code in (*KILLED, FOUND_DEAD):
        return "the Docker Engine was stopped while it ran"
    return None


def outcome(
    state: ContainerState | None, *, stop_reason: str | None, engine_was_down: bool, memory: int | None
) -> Outcome:
    """Judge an ended container; `memory` is its limit in bytes, `state` None when it vanished."""
    lost = loss(state, stop_reason=stop_reason, engine_was_down=engine_was_down)
    if lost is not None:
        return Outcome("crashed", f"{lost}: run it again", None if state is None else state.exit_code)
    if state is None:
        return Outcome("stopped", stop_reason or "stopped")
    code = state.exit_code
    if stop_reason is not None:
        return Outcome("stopped", stop_reason, code, state.out_of_memory)
    if code == 0:
        detail = "one of its processes was killed for lack of memory" if state.out_of_memory else ""
        return Outcome("complete", detail, code, state.out_of_memory)
    if state.out_of_memory:
        limit = f" ({memory // 1024**2} MiB)" if memory else ""
        detail = f"out of memory: it needed more than the machine has{limit}; use less, or an environment with more"
        return Outcome("error", detail, code, out_of_memory=True)
    return Outcome("error", _failure(code, state.error), code)


def not_started(message: str, where: str) -> str:
    """Say why Docker did not start a container."""
    if "could not select device driver" in message and "gpu" in message:
        return (
            f"the Docker Engine of {where} cannot give GPUs to containers ({message}):"
            " install the NVIDIA Container Toolkit there, or use an environment without GPUs"
        )
    return f"Docker could not start the container: {message}"


def _failure(code: int | None, error: str) -> str:
    if error:
        return f"Docker could not run the command: {error}"
    if code in KILLED:
        return f"it was killed from outside Shoal (exit code {code}): run it again, or ask who killed it"
    if code == 127:
        return "a command was not found (exit code 127): look at the last lines of the log, and at the image"
    if code == 126:
        return "a command could not be executed (exit code 126): look at its file mode and its first line"
    return f"the command ended with exit code {code}: look at the last lines of the log"
