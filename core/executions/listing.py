"""The pages of a list of executions, read newest first from the index that serves what is asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from core.errors import InvalidInputError
from core.executions.execution import SELECT, STATUSES

if TYPE_CHECKING:
    from collections.abc import Sequence

_LAST_ID = 2**63 - 1

# The newest of each project, status and creator are few, and an index gives them; the page is among them.
_NEWEST_OF_STATUS = """
    SELECT x.id FROM projects o CROSS JOIN json_each(:statuses) s CROSS JOIN executions x ON x.id IN (
        SELECT id FROM executions WHERE project_id = o.id AND status = s.value AND id < :after
        ORDER BY id DESC LIMIT :limit)
    WHERE o.organization_id = :organization AND (:project IS NULL OR o.id = :project)
    ORDER BY x.id DESC LIMIT :limit
"""
_NEWEST_OF_CREATOR = """
    SELECT x.id FROM projects o CROSS JOIN json_each(:statuses) s CROSS JOIN executions x ON x.id IN (
        SELECT id FROM executions WHERE project_id = o.id AND user_id = :creator AND status = s.value AND id < :after
        ORDER BY id DESC LIMIT :limit)
    WHERE o.organization_id = :organization AND (:project IS NULL OR o.id = :project)
    ORDER BY x.id DESC LIMIT :limit
"""
_NEWEST_OF_TAG = """
    SELECT t.execution_id FROM execution_tags t CROSS JOIN executions x ON x.id = t.execution_id
    CROSS JOIN projects o ON o.id = x.project_id
    WHERE t.tag = :tag AND t.execution_id < :after AND o.organization_id = :organization
        AND (:project IS NULL OR o.id = :project) AND (:creator IS NULL OR x.user_id = :creator)
        AND x.status IN (SELECT value FROM json_each(:statuses))
    ORDER BY t.execution_id DESC LIMIT :limit
"""
_COUNTER = "SELECT counter FROM executions WHERE id = :after"


class Filter(NamedTuple):
    """What a list is to hold: ids of the project and the creator, statuses, a tag; None and empty are all of them."""

    project: int | None = None
    statuses: Sequence[str] = ()
    creator: int | None = None
    tag: str | None = None


def page_query(wanted: Filter, *, organization: int, after: int | None, limit: int) -> tuple[str, dict[str, Any]]:
    """Return the query for up to `limit` rows of SELECT, newest first, after the one with id `after`; and its values.

    Raises:
        InvalidInputError: there is no such status.
    """
    unknown = [status for status in wanted.statuses if status not in STATUSES]
    if unknown:
        message = f"there is no status {unknown[0]!r}: it is one of {', '.join(STATUSES)}"
        raise InvalidInputError(message, field="status")
    values = {
        "organization": organization,
        "project": wanted.project,
        "statuses": json.dumps(sorted(set(wanted.statuses or STATUSES))),
        "creator": wanted.creator,
        "tag": wanted.tag,
        "after": _LAST_ID if after is None else after,
        "limit": limit,
    }
    return _query(wanted), values


def _query(wanted: Filter) -> str:
    if wanted.tag is not None:
        return f"{SELECT} AND e.id IN ({_NEWEST_OF_TAG}) ORDER BY e.id DESC"
    if wanted.creator is not None:
        return f"{SELECT} AND e.id IN ({_NEWEST_OF_CREATOR}) ORDER BY e.id DESC"
    if wanted.statuses:
        return f"{SELECT} AND e.id IN ({_NEWEST_OF_STATUS}) ORDER BY e.id DESC"
    if wanted.project is None:
        return f"{SELECT} AND e.id < :after ORDER BY e.id DESC LIMIT :limit"
    # Within a project counters rise with ids, and there is an index on them.
    before = f"e.counter < coalesce(({_COUNTER}), :after)"
    return f"{SELECT} AND e.project_id = :project AND {before} ORDER BY e.counter DESC LIMIT :limit"
