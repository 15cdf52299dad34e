from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from core.storage.incoming import Incoming

if TYPE_CHECKING:
    from pathlib import Path

KILLED = """
import os, pathlib, signal, sys
from core.storage.incoming import Incoming
with Incoming(pathlib.Path(sys.argv[1])).create() as file:
    os.write(file.descriptor, b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "incoming")], check=False)
    incoming = Incoming(tmp_path / "incoming")
    assert [path.read_bytes() for path in (tmp_path / "incoming").iterdir()] == [b"half"]
    with incoming.create() as file:
        assert incoming.sweep() == 1
        assert list((tmp_path / "incoming").iterdir()) == [file.path], "what is still being written stays"
    assert list((tmp_path / "incoming").iterdir()) == []
