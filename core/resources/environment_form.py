"""The form of an environment, and what changing its limits would do to what waits and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.environment_loads import Load, load
from core.environments import LIMITS, read_limit
from core.errors import InvalidInputError
from core.resources.environment_limits import limit_field, limit_text
from core.resources.form import Field, Form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.projects.service import Project
    from core.session import Session

_FIELDS = (
    Field(
        key="slug",
        label="Slug",
        meaning="how a step names it: a-z, 0-9 and -, at most 63 characters",
        required=True,
        fixed=True,
    ),
    *map(limit_field, LIMITS),
)


def _values(row: Load) -> Mapping[str, str]:
    return {"slug": row.environment.slug, **{name: limit_text(row.environment, name) for name in LIMITS}}


def _add(session: Session, _: Project | None, answers: Mapping[str, str]) -> Load:
    limits = {name: text for name, text in answers.items() if name != "slug" and text}
    return load(session, session.environments.create(answers.get("slug", ""), **limits))


def _edit(session: Session, row: Load, answers: Mapping[str, str]) -> Load:
    return load(session, session.environments.set(row.environment.slug, **answers))


def consequence(session: Session, row: Load, answers: Mapping[str, str]) -> str | None:
    """Return what new limits would do to what waits and runs, None where nothing is to be said."""
    now = load(session, row.environment)
    off = now.environment.enabled and not _read(answers, "enabled", otherwise=True)
    if off and (now.waiting or now.running):
        return (
            f"{waiting_text(now.waiting)} and will not start until it is on again; what runs goes on"
            f" ({now.running} now), and idle machines leave"
        )
    most = _read(answers, "maximum_scale", otherwise=now.environment.maximum_scale)
    if most < min(now.environment.maximum_scale, max(now.machines, now.running + now.waiting)):
        running = f"{now.running} {'runs' if now.running == 1 else 'run'} and will not be ended"
        told = ", ".join([running] * (now.running > 0) + [waiting_text(now.waiting)] * (now.waiting > 0))
        limit = f"at most {most} will run at once from then on" if most else "none will start"
        return f"{told}: {limit}" if told else None
    return None


def _read(answers: Mapping[str, str], name: str, *, otherwise: Any) -> Any:  # noqa: ANN401 - as LIMITS reads it
    try:
        return read_limit(name, answers[name]) if name in answers else otherwise
    except InvalidInputError:
        return otherwise


def waiting_text(number: int) -> str:
    """Return how many executions wait, in words."""
    return "1 execution waits" if number == 1 else f"{number or 'no'} executions wait"


ENVIRONMENT_FORM: Form[Load] = Form(
    fields=_FIELDS,
    values=_values,
    add=_add,
    add_permission="environment.edit",
    edit=_edit,
    edit_permission="environment.edit",
    consequence=consequence,
)
