"""One form screen for every resource: adds a row, or changes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import ConflictError, NotAllowedError, NotFoundError, ShoalError
from core.resources.address import address
from core.resources.form import Field
from core.resources.resource import Consequence
from core.text import plain
from tui.screens.form_screen import FormScreen
from tui.widgets.form import Form
from tui.widgets.form_preview import FormPreview, Previewed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult

    from core.projects.service import Project
    from core.resources import form as declared
    from core.resources.resource import Resource, Section
    from core.session import Session
    from data.changes import Change

LONGEST_NAME = 40


def _project_names(session: Session) -> Sequence[str]:
    return [project.name for project in session.projects.list()]


_PROJECT = Field(
    key="project",
    label="Project",
    meaning="what it will belong to",
    kind="choice",
    required=True,
    choices=_project_names,
)


class ResourceForm(FormScreen):
    """The form of a declaration, for one row or, without one, for a new row.

    What belongs to a project is asked for its project, too: `project` is the answer to begin with.
    """

    def __init__(
        self,
        resource: Resource[Any],
        row: Any | None,  # noqa: ANN401 - a row of any resource
        project: Project | None = None,
    ) -> None:
        super().__init__()
        if resource.form is None:
            message = f"nothing of a {resource.singular} can be changed in a form"
            raise NotFoundError(message, field="form")
        self._resource = resource
        self._declared: declared.Form[Any] = resource.form
        self._row = row
        self._is_new = row is None
        self._is_gone = False
        self._project = project
        own = self._declared.fields
        self._fields = (_PROJECT, *own) if self._is_new and resource.scoped else own
        self.address = (
            address("add", resource.singular)
            if row is None
            else address("edit", resource.singular, resource.reference(row))
        )
        self.permission = self._declared.add_permission if self._is_new else self._declared.edit_permission
        self.form = Form("Add" if self._is_new else "Save")
        self._preview = None if self._is_new or self._declared.preview is None else FormPreview(self._previewed)

    @property
    def heading(self) -> str:
        """How many answers were changed."""
        changed = len(self.form.changed)
        return f"{changed} changed" if changed else ""

    def body(self) -> ComposeResult:
        """Yield the form, and what saving it would bring."""
        yield self.form if self._preview is None else Previewed(self.form, self._preview)

    def on_mount(self) -> None:
        """Show the fields, and then what their choices are."""
        self._show({})
        self.form.focus_fields()
        self.work(self._read_choices(), group="choices")

    def refusal(self, action: str) -> str | None:
        """Return why nothing can be saved."""
        if action != "save":
            return super().refusal(action)
        if self._is_gone:
            return f"{self._called} was removed meanwhile: there is nothing to save it to"
        if not (self._declared.can_add if self._is_new else self._declared.can_edit):
            return f"{self._resource.name} are not {'added' if self._is_new else 'changed'} by hand"
        return super().refusal(action)

    def on_form_changed(self) -> None:
        """Count the changed answers anew, and find out what they would bring."""
        self.details_changed()
        if self._preview is not None:
            # What cannot be is told at its field.
            is_wrong = any(field.fault() for field in self.form.fields.values())
            self._preview.ask(self, {} if is_wrong else self._answers())

    async def _previewed(self, answers: Mapping[str, str]) -> Sequence[Section]:
        return (
            []
            if self._declared.preview is None
            else await self.long(self._declared.preview, self.session, self._row, answers)
        )

    def step_back(self) -> bool:
        """Return from the preview to the fields."""
        return any(each.step_back() for each in self.query(Previewed))

    def action_leave(self) -> None:
        """Return from the preview to the fields; from there, leave."""
        if not self.step_back():
            super().action_leave()

    @property
    def _called(self) -> str:
        return plain(self._resource.label(self._row), limit=LONGEST_NAME)

    def _show(self, choices: Mapping[str, Sequence[str]]) -> None:
        given = {_PROJECT.key: self._project.name} if self._project else {}
        values = given if self._is_new else self._declared.values(self._row)
        # Where the project is known, what is to be typed comes first.
        start = (self._declared.fields if given else self._fields)[0].key
        self.form.show(self._fields, values, choices=choices, fixed=not self._is_new, start=start)

    async def _read_choices(self) -> None:
        asked = [field for field in self._fields if field.choices is not None]
        if asked:
            self._show({field.key: await self.read(field.choices, self.session) for field in asked if field.choices})

    # Saving.

    async def save(self) -> None:
        """Say what it would do, do it, and go back."""
        answers = self._answers()
        if not answers and not self._is_new:
            self.console.tell("nothing was changed")
            self.console.back()
            return
        if not await self._is_wanted(answers):
            return
        try:
            row = await self._carry_out(answers)
        except ShoalError as error:
            self.refused(error)
            if isinstance(error, ConflictError) and not self._is_new:
                self.work(self._follow(told=True), group="follow")
            return
        name = plain(self._resource.label(row), limit=LONGEST_NAME)
        self.console.tell(
            f"{name} was added" if self._is_new else f"{name} was changed: {', '.join(self._labels(answers))}"
        )
        if self.is_here:
            self._settle(row)
            self.console.back()

    def _settle(self, row: Any) -> None:  # noqa: ANN401 - a row of any resource
        """Take what was saved for what is there: a form that is the first place stays, and nobody else changed that."""
        if self._is_new:
            return
        self._row, values = row, self._declared.values(row)
        for name, field in self.form.fields.items():
            field.renew(values.get(name, field.given))
            field.remark = ""
        self.form.look_again()

    async def _carry_out(self, answers: Mapping[str, str]) -> Any:  # noqa: ANN401 - a row of any resource
        if self._is_new:
            return await self._add(dict(answers))
        seen = self._declared.seen(self._row)
        return await self.act(self._declared.edited, self.session, self._row, answers, seen)

    async def _add(self, answers: dict[str, str]) -> Any:  # noqa: ANN401
        name = answers.pop(_PROJECT.key, None) if self._resource.scoped else None
        project = None if name is None else await self.read(self.session.projects.get, name)
        if self._declared.add_slowly is not None:
            return await self.transfer(self._declared.add_slowly, self.session, project, answers)
        if self._declared.add is not None:
            return await self.act(self._declared.add, self.session, project, answers)
        raise NotAllowedError(self.refusal("save") or "")

    def _answers(self) -> dict[str, str]:
        if not self._is_new:
            return self.form.changed
        return {key: answer for key, answer in self.form.answers.items() if answer}

    def _labels(self, answers: Mapping[str, str]) -> list[str]:
        return [field.label for field in self._declared.fields if field.key in answers]

    async def _is_wanted(self, answers: Mapping[str, str]) -> bool:
        if self._is_new:
            foretell = self._declared.add_consequence
            told = None if foretell is None else await self.read(foretell, self.session, answers)
            return not told or await self.console.decide(Consequence(f"Add this {self._resource.singular}?", told))
        if self._declared.consequence is None:
            return True
        consequence = await self.read(self._declared.consequence, self.session, self._row, answers)
        forecast = "" if self._preview is None else await self._preview.of(answers)
        told = "\n".join(text for text in (consequence, forecast) if text)
        return not told or await self.console.decide(Consequence(f"Change {self._called}?", told))

    # What others do meanwhile.

    def on_changes(self, changes: Sequence[Change] | None) -> None:
        """Read the row again, if something happened that may concern it."""
        if self._is_new or self.is_saving:
            return
        if changes is None or any(change.kind in self._resource.source.kinds for change in changes):
            self.work(self._follow(), group="follow")

    async def _follow(self, *, told: bool = False) -> None:
        """Show the row as it is now, and say so, where that was not `told` already."""
        key = self._resource.key(self._row)
        found = await self.read(self._resource.source.rows, self.session, [key])
        if self.is_saving:
            return
        if key not in found:
            self._is_gone = True
            self.console.warn(self.refusal("save") or "")
            self.details_changed()
            return
        self._row = found[key]
        values = self._declared.values(self._row)
        renewed = [field for name, field in self.form.fields.items() if field.renew(values.get(name, field.given))]
        if not renewed:
            return
        for field in renewed:
            if field.is_changed:
                field.remark = f"somebody else changed it meanwhile, to {plain(field.given, limit=60) or 'nothing'}"
        self.form.look_again()
        if told:
            return
        labels = ", ".join(field.field.label for field in renewed)
        self.console.warn(f"{self._called} was changed by somebody else meanwhile: {labels}; what you typed stays")
