"""Where everything that Shoal keeps lies on disk."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from core.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Home:
    """The directory that holds the state, and the places inside it. Only its owner may enter it (mode 0700)."""

    root: Path

    @classmethod
    def default(cls) -> Home:
        """Return `$SHOAL_HOME`, else `shoal` in the person's data directory (XDG Base Directory Specification)."""
        if explicit := os.environ.get("SHOAL_HOME"):
            return cls(Path(explicit).absolute())
        data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        return cls(Path(data) / "shoal")

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "shoal.db"

    @property
    def bell(self) -> Path:
        """The socket that wakes the scheduler."""
        return self.root / "scheduler.socket"

    @property
    def scheduler_lock(self) -> Path:
        """The file whose lock the one scheduler holds."""
        return self.root / "scheduler.lock"

    @property
    def scheduler_log(self) -> Path:
        """Where a scheduler that was started in the background writes."""
        return self.root / "scheduler.log"

    @property
    def master_key(self) -> Path:
        """What opens the secrets of the database, or the name of the keyring's entry that does."""
        return self.root / "master.key"

    @property
    def store(self) -> Path:
        """Shoal's own data store."""
        return self.root / "store"

    @property
    def code(self) -> Path:
        """The packed code of every commit."""
        return self.root / "code"

    @property
    def cache(self) -> Path:
        """What can be fetched or unpacked again: inputs by content, code trees."""
        return self.root / "cache"

    @property
    def logs(self) -> Path:
        """One log file for each execution."""
        return self.root / "logs"

    @property
    def attempts(self) -> Path:
        """The working directories of running attempts."""
        return self.root / "attempts"

    @property
    def tunnels(self) -> Path:
        """The sockets of the Docker Engines of hosts."""
        return self.root / "tunnels"

    def create(self) -> None:
        """Make the directories that are missing, and close a home of one's own to others.

        Raises:
            InvalidInputError: the root is a directory that others share, such as /tmp.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = self.root.stat()
        if status.st_mode & stat.S_ISVTX:
            message = f"{self.root} is shared with others, and a home is closed to them: give a directory below it"
            raise InvalidInputError(message, field="SHOAL_HOME")
        if status.st_uid == os.geteuid():
            self.root.chmod(0o700)
            if self.database.exists():
                self.database.chmod(0o600)
        for directory in (self.store, self.code, self.cache, self.logs, self.attempts):
            directory.mkdir(mode=0o700, exist_ok=True)
