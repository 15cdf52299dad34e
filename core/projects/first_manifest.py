"""The valohai.yaml that `shoal init` writes where there is none."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from core.errors import UnavailableError

FIRST_MANIFEST = """\
# The steps of this project. `shoal run hello --adhoc --watch` runs the first one as it is.
- step:
    name: hello
    image: debian:stable-slim
    command:
      - echo Hello, {parameter-value:who}
      - |
        for epoch in $(seq {parameter-value:epochs}); do
          echo "{\\"epoch\\": $epoch, \\"loss\\": 0.$((9 - epoch % 9))}"
        done
      - date > /valohai/outputs/made-at.txt
    parameters:
      - name: who
        type: string
        default: shoal
      - name: epochs
        type: integer
        default: 3
        min: 1
        max: 1000
"""
"""A first file that runs as it is: each line printed as JSON becomes metadata, each file in outputs is kept."""


def write_first_manifest(directory: Path, name: str = "valohai.yaml") -> Path | None:
    """Write the first valohai.yaml as `directory/name`; None, and nothing written, where there is one.

    Raises:
        UnavailableError: it cannot be written.
    """
    target = directory / name
    try:
        if os.path.lexists(target):
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        with tempfile.NamedTemporaryFile("w", dir=target.parent, prefix=".valohai-", encoding="utf-8") as stream:
            stream.write(FIRST_MANIFEST)
            stream.flush()
            Path(stream.name).chmod(0o644)
            os.link(stream.name, target)
    except FileExistsError:
        return None
    except OSError as error:
        raise _unwritable(target, error) from error
    return target


def _unwritable(target: Path, error: OSError) -> UnavailableError:
    return UnavailableError(f"{target} cannot be written ({error.strerror}): check the directory's rights")
