"""Starting an execution: a step is chosen, and a form made from it asks for the rest."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal

from core.errors import InvalidInputError, NotFoundError, ShoalError
from core.executions.starting import Code, Order, Read, Sources, read_code, sources, start
from core.projects import step_form
from core.quantities import size
from core.resources.address import address, execution_address
from core.resources.resource import Tone
from core.text import plain
from tui.screens import new_execution_fields as asked
from tui.screens.form_screen import FormScreen
from tui.widgets.command_preview import CommandPreview
from tui.widgets.form import Form, Note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from valohai_yaml.objs import Step

    from core.executions.execution import Execution, ExecutionInput
    from core.projects.service import Project
    from core.session import Session
    from core.storage.files import File
    from tui.app import Console

BESIDE_FROM = 110
"""Columns from which on there is room for the command beside the form."""
TELL_EVERY = 0.25
"""Seconds between two words about how far the packing is."""
PAUSE = 0.4
"""Seconds without a key after which a revision is looked up."""


class NewExecution(FormScreen):
    """The form of a new execution; `copied` fills it with what another one was asked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2,ctrl+o,alt+enter,ctrl+enter", "save", "Start", id="new.start", tooltip="Start the execution."),
        Binding("f3", "pick", "Files", id="new.files", tooltip="Take files of the project for this input."),
        Binding("f4", "command", "Command", id="new.command", tooltip="Show the command as it will run, or the form."),
        Binding("f5", "again", "Read again", id="new.again", show=False, tooltip="Read valohai.yaml again."),
    ]

    DEFAULT_CSS = """
    NewExecution Form { width: 3fr; }
    """
    permission = "execution.create"

    def __init__(
        self,
        directory: Path | None,
        project: Project | None = None,
        *,
        step: str | None = None,
        copied: Execution | None = None,
    ) -> None:
        super().__init__()
        self._directory = directory
        self._step_name = step or (copied.step if copied else "")
        self._copied = copied
        self._copied_inputs: Sequence[ExecutionInput] = ()
        self._project = project
        self._projects: Sequence[str] = ()
        self._environments: Sequence[str] = ()
        self._sources: Sources | None = None
        self._codes: Mapping[str, Code] = {}
        self._read: Read | None = None
        self._trouble = ""
        self._progress = ""
        self._told_at = 0.0
        self._seen: object = None
        self.address = "new" if copied is None else f"new copy={copied.id}"
        self.form = Form("Start")
        self._preview = CommandPreview()

    def body(self) -> ComposeResult:
        """Yield the form and what it amounts to."""
        with Horizontal():
            yield self.form
            yield self._preview

    def on_mount(self) -> None:
        """Look what can run."""
        self.form.focus_fields()
        self.work(self._begin(), group="code")

    def on_resize(self) -> None:
        """Show the command beside the form where there is room."""
        self._arrange(self.size.width)

    def _arrange(self, width: int, *, only_command: bool = False) -> None:
        beside = width >= BESIDE_FROM
        self._preview.display = beside or only_command
        self.form.display = beside or not only_command

    # What is known.

    @property
    def heading(self) -> str:
        """What is being done, else what was changed."""
        changed = len(self.form.changed)
        return self._progress or (f"{changed} changed" if changed else "")

    @property
    def _code(self) -> Code | None:
        code = self._codes.get(self.form.answers.get("code", "")) or next(iter(self._codes.values()), None)
        if code is not None and code.kind == "revision":
            return replace(code, revision=self.form.answers.get("revision", "HEAD").strip() or "HEAD")
        return code

    @property
    def _step(self) -> Step | None:
        manifest = self._read.manifest if self._read else None
        if manifest is None or not manifest.step_names():
            return None
        name = self.form.answers.get("step") or self._step_name
        return manifest.config.steps.get(name) or manifest.step(manifest.step_names()[0])

    def refusal(self, action: str) -> str | None:
        """Return why nothing can be started, or no file be taken."""
        if action == "pick":
            field = self.form.current
            is_input = field is not None and field.field.key.startswith(step_form.INPUT)
            return None if is_input else "files are taken for an input: go to one first"
        if action == "save" and self._step is None:
            return self._trouble or self._no_step()
        return super().refusal(action)

    def _no_step(self) -> str:
        if self._project is None:
            return "there is no project to run anything of"
        if self._read is None:
            return "the code is still being read"
        if self._read.manifest is None:
            errors = sum(finding.severity == "error" for finding in self._read.findings)
            what = "an error" if errors == 1 else f"{errors} errors"
            return f"{self._project.yaml_path} has {what}: nothing can run until it is mended; f5 reads it again"
        return f"{self._project.yaml_path} has no step: add one, starting with `- step:`"

    # Reading.

    async def _begin(self) -> None:
        found = await self.read(_first_look, self.session, self._copied)
        self._projects, self._environments, self._copied_inputs = found
        if self._copied is not None:
            self._project = await self.read(self.session.projects.by_id, self._copied.project_id)
        else:
            if self._project is None:
                self._project = await self.read(_linked, self.session, self._directory)
            if self._project is None and len(self._projects) == 1:
                self._project = await self.read(self.session.projects.get, self._projects[0])
        await self._read_sources()

    async def _read_sources(self) -> None:
        self._sources, self._read, self._codes, self._trouble = None, None, {}, ""
        if self._project is not None:
            directory = await self.read(_directory, self.session, self._project, self._directory)
            self._sources = await self.long(sources, self.session, self._project, directory)
            if self._copied is not None and all(
                commit.id != self._copied.commit_id for commit in self._sources.commits
            ):
                commit = await self.read(self.session.projects.commit_by_id, self._copied.commit_id)
                self._sources = replace(self._sources, commits=[*self._sources.commits, commit])
            self._codes = asked.codes(self._sources, self._copied)
        self._show()
        await self._read_code()

    async def _read_code(self, pause: float = 0.0) -> None:
        await asyncio.sleep(pause)
        code, project = self._code, self._project
        if code is None or project is None or self._sources is None:
            return
        try:
            self._trouble = ""
            self._read = await self.long(read_code, self.session, project, self._sources.directory, code)
        except ShoalError as error:
            self._read, self._trouble = None, plain(error.message)
        self._seen = await self.read(_stamp, project, self._sources.directory, code)
        self._show()

    def on_tick(self, now: float) -> None:  # noqa: ARG002
        """Read valohai.yaml again when somebody has written it."""
        if self._sources is not None and not self.is_saving:
            self.work(self._look(), group="look")

    async def _look(self) -> None:
        code, project = self._code, self._project
        if code is None or project is None or self._sources is None or code.kind != "directory":
            return
        if await self.read(_stamp, project, self._sources.directory, code) != self._seen:
            self.work(self._read_code(), group="code")

    def action_again(self) -> None:
        """Read the code again."""
        self.work(self._read_sources(), group="code")

    # Asking.

    def _show(self) -> None:
        items, values = self._items()
        choices = {
            "project": self._projects,
            "code": (*self._codes,),
            "priority": (asked.NORMAL, asked.HIGH),
            "restart_lost": (*asked.RESTARTS,),
        }
        manifest = self._read.manifest if self._read else None
        step = self._step
        if manifest is not None and step is not None:
            choices["step"] = manifest.step_names()
            choices["environment"] = (asked.DEFAULT_ENVIRONMENT, *self._environments)
            choices |= step_form.choices_of(step)
        self.form.show(items, values, choices=choices, start="step")
        self._correct("step", step.name if step is not None else "")
        self._correct("code", next((key for key, code in self._codes.items() if code == self._code), ""))
        self.details_changed()
        self._show_command()

    def _correct(self, key: str, answer: str) -> None:
        """Answer anew what was chosen among things that are no more."""
        field = self.form.fields.get(key)
        if field is not None and answer and field.answer != answer and field.answer not in field.choices:
            field.set(answer)
            self.form.look_again()

    def _items(self) -> tuple[list[asked.Item], dict[str, str]]:
        project, step, manifest = self._project, self._step, self._read.manifest if self._read else None
        if project is None:
            return self._without_project(), {}
        values = {"project": project.name, "code": next(iter(self._codes), "")}
        items: list[asked.Item] = asked.code_fields(self._projects, self._codes, self._sources)
        code = self._code
        if code is not None and code.kind == "revision":
            items.append(asked.revision_field())
        if self._trouble:
            items.append(Note(f"✗ {self._trouble}", Tone.BAD))
        elif self._sources is not None and not self._codes:
            text = f"Nothing of {project.name!r} can run yet: no directory here is linked to it, and it has no commits."
            items.append(Note(f"{text} Run `shoal init` in the directory that has its code.", Tone.WAITING))
        notes = asked.finding_notes(self._read, project.yaml_path) if self._read else []
        if manifest is None or step is None:
            return [*items, *notes], values
        values["step"] = self._step_name if self._step_name in manifest.config.steps else manifest.step_names()[0]
        if self._copied is not None and step.name == self._copied.step:
            values |= asked.copied_values(step, self._copied, self._copied_inputs)
        names = manifest.step_names()
        return [*items, *notes, asked.step_field(names, step), *asked.step_fields(step, self._environments)], values

    def _without_project(self) -> list[asked.Item]:
        if self._projects:
            project = asked.code_fields(self._projects, {}, None)[0]
            return [project, Note("This directory is linked to no project: choose one, or run `shoal init` here.")]
        return [
            Note("There is no project yet.", Tone.STRONG),
            Note("`:start` leads to the demo, or makes a project of a directory that has a valohai.yaml."),
        ]

    def on_form_changed(self, message: Form.Changed) -> None:
        """Follow what was answered: another project, code or step asks other things."""
        if message.key == "project":
            self.work(self._change_project(self.form.answers["project"]), group="code")
        elif message.key in ("code", "revision"):
            self._read = None if message.key == "code" else self._read
            if message.key == "code":
                self._show()
            self.work(self._read_code(PAUSE if message.key == "revision" else 0.0), group="code")
        elif message.key == "step":
            self._show()
        else:
            self._show_command()
            self.details_changed()

    async def _change_project(self, name: str) -> None:
        await asyncio.sleep(0.1)
        self._project = await self.read(self.session.projects.get, name)
        await self._read_sources()

    def action_pick(self) -> None:
        """Take files of the project for the input that has the focus."""
        if (reason := self.refusal("pick")) or self._project is None:
            self.console.warn(reason or "there is no project")
            return
        from tui.screens.file_picker import FilePicker  # noqa: PLC0415 - opened when somebody picks

        key = self.form.current.field.key if self.form.current else ""

        def taken(files: Sequence[File]) -> None:
            if (field := self.form.fields.get(key)) is not None:
                for file in files:
                    field.add_line(file.uri)
                field.remark = f"taken: {plain(', '.join(file.name for file in files), limit=200)}"
                self.form.look_again()
                self._show_command()

        self.app.push_screen(FilePicker(self._project, key.removeprefix(step_form.INPUT), taken))

    # The command.

    def action_command(self) -> None:
        """Show the command in the form's place, or the form again."""
        if self.size.width >= BESIDE_FROM:
            self.console.tell("the command stands beside the form")
            return
        self._arrange(self.size.width, only_command=self.form.display)
        if self.form.display:
            self.form.focus_fields()

    def action_leave(self) -> None:
        """Show the form again, or go back."""
        if not self.form.display:
            self.action_command()
        else:
            super().action_leave()

    def _show_command(self) -> None:
        self.work(self._preview_command(), group="preview")

    async def _preview_command(self) -> None:
        step, manifest = self._step, self._read.manifest if self._read else None
        if step is None or manifest is None:
            self._preview.show([("Nothing can run yet.", Tone.DIM), (self._no_step(), Tone.WAITING)])
            return
        answers, given = self.form.answers, self._given()
        self._preview.show(await self.read(_preview, manifest, step, answers, given))

    def _given(self) -> dict[str, str]:
        """Return the answers that replace the step's own values: all, where they are those of another execution."""
        return self.form.answers if self._copied is not None else self.form.changed

    # Starting.

    def keys_of(self, field: str) -> tuple[str, ...]:
        """Return the keys that the field of an error may have in the form."""
        others = {"environment_variables": "variables", "tag": "tags", "upload-store": "environment"}
        prefixes = (step_form.PARAMETER, step_form.INPUT, step_form.VARIABLE)
        return (others.get(field, field), *(prefix + field for prefix in prefixes))

    async def save(self) -> None:
        """Start the execution, and show its log."""
        step, code, project = self._step, self._code, self._project
        if step is None or code is None or project is None or self._sources is None:
            return
        try:
            execution = await self._start(project, code, step)
        except ShoalError as error:
            self.refused(error)
            return
        finally:
            self._progress = ""
        if self.is_here:
            self.console.go(f"{execution_address(execution.id)} logs", replace=True)
        else:
            self.console.tell(f"execution #{execution.counter} was created")

    async def _start(self, project: Project, code: Code, step: Step) -> Execution:
        order = asked.ordered(step, self.form.answers, self._given())
        directory = self._sources.directory if self._sources else None
        if self._copied is not None and code.commit is not None and code.commit.id == self._copied.commit_id:
            changed = asked.ordered(step, self.form.answers, self.form.changed)
            return await self.long(_copy, self.session, project, self._copied, changed, directory, self._teller())
        return await self.long(start, self.session, project, directory, code, order, self._teller())

    def _teller(self) -> Any:  # noqa: ANN401 - a function that is called in another thread
        loop = asyncio.get_running_loop()

        def tell(what: str, done: int, total: int) -> None:
            now = time.monotonic()
            if now - self._told_at >= TELL_EVERY:
                self._told_at = now
                loop.call_soon_threadsafe(self._tell_progress, f"{what}: {size(done)} of {size(total)}")

        return tell

    def _tell_progress(self, text: str) -> None:
        self._progress = text
        if self.is_mounted:
            self.details_changed()


