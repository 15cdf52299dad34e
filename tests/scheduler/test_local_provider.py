"""Slots of this box: an engine that is away or hangs is a fault of theirs, and of nobody else."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from core.scheduler.engines.docker import DockerEngine
from core.scheduler.engines.engine import EngineDownError
from core.scheduler.engines.engines import Engines
from core.scheduler.providers import local
from core.scheduler.providers.local import LocalProvider

if TYPE_CHECKING:
    from core.session import Session


class Engine(DockerEngine):
    """One that is down, or waits until it is told to answer."""

    def __init__(self) -> None:
        super().__init__("unix:///run/shoal-no-such.sock")
        self.is_down = False
        self.answers = threading.Event()
        self.answers.set()

    def ping(self) -> None:
        self.answers.wait()
        if self.is_down:
            message = "it is away"
            raise EngineDownError(message)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(local, "ENGINE_RETRY", 0.0)
    monkeypatch.setattr(local, "ANSWERS_WITHIN", 0.2)
    return Engine()


def test_an_engine_is_asked_when_work_begins_and_its_fault_ends_with_its_answer(
    session: Session, system: Session, engine: Engine
) -> None:
    failures: list[str] = []
    provider = LocalProvider(system, Engines(system, lambda: engine), "test", failures.append)
    connection = session.read("machine.see")
    engine.is_down = True
    assert not provider.doubt(begins=False)
    assert provider.doubt(begins=True)
    assert "it is away" in (provider.launching(connection, 1, 0.0).fault or "")
    assert provider.reconcile(5.0) == 5.0
    engine.is_down = False
    assert provider.doubt(begins=False) or provider.doubt(begins=False)
    assert provider.launching(connection, 1, 0.0).fault is None
    assert failures == ["engine"]


def test_an_engine_that_hangs_is_not_waited_for(session: Session, system: Session, engine: Engine) -> None:
    provider = LocalProvider(system, Engines(system, lambda: engine), "test")
    connection = session.read("machine.see")
    engine.answers.clear()
    assert provider.doubt(begins=True)
    assert "gives no answer" in (provider.launching(connection, 1, 0.0).fault or "")
    assert not provider.doubt(begins=True)
    engine.answers.set()
    while not provider.doubt(begins=False):
        pass
    assert provider.launching(connection, 1, 0.0).fault is None
