"""How an execution ended, judged from what is known of its container, in words that say what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.executions.transitions import Outcome

if TYPE_CHECKING:
    from core.scheduler.engines.engine import ContainerState

KILLED = (137, 143)
"""Exit codes of a process that SIGKILL or SIGTERM ended."""


def outcome(
    state: ContainerState | None, *, stop_reason: str | None, engine_was_down: bool, memory: int | None
) -> Outcome:
    """Judge an ended container; `memory` is its limit in bytes, `state` None when it vanished."""
    if state is None:
        detail = "its container vanished: somebody removed it, or the Docker Engine lost it; run it again"
        return Outcome("crashed", detail)
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
    if code in KILLED and engine_was_down:
        return Outcome("crashed", "the Docker Engine was stopped while it ran: run it again", code)
    return Outcome("error", _failure(code, state.error), code)


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
