"""What people type that cannot be: refused in one sentence, whatever it is, and nothing is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.environments.settings import LIMITS, read_limit
from core.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError, ShoalError
from core.executions.moving import move
from core.machines.host import read_setting
from core.settings import read_value
from core.text import some_of
from tests.queueing import Queueing

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.session import Session
    from core.shoal import Shoal
    from tests.enacted import Enacted

SENTENCE = 600
"""Characters that an error has at most, whatever was typed."""
WHOLE = ("minimum_scale", "maximum_scale", "per_user_quota", "pids", "gpus_per_machine")


@pytest.fixture
def queueing(shoal: Shoal, enacted: Enacted) -> Queueing:
    return Queueing(shoal, enacted)


@pytest.mark.parametrize("text", ["-1", "1e9", "1000000000", "NaN", "", "١٢", "１２", "1_0", "+5", "-0", "5.5", "0x1"])
@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_number_is_plain_digits_within_its_range(name: str, text: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{name} cannot be"):
        read_limit(name, text)


def test_spaces_around_a_number_are_no_mistake() -> None:
    assert (read_limit("maximum_scale", " 7 "), read_limit("price_per_hour", " .5 ")) == (7, 500_000)


@pytest.mark.parametrize("name", ["price_per_hour", "cpus"])
@pytest.mark.parametrize(
    "text", ["-1", "1e9", "1e-3", "nan", "inf", "１", "1_0", "0x1", "1,5", "0.0000001", "10000000"]
)
def test_an_amount_is_a_decimal_of_which_nothing_is_lost(name: str, text: str) -> None:
    with pytest.raises(InvalidInputError, match=f"{name} cannot be"):
        read_limit(name, text)


def test_what_is_out_of_range_is_told_the_range() -> None:
    with pytest.raises(InvalidInputError, match="up to 100000"):
        read_limit("maximum_scale", "1000000000")


def test_a_name_of_spaces_is_none(session: Session) -> None:
    with pytest.raises(InvalidInputError, match="name cannot be '   '"):
        session.environments.set("local", name="   ")
    assert session.environments.set("local", name="  The box ").name == "The box"


@pytest.mark.parametrize("text", ["00000000199999", "0", "1001", "１", "9" * 5000])
def test_slots_are_within_their_range(text: str) -> None:
    with pytest.raises(InvalidInputError, match="slots cannot be"):
        read_setting("slots", text)


def test_json_that_is_nested_without_end_is_a_text() -> None:
    assert read_value("[" * 100_000) == "[" * 100_000


@pytest.mark.parametrize(
    "ask",
    [
        lambda session, text: session.environments.get(text),
        lambda session, text: session.environments.create(text),
        lambda session, text: session.environments.create("a", kind=text),
        lambda session, text: session.teams.get(text),
        lambda session, text: session.teams.create(text),
        lambda session, text: session.teams.create("a", [text]),
        lambda session, text: session.members.get(text),
        lambda session, text: session.members.add(text, system_user="root"),
        lambda session, text: session.members.add("a", system_user=text),
        lambda session, text: session.hosts.get(text),
        lambda session, text: session.machines.get(text),
        lambda session, text: session.settings.set(text, 1),
        *(lambda session, text, name=name: session.environments.set("local", **{name: text}) for name in LIMITS),
    ],
)
def test_an_error_is_a_sentence_however_much_was_typed(session: Session, ask: Callable[[Session, str], object]) -> None:
    with pytest.raises(ShoalError) as caught:
        ask(session, "\x1b[31m" + "x" * 100_000)
    assert len(str(caught.value)) < SENTENCE
    assert str(caught.value).isprintable()


def test_an_error_names_some_of_a_thousand(session: Session) -> None:
    for number in range(60):
        session.environments.create(f"environment-{number:04}")
    with pytest.raises(NotFoundError, match=r"environment-0000, .* and 41 more") as caught:
        session.environments.get("nowhere")
    assert len(str(caught.value)) < SENTENCE
    assert some_of(["a", "b"], 2) == "a, b"


def test_of_two_who_change_the_people_of_a_team_the_second_is_told(queueing: Queueing) -> None:
    admin = queueing.admin
    for name in ("alice", "bob", "carol"):
        queueing.person(name)
    seen = admin.teams.create("vision", ["alice"])
    admin.teams.set(seen, members=["alice", "bob"])
    with pytest.raises(ConflictError, match="members of 'vision' were changed meanwhile, to alice, bob"):
        admin.teams.set(seen, members=["alice", "carol"])
    assert admin.teams.get("vision").members == ("alice", "bob")
    assert admin.teams.set(seen, name="eyes").members == ("alice", "bob")
    with pytest.raises(ConflictError, match="is called 'eyes' meanwhile"):
        admin.teams.set(seen, name="ears")
    admin.teams.delete(admin.teams.get("eyes"))
    with pytest.raises(NotFoundError):
        admin.teams.set(seen, members=[])


def test_what_waits_is_not_moved_to_where_nothing_is(queueing: Queueing) -> None:
    admin = queueing.admin
    admin.environments.create("old")
    admin.environments.create("new")
    execution = queueing.waits(admin, environment="old")
    stale = admin.environments.get("new")
    admin.environments.delete("new")

    class Late(type(admin.environments)):  # type: ignore[misc]  # looks at the target before another process deletes it
        def get(self, reference: str) -> object:
            return stale if reference == "new" else super().get(reference)

    with pytest.raises(NotFoundError, match="'new' was deleted meanwhile"):
        Late(admin).delete("old", move_to="new")
    assert admin.executions.by_id(execution.id).environment == "old"


def test_who_moves_somebody_elses_is_told_about_them_and_not_about_you(queueing: Queueing) -> None:
    alice = queueing.person("alice")
    queueing.environment("closed", teams={"vision": 1}, access="teams")
    execution = queueing.waits(alice)
    with pytest.raises(NotAllowedError, match=r"^alice is in no team, and only teams may use the environment 'closed'"):
        move(queueing.admin, execution, "closed")
    with pytest.raises(NotAllowedError, match=r"^you are in no team"):
        move(alice, execution, "closed")
    queueing.person("alice", teams=("audio",))
    with pytest.raises(NotAllowedError, match=r"^alice's team 'audio' may not use"):
        move(queueing.admin, execution, "closed")
