"""An image comes to a host from this box where it can, once, however many wait for it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.scheduler import detail as detail_module
from core.scheduler.detail import Detail
from core.scheduler.engines.docker_images import _Layers
from core.scheduler.engines.engine import EngineDownError, Image
from core.scheduler.image_supply import ImageSupply
from tests.workbench import until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

    from core.session import Session
    from tests.enacted import Enacted

BUILT = Image("id1", "id1", 900 * 1024**2, ("today", "layer"))
PUSHED = Image("id2", "sha256:r", 10, ("today", "layer"))


@dataclass
class FakeEngine:
    """Only what has to do with images."""

    images: dict[str, Image] = field(default_factory=dict)
    pulled: list[str] = field(default_factory=list)
    loaded: int = 0
    coming: Image | None = None
    slow: threading.Event | None = None
    is_down: bool = False

    def image(self, name: str) -> Image | None:
        if self.is_down:
            message = "no Docker Engine here"
            raise EngineDownError(message)
        return self.images.get(name)

    def save(self, name: str) -> FakeEngine:
        assert name in self.images
        return self

    def chunks(self) -> Iterator[bytes]:
        for _ in range(9):
            yield bytes(1024**2)

    def load(self, archive: Iterable[bytes]) -> None:
        if self.slow is not None:
            self.slow.wait(10)
        assert sum(map(len, archive)) == 9 * 1024**2
        self.loaded += 1
        assert self.coming is not None
        self.images["i"] = self.coming

    def pull(self, name: str, progress: Any) -> Image:
        progress(412 * 1024**2, 900 * 1024**2)
        self.pulled.append(name)
        self.images[name] = PUSHED
        return PUSHED

    def close(self) -> None:
        pass


@dataclass
class FakeEngines:
    here: FakeEngine

    def open(self, host_id: int | None) -> Any:
        assert host_id is None
        return self.here


class Told(Detail):
    """Remembers what is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def tell(self, text: str, *, at_once: bool = False) -> None:
        del at_once
        self.texts.append(text)


def bring(here: FakeEngine, there: FakeEngine, name: str = "i", host_id: int | None = 1) -> tuple[Told, list[str]]:
    told, reports = Told(), list[str]()
    ImageSupply(FakeEngines(here)).bring(there, host_id, "gpu-2", name, told, reports.append)  # type: ignore[arg-type]
    return told, reports


def test_what_this_box_has_is_copied() -> None:
    there = FakeEngine(coming=BUILT)
    told, reports = bring(FakeEngine({"i": BUILT}), there)
    assert (there.loaded, there.pulled) == (1, [])
    assert reports == ["copying image i to gpu-2"]
    assert told.texts[5] == "image is being copied to gpu-2, 5 of 900 MiB"


def test_what_this_box_lacks_is_pulled_there() -> None:
    there = FakeEngine()
    told, reports = bring(FakeEngine(), there)
    assert (there.loaded, there.pulled, reports) == (0, ["i"], ["pulling image i"])
    assert told.texts == ["image is being pulled", "image is being pulled, 412 of 900 MiB"]


def test_a_box_without_an_engine_of_its_own_has_hosts_pull() -> None:
    there = FakeEngine()
    bring(FakeEngine(is_down=True), there)
    assert there.pulled == ["i"]


def test_a_digest_is_pulled_since_a_copy_does_not_carry_it() -> None:
    there = FakeEngine()
    bring(FakeEngine({"i@sha256:r": PUSHED}), there, "i@sha256:r")
    assert there.pulled == ["i@sha256:r"]


def test_an_image_that_was_built_anew_is_copied_again_and_one_of_a_registry_is_not() -> None:
    there = FakeEngine({"i": Image("id0", "id0", 1, ("yesterday", "layer"))}, coming=BUILT)
    bring(FakeEngine({"i": BUILT}), there)
    assert there.loaded == 1
    bring(FakeEngine({"i": BUILT}), there)
    bring(FakeEngine({"i": PUSHED}), there)
    assert (there.loaded, there.pulled) == (1, [])


def test_many_that_need_it_bring_it_once() -> None:
    here, there = FakeEngine({"i": BUILT}), FakeEngine(coming=BUILT, slow=threading.Event())
    supply = ImageSupply(FakeEngines(here))
    told = [Told() for _ in range(5)]
    threads = [
        threading.Thread(target=supply.bring, args=(there, 1, "gpu-2", "i", each, lambda _: None)) for each in told
    ]
    for thread in threads:
        thread.start()
    waits = "image is being brought for another execution"
    until(lambda: any(waits in each.texts for each in told), "the waiting")
    assert there.slow is not None
    there.slow.set()
    for thread in threads:
        thread.join()
    assert there.loaded == 1


def test_the_digest_of_a_copy_is_the_one_that_its_registry_gave() -> None:
    supply = ImageSupply(FakeEngines(FakeEngine({"i": PUSHED})))
    assert supply.digest(BUILT, 1, "i") == "sha256:r"
    assert supply.digest(BUILT, None, "i") == "id1"
    assert supply.digest(BUILT, 1, "other") == "id1"


def test_the_layers_of_a_pull_are_added_up() -> None:
    layers = _Layers()
    items: list[dict[str, Any]] = [
        {"status": "Pulling from library/x", "id": "latest"},
        {"status": "Already exists", "progressDetail": {}, "id": "a"},
        {"status": "Downloading", "progressDetail": {"current": 10, "total": 100}, "id": "b"},
        {"status": "Downloading", "progressDetail": {"current": 5, "total": 50}, "id": "c"},
        {"status": "Downloading", "progressDetail": {"current": 90, "total": 100}, "id": "b"},
        {"status": "Download complete", "progressDetail": {}, "id": "b"},
        {"status": "Extracting", "progressDetail": {"current": 1, "total": 100}, "id": "b"},
    ]
    assert [layers.saw(item) for item in items] == [
        *((0, 0), (0, 0), (10, 100), (15, 150), (95, 150), (105, 150), (105, 150))
    ]


def test_the_detail_is_the_reason_while_it_is_prepared(
    enacted: Enacted, system: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = enacted.create("train")
    looks: list[None] = []
    detail = Detail(system, execution.id, lambda: looks.append(None))
    detail.tell("too early")
    monkeypatch.setattr(detail_module, "EVERY", 0.0)
    detail.tell("does not run")
    assert "does not run" not in enacted.session.executions.by_id(execution.id).reason
    with system.write("execution.run") as connection:
        connection.execute("UPDATE executions SET status = 'started' WHERE id = ?", (execution.id,))
    before = system.database.reader().execute("SELECT count(*) FROM changes").fetchone()[0]
    for _ in range(3):
        detail.progress("image is being pulled")(412 * 1024**2 + 5, 900 * 1024**2 - 5)
    assert enacted.session.executions.by_id(execution.id).reason == "image is being pulled, 412 of 900 MiB"
    assert system.database.reader().execute("SELECT count(*) FROM changes").fetchone()[0] == before + 1
    assert len(looks) == 5
