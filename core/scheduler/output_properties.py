"""What an execution says about its outputs: a sidecar beside each, or one file with a line for each."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from core.scheduler.outputs_directory import OutputsDirectory

PROPERTIES_FILE = "valohai.metadata.jsonl"
SIDECAR = ".metadata.json"
LARGEST = 64 * 1024**2
"""Bytes above which a file of properties is not read, and kept as an output instead."""


def is_properties(path: str) -> bool:
    """Tell whether an output is one that speaks about others."""
    return path == PROPERTIES_FILE or path.endswith(SIDECAR)


class OutputProperties:
    """The properties of one execution's outputs, as they are written now."""

    def __init__(self, directory: OutputsDirectory) -> None:
        self._directory = directory
        self._version: tuple[int, int] | None = None
        self._lines: dict[str, dict[str, Any]] = {}
        self._understood = True

    def of(self, name: str) -> dict[str, Any] | None:
        """Return the properties of an output; where both places speak of it, the one file for all wins."""
        self._read_all()
        found: dict[str, Any] = {}
        sidecar = self._sidecar(f"{name}{SIDECAR}")
        if isinstance(sidecar, dict):
            found |= sidecar
        return (found | self._lines.get(name, {})) or None

    def names(self) -> list[str]:
        """Return the outputs that the one file for all speaks of."""
        self._read_all()
        return list(self._lines)

    def is_understood(self, path: str) -> bool:
        """Tell whether a file of properties holds what it should."""
        if path == PROPERTIES_FILE:
            self._read_all()
            return self._version is not None and self._understood
        return isinstance(self._sidecar(path), dict)

    def _sidecar(self, path: str) -> object:
        content = self._directory.read(path, LARGEST)
        return None if content is None else _decode(content)

    def _read_all(self) -> None:
        """Read the one file for all again if it has changed."""
        version = self._directory.version(PROPERTIES_FILE)
        if version is None or version == self._version:
            return
        content = self._directory.read(PROPERTIES_FILE, LARGEST)
        self._version, self._lines, self._understood = version, {}, content is not None
        for line in (content or b"").splitlines():
            entry = _decode(line)
            if isinstance(entry, dict) and isinstance(entry.get("metadata"), dict):
                self._lines.setdefault(str(entry.get("file")), {}).update(entry["metadata"])
            elif line.strip():
                self._understood = False


def _decode(content: bytes) -> object:
    with suppress(orjson.JSONDecodeError):
        return orjson.loads(content)
    return None