def _copy(
    session: Session,
    project: Project,
    copied: Execution,
    order: Order,
    directory: Path | None,
    progress: Any,  # noqa: ANN401
) -> Execution:
    from core.storage.given_inputs import addresses  # noqa: PLC0415 - used when somebody starts

    inputs = addresses(session, project, order.inputs, directory, progress)
    others: dict[str, Any] = {
        "environment": order.environment,
        "image": order.image or copied.image,
        "environment_variables": order.environment_variables,
        "time_limit": order.time_limit,
        **order.labels,
    }
    return session.executions.copy(copied, parameters=order.parameters, inputs=inputs, others=others)


def _first_look(
    session: Session, copied: Execution | None
) -> tuple[Sequence[str], Sequence[str], Sequence[ExecutionInput]]:
    projects = [project.name for project in session.projects.list()]
    environments = [environment.slug for environment in session.environments.list() if environment.enabled]
    return projects, environments, session.executions.inputs(copied) if copied is not None else ()


def _linked(session: Session, directory: Path | None) -> Project | None:
    try:
        return None if directory is None else session.projects.linked(directory)
    except NotFoundError:
        return None


def _directory(session: Session, project: Project, directory: Path | None) -> Path | None:
    """Return the directory of the project: the one where somebody stands, if it is linked, else any other."""
    linked = _linked(session, directory)
    if linked is not None and directory is not None and linked.id == project.id:
        return session.projects.linked_directory(directory)
    return next(iter(session.projects.directories(project.id)), None)


