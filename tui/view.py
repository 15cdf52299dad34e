"""How a person likes the console: what they set is there again at the next visit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.failures import explained
from tui.lanes import Lane

if TYPE_CHECKING:
    from textual.timer import Timer

    from tui.app import Console

KEPT_AFTER = 1.0
"""Seconds between a change and its being written: who tries five themes writes one."""


class View:
    """Values by name, such as the theme and the columns of each list.

    They are read once at the start. A read-only console takes changes for itself, and writes none.
    """

    def __init__(self, console: Console | None = None, values: dict[str, Any] | None = None) -> None:
        self._console = console
        self._values = values or {}
        self._unwritten: dict[str, Any] = {}
        self._timer: Timer | None = None

    @classmethod
    def of(cls, console: Console) -> View:
        """Return the view of the person at the console; where it cannot be read, that of somebody new.

        It is read at once, before the loop runs: a millisecond, and the first picture has the right colours.
        """
        try:
            return cls(console, console.session.preferences.all())
        except Exception as error:  # noqa: BLE001 - nobody is kept from their work by a theme that cannot be read
            console.warning = f"what you set before could not be read: {explained(error)}"
            return cls(console)

    def get(self, name: str, default: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
        """Return what was put under a name, else the default, also where it is of another type than the default."""
        value = self._values.get(name, default)
        return value if default is None or isinstance(value, type(default)) else default

    def put(self, name: str, value: Any) -> None:  # noqa: ANN401
        """Keep a value under a name, None to let go of it."""
        self._values[name] = value
        if self._console is None or self._console.read_only:
            return
        self._unwritten[name] = value
        if self._timer is None:
            self._timer = self._console.set_timer(KEPT_AFTER, self.flush)

    async def flush(self) -> None:
        """Write what was not yet written."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if not self._unwritten or self._console is None:
            return
        values, self._unwritten = self._unwritten, {}
        try:
            await self._console.lanes.run(Lane.ACT, self._console.session.preferences.put, values)
        except Exception as error:  # noqa: BLE001 - the console goes on as it looks
            self._console.warn(f"how you like the console could not be kept: {explained(error)}")
