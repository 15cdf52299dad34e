"""What is wrong with a valohai.yaml: its schema, the library's rules and Shoal's own, each with its line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.projects.findings import Finding
from core.projects.yaml_document import Document, YamlProblemError, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valohai_yaml.objs import Config

MAXIMUM_FINDINGS = 100
_MAXIMUM_MESSAGE = 400
KINDS = ("step", "endpoint", "pipeline", "blueprint", "task", "deployment")
"""What an item of the list may be, in the order in which the library looks for it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of a check: `config` is None where any finding is an error."""

    text: str
    config: Config | None
    findings: list[Finding]


def check(content: str | bytes) -> Checked:
    """Read a valohai.yaml and find everything worth a remark."""
    text = content if isinstance(content, str) else ""
    try:
        text = decode(content) if isinstance(content, bytes) else content
        document = Document(text)
    except YamlProblemError as problem:
        return Checked(text, None, [Finding("error", problem.reason, problem.line)])
    return _check_document(document)


def _check_document(document: Document) -> Checked:
    from core.projects.schema_check import schema_findings  # noqa: PLC0415

    findings = [*_shape_findings(document)]
    if not _has_error(findings):
        findings += schema_findings(document)
    config = None
    if not _has_error(findings):
        config, remarks = _parse_and_lint(document)
        findings += remarks
    usable = config is not None and not _has_error(findings)
    return Checked(document.text, config if usable else None, _presented(findings))


def _presented(findings: list[Finding]) -> list[Finding]:
    """Return the findings by line, errors before warnings where there are too many, none twice, none endless."""
    kept = sorted(set(findings), key=lambda finding: (finding.severity, finding.line or 0))[:MAXIMUM_FINDINGS]
    short = [replace(finding, message=_cut(finding.message)) for finding in kept]
    return sorted(short, key=lambda finding: (finding.line or 0, finding.severity, finding.message))


def _cut(message: str) -> str:
    return message if len(message) <= _MAXIMUM_MESSAGE else f"{message[: _MAXIMUM_MESSAGE - 1]}…"


def _has_error(findings: list[Finding]) -> bool:
    return any(finding.severity == "error" for finding in findings)


def _shape_findings(document: Document) -> Iterator[Finding]:
    for line in document.unstorable_text():
        yield Finding("error", "a text holds a NUL or half a surrogate pair: remove it", line)
    for key, line in document.repeated_keys:
        yield Finding("warning", f"the key {key!r} is given twice in one mapping: this one, the last, holds", line)
    if document.data is None:
        yield Finding("warning", "the file is empty: add a step, starting with `- step:`", None)
    elif not isinstance(document.data, list):
        given = "a mapping" if isinstance(document.data, dict) else "a single value"
        yield Finding("error", f"the file must be a list (each item starting with `- step:`), not {given}", 1)
    else:
        for index, item in enumerate(document.data):
            yield from _item_findings(document, index, item)


def _item_findings(document: Document, index: int, item: object) -> Iterator[Finding]:
    line = document.line([index])
    if not isinstance(item, dict):
        yield Finding("error", "an item must be a mapping such as `- step:` with its keys indented below it", line)
        return
    known = [kind for kind in KINDS if kind in item]
    for key in item:
        if key not in KINDS:
            where = document.line([index, str(key)])
            yield Finding("warning", f"unknown top-level key {key!r} is ignored; known: {', '.join(KINDS)}", where)
    for ignored in known[1:]:
        message = f"{ignored!r} in the same item as {known[0]!r} is ignored: start it with a `-` of its own"
        yield Finding("warning", message, document.line([index, ignored]))
    for kind in known:
        if not isinstance(item[kind], dict):
            yield Finding("error", f"{kind!r} holds nothing: indent its keys below it", line)


def _parse_and_lint(document: Document) -> tuple[Config | None, list[Finding]]:
    from valohai_yaml.objs import Config  # noqa: PLC0415

    from core.projects.item_check import ItemCheck  # noqa: PLC0415

    findings: list[Finding] = []
    parsed: list[tuple[list[str | int], Any]] = []
    seen: set[tuple[str, str]] = set()
    for index, item in enumerate(document.data or ()):
        kind = next((kind for kind in KINDS if kind in item), None)
        if kind is None:
            continue
        try:
            config = Config.parse([item])
        except Exception as error:  # noqa: BLE001 - the library raises whatever it meets where its schema is silent
            findings.append(_unparsable(document, index, kind, error))
            continue
        group = {"blueprint": "pipeline"}.get(kind, kind)
        for thing in getattr(config, f"{group}s").values():
            if (group, thing.name) in seen:
                message = f"there are two {group}s called {thing.name!r}: this one, the last, holds"
                findings.append(Finding("warning", message, document.line([index, kind, "name"])))
            seen.add((group, thing.name))
            parsed.append(([index, kind], thing))
    if _has_error(findings):
        return None, findings
    config = Config.parse([item for item in document.data or () if any(kind in item for kind in KINDS)])
    item_check = ItemCheck(document, config)
    for path, thing in parsed:
        findings += item_check.findings(path, thing)
    return config, findings


def _unparsable(document: Document, index: int, kind: str, error: Exception) -> Finding:
    body = document.data[index][kind]
    name = body.get("name")
    for key in ("time-limit", "no-output-timeout"):
        if kind == "step" and key in body and (reason := _duration_problem(body[key])):
            message = f"{kind} {name!r}, {key}: {reason}"
            return Finding("error", message, document.line([index, kind, key]))
    message = f"{kind} {name!r} cannot be read: {str(error)[:200] or type(error).__name__}"
    return Finding("error", message, document.line([index]))


def _duration_problem(value: object) -> str | None:
    from valohai_yaml.utils.duration import parse_duration  # noqa: PLC0415

    try:
        parse_duration(value)  # type: ignore[arg-type]
    except (ValueError, IndexError, OverflowError):
        return f"{str(value)[:80]!r} is not a duration: write seconds as a number, or a text such as '1h 30m'"
    return None
