"""The screen that tells of the console itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.app import Console
from tui.screens.about import AboutScreen
from tui.widgets.description_view import DescriptionView

if TYPE_CHECKING:
    import pytest
    from textual.pilot import Pilot

    from core.session import Session


async def idle(pilot: Pilot[int]) -> None:
    """Wait until nothing is being done beside the loop."""
    console = pilot.app
    assert isinstance(console, Console)
    await pilot.pause()
    while not console.is_idle:
        await pilot.pause()
    await pilot.pause()


async def test_it_tells_versions_health_sizes_and_bytes(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nothing/here.sock")
    console = Console(session, address="about")
    async with console.run_test(size=(80, 24), notifications=True) as pilot:
        await idle(pilot)
        screen = console.screen
        assert isinstance(screen, AboutScreen)
        sections = {section.title: section.pairs for section in screen.query_one(DescriptionView).sections}
        assert [*sections] == ["Health", "Versions", "Wire", "You", "Places", "Sizes"]
        health = {pair.label: pair.text for pair in sections["Health"] if pair.label}
        assert "ok" in health["database"]
        assert "fail" in health["docker"]
        assert screen.heading == "1 checks failed"
        assert str(session.home.root) in [pair.text for pair in sections["Places"]]
        assert [pair.label for pair in sections["Sizes"]][:2] == ["database", "logs"]
        assert not any("looking" in pair.text for pairs in sections.values() for pair in pairs)

        console.wire.count("x" * 5000)
        await pilot.press("r")
        await idle(pilot)
        sections = {section.title: section.pairs for section in screen.query_one(DescriptionView).sections}
        assert sections["Wire"][0].text.startswith("5.0 kB to this terminal")
