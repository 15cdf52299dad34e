"""A person in tmux: keys go in, the pane is read."""

from __future__ import annotations

import shlex
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Self

from tests.workbench import until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_KEYS = {
    "enter": "Enter",
    "escape": "Escape",
    "tab": "Tab",
    "space": "Space",
    "down": "Down",
    "up": "Up",
    "home": "Home",
}


class Tmux:
    """One pane on a server of its own, in which a command runs."""

    def __init__(
        self, directory: Path, command: Sequence[str], environment: Mapping[str, str], size: tuple[int, int] = (100, 30)
    ) -> None:
        self._socket = directory / "tmux"
        self._command = ["env", *(f"{name}={value}" for name, value in environment.items()), *command]
        self._directory = directory
        self._size = size

    def __enter__(self) -> Self:
        columns, rows = map(str, self._size)
        # The pane stays when the command ends, so that one can read how it ended.
        command = f"{shlex.join(self._command)}; echo ended with $?; exec cat"
        self._call(
            "-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows, "-c", str(self._directory), command
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._call("kill-server")

    @property
    def text(self) -> str:
        """What the pane shows."""
        return self._call("capture-pane", "-p")

    def presses(self, *keys: str) -> Tmux:
        """Press keys by name."""
        for key in keys:
            name = f"C-{key.removeprefix('ctrl+')}" if key.startswith("ctrl+") else _KEYS.get(key, key)
            self._call("send-keys", name)
        return self

    def types(self, text: str) -> Tmux:
        """Type a text."""
        self._call("send-keys", "-l", text)
        return self

    def goes(self, address: str) -> Tmux:
        """Type an address behind the colon, once its line is there."""
        self.types(":")
        until(lambda: any(line.strip() == ":" for line in self.text.splitlines()), "the line for an address")
        return self.types(address).sees(address).presses("enter")

    def sees(self, *texts: str) -> Tmux:
        """Wait until all texts are shown."""
        try:
            until(lambda: all(text in self.text for text in texts))
        except AssertionError:
            message = f"{texts} should be shown, but this is:\n{self.text}"
            raise AssertionError(message) from None
        return self

    def on_row(self, text: str) -> Tmux:
        """Go down to the row that holds a text."""
        self.presses("home")
        for _ in range(60):
            place = self._cursor()
            if text in place[1]:
                return self
            self.presses("down")
            until(partial(self._has_left, place), f"another row than {place[1]!r}")
        message = f"no row holds {text!r}:\n{self.text}"
        raise AssertionError(message)

    def _cursor(self) -> tuple[int, str]:
        """Return the line of the cursor, and what stands there: what else changes on the screen is no move."""
        lines = enumerate(self.text.splitlines())
        return next(((number, line) for number, line in lines if "▸" in line), (0, ""))

    def _has_left(self, place: tuple[int, str]) -> bool:
        return self._cursor() not in (place, (0, ""))

    def _call(self, *arguments: str) -> str:
        command = ["tmux", "-S", str(self._socket), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
