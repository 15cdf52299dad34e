"""Unpacking: whole or not at all, and never outside."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core.errors import InvalidInputError, UnavailableError
from core.projects.code import unpack
from tests.projects.archives import file, make_archive, special

ROOT = Path(__file__).parents[2]


def tree(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
        for path in sorted(directory.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def test_files_links_and_directories_come_out(tmp_path: Path) -> None:
    archive = make_archive(
        tmp_path / "a.tar.gz",
        special("empty", tarfile.DIRTYPE, mode=0o700),
        file("run.sh", b"#!/bin/sh\n", mode=0o755),
        file("deep/er/data\nline.txt", b"data", mode=0o600),
        special("deep/link", tarfile.SYMTYPE, linkname="../run.sh"),
        special("again.sh", tarfile.LNKTYPE, linkname="run.sh", mode=0o755),
        file("./dotted", b"d"),
    )
    destination = tmp_path / "new" / "tree"
    unpack(archive, destination)
    assert tree(destination) == {
        "run.sh": "#!/bin/sh\n",
        "deep/er/data\nline.txt": "data",
        "deep/link": "-> ../run.sh",
        "again.sh": "#!/bin/sh\n",
        "dotted": "d",
    }
    assert (destination / "run.sh").stat().st_mode & 0o777 == 0o755
    assert [entry.name for entry in destination.parent.iterdir()] == ["tree"]


def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a.tar.gz", file("a/b", mode=0o644))
    script = (
        "import os, sys, pathlib\n"
        "from core.projects.code import unpack\n"
        "os.umask(0o077)\n"
        "unpack(*map(pathlib.Path, sys.argv[1:]))\n"
    )
    subprocess.run([sys.executable, "-c", script, str(archive), str(tmp_path / "x")], cwd=ROOT, check=True)
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "x", tmp_path / "x/a", tmp_path / "x/a/b")]
    assert modes == [0o755, 0o755, 0o644]


def test_a_destination_that_exists_is_done(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    unpack(tmp_path / "missing.tar.gz", tmp_path / "x")
    assert list((tmp_path / "x").iterdir()) == []


LINK = tarfile.SYMTYPE
HARD = tarfile.LNKTYPE


@pytest.mark.parametrize(
    "members",
    [
        [file("../outside")],
        [file("a/../../outside")],
        [file("a/../inside")],
        [file("/outside")],
        [file("")],
        [special("..", tarfile.DIRTYPE)],
        [special("link", LINK, linkname="..")],
        [special("link", LINK, linkname="/etc")],
        [special("link", LINK, linkname="a/../../outside")],
        [special("a/link", LINK, linkname="../../outside")],
        [special("link", LINK, linkname="")],
        [special("link", LINK, linkname="."), file("link/outside")],
        [special("link", LINK, linkname="target"), file("link")],
        [file("link"), special("link", LINK, linkname="target")],
        [special("d", LINK, linkname="."), special("e", LINK, linkname="d/../..")],
        [special("a/b/up", LINK, linkname="../.."), special("e", LINK, linkname="a/b/up/../x")],
        [special("a", LINK, linkname="."), special("a/b", tarfile.DIRTYPE)],
        [file("a"), file("a/b")],
        [special("hard", HARD, linkname="/etc/passwd")],
        [special("hard", HARD, linkname="../outside")],
        [special("hard", HARD, linkname="missing")],
        [special("link", LINK, linkname="secret"), special("hard", HARD, linkname="link")],
        [special("device", tarfile.CHRTYPE, devmajor=1, devminor=3)],
        [special("device", tarfile.BLKTYPE, devmajor=8, devminor=0)],
        [special("pipe", tarfile.FIFOTYPE)],
        [special("odd", b"Z")] if sys.version_info >= (3, 13) else [special("pipe", tarfile.FIFOTYPE)],
    ],
)
def test_what_leads_outside_is_refused_and_leaves_nothing(
    members: list[tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]], tmp_path: Path
) -> None:
    archive = make_archive(tmp_path / "a.tar.gz", file("before"), *members, file("after"))
    inside = tmp_path / "inside"
    with pytest.raises(InvalidInputError):
        unpack(archive, inside / "tree")
    assert list(inside.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "inside"]


@pytest.mark.parametrize("length", [0, 10, 40, 200])
def test_a_damaged_archive_is_said_to_be_damaged(length: int, tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a.tar.gz", *(file(str(number), bytes([number]) * 999) for number in range(99)))
    archive.write_bytes(archive.read_bytes()[:length])
    with pytest.raises(UnavailableError, match="is damaged"):
        unpack(archive, tmp_path / "inside" / "tree")
    assert list((tmp_path / "inside").iterdir()) == []


def test_a_missing_archive_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="is missing"):
        unpack(tmp_path / "none.tar.gz", tmp_path / "inside" / "tree")


def run_limited(archive: Path, destination: Path, signal_action: str) -> subprocess.CompletedProcess[str]:
    """Unpack in a process that may write no file above 1000 bytes: the kernel ends it, or its disk is full."""
    script = (
        "import pathlib, resource, signal, sys\n"
        "from core.errors import ShoalError\n"
        "from core.projects.code import unpack\n"
        f"signal.signal(signal.SIGXFSZ, signal.{signal_action})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: unpack(*map(pathlib.Path, sys.argv[1:]))\n"
        "except ShoalError as error: sys.exit(f'{error.code}: {error}')\n"
    )
    command = [sys.executable, "-c", script, str(archive), str(destination)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_killed_unpacking_is_made_whole_by_the_next(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a.tar.gz", file("a/b", b"small"), file("big", b"x" * 5000))
    destination = tmp_path / "inside" / "tree"
    assert run_limited(archive, destination, "SIG_DFL").returncode < 0
    assert not destination.exists()
    (leftover,) = destination.parent.iterdir()
    (leftover / "half done").write_text("from an older archive")
    (leftover / "big").unlink(missing_ok=True)
    (leftover / "big").symlink_to("/etc/passwd")
    unpack(archive, destination)
    assert tree(destination) == {"a/b": "small", "big": "x" * 5000}
    assert [entry.name for entry in destination.parent.iterdir()] == ["tree"]


def test_a_disk_that_takes_no_more_leaves_nothing(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a.tar.gz", file("big", b"x" * 5000))
    result = run_limited(archive, tmp_path / "inside" / "tree", "SIG_IGN")
    assert result.stderr.startswith("unavailable: ")
    assert list((tmp_path / "inside").iterdir()) == []


def test_many_at_once_do_it_once(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a.tar.gz", *(file(f"d{n % 7}/{n}", str(n).encode()) for n in range(200)))
    destination = tmp_path / "inside" / "tree"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: unpack(archive, destination), range(16)))
    assert len(tree(destination)) == 200
    assert [entry.name for entry in destination.parent.iterdir()] == ["tree"]


def test_a_directory_that_was_finished_after_the_look_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one's work appears just when this one makes its own directory for it."""
    destination = tmp_path / "tree"
    real = Path.mkdir

    def mkdir(path: Path, *arguments: Any, **named: Any) -> None:
        if path.name.endswith(".partial") and not destination.exists():
            real(destination)
            (destination / "theirs").touch()
        real(path, *arguments, **named)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    unpack(tmp_path / "no-archive-is-read.tar.gz", destination)
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]
    assert (destination / "theirs").exists()
