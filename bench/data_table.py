"""The floor beside the console: Textual's own table, updated cell by cell as its documentation shows.

Run: python -m bench.data_table CHANGES_A_SECOND.
"""

from __future__ import annotations

import itertools
import sys

from rich.text import Text
from textual.app import App, ComposeResult
from textual.widgets import DataTable

ROWS = 200
AMONG = 30
COLUMNS = ("#", "STATUS", "STEP", "WHY", "RAN", "AGE", "WHO", "MACHINE", "TAGS")
WIDTHS = (7, 10, 30, 20, 10, 6, 10, 10, 8)
LOOKS = 4
"""Looks a second, as the console looks: what changed between two is updated together."""


class Floor(App[None]):
    """Nothing but a table."""

    def __init__(self, rate: int) -> None:
        super().__init__()
        self._rate = rate
        self._number = itertools.count()

    def compose(self) -> ComposeResult:
        """Yield the table."""
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        """Fill the table and begin to change it."""
        table = self.query_one(DataTable)
        for name, width in zip(COLUMNS, WIDTHS, strict=True):
            table.add_column(name, width=width, key=name)
        for row in range(ROWS):
            cells = (
                f"#{ROWS - row}",
                Text("✓ complete", "green"),
                "train",
                "",
                "1.0 s",
                "4 min",
                "root",
                "local-1",
                "demo",
            )
            table.add_row(*cells, key=str(row))
        if self._rate:
            self.set_interval(1 / LOOKS, self._change)

    def _change(self) -> None:
        table = self.query_one(DataTable)
        for _ in range(round(self._rate / LOOKS)):
            number = next(self._number)
            table.update_cell(str(number % AMONG), "STEP", f"train (epoch {number})")


if __name__ == "__main__":
    Floor(int(sys.argv[1])).run()
