"""A terminal in which a program really runs, read and measured as somebody would feel it at the other end of a line."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import psutil
import pyte

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PATIENCE = 60.0
"""Seconds after which a wait has failed; nothing is asserted about how long it takes."""
KEYS = {
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "delete": "\x1b[3~",
    "enter": "\r",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "escape": "\x1b",
    "space": " ",
    "backspace": "\x7f",
}
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_](?:[^\x07\x1b]|\x1b(?!\\))*)?\Z")
_ASKED = re.compile(rb"\x1b\[(?:\?(\d+)\$p|c|6n)")
_MODES = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
# What the emulator does not know and would print: strings to the terminal, and sequences of other private kinds.
_NOT_DRAWN = re.compile(
    rb"\x1b[\]PX^_](?:[^\x07\x1b]|\x1b(?!\\))*(?:\x07|\x1b\\)|\x1b\[[<=>][0-?]*[ -/]*[@-~]|\x1b\[\??[\d;]*\$[@-~]"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a program did in some time."""

    seconds: float
    bytes: int
    cpu: float

    @property
    def bytes_per_second(self) -> float:
        """What it sent."""
        return self.bytes / self.seconds

    @property
    def cpu_share(self) -> float:
        """How much of one core it took."""
        return self.cpu / self.seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """What followed a key: seconds to the first byte and to the last before it was quiet; None where nothing did."""

    first: float | None
    last: float | None
    bytes: int


