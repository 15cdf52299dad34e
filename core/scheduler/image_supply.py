"""Sees to it that an engine has the image of a container: copied from this machine's engine, or pulled."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.scheduler.engines.engine import EngineDownError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.scheduler.detail import Detail
    from core.scheduler.engines.engine import Engine, Engines, Image

LOOK_EVERY = 0.5
"""Seconds between two looks whether another execution has brought the image."""
OURS_WITHIN = 5.0
"""Seconds to wait for this machine's engine where the host has the image: one that hangs must not hold hosts up."""

logger = logging.getLogger(__name__)


class ImageSupply:
    """Brings images to engines; one at a time of each to each, however many executions wait for it."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._locks: defaultdict[tuple[int | None, str], threading.Lock] = defaultdict(threading.Lock)

    def bring(
        self, engine: Engine, host_id: int | None, host: str, name: str, detail: Detail, report: Callable[[str], None]
    ) -> None:
        """Copy the image to a host where this machine's engine has it and the host lacks it, else pull it there.

        An image that was built here is copied again when it was built anew; of one that came from a registry, what
        the host has serves, as it does on this machine.

        Raises:
            RefusedError: it cannot be had.
        """
        with self._alone(host_id, name, detail):
            there = engine.image(name)
            within = None if there is None else OURS_WITHIN
            ours = self._ours(name, within) if host_id is not None and "@" not in name else None
            if ours is not None and _is_wanted(ours, there):
                report(f"copying image {name} to {host}")
                self._copy(engine, host, name, ours.size, detail)
            elif there is None:
                report(f"pulling image {name}")
                detail.tell("image is being pulled", at_once=True)
                engine.pull(name, detail.progress("image is being pulled"))

    def digest(self, image: Image, host_id: int | None, name: str) -> str:
        """Return the digest of an engine's image; a copy does not know the one that its registry gave it."""
        if host_id is None or image.is_of_registry:
            return image.digest
        ours = self._ours(name, OURS_WITHIN)
        return ours.digest if ours is not None and ours.layers == image.layers else image.digest

    def _ours(self, name: str, within: float | None) -> Image | None:
        """Return the image of this machine's engine; one that does not answer, `within` seconds, has none."""
        found: list[Image | None] = []
        asking = threading.Thread(target=self._ask, args=(name, found), name=f"image {name}", daemon=True)
        asking.start()
        asking.join(within)
        return found[0] if found else None

    def _ask(self, name: str, found: list[Image | None]) -> None:
        here = self._engines.open(None)
        try:
            found.append(here.image(name))
        except (EngineDownError, RefusedError) as error:
            logger.warning("image %s is not looked for on this machine: %s", name, error)
        finally:
            here.close()

    def _copy(self, engine: Engine, host: str, name: str, size: int, detail: Detail) -> None:
        """Stream the image from this machine's engine into another."""
        what = f"image is being copied to {host}"
        # Docker takes its time before it gives the first byte.
        detail.tell(what, at_once=True)
        progress = detail.progress(what)
        here = self._engines.open(None)
        stream = here.save(name)

        def chunks() -> Iterator[bytes]:
            done = 0
            for chunk in stream.chunks():
                yield chunk
                done += len(chunk)
                progress(min(done, size), size)

        try:
            engine.load(chunks())
        finally:
            stream.close()
            here.close()
        if engine.image(name) is None:
            message = f"it was copied to {host} but is not there: is something removing images?"
            raise RefusedError(message)

    @contextmanager
    def _alone(self, host_id: int | None, name: str, detail: Detail) -> Iterator[None]:
        lock = self._locks[host_id, name]
        while not lock.acquire(timeout=LOOK_EVERY):
            detail.tell("image is being brought for another execution")
        try:
            yield
        finally:
            lock.release()


def _is_wanted(ours: Image, there: Image | None) -> bool:
    return there is None or (not ours.is_of_registry and ours.layers != there.layers)
