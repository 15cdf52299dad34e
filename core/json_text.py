"""JSON that is safe to show on a terminal."""

from __future__ import annotations

import math
from typing import Any


def json_text(value: Any, *, indent: bool = True) -> str:  # noqa: ANN401
    """Return JSON that is safe to show: what a terminal could take for a command is escaped.

    JSON has no numbers that are none: they become the texts "NaN", "Infinity" and "-Infinity".
    """
    import json  # noqa: PLC0415 - columns need none

    def dumped(value: Any) -> str:  # noqa: ANN401
        return json.dumps(value, ensure_ascii=False, indent=2 if indent else None, default=str, allow_nan=False)

    try:
        text = dumped(value)
    except ValueError:
        text = dumped(_finite(value))
    return text if text.isascii() else "".join(map(_safe_in_json, text))


def value_text(value: Any) -> str:  # noqa: ANN401
    """Return a value on one line: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json_text(value, indent=False)


def _finite(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value


def _safe_in_json(character: str) -> str:
    if character.isprintable() or character == "\n":
        return character
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\u{0xD800 + (code - 0x10000 >> 10):04x}\\u{0xDC00 + (code - 0x10000 & 0x3FF):04x}"
