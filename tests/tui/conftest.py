"""Which of these tests take long: those that open an application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

_QUICK = (
    "widgets/test_plot",
    "widgets/test_log_window",
    "widgets/test_wrapping",
    "test_wire",
    "test_terminal_picture",
    "test_themes",
    "test_lanes",
    "test_transfer",
)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark as slow what presses keys and waits for rest: `make check` has a minute."""
    for item in items:
        path = item.path.as_posix()
        if "/tests/tui/" in path and not any(f"/tui/{name}" in path for name in _QUICK):
            item.add_marker(pytest.mark.slow)
