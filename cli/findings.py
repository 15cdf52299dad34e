"""Findings in a valohai.yaml as compilers print theirs, so that editors jump to the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from core.projects.findings import Finding


def finding_lines(name: str, findings: Iterable[Finding]) -> Iterator[str]:
    """Yield `name:line: severity: message` for each finding."""
    for finding in findings:
        place = plain(name) if finding.line is None else f"{plain(name)}:{finding.line}"
        yield f"{place}: {finding.severity}: {plain(finding.message)}"
