"""How every benchmark prints: medians, and ratios to the floor measured in the same run."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def spread(values: Sequence[float], unit: str = "ms", scale: float = 1000.0) -> str:
    """Return median, 10th and 90th percentile as text."""
    ordered = sorted(values)
    low, high = ordered[len(ordered) // 10], ordered[min(len(ordered) - 1, len(ordered) * 9 // 10)]
    return f"{statistics.median(ordered) * scale:.1f} {unit} (p10 {low * scale:.1f}, p90 {high * scale:.1f})"


def line(what: str, figure: str, aim: str = "") -> None:
    """Print one row."""
    print(f"{what:<58} {figure:<42} {aim}".rstrip(), flush=True)


def goal(what: str, figure: str, value: float, limit: float, aim: str) -> None:
    """Print one row with what it should be at most, and whether it is."""
    line(what, figure, f"aim <= {aim}: {'reached' if value <= limit else 'MISSED'}")
