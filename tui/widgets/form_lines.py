"""The fields of a form as lines of a terminal: the keys that move among them and type into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.widgets import form_paint
from tui.widgets.form_field import FormField
from tui.widgets.form_layout import Button, Line, Part, label_width, laid_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style
    from textual import events
    from textual.binding import BindingType


class FormLines(ScrollView, can_focus=True, inherit_bindings=False):
    """Draws each line only when it has become another one."""

    COMPONENT_CLASSES: ClassVar[set[str]] = form_paint.CLASSES
    DEFAULT_CSS = """
    FormLines { height: 1fr; width: 1fr; background: $background; scrollbar-size-vertical: 1; overflow-x: hidden; }
    FormLines > .form--label { color: $text-muted; }
    FormLines > .form--label-here { color: $text; text-style: bold; }
    FormLines > .form--value { color: $text; }
    FormLines > .form--value-here { color: $text; background: $surface; text-style: underline; }
    FormLines > .form--cursor { text-style: reverse; }
    FormLines > .form--changed { color: $text-warning; text-style: bold; }
    FormLines > .form--problem { color: $text-error; text-style: bold; }
    FormLines > .form--remark { color: $text-warning; }
    FormLines > .form--dim { color: $text-muted; }
    FormLines > .form--heading { color: $text-primary; text-style: bold; }
    FormLines > .form--good { color: $text-success; }
    FormLines > .form--button { color: $text; text-style: bold; }
    FormLines > .form--button-here { text-style: bold reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "step(1)", "Next", id="form.next", show=False, tooltip="Go to the next field."),
        Binding("shift+tab", "step(-1)", "Previous", id="form.previous", show=False, tooltip="Go to the field before."),
        Binding("down", "down", "Down", id="form.down", show=False, tooltip="Go one line down."),
        Binding("up", "up", "Up", id="form.up", show=False, tooltip="Go one line up."),
        Binding("pagedown", "page(1)", "Page down", id="form.page-down", show=False, tooltip="Go a page down."),
        Binding("pageup", "page(-1)", "Page up", id="form.page-up", show=False, tooltip="Go a page up."),
        Binding(
            "enter", "enter", "Next", id="form.enter", show=False, tooltip="Go on: the next field, a new line, a list."
        ),
        Binding("left", "left", "Left", id="form.left", show=False, tooltip="One character back, or another choice."),
        Binding("right", "right", "Right", id="form.right", show=False, tooltip="One character on, or another choice."),
        Binding("ctrl+left,alt+b", "word(-1)", "Word back", id="form.word-left", show=False, tooltip="One word back."),
        Binding("ctrl+right,alt+f", "word(1)", "Word on", id="form.word-right", show=False, tooltip="One word on."),
        Binding("home", "home", "Start", id="form.home", show=False, tooltip="Go to the start of the line."),
        Binding("end,ctrl+e", "end", "End", id="form.end", show=False, tooltip="Go to the end of the line."),
        Binding("backspace", "backspace", "Delete back", id="form.backspace", show=False, tooltip="Delete before."),
        Binding("delete,ctrl+d", "delete", "Delete", id="form.delete", show=False, tooltip="Delete under the cursor."),
        Binding(
            "ctrl+w", "delete_word", "Delete word", id="form.delete-word", show=False, tooltip="Delete a word back."
        ),
        Binding("ctrl+u", "clear_left", "Clear", id="form.clear", show=False, tooltip="Delete up to the start."),
        Binding(
            "ctrl+k", "clear_right", "Clear right", id="form.clear-right", show=False, tooltip="Delete to the end."
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._parts: Sequence[Part] = ()
        self._layout_lines: list[Line] = []
        self._label = 8
        self._here = 0
        self._was_moved = False
        self._painted: dict[int, Strip] = {}

    # What is shown.

    def show(self, parts: Sequence[Part], start: str = "") -> None:
        """Show other parts; the focus stays on the field of the same name, at `start` until somebody moves it."""
        before = self.current
        self._parts = parts
        key = before.field.key if isinstance(before, FormField) and self._was_moved else start
        here = next((i for i, part in enumerate(parts) if isinstance(part, FormField) and part.field.key == key), None)
        if here is None and isinstance(before, Button) and self._was_moved:
            here = next((i for i, part in enumerate(parts) if isinstance(part, Button)), None)
        stops = self._stops()
        self._here = here if here in stops else stops[0] if stops else 0
        self.look_again()

    @property
    def current(self) -> Part | None:
        """The part that has the focus."""
        return self._parts[self._here] if self._here < len(self._parts) else None

    @property
    def _field(self) -> FormField | None:
        part = self.current
        return part if isinstance(part, FormField) else None

    def look_again(self) -> None:
        """Lay the form out anew and draw the lines that have become others."""
        width = self.scrollable_content_region.width
        if not self.is_mounted or not width:
            return
        self._layout_lines = laid_out(self._parts, width)
        self._label = label_width(self._parts, width)
        self.virtual_size = Size(width, len(self._layout_lines))
        if not self._keep_in_sight():
            top, height = round(self.scroll_offset.y), self.size.height
            for y in range(top, top + height):
                if self._painted.get(y) != self._line(y):
                    self.refresh_line(y)
        from tui.widgets.form_about import FormAbout  # noqa: PLC0415 - it is made with these lines

        for about in self.screen.query(FormAbout):
            about.look_again()

    def _keep_in_sight(self) -> bool:
        """Scroll so that the field with the focus, and what is wrong with it, is seen; tell whether that was needed."""
        places = [y for y, line in enumerate(self._layout_lines) if line.part == self._here]
        field = self._field
        if not places:
            return False
        first = places[0] + (field.at if field is not None and field.field.kind == "lines" else 0)
        last = max(first, min(places[-1], first + 3))
        height, top = self.size.height, round(self.scroll_offset.y)
        most = max(0, len(self._layout_lines) - height)
        wanted = top
        # By half a screen at once: scrolling by a line costs as many bytes, and would be needed at every key.
        if last >= top + height:
            wanted = last - height // 2
        if first < wanted or wanted > first:
            wanted = first - height // 2 if first < top else first
        if first <= 2:
            wanted = 0 if last < height else wanted
        wanted = min(max(wanted, 0), most)
        if wanted == top:
            return False
        self.scroll_to(y=wanted, animate=False, immediate=True, force=True)
        return True

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen."""
        place = y + round(self.scroll_offset.y)
        strip = self._line(place)
        self._painted[place] = strip
        return strip

    def _line(self, place: int) -> Strip:
        width = self.scrollable_content_region.width
        if place >= len(self._layout_lines):
            return Strip.blank(width, self.rich_style)
        line = self._layout_lines[place]
        part = self._parts[line.part]
        painter = form_paint.Painter(self._style, width, self._label, base=self.rich_style)
        return painter.line(part, line, here=self.has_focus and line.part == self._here)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"form--{name}", partial=True)

    def on_resize(self) -> None:
        """Lay the form out for another width."""
        self._painted.clear()
        self.look_again()

    def notify_style_update(self) -> None:
        """Draw everything in other colours."""
        self._painted.clear()
        super().notify_style_update()

    def on_focus(self) -> None:
        """Show where typing goes."""
        self.look_again()

    def on_blur(self) -> None:
        """Show that typing goes elsewhere."""
        self.look_again()

    # From field to field.

    def go_to(self, field: FormField) -> None:
        """Give a field the focus."""
        number = next((i for i, part in enumerate(self._parts) if part is field), self._here)
        self._move_to(number)

    def _stops(self) -> list[int]:
        return [
            number
            for number, part in enumerate(self._parts)
            if isinstance(part, Button) or (isinstance(part, FormField) and not part.fixed)
        ]

    def _move_to(self, number: int) -> None:
        field = self._field
        if field is not None and number != self._here:
            field.checked = field.checked or field.is_changed or bool(field.answer)
        self._here = number
        self._was_moved = True
        self.look_again()
        self.refresh_bindings()

    def action_step(self, by: int) -> None:
        """Go to another field, and round at the ends."""
        stops = self._stops()
        if stops:
            at = stops.index(self._here) if self._here in stops else 0
            self._move_to(stops[(at + by) % len(stops)])

    def _step_within(self, by: int) -> None:
        """Go to another field, as far as there is one."""
        stops = self._stops()
        at = stops.index(self._here) if self._here in stops else 0
        if stops and 0 <= at + by < len(stops):
            self._move_to(stops[at + by])

    def action_down(self) -> None:
        """Go one line down."""
        field = self._field
        if field is not None and field.at + 1 < len(field.lines):
            self._to_line(field, field.at + 1)
        else:
            self._step_within(1)

    def action_up(self) -> None:
        """Go one line up."""
        field = self._field
        if field is not None and field.at > 0:
            self._to_line(field, field.at - 1)
        else:
            self._step_within(-1)

    def _to_line(self, field: FormField, at: int) -> None:
        cursor = field.entry.cursor
        field.at = at
        field.entry.move(cursor)
        self.look_again()

    def action_page(self, by: int) -> None:
        """Go as many lines on as there are on the screen."""
        place = next((y for y, line in enumerate(self._layout_lines) if line.part == self._here), 0)
        target = place + by * max(1, self.size.height - 2)
        stops = {line.part: y for y, line in reversed([*enumerate(self._layout_lines)])}
        possible = [number for number in self._stops() if number in stops]
        if possible:
            self._move_to(min(possible, key=lambda number: abs(stops[number] - target)))

    def action_enter(self) -> None:
        """Go on: press the button, list the choices, begin a new line, or go to the next field."""
        field = self._field
        if field is None:
            self._submit()
        elif field.field.kind == "choice" and field.choices:
            self._list_choices(field, "")
        elif field.field.kind == "lines" and field.entry.text.strip():
            self._edited(field, changed=field.split())
        else:
            self._step_within(1)

    # Typing.

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002
        """Tell that what can be typed is typed, and is no key of the screen or the console."""
        return self._takes(character)

    def _takes(self, character: str | None) -> bool:
        """Tell whether a character is an answer or a part of one: what is chosen takes only letters and digits."""
        if character is None or not character.isprintable():
            return False
        return self._typing is not None or character == " " or character.isalnum()

    def on_key(self, event: events.Key) -> None:
        """Type a character."""
        if event.character is None or not self._takes(event.character):
            return
        event.stop()
        event.prevent_default()
        self._type(event.character)

    def on_paste(self, event: events.Paste) -> None:
        """Type what was pasted, as far as there is room, without what could do harm."""
        event.stop()
        event.prevent_default()
        field = self._field
        if field is not None and field.is_typed:
            field.type(event.text)
            self._edited(field, changed=True)

    def _type(self, character: str) -> None:
        field = self._field
        if field is None:
            if character == " ":
                self._submit()
        elif field.is_typed:
            field.type(character)
            self._edited(field, changed=True)
        elif field.field.kind == "flag":
            if character == " ":
                self.action_right()
        else:
            self._list_choices(field, character.strip())

    def action_left(self) -> None:
        """Go one character back, or to the choice before."""
        self._sideways(-1)

    def action_right(self) -> None:
        """Go one character on, or to the next choice."""
        self._sideways(1)

    def _sideways(self, by: int) -> None:
        field = self._field
        if field is None:
            return
        if field.is_typed:
            self._edited(field, moved=field.entry.move(field.entry.cursor + by))
        else:
            field.turn(by)
            self._edited(field, changed=True)

    def action_word(self, by: int) -> None:
        """Go one word on or back."""
        if (field := self._typing) is not None:
            entry = field.entry
            self._edited(field, moved=entry.move(entry.word_left() if by < 0 else entry.word_right()))

    def action_home(self) -> None:
        """Go to the start of the line."""
        if (field := self._typing) is not None:
            self._edited(field, moved=field.entry.move(0))

    def action_end(self) -> None:
        """Go to the end of the line."""
        if (field := self._typing) is not None:
            self._edited(field, moved=field.entry.move(len(field.entry.text)))

    def action_backspace(self) -> None:
        """Delete the character before the cursor, or join the line to the one before."""
        if (field := self._typing) is not None:
            entry = field.entry
            deleted = field.delete(entry.cursor - 1, entry.cursor)
            self._edited(field, changed=deleted or (field.field.kind == "lines" and field.join()))

    def action_delete(self) -> None:
        """Delete the character under the cursor."""
        if (field := self._typing) is not None:
            self._edited(field, changed=field.delete(field.entry.cursor, field.entry.cursor + 1))

    def action_delete_word(self) -> None:
        """Delete the word before the cursor."""
        if (field := self._typing) is not None:
            self._edited(field, changed=field.delete(field.entry.word_left(), field.entry.cursor))

    def action_clear_left(self) -> None:
        """Delete up to the start of the line."""
        if (field := self._typing) is not None:
            self._edited(field, changed=field.delete(0, field.entry.cursor))

    def action_clear_right(self) -> None:
        """Delete to the end of the line."""
        if (field := self._typing) is not None:
            self._edited(field, changed=field.delete(field.entry.cursor, len(field.entry.text)))

    @property
    def _typing(self) -> FormField | None:
        field = self._field
        return field if field is not None and field.is_typed else None

    def _edited(self, field: FormField, *, changed: bool = False, moved: bool = False) -> None:
        if changed:
            self._was_moved = True
            self.announce(field)
        if changed or moved:
            self.look_again()

    def announce(self, field: FormField) -> None:
        """Tell the screen that an answer is another one."""
        from tui.widgets.form import Form  # noqa: PLC0415 - it is made of these lines

        self.post_message(Form.Changed(field.field.key))

    def _submit(self) -> None:
        from tui.widgets.form import Form  # noqa: PLC0415

        self.post_message(Form.Submitted())

    # Choosing.

    def _list_choices(self, field: FormField, typed: str) -> None:
        from tui.screens.search_one import SearchOne  # noqa: PLC0415 - opened when somebody chooses

        def chosen(answer: str | None) -> None:
            if answer is not None:
                field.set(answer)
                self._edited(field, changed=True)

        self.app.push_screen(SearchOne(field.field.label, field.choices, at=field.answer, typed=typed), chosen)

    def on_click(self, event: events.Click) -> None:
        """Go to the field that was clicked; a second click answers or presses."""
        place = event.y + round(self.scroll_offset.y)
        if place >= len(self._layout_lines):
            return
        line = self._layout_lines[place]
        if line.part not in self._stops():
            return
        again = line.part == self._here
        self._move_to(line.part)
        field = self._field
        if field is None:
            self._submit()
        elif field.field.kind == "flag" or (again and field.field.kind == "choice"):
            self.action_right() if field.field.kind == "flag" else self.action_enter()
        elif field.field.kind == "lines" and 0 <= line.row < len(field.lines):
            self._to_line(field, line.row)
