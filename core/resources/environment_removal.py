"""Deleting an environment, and making it the default: what that would do, and doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.environments.loads import Load, load
from core.resources.environment_consequence import waiting_text
from core.resources.resource import Action, Consequence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.environments.environment import Environment
    from core.session import Session


def removal_consequence(session: Session, environment: Environment, target: Environment | None) -> str:
    """Return what deleting an environment would do, as a question for a command."""
    waiting = load(session, environment).waiting
    moves = (
        f"; {waiting_text(waiting)} there and will be moved to {target.slug}" if target is not None and waiting else ""
    )
    return f"delete the environment {environment.slug}; what ran there stays in every list{moves}"


def _refuse(_: Session, row: Load) -> str | None:
    slug = row.environment.slug
    if row.running:
        return f"{row.running} {'runs' if row.running == 1 else 'run'} in {slug}: wait for the end, or stop them"
    if row.waiting:
        moving = f"`shoal environments delete {slug} --move-to OTHER` moves them"
        return f"{waiting_text(row.waiting)} in {slug}: {moving}, or move them in the queue"
    return None


def _consequence(_: Session, rows: Sequence[Load]) -> Consequence:
    slug = rows[0].environment.slug
    detail = "Its limits and other names are gone then; what ran there stays in every list. The slug can be used again."
    return Consequence(f"Delete the environment {slug}?", detail, type_name=slug)


def _delete(session: Session, row: Load) -> str:
    session.environments.delete(row.environment.slug)
    return f"environment {row.environment.slug} was deleted"


def _refuse_default(_: Session, row: Load) -> str | None:
    return None if row.environment.enabled else f"{row.environment.slug} is disabled: turn it on first"


def _make_default(session: Session, row: Load) -> str:
    session.environments.make_default(row.environment.slug)
    return f"{row.environment.slug} is the default: what names no environment runs there"


MAKE_DEFAULT: Action[Load] = Action(
    id="make_default",
    key="D",
    title="Make default",
    meaning="Have what names no environment run there.",
    permission="organization.edit",
    refuse=_refuse_default,
    run=_make_default,
)
DELETE: Action[Load] = Action(
    id="delete",
    key="X",
    title="Delete",
    meaning="Delete it; nothing may wait or run there.",
    permission="environment.edit",
    refuse=_refuse,
    consequence=_consequence,
    run=_delete,
)
