"""Figures for those who have dashboards already: a file or an endpoint on loopback, in the formats of Prometheus.

Both are off unless a setting turns them on, and cost nothing then but a look at the settings every few seconds. What is
published was read at one moment by the scheduler, so that whoever scrapes never waits for a database, and cannot make
it work.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from core.environments.loads import loads
from core.executions.execution import FINAL
from core.scheduler.lease import holder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.environments.loads import Load
    from core.metrics.endpoint import Endpoint
    from core.session import Session

Failure = Literal["tick", "launch", "engine", "host"]
"""What may fail, a short list: a look at things, a machine that is to come up, an engine, a host."""

PUBLISH_EVERY = 5.0
TICK_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper ends of the classes into which the times of ticks are counted, in seconds."""

_BEGIN = b"# HELP shoal_"

logger = logging.getLogger(__name__)


class Address(NamedTuple):
    """Where the endpoint listens."""

    host: str
    port: int


class Figures(NamedTuple):
    """All that is published, as it was at one moment; `ticks` counts by the classes of `TICK_BOUNDS`."""

    at: float
    loads: Sequence[Load]
    ended: Mapping[str, int]
    launches: int
    lease_acquired_at: float
    lease_renewed_at: float
    ticks: Sequence[int]
    tick_seconds: float
    failures: Mapping[str, int]


def read_address(text: str) -> Address:
    """Return the address that a text names.

    Raises:
        ValueError: it is none, or others than this machine could reach it.
    """
    match = re.fullmatch(r"(127\.0\.0\.1|\[::1\]):(\d{1,5})", text, re.ASCII)
    if match is None or not 1 <= int(match[2]) <= 65535:
        raise ValueError(text)
    return Address(match[1].strip("[]"), int(match[2]))


class Metrics:
    """Counts what a scheduler does, and publishes it where a setting says so."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ticks = [0] * (len(TICK_BOUNDS) + 1)
        self._tick_seconds = 0.0
        self._failures: Counter[str] = Counter()
        self._published_at: float | None = None
        self._endpoint: Endpoint | None = None
        self._complaints: dict[str, str] = {}

    def ticked(self, seconds: float) -> None:
        """Count one look of the scheduler and the time that it took."""
        self._ticks[bisect_left(TICK_BOUNDS, seconds)] += 1
        self._tick_seconds += max(seconds, 0.0)

    def failed(self, kind: Failure) -> None:
        """Count a failure."""
        self._failures[kind] += 1

    def publish(self) -> None:
        """Publish, if the last time was long enough ago and somebody wants it; never raise because of that."""
        now = time.monotonic()
        if self._published_at is not None and now - self._published_at < PUBLISH_EVERY:
            return
        self._published_at = now
        try:
            file, address = (self._session.settings.get(key) for key in ("metrics_file", "metrics_address"))
            figures = self._figures() if file or address else None
            self._serve(address, figures)
            self._write(file, figures)
        except Exception as error:  # noqa: BLE001 - who has no figures still wants a scheduler
            self._complain("figures", f"no metrics are published: {error!r}")
        else:
            self._complain("figures", "")

    def close(self) -> None:
        """Let go of the endpoint; the file stays, and says when it was written."""
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None

    def _figures(self) -> Figures:
        connection = self._session.read("machine.run")
        ended = connection.execute("SELECT status, sum(number) FROM execution_counts GROUP BY status")
        last = holder(connection)
        return Figures(
            time.time(),
            loads(self._session),
            dict.fromkeys(sorted(FINAL), 0) | {status: number for status, number in ended if status in FINAL},
            connection.execute("SELECT coalesce(max(id), 0) FROM machines").fetchone()[0],
            last.acquired_at if last else 0.0,
            last.renewed_at if last else 0.0,
            tuple(self._ticks),
            self._tick_seconds,
            {kind: self._failures[kind] for kind in get_args(Failure)},
        )

    def _serve(self, address: str, figures: Figures | None) -> None:
        if self._endpoint is not None and self._endpoint.address != address:
            self.close()
        if not address or figures is None:
            self._complain("endpoint", "")
            return
        try:
            if self._endpoint is None:
                from core.metrics.endpoint import Endpoint  # noqa: PLC0415 - a tenth of a second, for those who want it

                self._endpoint = Endpoint(address)
            self._complain("endpoint", "")
            self._endpoint.figures = figures
        except (OSError, ValueError) as error:
            self._complain("endpoint", f"metrics are not served at {address}: {error}")

    def _write(self, file: str, figures: Figures | None) -> None:
        if file and figures is not None:
            try:
                from core.metrics.families import exposition  # noqa: PLC0415 - a tenth of a second, as above

                path = Path(file)
                if not _is_ours(path):
                    self._complain("file", f"metrics are not written to {file}: it holds something else")
                    return
                _replace(path, exposition(figures, as_text=file.endswith(".prom")))
            except OSError as error:
                # Without the names, of which one is another each time.
                self._complain("file", f"metrics are not written to {file}: {error.strerror or error}")
                return
        self._complain("file", "")

    def _complain(self, about: str, what: str) -> None:
        """Log what is wrong once, and not again as long as it stays the same."""
        if what and self._complaints.get(about) != what:
            logger.warning("%s", what)
        self._complaints[about] = what


def _is_ours(path: Path) -> bool:
    """Tell whether nothing is lost with a file: a mistyped setting must not cost anybody theirs."""
    if not path.exists():
        return True
    if not path.is_file():  # opening a pipe would wait for whoever writes into it
        return False
    with path.open("rb") as file:
        return file.read(len(_BEGIN)) in (b"", _BEGIN)


def _replace(path: Path, content: bytes) -> None:
    """Write a file that others may read, and that is whole whenever somebody does."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - of a descriptor
            os.fchmod(file.fileno(), 0o644)
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
