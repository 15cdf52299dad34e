"""When a running execution has to be stopped, and how: SIGTERM, a grace period, SIGKILL."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.executions.execution import Execution


@dataclass(slots=True)
class Watch:
    """The limits of one execution; all times are seconds since 1970.

    `evaluate` tells whether a stop condition holds for the newest metadata values.
    """

    started_at: float
    time_limit: float | None
    no_output_timeout: float | None
    stop_condition: str | None
    evaluate: Callable[[str, dict[str, Any]], bool]
    last_output_at: float
    newest: dict[str, Any]

    @classmethod
    def of(cls, execution: Execution, started_at: float, default_timeout: float, newest: dict[str, Any]) -> Watch:
        """Make the watch of an execution whose container started at `started_at`; 0 stands for no limit."""
        timeout = default_timeout if execution.no_output_timeout is None else execution.no_output_timeout
        return cls(
            started_at,
            execution.time_limit or None,
            timeout or None,
            execution.stop_condition,
            holds,
            time.time(),
            newest,
        )

    def saw_output(self, now: float, values: dict[str, Any]) -> str | None:
        """Note output and its metadata; return why the execution has to stop for it, if so."""
        self.last_output_at = now
        if not values or not self.stop_condition:
            return None
        self.newest.update(values)
        if self.evaluate(self.stop_condition, self.newest):
            return f"stop condition met: {self.stop_condition}"
        return None

    def overdue(self, now: float) -> str | None:
        """Return why the execution has to stop at `now`, if so."""
        if self.time_limit is not None and now - self.started_at >= self.time_limit:
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
