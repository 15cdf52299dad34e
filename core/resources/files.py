"""Files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InvalidInputError, NotFoundError
from core.json_text import value_text
from core.labels import checked_tag
from core.quantities import age, iso_time, size
from core.resources.address import address, execution_address
from core.resources.fields import file_fields
from core.resources.form import Field, Form
from core.resources.resource import Action, Column, Empty, Pair, Resource, RowFilter, Section, Tone
from core.storage.browsing import BrowsedFiles
from core.storage.labels import aliased, check_alias
from core.storage.uses import Use, uses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from core.progress import Progress
    from core.projects.service import Project
    from core.session import Session
    from core.storage.files import File

USES = 20
"""Executions that used a file that its description names."""


def _maker(row: File) -> str:
    return "upload" if row.execution_counter is None else f"#{row.execution_counter}"


_COLUMNS: tuple[Column[File], ...] = (
    Column(key="name", title="NAME", text=lambda row, _: row.name, width=28, flexible=True, tone=lambda _: Tone.STRONG),
    Column(
        key="size",
        title="SIZE",
        text=lambda row, _: size(row.size),
        value=lambda row: row.size,
        right=True,
        width=9,
    ),
    Column(
        key="age",
        title="AGE",
        meaning="since it was made or uploaded",
        text=lambda row, now: age(max(0.0, now - row.created_at)),
        value=lambda row: iso_time(row.created_at),
        right=True,
        width=6,
        time=True,
    ),
    Column(
        key="from",
        title="FROM",
        meaning="the execution that made it",
        text=lambda row, _: _maker(row),
        value=lambda row: row.execution_counter,
        sortable=False,
        right=True,
        width=8,
        tone=lambda row: Tone.DIM if row.execution_counter is None else Tone.PLAIN,
    ),
    Column(
        key="aliases",
        title="ALIASES",
        meaning="names that point to it, for inputs such as datum://ALIAS",
        text=lambda row, _: ", ".join(row.aliases),
        value=lambda row: list(row.aliases),
        sortable=False,
        width=14,
        flexible=True,
    ),
    Column(
        key="tags",
        title="TAGS",
        text=lambda row, _: ", ".join(row.tags),
        value=lambda row: list(row.tags),
        sortable=False,
        width=14,
        flexible=True,
    ),
    Column(
        key="id",
        title="ID",
        meaning="how an input names exactly this one: datum://ID",
        text=lambda row, _: row.uuid,
        sortable=False,
        width=36,
        wide=True,
    ),
)


def _lines(check: Callable[[str], object]) -> Callable[[str], object]:
    def checked(text: str) -> None:
        for line in _words(text):
            check(line)

    return checked


def _words(text: str) -> list[str]:
    return [stripped for line in text.splitlines() if (stripped := line.strip())]


_FIELDS = (
    Field(
        key="source",
        label="File",
        meaning="a file of the machine on which this console runs: it is copied into the project's store",
        required=True,
        fixed=True,
    ),
    Field(key="tags", label="Tags", meaning="words by which it is found", kind="lines", check=_lines(checked_tag)),
    Field(
        key="aliases",
        label="Aliases",
        meaning="names for inputs of later steps: datum://training-data",
        kind="lines",
        check=_lines(check_alias),
    ),
)


def _find(session: Session, project: Project | None, reference: str) -> File:
    if project is not None:
        return session.files.get(project, reference)
    for each in session.projects.list():
        try:
            return session.files.get(each, reference)
        except NotFoundError:
            continue
    message = f"no file of any project has the id, alias or name {reference!r}: `shoal files ls` lists a project's"
    raise NotFoundError(message, field="file")


def _upload(session: Session, project: Project | None, answers: Mapping[str, str], progress: Progress) -> File:
    if project is None:
        message = "a file belongs to a project: choose one first, such as `files project=NAME`"
        raise InvalidInputError(message, field="project")
    aliases = _words(answers.get("aliases", ""))
    _lines(check_alias)("\n".join(aliases))
    path = Path(answers.get("source", "")).expanduser()
    try:
        tags = _words(answers.get("tags", ""))
        file = session.files.upload(project, path, tags=tags, progress=partial(progress, f"uploading {path.name}"))
    except InvalidInputError as error:
        raise InvalidInputError(error.message, field="tags" if error.field == "tag" else "source") from error
    return session.files.label(file, aliases={*file.aliases, *aliases}) if aliases else file


def _edit(session: Session, row: File, answers: Mapping[str, str]) -> File:
    labels = {key: _words(answers[key]) for key in ("tags", "aliases") if key in answers}
    return session.files.label(row, **labels)


def _consequence(session: Session, row: File, answers: Mapping[str, str]) -> str | None:
    if "aliases" not in answers:
        return None
    connection = session.read("file.see")
    wanted = _words(answers["aliases"])
    told = [f"{name!r} will point to no file" for name in row.aliases if name not in wanted]
    for name in wanted:
        pointed = aliased(connection, row.project_id, name)
        if pointed is not None and pointed[0] != row.id:
            told.append(f"{name!r} points to another file now ({pointed[1]}) and will point to this one")
    return f"{'; '.join(told)}: executions that are created from then on follow" if told else None


def _describe(session: Session, row: File) -> Sequence[Section]:
    made = "" if row.execution_id is None else execution_address(row.execution_id)
    facts = [
        Pair("name", row.name, tone=Tone.STRONG),
        Pair("uri", row.uri),
        Pair("size", f"{size(row.size)} ({row.size:,} bytes)"),
        Pair("created", iso_time(row.created_at)),
        Pair("made by", "an upload" if row.execution_counter is None else f"#{row.execution_counter}", made),
        Pair("trace", "where it came from and what used it", _trace(row)),
        Pair("tags", ", ".join(row.tags) or "none"),
        Pair("aliases", ", ".join(row.aliases) or "none"),
    ]
    hashes = [Pair("sha256", row.sha256), Pair("sha1", row.sha1), Pair("md5", row.md5)]
    sections = [Section("File", facts), Section("Hashes", hashes)]
    if row.properties:
        pairs = [Pair(key, value_text(value)) for key, value in row.properties.items()]
        sections.append(Section("Properties", pairs))
    used = [_use(each) for each in uses(session, row, limit=USES)]
    title = f"Used by the newest {USES}" if len(used) == USES else "Used by"
    return [*sections, Section(title, used or [Pair("", "nothing yet", tone=Tone.DIM)])]


def _use(use: Use) -> Pair:
    return Pair(f"#{use.counter}", f"{use.step}, {use.status}", execution_address(use.execution_id))


def _trace(row: File) -> str:
    return address("trace", row.uuid)


def _download(session: Session, row: File, progress: Progress) -> str:
    path = session.files.download(row, Path.cwd(), partial(progress, f"downloading {row.name}"))
    return f"{row.name} was copied to {path}, and its checksum is right"


FILES: Resource[File] = Resource(
    name="files",
    singular="file",
    aliases=("data",),
    meaning="what executions made and people brought",
    permission="file.see",
    scoped=True,
    columns=_COLUMNS,
    source=BrowsedFiles(),
    key=lambda row: row.id,
    label=lambda row: row.name,
    reference=lambda row: row.uuid,
    find=_find,
    empty=Empty("No file yet: executions leave their outputs here.", "Bring one in from this machine{key:list.add}."),
    describe=_describe,
    fields=file_fields,
    form=Form(
        fields=_FIELDS,
        values=lambda row: {"source": row.name, "tags": "\n".join(row.tags), "aliases": "\n".join(row.aliases)},
        add_slowly=_upload,
        add_permission="file.create",
        edit=_edit,
        edit_permission="file.edit",
        consequence=_consequence,
    ),
    filters=(RowFilter("tag", "a tag"), RowFilter("execution", "the number of the execution that made them")),
    actions=(
        Action(
            id="open",
            key="o",
            title="Open",
            meaning="Look at what it holds.",
            permission="file.see",
            changes=False,
            address=lambda row: address("open", row.uuid),
        ),
        Action(
            id="trace",
            key="t",
            title="Trace",
            meaning="Show where it came from and what was made from it.",
            permission="file.see",
            changes=False,
            address=_trace,
        ),
        Action(
            id="download",
            key="D",
            title="Download",
            meaning="Copy it to the directory in which this was started, checked by its hash.",
            permission="file.see",
            changes=False,
            many=True,
            run_slowly=_download,
        ),
    ),
)
