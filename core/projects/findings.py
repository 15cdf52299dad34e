"""What is wrong, or worth a word, in a valohai.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark on a file; `line` counts from 1 and is None where the remark is about the whole file."""

    severity: Literal["error", "warning"]
    message: str
    line: int | None
