"""All that is known of one node of a lineage, for a panel beside the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core import quantities
from core.errors import NotFoundError
from core.json_text import value_text
from core.resources.resource import Pair, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.executions.execution import Execution
    from core.lineage_children import Place
    from core.lineage_node import NodeKey
    from core.session import Session
    from core.storage.files import File


def describe_node(session: Session, key: NodeKey, now: float) -> Sequence[Section]:
    """Return what is known of a file or an execution, as of the moment `now`.

    Raises:
        NotFoundError: there is no such node, or the actor may not know of it.
    """
    if key[0] == "execution":
        return [*_of_execution(session, session.executions.by_id(key[1]), now)]
    return [*_of_file(session.files.by_id(key[1]))]


def describe_source(session: Session, execution_id: int, place: Place) -> Sequence[Section]:
    """Return what is known of a content that an execution took from outside: the input at that place.

    Raises:
        NotFoundError: the execution has no such input, or the actor may not know of it.
    """
    execution = session.executions.by_id(execution_id)
    for each in session.executions.inputs(execution):
        if (each.name, each.position) == place:
            return [
                Section("Source", [Pair("address", each.uri), Pair("input", each.name), *_if("asked", each.requested)]),
                Section(
                    "Content",
                    [
                        Pair("size", "not fetched yet" if each.size is None else quantities.size(each.size)),
                        *_if("sha256", each.sha256),
                        *_if("sha1", each.sha1),
                        *_if("md5", each.md5),
                    ],
                ),
            ]
    message = f"execution #{execution.counter} has no such input"
    raise NotFoundError(message)


def _of_file(file: File) -> Iterator[Section]:
    made = f"#{file.execution_counter}" if file.execution_counter is not None else "nobody here: it was uploaded"
    address = "" if file.execution_id is None else f"execution id={file.execution_id}"
    yield Section(
        "File",
        [
            Pair("name", file.name, tone=Tone.STRONG),
            Pair("size", quantities.size(file.size)),
            Pair("made by", made, address),
            Pair("created", quantities.iso_time(file.created_at)),
            *_if("aliases", ", ".join(file.aliases)),
            *_if("tags", ", ".join(file.tags)),
            Pair("input", file.uri),
        ],
    )
    yield Section("Content", [*_if("sha256", file.sha256), *_if("sha1", file.sha1), *_if("md5", file.md5)])
    if file.properties:
        yield Section("Properties", [Pair(name, value_text(value)) for name, value in file.properties.items()])


def _of_execution(session: Session, execution: Execution, now: float) -> Iterator[Section]:
    from core.resources.executions import status_text, tone  # noqa: PLC0415 - files need none of it

    ran = execution.duration(now)
    yield Section(
        "Execution",
        [
            Pair("name", f"#{execution.counter} {execution.step}", tone=Tone.STRONG),
            *_if("title", execution.title),
            Pair("status", status_text(execution.status), tone=tone(execution)),
            *_if("why", execution.reason),
            *_if("ran", "" if ran is None else quantities.duration(ran)),
            Pair("who", execution.user),
            Pair("created", quantities.iso_time(execution.created_at)),
            *_if("tags", ", ".join(execution.tags)),
            *_if("copy of", _copied_from(session, execution)),
        ],
    )
    yield Section(
        "Code and image",
        [
            Pair("commit", execution.commit),
            Pair("image", execution.image),
            Pair("digest", execution.image_digest or "not known yet"),
            Pair("environment", execution.environment),
        ],
    )
    if execution.parameters:
        yield Section("Parameters", [Pair(name, value_text(value)) for name, value in execution.parameters.items()])


def _copied_from(session: Session, execution: Execution) -> str:
    return "" if execution.copied_from is None else f"#{session.executions.by_id(execution.copied_from).counter}"


def _if(label: str, text: str | None) -> Iterator[Pair]:
    if text:
        yield Pair(label, text)
