"""Starting a scheduler beside a face that needs one: a process of its own, which outlives the terminal.

It leaves by itself when nothing ran or waited for a while, so that what a command started does not stay for ever.
"""

from __future__ import annotations

import logging
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import UnavailableError
from core.home import Home
from core.scheduler.lease import is_held

if TYPE_CHECKING:
    from typing import BinaryIO

IDLE_LIMIT = 60.0
"""Seconds without work after which a scheduler that was started in the background leaves."""
READY_LIMIT = 30.0
LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"
LARGEST_LOG = 5 * 1024**2
_READY = b"ready"


def ensure_scheduler(home: Home, *, exit_when_idle: float = IDLE_LIMIT) -> bool:
    """See to it that a scheduler runs; False when one did already, True when it was started now and is ready.

    Raises:
        UnavailableError: it did not become ready; the message has its last words.
    """
    if is_held(home):
        return False
    reading, writing = os.pipe()
    try:
        with _log(home) as log:
            subprocess.Popen(
                # -P: a directory `core` where the person stands is not ours.
                [sys.executable, "-P", "-m", __spec__.name, str(home.root), str(exit_when_idle), str(writing)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(writing,),
                start_new_session=True,
                cwd="/",
            )
        os.close(writing)
        answer = _answer(reading)
    finally:
        os.close(reading)
    # Another face may have been faster, then theirs serves; or Docker is slow to say what is there already.
    if answer != _READY and not is_held(home):
        message = f"no scheduler could be started: {_last_words(home)} (its log is {home.scheduler_log})"
        raise UnavailableError(message)
    return True


def _answer(reading: int) -> bytes:
    if not select.select([reading], [], [], READY_LIMIT)[0]:
        return b""
    return os.read(reading, len(_READY))


def _log(home: Home) -> BinaryIO:
    path = home.scheduler_log
    too_large = path.exists() and path.stat().st_size > LARGEST_LOG
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | (os.O_TRUNC if too_large else 0), 0o600
    )
    return os.fdopen(descriptor, "ab", buffering=0)


def _last_words(home: Home) -> str:
    lines = home.scheduler_log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:500] if lines else "it said nothing"


def main(arguments: list[str]) -> int:
    """Be the scheduler that `ensure_scheduler` starts: home, seconds of idleness, where to say that it is ready."""
    from core.errors import ShoalError  # noqa: PLC0415
    from core.scheduler.service import run_scheduler  # noqa: PLC0415

    root, idle, descriptor = arguments
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)

    def ready() -> None:
        os.write(int(descriptor), _READY)
        os.close(int(descriptor))

    try:
        run_scheduler(Home(Path(root)), exit_when_idle=float(idle), ready=ready)
    except ShoalError as error:
        logging.getLogger(__name__).error(error.message)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
