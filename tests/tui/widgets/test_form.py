"""A form at the keyboard."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from textual import events
from textual.app import App

from core.errors import InvalidInputError
from core.resources.form import Field
from tui.widgets.form import Form, FormField, Heading, Note
from tui.widgets.form_field import MAXIMUM_LINES
from tui.widgets.text_entry import MAXIMUM_LENGTH, TextEntry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from textual.app import ComposeResult
    from textual.pilot import Pilot

HOSTILE = "[/] [red]x\x1b[31m \u202e 変数 🐧 " + "n" * 500


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        message = f"{text[:20]!r} is not a whole number"
        raise InvalidInputError(message) from error


FIELDS = (
    Field(key="name", label="Name", meaning="how it is called", required=True),
    Field(key="number", label="Number", meaning="a whole number", check=_whole, default="1"),
    Field(key="enabled", label="Enabled", kind="flag", default="on"),
    Field(key="network", label="Network", kind="choice", default="bridge"),
    Field(key="secret", label="Secret", kind="secret"),
    Field(key="lines", label="Lines", kind="lines"),
)
CHOICES = {"network": ("bridge", "host", "none")}


class FormApp(App[None]):
    """Nothing but a form."""

    def __init__(
        self,
        fields: Sequence[Field | Heading | Note],
        values: Mapping[str, str],
        choices: Mapping[str, Sequence[str]],
    ) -> None:
        super().__init__()
        self.form = Form("Save")
        self.submitted = 0
        self.form.show(fields, values, choices=choices)

    def compose(self) -> ComposeResult:
        yield self.form

    def on_mount(self) -> None:
        self.form.focus_fields()

    def on_form_submitted(self) -> None:
        self.submitted += 1

    @property
    def screen_text(self) -> str:
        return "\n".join(strip.text.rstrip() for strip in self.screen._compositor.render_strips())


@asynccontextmanager
async def shown(
    fields: Sequence[Field | Heading | Note] = FIELDS,
    values: Mapping[str, str] | None = None,
    choices: Mapping[str, Sequence[str]] | None = None,
    size: tuple[int, int] = (80, 24),
) -> AsyncIterator[tuple[FormApp, Pilot[None]]]:
    app = FormApp(fields, values or {}, CHOICES if choices is None else choices)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield app, pilot


async def paste(app: FormApp, pilot: Pilot[None], text: str) -> None:
    assert app.focused is not None
    app.focused.post_message(events.Paste(text))
    await pilot.pause()


async def test_an_answer_is_checked_while_it_is_typed() -> None:
    async with shown() as (app, pilot):
        await pilot.press("tab", "x")
        assert "'1x' is not a whole number" in app.screen_text
        await pilot.press("backspace")
        assert "not a whole number" not in app.screen_text


async def test_what_is_needed_is_said_when_it_is_to_be_saved_and_not_before() -> None:
    async with shown() as (app, pilot):
        await pilot.press("tab", "tab")
        assert "needed" not in app.screen_text
        assert not app.form.check()
        await pilot.pause()
        assert "Name is needed" in app.screen_text
        assert app.form.current is app.form.fields["name"]


async def test_tab_goes_round_and_the_button_submits() -> None:
    async with shown() as (app, pilot):
        await pilot.press("shift+tab")
        assert app.form.current is None
        await pilot.press("enter")
        assert app.submitted == 1
        await pilot.press("tab")
        assert app.form.current is app.form.fields["name"]


async def test_enter_goes_to_the_next_field() -> None:
    async with shown() as (app, pilot):
        await pilot.press(*"ada", "enter", "7")
        assert app.form.changed == {"name": "ada", "number": "17"}


async def test_only_what_differs_counts_as_changed() -> None:
    async with shown(values={"name": "ada"}) as (app, pilot):
        await pilot.press("x")
        assert app.form.changed == {"name": "adax"}
        assert "was ada" in app.screen_text
        await pilot.press("backspace")
        assert app.form.changed == {}
        await pilot.press("tab", "tab", "space", "space")
        assert app.form.changed == {}


async def test_a_flag_is_turned_by_space_and_letters_do_nothing_else() -> None:
    async with shown() as (app, pilot):
        await pilot.press("tab", "tab", "p", "m", "space")
        assert app.form.changed == {"enabled": "off"}


async def test_a_choice_is_cycled_by_the_arrows() -> None:
    async with shown() as (app, pilot):
        await pilot.press("tab", "tab", "tab", "left")
        assert app.form.answers["network"] == "none"
        await pilot.press("right", "right")
        assert app.form.answers["network"] == "host"


async def test_one_of_many_choices_is_found_by_typing() -> None:
    many = tuple(f"choice [/] {number}" for number in range(3000))
    async with shown(choices={"network": many}) as (app, pilot):
        await pilot.press("tab", "tab", "tab", "2", "9", "9", "7")
        assert "1 of 3,000" in app.screen_text
        await pilot.press("enter")
        assert app.form.answers["network"] == "choice [/] 2997"


async def test_leaving_the_list_leaves_the_answer() -> None:
    async with shown() as (app, pilot):
        await pilot.press("tab", "tab", "tab", "enter", "down", "escape")
        assert app.form.answers["network"] == "bridge"


async def test_a_secret_is_not_shown() -> None:
    async with shown() as (app, pilot):
        await pilot.press(*["tab"] * 4, *"hunter2")
        assert app.form.answers["secret"] == "hunter2"
        assert "hunter" not in app.screen_text
        assert "•••••••" in app.screen_text
        assert "hunter2" not in repr(app.form.fields["secret"])
        await pilot.press("tab")
        assert "hunter" not in app.screen_text


async def test_lines_are_added_and_taken_away() -> None:
    async with shown() as (app, pilot):
        await pilot.press(*["tab"] * 5, *"A=1", "enter", *"B=2", "enter", "enter")
        assert app.form.answers["lines"] == "A=1\nB=2"
        assert app.form.current is None
        await pilot.press("shift+tab", "backspace", "backspace", "backspace", "backspace", "backspace")
        assert app.form.answers["lines"] == "A=1"


async def test_a_paste_of_a_megabyte_is_cut_and_said() -> None:
    async with shown() as (app, pilot):
        await paste(app, pilot, "x" * 1_000_000)
        assert len(app.form.answers["name"]) == MAXIMUM_LENGTH
        assert f"{MAXIMUM_LENGTH:,} of 1,000,000 characters were taken" in app.screen_text
        await pilot.press("left", "backspace", "y")
        assert len(app.form.answers["name"]) == MAXIMUM_LENGTH


async def test_a_paste_of_many_lines_is_bounded() -> None:
    async with shown() as (app, pilot):
        await pilot.press(*["tab"] * 5)
        await paste(app, pilot, "NAME=value\r\n" * 100_000)
        assert len(app.form.fields["lines"].lines) == MAXIMUM_LINES
        assert set(app.form.answers["lines"].split("\n")) == {"NAME=value"}
        assert "characters were taken" in app.screen_text


async def test_what_could_do_harm_in_a_paste_is_taken_out() -> None:
    async with shown() as (app, pilot):
        await paste(app, pilot, "a\x1b]52;c;eA==\x07b\nc\x00d\u202ee\ttab\n")
        assert app.form.answers["name"] == "ab cde tab"


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (120, 40)])
async def test_hostile_names_values_and_choices_are_shown_as_they_are(size: tuple[int, int]) -> None:
    fields: list[Field | Heading | Note] = [
        Heading(HOSTILE),
        Note(HOSTILE),
        Field(key="text", label=HOSTILE, meaning=HOSTILE),
        Field(key="choice", label=HOSTILE, meaning=HOSTILE, kind="choice"),
        Field(key="lines", label=HOSTILE, meaning=HOSTILE, kind="lines"),
    ]
    values = {"text": HOSTILE, "choice": HOSTILE, "lines": f"{HOSTILE}\n{HOSTILE}"}
    async with shown(fields, values, {"choice": (HOSTILE, "other")}, size) as (app, pilot):
        app.form.refuse("text", HOSTILE)
        await pilot.press("tab", "enter", "escape", "tab", "tab")
        assert "[/]" in app.screen_text
        assert "\x1b" not in app.screen_text
        assert "\u202e" not in app.screen_text
        assert app.form.changed == {}


async def test_what_was_given_is_kept_to_the_letter_until_somebody_types() -> None:
    async with shown(values={"name": "two\nlines\x00", "lines": "a\n\n b "}) as (app, _pilot):
        assert app.form.answers["name"] == "two\nlines\x00"
        assert app.form.answers["lines"] == "a\n\n b "


async def test_the_field_with_the_focus_stays_in_sight() -> None:
    fields = [Field(key=f"k{number}", label=f"Field {number}") for number in range(300)]
    async with shown(fields) as (app, pilot):
        await pilot.press("shift+tab", "up")
        assert "Field 299" in app.screen_text
        await pilot.press("pageup", "pageup")
        assert app.form.current is not None
        assert app.form.current.field.label in app.screen_text
        await pilot.press("tab", "x")
        assert app.form.current.field.label in app.screen_text


async def test_other_fields_are_shown_and_what_was_typed_stays() -> None:
    async with shown() as (app, pilot):
        await pilot.press(*"ada", "tab")
        app.form.show(FIELDS[:2], {"number": "5"})
        await pilot.pause()
        assert app.form.answers == {"name": "ada", "number": "5"}
        assert app.form.current is app.form.fields["number"]


async def test_a_refusal_is_shown_at_its_field_until_somebody_types_there() -> None:
    async with shown(values={"name": "ada"}) as (app, pilot):
        await pilot.press("tab", "tab")
        assert app.form.refuse("name", "ada is taken")
        await pilot.pause()
        assert "ada is taken" in app.screen_text
        await pilot.press("2")
        assert "ada is taken" not in app.screen_text
        assert app.form.answers["name"] == "ada2"
        assert not app.form.refuse("nothing", "no such field")


async def test_a_value_that_somebody_else_changed_does_not_replace_what_was_typed() -> None:
    async with shown(values={"name": "ada", "number": "1"}) as (app, pilot):
        await pilot.press("x")
        assert app.form.fields["name"].renew("grace")
        assert app.form.fields["number"].renew("2")
        assert app.form.answers == {**app.form.answers, "name": "adax", "number": "2"}
        assert app.form.changed == {"name": "adax"}


def test_a_choice_that_is_none_is_refused() -> None:
    field = FormField(FIELDS[3], "bridge", CHOICES["network"])
    field.set("elsewhere")
    assert "none of the 3" in field.problem


def test_the_window_shows_the_cursor_in_wide_text() -> None:
    entry = TextEntry("変" * 100)
    before, under, after = entry.window(20)
    assert before.startswith("…")
    assert under == " "
    assert after == ""
    entry.move(0)
    before, under, after = entry.window(20)
    assert (before, under) == ("", "変")
    assert after.endswith("…")


def test_words_are_deleted_back() -> None:
    entry = TextEntry("one two-three")
    assert entry.delete(entry.word_left(), entry.cursor)
    assert entry.text == "one two-"
