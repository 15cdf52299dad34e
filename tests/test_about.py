"""What an installation tells of itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from core.about import check_pairs, engine, home_sizes, versions, you
from core.doctor import Check
from core.errors import NotAllowedError
from core.policy import Role
from core.session import Actor, Session

if TYPE_CHECKING:
    from core.shoal import Shoal


def test_sizes_count_a_linked_file_once_and_what_is_deep(shoal: Shoal, session: Session) -> None:
    deep = shoal.home.store / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"x" * 1000)
    os.link(deep / "file", deep / "again")
    (deep / "loop").symlink_to(shoal.home.root)
    sizes = dict(home_sizes(session))
    assert 1000 <= sizes["store"] < 2000
    assert sizes["database"] > 0
    assert sizes["logs"] == 0


def test_a_home_that_is_gone_takes_nothing(shoal: Shoal, session: Session) -> None:
    for directory in (shoal.home.logs, shoal.home.code):
        directory.rmdir()
    assert dict(home_sizes(session))["logs"] == 0


def test_versions_and_who(session: Session) -> None:
    told = {pair.label: pair.text for pair in [*versions().pairs, *you(session).pairs]}
    assert told["Textual"].count(".") == 2
    assert (told["name"], told["role"]) == (session.actor.name, "admin")


def test_an_engine_that_does_not_answer_is_told(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nothing/here.sock")
    assert engine(session).text == "does not answer"
    monkeypatch.setenv("DOCKER_HOST", "nonsense")
    assert engine(session).text == "does not answer"


def test_who_is_no_member_learns_neither_sizes_nor_versions(session: Session) -> None:
    stranger = Session(session.database, session.home, Actor(99, "stranger", Role.NOBODY, 1))
    with pytest.raises(NotAllowedError):
        engine(stranger)
    with pytest.raises(NotAllowedError):
        next(home_sizes(stranger))


def test_a_check_says_its_state_in_words_and_what_to_do() -> None:
    found, advice = check_pairs(Check("disk", "warn", "little", "free some"))
    assert "warn" in found.text
    assert advice.text == "→ free some"
    assert len([*check_pairs(Check("disk", "ok", "much"))]) == 1
