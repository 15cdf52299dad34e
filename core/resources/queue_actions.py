"""What can be done with what waits, wherever it is listed: its priority raised or lowered, another environment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.executions.steering import HIGH, NORMAL, lowering_refusal, raising_refusal, refusal
from core.resources.resource import Action, Asking

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from core.executions.steering import Steered
    from core.resources.resource import Consequence
    from core.session import Session


def steering(name: Callable[[Any], str]) -> tuple[Action[Any], ...]:
    """Return the actions for rows of one resource; `name` says how one of them is called."""
    return _raise(name), _lower(name), _move(name)


def _raise(name: Callable[[Any], str]) -> Action[Any]:
    return Action(
        id="raise",
        key="plus",
        title="Raise",
        meaning="Give it a high priority: it goes before all others that have none.",
        permission="execution.reschedule",
        many=True,
        refuse=raising_refusal,
        consequence=lambda session, rows: _raising(session, rows, _together(name, rows)),
        run=lambda session, row: _prioritized(session, row, HIGH, f"{name(row)} has a high priority"),
    )


def _lower(name: Callable[[Any], str]) -> Action[Any]:
    return Action(
        id="lower",
        key="minus",
        title="Lower",
        meaning="Give it a normal priority again.",
        permission="execution.reschedule",
        many=True,
        refuse=lowering_refusal,
        consequence=lambda session, rows: _lowering(session, rows, _together(name, rows)),
        run=lambda session, row: _prioritized(session, row, NORMAL, f"{name(row)} has a normal priority"),
    )


def _move(name: Callable[[Any], str]) -> Action[Any]:
    def to(environment: str) -> Action[Any]:
        def run(session: Session, row: Steered) -> str:
            from core.executions.moving import move  # noqa: PLC0415 - a list steers nothing

            move(session, row, environment)
            return f"{name(row)} waits for {environment}"

        return replace(
            asking,
            asks=None,
            consequence=lambda session, rows: _moving(session, rows, environment, _together(name, rows)),
            run=run,
        )

    asking: Action[Any] = Action(
        id="move",
        key="M",
        title="Move",
        meaning="Have it run in another environment.",
        permission="execution.reschedule",
        many=True,
        refuse=refusal,
        asks=Asking("environment", "Move to", "the slug of the other environment", _environments, to),
    )
    return asking


def _together(name: Callable[[Any], str], rows: Sequence[Any]) -> str:
    return name(rows[0]) if len(rows) == 1 else f"{len(rows):,} executions"


def _prioritized(session: Session, row: Steered, priority: int, told: str) -> str:
    from core.executions.moving import set_priority  # noqa: PLC0415 - a list steers nothing

    set_priority(session, row, priority)
    return told


def _raising(session: Session, rows: Sequence[Steered], what: str) -> Consequence:
    from core.queue.effects import raising  # noqa: PLC0415 - a list asks nothing

    return raising(session, rows, what)


def _lowering(session: Session, rows: Sequence[Steered], what: str) -> Consequence:
    from core.queue.effects import lowering  # noqa: PLC0415

    return lowering(session, rows, what)


def _moving(session: Session, rows: Sequence[Steered], environment: str, what: str) -> Consequence:
    from core.queue.effects import moving as effect  # noqa: PLC0415

    return effect(session, rows, environment, what)


def _environments(session: Session, rows: Sequence[Steered]) -> Sequence[tuple[str, str]]:
    """Return the environments that somebody can choose from: all but the one in which all of them wait."""
    here = {row.environment_id for row in rows}
    return [
        (each.slug, f"at most {each.maximum_scale} machines" if each.enabled else "disabled")
        for each in session.environments.list()
        if here != {each.id}
    ]
