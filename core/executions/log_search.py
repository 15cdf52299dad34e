"""Finding a text in a log, as it is shown and whether in capitals or not."""

from __future__ import annotations

import re

from core.executions.log_blocks import records
from core.executions.log_text import shown


class Needle:
    """What is looked for; `pattern` finds it in a text that is shown."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pattern = re.compile(re.escape(text), re.IGNORECASE)
        self._bytes = text.lower().encode() if text.isascii() else None

    def matching(self, data: bytes, offset: int, letters: bytes) -> list[int]:
        """Return the offsets of those records of a block at `offset` that hold it, among those of some streams."""
        if not self._may_be_in(data):
            return []
        return [at for at, raw in records(data, offset) if self._may_be_in(raw) and self._is_in(raw, letters)]

    def _may_be_in(self, raw: bytes) -> bool:
        """Tell quickly: an escape sequence or a backspace may stand between the letters of what is shown."""
        return self._bytes is None or self._bytes in raw.lower() or b"\x1b" in raw or b"\b" in raw

    def _is_in(self, raw: bytes, letters: bytes) -> bool:
        text = raw[raw.find(b" ") + 1 :]
        if text[:1].lower() not in letters:
            return False
        visible, rest = shown(text[2:])
        if self.pattern.search(visible):
            return True
        # What is shown of it is only its beginning.
        return rest > 0 and self.pattern.search(text[2:].decode("utf-8", "replace")) is not None
