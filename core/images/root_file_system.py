"""A root file system written straight into a tar archive: nothing is unpacked, so nobody needs to be root."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from typing import IO, TYPE_CHECKING

from core.errors import UnavailableError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

_MERGED = ("bin", "sbin", "lib", "lib64")
_LEFT_OUT = (
    "usr/share/bash-completion/",
    "usr/share/doc/",
    "usr/share/info/",
    "usr/share/lintian/",
    "usr/share/locale/",
    "usr/share/man/",
    "usr/share/perl5/",
    "var/cache/",
)
_PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
_GROUP = b"root:x:0:\nnogroup:x:65534:\n"


class RootFileSystem:
    """Collects packages, files and links into one archive for `docker import`; the first of a name stays."""

    def __init__(self, destination: IO[bytes]) -> None:
        self._archive = tarfile.open(fileobj=destination, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._names: set[str] = set()
        for name in ("dev", "etc", "proc", "run", "sys", "usr", "var", *(f"usr/{name}" for name in _MERGED)):
            self.add_directory(name)
        for name in _MERGED:
            self.add_link(name, f"usr/{name}")
        for name, mode in (("root", 0o700), ("tmp", 0o1777), ("var/tmp", 0o1777)):
            self.add_directory(name, mode)
        self.add_file("etc/passwd", _PASSWD)
        self.add_file("etc/group", _GROUP)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def add_package(self, package: Path) -> list[tuple[str, bytes]]:
        """Add the content of a .deb file without its documentation; return the certificates that it brings."""
        certificates = []
        command = ["dpkg-deb", "--fsys-tarfile", os.fspath(package)]
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE) as process,
            tarfile.open(fileobj=process.stdout, mode="r|") as content,
        ):
            for member in content:
                data = content.extractfile(member) if member.isreg() else None
                body = None if data is None else data.read()
                if body is not None and member.name.startswith("./usr/share/ca-certificates/"):
                    certificates.append((member.name, body))
                self._add(member, body)
        if process.returncode != 0:
            message = f"{package.name} cannot be read (dpkg-deb ended with {process.returncode}): try again"
            raise UnavailableError(message)
        return certificates

    def add_file(self, name: str, content: bytes, mode: int = 0o644) -> None:
        """Add a regular file."""
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), mode
        self._add(member, content)

    def add_directory(self, name: str, mode: int = 0o755) -> None:
        """Add a directory."""
        member = tarfile.TarInfo(name)
        member.type, member.mode = tarfile.DIRTYPE, mode
        self._add(member, None)

    def add_link(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, target, 0o777
        self._add(member, None)

    def _add(self, member: tarfile.TarInfo, body: bytes | None) -> None:
        member.name = _merged(member.name)
        if member.islnk():
            member.linkname = _merged(member.linkname)
        if member.name in self._names or member.name == "" or f"{member.name}/".startswith(_LEFT_OUT):
            return
        self._names.add(member.name)
        self._archive.addfile(member, None if body is None else io.BytesIO(body))


def _merged(name: str) -> str:
    """Return a package's path below the root, with /bin, /sbin and /lib* inside /usr as every Debian has them now."""
    name = name.removeprefix("./").strip("/")
    first, slash, _ = name.partition("/")
    return f"usr/{name}" if slash and first in _MERGED else "" if name == "." else name
