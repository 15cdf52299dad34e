"""Why executions wait: a closed list, and the sentence of each.

A sentence may hold `{whose}` (your, or somebody's) and `{age}` (the time since `Reason.since`), which are filled in
when it is shown: the one depends on who looks, the other on when.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NamedTuple

from core.quantities import age


class Code(StrEnum):
    """What keeps an execution waiting."""

    DISABLED = "disabled"
    ENGINE = "engine"
    MAXIMUM = "maximum"
    USER_QUOTA = "user-quota"
    TEAM_QUOTA = "team-quota"
    TEAM_REFUSED = "team-refused"
    BUSY = "busy"
    STARTING = "starting"
    LAUNCHING = "launching"
    LAUNCH_FAILED = "launch-failed"
    NO_HOST = "no-host"
    CORDONED = "cordoned"
    SOON = "soon"


WAITS_RIGHTLY = frozenset(
    {
        Code.DISABLED,
        Code.MAXIMUM,
        Code.USER_QUOTA,
        Code.TEAM_QUOTA,
        Code.TEAM_REFUSED,
        Code.BUSY,
        Code.CORDONED,
    }
)
"""What somebody decided on, or what other work is: nothing is wrong where these keep an execution waiting."""


class Reason(NamedTuple):
    """Why everything that one person has waiting with `status` for one team in one environment waits."""

    environment_id: int
    user_id: int
    team_id: int
    status: Literal["created", "queued"]
    code: Code
    text: str
    since: float | None = None


REASONS_CHANGED = "reasons for waiting"
"""What the change feed says of an environment, or an execution, where something is waited for that was not before."""

UNSEEN = "the scheduler has not looked at it yet"
"""What stands where no plan has said anything yet."""


SHOWN_REASON = (
    "replace(replace(w.reason, '{whose}', u.name || '''s'),"
    " '{age}', max(0, CAST(strftime('%s', 'now') - coalesce(w.since, 0) AS INTEGER)) || ' s')"
)
"""The sentence in SQL, for lists: of a row `w` of waiting_reasons and its person `u`."""


def reason_text(template: str, whose: str, since: float | None, now: float) -> str:
    """Fill in a sentence for somebody (`your`, `alice's`) at a moment."""
    waited = age(now - since) if since is not None else "a moment"
    return template.replace("{whose}", whose).replace("{age}", waited)
