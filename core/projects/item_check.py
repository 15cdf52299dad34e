"""The rules that a valohai.yaml can break although its schema is kept, each remark with the line it belongs to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.projects.findings import Finding
from core.projects.step_check import entries, step_remarks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valohai_yaml.objs import Config

    from core.projects.yaml_document import Document

Path = list[str | int]

MAXIMUM_PIPELINE_PARTS = 1000
"""Nodes, and edges, of one pipeline: the library walks all nodes for each edge."""


class ItemCheck:
    """Checks parsed items one by one against the whole `config`."""

    def __init__(self, document: Document, config: Config) -> None:
        self._document = document
        self._config = config

    def findings(self, path: Path, item: Any) -> list[Finding]:  # noqa: ANN401 - any kind of item
        """Return the remarks on the item at `path`."""
        kind = "pipeline" if path[-1] == "blueprint" else str(path[-1])
        found = list(self._own_findings(kind, path, item))
        if any(finding.severity == "error" for finding in found):
            return found
        return found + self._library_findings(kind, path, item)

    def _own_findings(self, kind: str, path: Path, item: Any) -> Iterator[Finding]:  # noqa: ANN401
        if kind == "step":
            for finding, below in step_remarks(item):
                yield replace(finding, line=self._document.line([*path, *below]))
        if kind == "pipeline":
            for key in ("nodes", "edges"):
                if len(getattr(item, key)) > MAXIMUM_PIPELINE_PARTS:
                    message = f"pipeline {item.name!r} has more than {MAXIMUM_PIPELINE_PARTS} {key}"
                    yield Finding("error", message, self._document.line([*path, key]))

    def _library_findings(self, kind: str, path: Path, item: Any) -> list[Finding]:  # noqa: ANN401
        # The library's messages have no place, and an item's lint repeats those of its parts: the parts are asked
        # first, each with its own line, and what the whole then says again is left out.
        found: dict[str, Finding] = {}
        context: dict[str, Any] = {"config": self._config, "object_type": kind, kind: item}
        for key, parts in _parts(kind, item):
            for index, part in enumerate(parts):
                for finding in self._lint([*path, key, index], part, context):
                    found.setdefault(finding.message, finding)
        for finding in self._lint(path, item, {"config": self._config}):
            found.setdefault(finding.message, finding)
        return list(found.values())

    def _lint(self, path: Path, part: Any, context: dict[str, Any]) -> Iterator[Finding]:  # noqa: ANN401
        from valohai_yaml.lint import LintResult  # noqa: PLC0415

        result = LintResult()
        line = self._document.line(path)
        try:
            part.lint(result, context)
        except Exception as error:  # noqa: BLE001 - where the library's lint meets what it did not expect
            yield Finding("error", f"cannot be checked: {str(error)[:200] or type(error).__name__}", line)
            return
        for message in result.messages:
            text = _readable(message["message"])
            where = self._document.line([*path, "stop-condition"]) if "`stop-condition`" in text else line
            yield Finding("error" if message["type"] == "error" else "warning", text, where)


def _readable(message: str) -> str:
    # What the library says of a default that YAML did not read as a text names Python's types.
    prefix, found, value = message.partition(": default `default` value ")
    if not found:
        return message
    return f"{prefix}: default {value.partition(' is not a string')[0]} is not a text: put it in quotes"


def _parts(kind: str, item: Any) -> Iterator[tuple[str, list[Any]]]:  # noqa: ANN401
    if kind == "step":
        yield "parameters", [item.parameters[entry["name"]] for entry in entries(item, "parameters")]
    elif kind == "pipeline":
        yield "nodes", item.nodes
        yield "edges", item.edges
        yield "parameters", item.parameters
