"""What the library's JSON Schema says of a valohai.yaml, in words a person can act on."""

from __future__ import annotations

from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from core.projects.findings import Finding
from core.projects.manifest import close_match

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.projects.yaml_document import Document

SchemaError = Any
"""A `jsonschema.ValidationError`; the package has no types."""

_MAXIMUM_ERRORS = 100
_TYPE_NAMES = {
    "string": "a text",
    "array": "a list",
    "object": "a mapping",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


@cache
def _validator() -> Any:  # noqa: ANN401 - jsonschema has no types
    """Return the library's validator, made to look its schemas up once, not once for each item of the file."""
    from referencing import Registry  # noqa: PLC0415
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415
    from valohai_yaml.validation import get_validator  # noqa: PLC0415

    validator: Any = get_validator()
    resource = DRAFT202012.create_resource(validator.schema)
    registry: Registry[Any] = (resource @ Registry()).crawl()
    return type(validator)(validator.schema, registry=registry)


def schema_findings(document: Document) -> Iterator[Finding]:
    """Yield one finding for each place that the schema refuses."""
    for error in islice(_validator().iter_errors(document.data or []), _MAXIMUM_ERRORS):
        for precise in _precise(error):
            path = list(precise.absolute_path)
            where = _place(document.data, path)
            for line, reason in _reasons(document, path, precise):
                yield Finding("error", f"{where}: {reason}" if where else reason, line)


def _precise(error: SchemaError) -> Iterator[SchemaError]:
    """Yield what is wrong below an `anyOf` or `oneOf`: the errors of the alternative that was most likely meant."""
    alternatives: dict[Any, list[SchemaError]] = {}
    for part in error.context or ():
        alternatives.setdefault(part.relative_schema_path[0], []).append(part)
    likely = [parts for parts in alternatives.values() if not any(_excludes(part) for part in parts)]
    if not likely:
        yield error
        return
    for part in min(likely, key=len):
        yield from _precise(part)


def _excludes(error: SchemaError) -> bool:
    """Whether the error says that another alternative was meant: another type of value, or another `type:`."""
    return error.validator == "const" or (error.validator == "type" and not error.relative_path)


def _reasons(document: Document, path: Sequence[str | int], error: SchemaError) -> Iterator[tuple[int | None, str]]:
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {})
        for key in error.instance:
            if key not in known:
                hint = close_match(str(key), known) or f"; known keys: {', '.join(sorted(known))}"
                yield document.line([*path, str(key)]), f"unknown key {key!r}{hint}"
    elif error.validator == "required" and isinstance(error.instance, dict):
        missing = [key for key in error.validator_value if key not in error.instance]
        verb = "is" if len(missing) == 1 else "are"
        yield document.line(path), f"{' and '.join(map(repr, missing))} {verb} missing"
    else:
        yield document.line(path), _reason(error)


def _reason(error: SchemaError) -> str:
    value, limit = _short(error.instance), error.validator_value
    if error.validator in {"anyOf", "oneOf"} and error.context:
        types = {part.validator_value for part in error.context if part.validator == "type"}
        kinds = " or ".join(sorted(_TYPE_NAMES[name] for name in types))
        return f"must be {kinds}, not {value}" if kinds else f"{value} is none of the forms that are allowed here"
    words = {
        "type": lambda: f"must be {_TYPE_NAMES.get(limit, limit)}, not {value}{_quotes_hint(error)}",
        "enum": lambda: f"must be one of {', '.join(map(str, limit))}, not {value}",
        "const": lambda: f"must be {limit!r}, not {value}",
        "pattern": lambda: f"{value} does not match {limit}",
        "maxLength": lambda: f"{value} is longer than {limit} characters",
    }
    return _cut(words.get(error.validator, lambda: str(error.message))())


def _quotes_hint(error: SchemaError) -> str:
    # YAML reads `on`, `no` and `1.10` as something else than the text that stands there.
    is_text_meant = error.validator_value == "string" and isinstance(error.instance, (bool, int, float))
    return ": put it in quotes" if is_text_meant else ""


def _short(value: object) -> str:
    if isinstance(value, (list, dict)):
        return f"a {'list' if isinstance(value, list) else 'mapping'}"
    return "nothing" if value is None else _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:100]}…"


def _place(data: Any, path: Sequence[str | int]) -> str:  # noqa: ANN401 - any YAML
    """Name the place as a person would: `step 'train', parameters, 'epochs', type`."""
    parts: list[str] = []
    for step in path:
        data = data[step]
        name = data.get("name") if isinstance(data, dict) else None
        if isinstance(name, str) and isinstance(step, int):
            parts.append(_cut(repr(name)))
        elif isinstance(name, str):
            parts.append(f"{step} {_cut(repr(name))}")
        elif isinstance(step, str):
            parts.append(step)
        elif parts:
            parts.append(f"number {step + 1}")
    return ", ".join(parts)