class Terminal:
    """Runs a command in a pseudo-terminal of its own; what it sends is drawn only when somebody looks."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 120,
        rows: int = 40,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.raw = bytearray()
        self.modes: set[int] = set()
        """The private modes that are set, such as 1049 for the alternate screen."""
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._undrawn: list[tuple[float, bytes]] = []
        self._rest = b""
        self._open = True
        self._master, slave = os.openpty()
        self.resize(columns, rows)
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=_environment(environment or {}),
            cwd=directory,
        )
        os.close(slave)
        self._watched = psutil.Process(self.process.pid)

    def __enter__(self) -> Self:
        """Be the terminal for as long as the block lasts."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the program, whatever it does."""
        self.end()

    # What is shown.

    @property
    def lines(self) -> Sequence[str]:
        """The screen's lines as they are now."""
        while self._undrawn:
            self._draw_next()
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The whole screen."""
        return "\n".join(self.lines)

    def wait_for(self, *texts: str, patience: float = PATIENCE) -> float:
        """Wait until all texts are shown; return the moment at which the bytes came that completed them.

        Raises:
            AssertionError: they are not shown in time, or the program ended; the message is what is shown.
        """
        deadline = time.perf_counter() + patience
        moment = self.began
        while not self._shows(texts):
            if self._undrawn:
                moment = self._draw_next()
            elif not self._open or time.perf_counter() > deadline:
                message = f"{' and '.join(map(repr, texts))} is not shown, but:\n{self.text}"
                raise AssertionError(message)
            else:
                self._take_burst()
        return moment

    def wait_gone(self, text: str, patience: float = PATIENCE) -> float:
        """Wait until a text is not shown any more; return the moment."""
        deadline = time.perf_counter() + patience
        moment = self.began
        while self._shows((text,)):
            if self._undrawn:
                moment = self._draw_next()
            elif not self._open or time.perf_counter() > deadline:
                message = f"{text!r} is still shown:\n{self.text}"
                raise AssertionError(message)
            else:
                self._take_burst()
        return moment

    def _shows(self, texts: Sequence[str]) -> bool:
        shown = "\n".join(self.screen.display)
        return all(text in shown for text in texts)

    def _draw_next(self) -> float:
        moment, data = self._undrawn.pop(0)
        self._stream.feed(_NOT_DRAWN.sub(b"", data))
        return moment

    # What comes in.

    def take(self, seconds: float) -> bool:
        """Wait so long for bytes and take what is there; tell whether any came."""
        if not self._open or not select.select([self._master], [], [], max(0.0, seconds))[0]:
            return False
        moment = time.perf_counter()
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # the other end was closed
            data = b""
        if not data:
            self._open = False
            return False
        self.raw += data
        self._note(moment, self._rest + data)
        return True

    def _take_burst(self) -> None:
        # Drawing is slow: as long as bytes come, the program must not wait for it.
        until = time.perf_counter() + 0.1
        if self.take(0.05):
            while time.perf_counter() < until and self.take(0.003):
                pass

    def _note(self, moment: float, data: bytes) -> None:
        unfinished = _UNFINISHED.search(data)
        end = unfinished.start() if unfinished else len(data)
        data, self._rest = data[:end], data[end:]
        for asked in _ASKED.finditer(data):
            self._answer(asked)
        for given in _MODES.finditer(data):
            numbers = {int(number) for number in given[1].split(b";") if number}
            self.modes = self.modes | numbers if given[2] == b"h" else self.modes - numbers
        self._undrawn.append((moment, data))

    def _answer(self, asked: re.Match[bytes]) -> None:
        if asked[1]:  # of the modes in question this terminal has synchronised output, and it is not on
            self.send(f"\x1b[?{asked[1].decode()};{2 if asked[1] == b'2026' else 0}$y")
        else:
            self.send("\x1b[?62;22c" if asked[0].endswith(b"c") else "\x1b[1;1R")

    def settle(self, quiet: float = 0.5, patience: float = PATIENCE) -> float:
        """Wait until nothing came for `quiet` seconds; return the moment at which the last bytes came."""
        deadline = last = time.perf_counter()
        deadline += patience
        while time.perf_counter() < deadline:
            if self.take(quiet):
                last = time.perf_counter()
            else:
                return last
        message = f"it is not quiet for {quiet} s within {patience} s:\n{self.text}"
        raise AssertionError(message)

    def watch(self, seconds: float) -> Cost:
        """Only look on for so long; return what that cost."""
        begin, received, cpu = time.perf_counter(), len(self.raw), self.cpu_seconds()
        while (left := begin + seconds - time.perf_counter()) > 0 and self._open:
            self.take(left)
        return Cost(time.perf_counter() - begin, len(self.raw) - received, self.cpu_seconds() - cpu)

    # What goes out.

    def send(self, text: str | bytes) -> None:
        """Send what a terminal sends; what does not fit the line's buffer waits while bytes are taken."""
        data = text.encode() if isinstance(text, str) else text
        os.set_blocking(self._master, False)
        while data:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                self.take(0.01)
        os.set_blocking(self._master, True)

    def press(self, *keys: str) -> None:
        """Press keys by name: `down`, `ctrl+c`, `a`."""
        for key in keys:
            self.send(_sequence(key))

    def paste(self, text: str) -> None:
        """Paste a text as terminals do."""
        self.send(f"\x1b[200~{text}\x1b[201~")

    def answer_to(self, key: str, *, quiet: float = 0.06, patience: float = 2.0) -> Answer:
        """Press a key and return what followed, until nothing came for `quiet` seconds."""
        received, begin = len(self.raw), time.perf_counter()
        first = last = None
        self.press(key)
        while self.take(quiet if first is not None else patience):
            last = time.perf_counter() - begin
            first = last if first is None else first
        return Answer(first, last, len(self.raw) - received)

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size, which its program is told."""
        while self._undrawn:
            self._draw_next()
        self.screen.resize(rows, columns)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    # What it costs, and how it ends.

    def cpu_seconds(self) -> float:
        """How long the program and what it started have computed."""
        total = 0.0
        with contextlib.suppress(psutil.Error):
            for process in (self._watched, *self._watched.children(recursive=True)):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def memory(self) -> float:
        """Resident memory of the program itself, in MB."""
        return self._watched.memory_info().rss / 1e6

    def family(self) -> Sequence[psutil.Process]:
        """The program's process and those that it started."""
        return [self._watched, *self._watched.children(recursive=True)]

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        self._open = False
        os.close(self._master)
        self._master = -1

    def wait_ended(self, patience: float = PATIENCE) -> int:
        """Wait until the program has ended; return its exit code.

        Raises:
            AssertionError: it goes on.
        """
        deadline = time.perf_counter() + patience
        while (code := self.process.poll()) is None:
            if time.perf_counter() > deadline:
                message = f"it does not end within {patience} s:\n{self.text}"
                raise AssertionError(message)
            if not self.take(0.05):
                time.sleep(0.01)
        while self.take(0.05):
            pass
        return code

    def end(self) -> None:
        """End the program if it still runs, and close the terminal."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(AssertionError):
                self.wait_ended(5.0)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self._master >= 0:
            self.hang_up()


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    # Nothing of the terminal in which this itself runs may shine through.
    foreign = ("TEXTUAL", "TMUX", "NO_COLOR", "COLUMNS", "LINES", "SSH_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return own | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"} | dict(given)


def _sequence(key: str) -> str:
    if key in KEYS:
        return KEYS[key]
    modifier, _, letter = key.rpartition("+")
    return chr(ord(letter.upper()) & 31) if modifier == "ctrl" else key
