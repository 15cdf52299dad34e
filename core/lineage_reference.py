"""How somebody names the file or the execution whose lineage is to be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import InvalidInputError, NotFoundError
from core.quantities import read_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.lineage_node import NodeKey
    from core.projects.service import Project
    from core.session import Session
    from core.storage.files import File

_COMPARED = 1000
"""Newest files whose names are compared with one that is not found."""

_NAMED = "a file's name, alias, id or datum://…, or the number of an execution"


def resolve(
    session: Session, project: Project | None, words: Sequence[str], arguments: Mapping[str, str] | None = None
) -> NodeKey:
    """Return the node that words name: `model.pkl`, an id, `datum://…`, `12`, `#12`; or arguments, `execution=7`.

    A number is an execution of the project; `file 12` and `execution 12` say which of the two is meant. The arguments
    `file` and `execution` take ids as the database has them; `project` names another project.

    Raises:
        InvalidInputError: nothing is named, or more than one thing could be meant.
        NotFoundError: there is nothing of that name.
    """
    if name := (arguments or {}).get("project"):
        project = session.projects.get(name)
    for kind in ("file", "execution"):
        if (id_ := read_number((arguments or {}).get(kind, ""))) is not None:
            return ("file", id_) if kind == "file" else ("execution", id_)
    given = [word for word in words if word]
    if len(given) == 2 and given[0] in ("file", "execution"):
        found = _execution if given[0] == "execution" else _file
        return found(session, project, given[1])
    if len(given) != 1:
        message = f"a trace begins at one thing: give {_NAMED}"
        raise InvalidInputError(message, field="trace")
    if read_number(given[0]) is not None:
        return _execution(session, project, given[0])
    return _file(session, project, given[0])


def reference_words(session: Session, project: Project | None, key: NodeKey) -> list[str]:
    """Return the shortest words that `resolve` reads back as this node, in this project.

    Raises:
        NotFoundError: there is no such node, or the actor may not know of it.
    """
    if key[0] == "execution":
        execution = session.executions.by_id(key[1])
        return [str(execution.counter), *_elsewhere(session, project, execution.project_id)]
    file = session.files.by_id(key[1])
    home = session.projects.by_id(file.project_id)
    elsewhere = _elsewhere(session, project, file.project_id)
    if not _is_found_by_name(session, home, file) or "=" in file.name or file.name in ("file", "execution", "to"):
        return [file.uuid, *elsewhere]
    return [*(["file"] if read_number(file.name) is not None else []), file.name, *elsewhere]


def _is_found_by_name(session: Session, home: Project, file: File) -> bool:
    try:
        return session.files.get(home, file.name).id == file.id
    except NotFoundError:
        return False


def _elsewhere(session: Session, project: Project | None, id_: int) -> list[str]:
    return [] if project is not None and project.id == id_ else [f"project={session.projects.by_id(id_).name}"]


def find_file(session: Session, project: Project, reference: str) -> File:
    """Return the file that `reference` names, else the newest whose name ends with it.

    Raises:
        NotFoundError: there is none; the message offers the most similar name.
    """
    try:
        return session.files.get(project, reference)
    except NotFoundError as error:
        literally = "".join(f"[{character}]" if character in "*?[" else character for character in reference)
        if found := session.files.list(project, name=f"*/{literally}", limit=1).rows:
            return found[0]
        from core.projects.manifest import close_match  # noqa: PLC0415 - for a mistake only

        names = [file.name for file in session.files.list(project, limit=_COMPARED).rows]
        hint = close_match(reference, {*names, *(name.rpartition("/")[2] for name in names)})
        raise NotFoundError(f"{error.message}{hint}", field="file") from error


def _execution(session: Session, project: Project | None, text: str) -> NodeKey:
    number = read_number(text)
    if number is None:
        message = f"{text!r} is no execution's number: type such as 12"
        raise InvalidInputError(message, field="trace")
    return "execution", session.executions.get(_only(session, project), number).id


def _file(session: Session, project: Project | None, text: str) -> NodeKey:
    if project is not None:
        return "file", find_file(session, project, text).id
    found: list[tuple[str, int]] = []
    for each in session.projects.list():
        try:
            found.append((each.name, session.files.get(each, text).id))
        except NotFoundError:
            continue
    if len(found) == 1:
        return "file", found[0][1]
    if found:
        message = (
            f"{text!r} is in several projects ({', '.join(name for name, _ in found[:5])}): choose one of them first"
        )
        raise InvalidInputError(message, field="trace")
    message = f"no file has the id, alias or name {text!r}"
    raise NotFoundError(message, field="trace")


def _only(session: Session, project: Project | None) -> Project:
    if project is not None:
        return project
    projects = session.projects.list()
    if len(projects) == 1:
        return projects[0]
    message = "executions are numbered within their project: choose a project first"
    raise InvalidInputError(message, field="trace")
