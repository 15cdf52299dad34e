"""The console with a heartbeat beside it that notes how late the event loop is.

Run: python -m bench.heartbeat REPORT ARGUMENT…, where the arguments are those of the command.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from cli.main import main as command
from tui import app

EVERY = 0.05


class Watched(app.Console):
    """Writes down, when it is left, by how many seconds each beat was late."""

    CSS_PATH = str(Path(app.__file__).parent / "console.tcss")
    report = Path()

    def on_ready(self) -> None:
        """Begin to beat when the first screen is drawn."""
        self._beats = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        late: list[float] = []
        while True:
            due = time.perf_counter() + EVERY
            await asyncio.sleep(EVERY)
            late.append(time.perf_counter() - due)
            if len(late) % 20 == 0:
                self.report.write_text(json.dumps(late))


if __name__ == "__main__":
    Watched.report = Path(sys.argv.pop(1))
    app.Console = Watched  # type: ignore[misc]
    command()
