"""The form of an environment, and what changing its limits would do to what waits and runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.environments.environment import limit_text
from core.environments.loads import Load, load
from core.environments.service import KINDS
from core.environments.settings import LIMITS, SIMULATED
from core.machines.box import box_warning
from core.resources.environment_consequence import consequence
from core.resources.environment_limits import limit_field
from core.resources.form import Field, Form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.projects.service import Project
    from core.resources.resource import Section
    from core.session import Session

_SLUG = Field(
    key="slug",
    label="Slug",
    meaning="how a step names it: a-z, 0-9 and -, at most 63 characters; it stays, other names can be added",
    required=True,
    fixed=True,
    argument=True,
)
_KIND = Field(
    key="kind",
    label="Kind",
    meaning="local: its machines are slots of this box; hosts: those of hosts that are reached over SSH",
    kind="choice",
    default="local",
    fixed=True,
    choices=lambda _: KINDS,
)


def _values(row: Load) -> Mapping[str, str]:
    environment = row.environment
    return {
        "slug": environment.slug,
        "kind": environment.kind,
        **{name: limit_text(environment, name) for name in LIMITS},
    }


def _add(session: Session, _: Project | None, answers: Mapping[str, str]) -> Load:
    limits = {name: text for name, text in answers.items() if name not in ("slug", "kind") and text}
    kind = answers.get("kind") or "local"
    return load(session, session.environments.create(answers.get("slug", ""), kind=kind, **limits))


def _add_consequence(session: Session, answers: Mapping[str, str]) -> str | None:
    return box_warning(session, None, answers) if answers.get("kind") in (None, "", "local") else None


def _edit(session: Session, row: Load, answers: Mapping[str, str], seen: int | None) -> Load:
    return load(session, session.environments.edit(row.environment.slug, answers, seen=seen))


def _preview(session: Session, row: Load, answers: Mapping[str, str]) -> Sequence[Section]:
    if not any(name in SIMULATED for name in answers):
        return []
    from core.resources.what_if import environment_preview  # noqa: PLC0415 - the simulator, when somebody asks

    return environment_preview(session, row, answers)


ENVIRONMENT_FORM: Form[Load] = Form(
    fields=(_SLUG, _KIND, *map(limit_field, LIMITS)),
    values=_values,
    add=_add,
    add_permission="environment.edit",
    edit_version=_edit,
    version=lambda row: row.environment.version,
    edit_permission="environment.edit",
    consequence=consequence,
    add_consequence=_add_consequence,
    preview=_preview,
)
