"""Ids shown outside: ULIDs (https://github.com/ulid/spec) written as UUIDs, as Valohai writes them."""

from __future__ import annotations

import os
import time


def new_identifier() -> str:
    """Return a new id: 48 bits of milliseconds since 1970, then 80 random bits; ids made later sort later."""
    text = f"{int(time.time() * 1000):012x}{os.urandom(10).hex()}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
