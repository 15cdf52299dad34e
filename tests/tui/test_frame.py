"""What surrounds every place: the command line, the palette, the help, the menu, and the person's view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.events import Key

from core.resources.resource import Consequence
from tests.tui.story import story
from tui.commands import suggestions
from tui.screens.decision import Decision
from tui.screens.palette import Offer, score
from tui.widgets.menu import Menu

if TYPE_CHECKING:
    import pytest

    from core.session import Session

WIDE = (120, 40)


async def test_a_line_goes_to_a_place_and_is_remembered(session: Session) -> None:
    async with story(session) as person:
        await person.presses("colon").types("fil").presses("tab").sees(":files").presses("enter")
        await person.sees("› files", "No file yet").presses("colon", "up").sees(":files").presses("escape")
        await person.does_not_see(":files").presses("escape").does_not_see("› files")
    async with story(session) as person:
        await person.presses("colon", "up").sees(":files")


async def test_a_mistake_in_the_line_is_told_and_offers_what_is_like_it(session: Session) -> None:
    async with story(session) as person:
        await person.goes("filez").sees("there is no place 'filez'", "did you mean")
        await person.goes("theme [/]").sees("there is no theme '[/]'")
        await person.goes("executions 'open").sees("cannot be read")


async def test_keys_that_come_at_once_go_where_the_first_one_leads(session: Session) -> None:
    async with story(session) as person:
        for key in (Key("colon", ":"), Key("q", "q"), Key("X", "X"), Key("a", "a")):
            person.console.post_message(key)
        await person.sees(":qXa")


async def test_a_line_leaves_the_console(session: Session) -> None:
    async with story(session) as person:
        await person.presses("colon").types("q")
        await person.presses("enter")
        assert person.console.return_value == 0


def test_suggestions_are_made_of_the_registry() -> None:
    assert [each.text for each in suggestions("executions status=err")] == ["executions status=error"]
    assert "executions sort=" in " ".join(each.text for each in suggestions("executions so"))
    assert [each.shown for each in suggestions("theme shoal-l")] == ["shoal-light"]
    assert suggestions("exec")[0].text == "executions"
    assert not suggestions("nonsense and more")


async def test_help_tells_what_the_bindings_say_and_why_a_key_is_dead(session: Session) -> None:
    async with story(session, size=WIDE) as person:
        await person.presses("question_mark").sees("This place", "Everywhere", "× not now: there is no row here")
        shown = {active.binding.tooltip for active in person.console.screen_stack[-2].active_bindings.values()}
        assert "Sort by a column; the same column again turns it round." in shown
        await person.presses("slash").types("menu").sees("Go to the menu").does_not_see("Sort by a column")
        await person.presses("escape").sees("Sort by a column").presses("escape").does_not_see("Everywhere")


async def test_the_palette_does_what_it_shows(session: Session) -> None:
    async with story(session) as person:
        await person.presses("ctrl+p").types("go files").presses("enter").sees("› files")
        await person.presses("ctrl+p").types("edit").sees("× there is no row here").presses("enter")
        await person.sees("there is no row here")


async def test_a_theme_is_tried_in_the_palette_and_kept_only_when_taken(session: Session) -> None:
    async with story(session) as person:
        console = person.console
        await person.presses("ctrl+p").types("theme shoal-light")
        assert console.theme == "shoal-light"
        await person.presses("escape")
        assert console.theme == "shoal-dark"
        await person.presses("ctrl+p").types("theme shoal-light").presses("enter")
        assert console.theme == "shoal-light"
    assert session.preferences.all()["theme"] == "shoal-light"
    async with story(session) as person:
        assert person.console.theme == "shoal-light"


async def test_a_read_only_console_keeps_nothing(session: Session) -> None:
    async with story(session, read_only=True) as person:
        await person.goes("theme shoal-light")
        assert person.console.theme == "shoal-light"
    assert session.preferences.all() == {}


async def test_what_fits_better_comes_first() -> None:
    def offer(title: str) -> Offer:
        return Offer(title, "", "", None, lambda: None)

    assert score(offer("Go to files"), "files") is not None
    assert score(offer("Go to files"), "gtf") is not None
    assert score(offer("Go to files"), "zebra") is None
    assert (score(offer("Go to files"), "files") or 0) < (score(offer("Go to files"), "gtf") or 0)


async def test_the_menu_stands_on_a_wide_screen_and_comes_when_asked_on_a_narrow_one(session: Session) -> None:
    async with story(session) as person:
        await person.does_not_see("machines").presses("m").sees("machines").presses("down", "enter")
        await person.sees("› queue").does_not_see("machines")
    async with story(session, size=WIDE) as person:
        await person.sees("▌executions", "machines").presses("m")
        assert isinstance(person.console.focused, Menu)
        await person.presses("m").does_not_see("machines")
    async with story(session, size=WIDE) as person:
        await person.does_not_see("machines")


async def test_a_small_terminal_is_told_what_is_needed_and_comes_back(session: Session) -> None:
    async with story(session) as person:
        await person.resizes(40, 10).sees("needs 60×15", "40×10").resizes(80, 24).sees("No execution yet")
        for columns in range(20):
            await person.resizes(50 + columns, 12 + columns // 2)
        await person.resizes(80, 24).sees("No execution yet").does_not_see("needs")
        assert len(person.console.screen_stack) == 2


async def test_no_colour_is_no_colour_and_the_cursor_is_seen(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.preferences.put({"theme": "shoal-light"})
    monkeypatch.setenv("NO_COLOR", "1")
    async with story(session, size=WIDE) as person:
        await person.presses("m")
        assert person.console.theme == "monochrome"
        strips = person.console.screen._compositor.render_strips()
        styles = [segment.style for strip in strips for segment in strip if segment.style is not None]
        assert all(style.color is None or style.color.is_default for style in styles)
        assert any(style.reverse for style in styles)


async def test_a_decision_stands_on_no(session: Session) -> None:
    async with story(session) as person:
        answers: list[bool | None] = []
        for keys, answer in (
            (["enter"], False), (["escape"], False), (["n"], False), (["y"], True), (["right", "enter"], True),
            (["right", "left", "enter"], False),
        ):  # fmt: skip
            await person.console.push_screen(Decision(Consequence("Stop [/] \x1b[31m3?", "two\nlines")), answers.append)
            await person.sees("Stop [/] 3?", "▸ No").presses(*keys)
            await person.does_not_see("▸")
            assert answers.pop() is answer


async def test_a_name_is_typed_where_nothing_can_be_undone(session: Session) -> None:
    async with story(session) as person:
        answers: list[bool | None] = []
        await person.console.push_screen(Decision(Consequence("Delete it?", type_name="mnist[/]")), answers.append)
        await person.types("mnis").presses("enter").sees("that is not mnist[/]")
        assert not answers
        await person.types("t[/]").presses("enter").does_not_see("Delete it?")
        assert answers == [True]


async def test_long_texts_of_a_decision_are_wrapped_and_scrolled(session: Session) -> None:
    async with story(session) as person:
        detail = "\n".join(f"line {number} " + "x" * 100 for number in range(60))
        await person.console.push_screen(Decision(Consequence("q" * 500, detail)))
        await person.sees("▸ No", "y yes")
