"""What is said when the environments of this box promise more than it has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from core.doctor import examine
from core.machines import box
from core.machines.box import Box, Share, box_warning, warnings

if TYPE_CHECKING:
    from core.session import Session

BOX = Box(8, 16 * 1024**3)
GIB = 1024**3


@pytest.fixture
def small_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box.Box, "here", classmethod(lambda _: Box(2, 4 * GIB)))


def test_what_fits_is_not_spoken_of_nor_what_has_no_limit() -> None:
    assert warnings([Share("a", 4, 2, 4 * GIB, ("0",)), Share("b", 100, None, None, ("1",))], BOX) == []


def test_the_numbers_are_named() -> None:
    shares = [Share("a", 4, 2, 3 * GIB, ("0", "1")), Share("b", 2, 0.5, 3 * GIB, ("1",))]
    assert warnings(shares, BOX) == [
        "machines of this box may take 9 CPUs in all (a 4 × 2 + b 2 × 0.5), and it has 8",
        "machines of this box may take 18.0 GiB of memory in all (a 4 × 3g + b 2 × 3g), and it has 16.0 GiB",
        "GPU 1 is named by a and b: it goes to whichever is first",
    ]
    many = [Share(str(number), 1, 2, None, ()) for number in range(5)]
    assert warnings(many, BOX) == [
        "machines of this box may take 10 CPUs in all (0 1 × 2 + 1 1 × 2 + 2 1 × 2 + 2 others), and it has 8"
    ]


@pytest.mark.usefixtures("small_box")
def test_an_edit_is_warned_of_what_it_would_bring_and_not_of_what_was_before(session: Session) -> None:
    local = session.environments.get("local")
    told = box_warning(session, local, {"cpus": "1", "maximum_scale": "3"})
    assert told == "machines of this box may take 3 CPUs in all (local 3 × 1), and it has 2"
    local = session.environments.set("local", cpus="1", maximum_scale="3")
    assert box_warning(session, local, {"maximum_scale": "3"}) is None
    assert box_warning(session, local, {"maximum_scale": "4"}) is not None
    assert box_warning(session, local, {"enabled": "off"}) is None
    assert box_warning(session, local, {"maximum_scale": "many"}) is None
    assert box_warning(session, None, {"slug": "new", "memory": "2g", "maximum_scale": "3"}) is not None
    hosts = session.environments.create("farm", kind="hosts")
    assert box_warning(session, hosts, {"cpus": "8", "maximum_scale": "99"}) is None
    checks = [check for check in examine(session.home) if check.name == "machines"]
    assert [(check.state, check.message) for check in checks] == [("warn", told)]


def test_gpus_that_are_named_and_not_there(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.environments.create("gpu", maximum_scale="2", gpu_devices="0,1", gpus_per_machine="1")
    monkeypatch.setattr(box, "Path", lambda _: SimpleNamespace(glob=lambda _: ["/dev/nvidia0"]))
    (said,) = box.box_warnings(session.read("environment.see"))
    assert "gpu give away 2 GPUs, and this box shows 1" in said
