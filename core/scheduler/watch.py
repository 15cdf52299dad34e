"""When a running execution has to be stopped, and how: SIGTERM, a grace period, SIGKILL."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.executions.execution import Execution


@dataclass(slots=True)
class Watch:
    """The limits of one execution, in seconds, by a clock that nobody sets.

    `begun_at` and `last_output_at` are on that clock (time.monotonic()); `newest` holds the newest metadata values.
    """

    begun_at: float
    last_output_at: float
    time_limit: float | None
    no_output_timeout: float | None
    stop_condition: str | None
    newest: dict[str, Any]

    @classmethod
    def of(cls, execution: Execution, started_at: float, default_timeout: float, newest: dict[str, Any]) -> Watch:
        """Make the watch of an execution whose container started at `started_at` (seconds since 1970).

        A limit of 0 stands for none.
        """
        now = time.monotonic()
        timeout = default_timeout if execution.no_output_timeout is None else execution.no_output_timeout
        begun_at = now - max(0.0, time.time() - started_at)
        return cls(begun_at, now, execution.time_limit or None, timeout or None, execution.stop_condition, newest)

    def saw_output(self, values: dict[str, Any]) -> str | None:
        """Note output and its metadata; return why the execution has to stop for it, if so."""
        self.last_output_at = time.monotonic()
        if not values or not self.stop_condition:
            return None
        self.newest.update(values)
        return f"stop condition met: {self.stop_condition}" if holds(self.stop_condition, self.newest) else None

    def overdue(self) -> str | None:
        """Return why the execution has to stop now, if so."""
        now = time.monotonic()
        if self.time_limit is not None and now - self.begun_at >= self.time_limit:
            return f"time limit of {self.time_limit:g} s reached"
        if self.no_output_timeout is not None and now - self.last_output_at >= self.no_output_timeout:
            return f"no output for {self.no_output_timeout:g} s"
        return None


def holds(condition: str, values: dict[str, Any]) -> bool:
    """Tell whether a stop condition is true; one that names a key without a value yet is not.

    `leval` evaluates expressions without attributes, calls or loops, so that a condition can neither act nor hang.
    """
    from leval.evaluator import Evaluator  # noqa: PLC0415
    from leval.excs import EvaluatorError  # noqa: PLC0415
    from leval.universe.simple import SimpleUniverse  # noqa: PLC0415

    # A key may hold dots, which an expression spells as attributes.
    names: dict[Any, Any] = {tuple(name.split(".")): value for name, value in values.items()} | values
    try:
        return bool(
            Evaluator(SimpleUniverse(functions={}, values=names), max_length=1000).evaluate_expression(condition)
        )
    except (EvaluatorError, SyntaxError, TypeError, ValueError, ArithmeticError):
        return False