def _stamp(project: Project, directory: Path | None, code: Code) -> object:
    """Return what tells whether the valohai.yaml of a directory was written since."""
    if directory is None or code.kind != "directory":
        return None
    try:
        status = (directory / project.yaml_path).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _preview(manifest: Any, step: Step, answers: Mapping[str, str], given: Mapping[str, str]) -> list[tuple[str, Tone]]:  # noqa: ANN401
    from core.projects.specification import specify  # noqa: PLC0415 - the library is slow to import

    texts = [(step.name, Tone.STRONG)]
    description = getattr(step, "description", None)
    texts += [(description, Tone.PLAIN)] if description else []
    try:
        order = asked.ordered(step, answers, given)
        specification = specify(manifest, step.name, inputs=order.inputs, **order.options)
    except InvalidInputError as error:
        return [*texts, ("", Tone.DIM), ("✗ It cannot run so:", Tone.BAD), (error.message, Tone.WAITING)]
    texts += [("", Tone.DIM), ("Command", Tone.STRONG)]
    texts += [(line, Tone.PLAIN) for each in specification.command for line in each.split("\n")]
    texts += [("", Tone.DIM), ("Image", Tone.STRONG), (specification.image, Tone.PLAIN)]
    for name, request in specification.inputs.items():
        texts += [("", Tone.DIM), (f"Input {name}", Tone.STRONG)]
        texts += [(uri, Tone.PLAIN) for uri in request.uris] or [("no file", Tone.DIM)]
    return texts


async def new_execution_screen(
    console: Console, words: Sequence[str], given: Mapping[str, str], project: Project | None
) -> NewExecution:
    """Return the screen of an address: `new`, `new STEP`, or `new copy=ID` to begin from another execution.

    Without a `project` it is the one that the directory is linked to, else the person chooses.

    Raises:
        InvalidInputError: the id is no number.
        NotFoundError: there is no such execution.
    """
    directory = await console.read(_here)
    if "copy" not in given:
        screen = NewExecution(directory, project, step=" ".join(words) or None)
        elsewhere = {"project": project.name} if project and project != console.project else {}
        screen.address = address("new", *words, **elsewhere)
        return screen
    if not (given["copy"].isascii() and given["copy"].isdecimal() and len(given["copy"]) < 19):
        message = f"{given['copy']!r} is no id of an execution"
        raise InvalidInputError(message, field="copy")
    copied = await console.read(console.session.executions.by_id, int(given["copy"]))
    return NewExecution(directory, copied=copied)


def _here() -> Path | None:
    try:
        return Path.cwd()
    except OSError:
        return None
