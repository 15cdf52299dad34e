"""What an archive holds, and archives that nobody should unpack."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def contents(archive: Path) -> dict[str, tuple[str, int]]:
    """Return name → (text or `-> target`, mode) of every member."""
    found: dict[str, tuple[str, int]] = {}
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isreg() else None
            text = f"-> {member.linkname}" if stream is None else stream.read().decode(errors="replace")
            found[member.name] = (text, member.mode)
    return found


def make_archive(path: Path, *members: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> Path:
    """Write an archive of exactly these members, whatever they are."""
    with tarfile.open(path, "w:gz") as tar:
        for entry in members:
            member, content = entry if isinstance(entry, tuple) else (entry, b"")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def file(name: str, content: bytes = b"x", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    """Return a regular member."""
    return special(name, tarfile.REGTYPE, **fields), content


def special(name: str, kind: bytes, **fields: object) -> tarfile.TarInfo:
    """Return a member of any kind."""
    member = tarfile.TarInfo(name)
    member.type = kind
    for key, value in fields.items():
        setattr(member, key, value)
    return member
