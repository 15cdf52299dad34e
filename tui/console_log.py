"""Where the console writes what went wrong: a file of the person's own, bounded, without the values of variables."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import IO

LARGEST = 512 * 1024
"""Bytes after which the log is begun anew; the one before is kept beside it."""


def state_directory() -> Path:
    """Return `shoal` in the person's state directory (XDG Base Directory Specification)."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "shoal"


def log_path() -> Path:
    """Return where the console's log lies."""
    return state_directory() / "console.log"


class BoundedHandler(logging.FileHandler):
    """A file that only its owner reads, opened with its first record; one that has grown is begun anew."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace", delay=True)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, without a traceback of the logging library's own making; a full disk loses it."""
        record.exc_info = None
        try:
            if self.stream is not None and self.stream.tell() > LARGEST:
                self.close()
                Path(self.baseFilename).replace(f"{self.baseFilename}.1")
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as the library's own
        """Be silent: the terminal belongs to the console."""

    def _open(self) -> IO[str]:  # type: ignore[override]
        path = Path(self.baseFilename)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        os.fchmod(descriptor, 0o600)
        return os.fdopen(descriptor, "a", encoding=self.encoding, errors=self.errors)


def log_to_file(path: Path | None = None) -> Path:
    """Send what is wrong to the log from now on, and nothing to the terminal; return where it goes."""
    path = path or log_path()
    root = logging.getLogger()
    for handler in [*root.handlers]:
        if isinstance(handler, BoundedHandler):
            root.removeHandler(handler)
            handler.close()
    root.addHandler(BoundedHandler(path))
    root.setLevel(logging.WARNING)
    return path
