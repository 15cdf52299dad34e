"""What comes back from a host may be anything: it stays in the outputs directory, and is whole or an error."""

from __future__ import annotations

import errno
import io
import os
import stat
import tarfile
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from core.scheduler import received_outputs
from core.scheduler.archive import archive, size
from core.scheduler.received_outputs import receive

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def packed(*members: tuple[str, bytes | None, bytes, str]) -> bytes:
    """Return an archive of members: name, content, type, target of a link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as writer:
        for name, content, kind, target in members:
            header = tarfile.TarInfo(name)
            header.type, header.linkname, header.size = kind, target, len(content or b"")
            header.mode = 0o4777
            writer.addfile(header, io.BytesIO(content or b""))
    return buffer.getvalue()


def file(name: str, content: bytes = b"x") -> tuple[str, bytes, bytes, str]:
    return (name, content, tarfile.REGTYPE, "")


def other(name: str, kind: bytes, target: str = "") -> tuple[str, None, bytes, str]:
    return (name, None, kind, target)


def cut(data: bytes, length: int = 1000) -> Iterator[bytes]:
    for start in range(0, len(data), length):
        yield data[start : start + length]


def received(tmp_path: Path, data: bytes) -> Path:
    outputs = tmp_path / "place" / "outputs"
    outputs.parent.mkdir(exist_ok=True)
    said: list[str] = []
    receive(cut(data), outputs, lambda: None, said.append)
    (outputs.parent / "said").write_text("\n".join(said))
    return outputs


def names(root: Path) -> Sequence[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def test_files_and_directories_come_as_they_are(tmp_path: Path) -> None:
    big = os.urandom(700_001)
    outputs = received(
        tmp_path,
        packed(
            other("outputs", tarfile.DIRTYPE),
            file("outputs/big", big),
            other("outputs/d", tarfile.DIRTYPE),
            file("outputs/d/empty", b""),
            file("outputs/without/its/directory"),
            file("outputs/" + "n" * 200),
            file("outputs/bad\udcffname"),
        ),
    )
    assert (outputs / "big").read_bytes() == big
    assert (outputs / "d/empty").read_bytes() == b""
    assert names(outputs) == sorted(["big", "d/empty", "without/its/directory", "n" * 200, "bad\udcffname"])
    assert stat.S_IMODE((outputs / "big").stat().st_mode) == 0o600


def test_nothing_is_made_elsewhere(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    outputs = received(
        tmp_path,
        packed(
            file("outputs/../../victim/a"),
            file(f"{victim}/b"),
            file("../victim/c"),
            other("outputs/door", tarfile.SYMTYPE, str(victim)),
            file("outputs/door/d"),
            other("outputs/door2", tarfile.SYMTYPE, str(victim / "e")),
            file("outputs/door2"),
            other("outputs/hard", tarfile.LNKTYPE, f"{victim}/../place"),
            other("outputs/hard2", tarfile.LNKTYPE, "outputs/../../victim"),
            other("outputs/hard3", tarfile.LNKTYPE, "outputs/nothing"),
            file("outputs/fine"),
        ),
    )
    assert list(victim.iterdir()) == []
    assert sorted(path.name for path in outputs.iterdir() if not path.is_symlink()) == ["fine"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["place", "victim"]


def test_other_kinds_are_there_to_be_told_of_and_do_no_harm(tmp_path: Path) -> None:
    outputs = received(
        tmp_path,
        packed(
            other("outputs/link", tarfile.SYMTYPE, "/etc/passwd"),
            other("outputs/pipe", tarfile.FIFOTYPE),
            other("outputs/device", tarfile.CHRTYPE),
            file("outputs/one", b"1"),
            other("outputs/same", tarfile.LNKTYPE, "outputs/one"),
        ),
    )
    assert (outputs / "link").is_symlink()
    assert not (outputs / "link").exists()
    assert (outputs / "pipe").is_fifo()
    assert not (outputs / "device").exists()
    assert "output device: not kept: it is a device" in (outputs.parent / "said").read_text()
    assert (outputs / "same").read_bytes() == b"1"


def test_the_second_of_a_name_and_what_lies_too_deep_are_left_out(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 200)
    outputs = received(tmp_path, packed(file("outputs/a", b"1"), file("outputs/a", b"2"), file(f"outputs/{deep}/x")))
    assert (outputs / "a").read_bytes() == b"1"
    assert names(outputs) == ["a"]
    assert (outputs.parent / "said").read_text() == "output a: not kept: File exists"


@pytest.mark.parametrize("length", [0, 600, 1024, 100_000, 512 + 200_192])
def test_an_archive_that_ends_in_the_middle_is_an_error_and_the_next_try_begins_anew(
    tmp_path: Path, length: int
) -> None:
    whole = packed(file("outputs/a", b"a" * 200_000), file("outputs/b"))
    with pytest.raises(OSError, match="cannot be read"):
        received(tmp_path, whole[:length])
    assert names(received(tmp_path, whole)) == ["a", "b"]


def test_a_file_that_finds_no_room_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(received_outputs, "RESERVE", 2**62)
    with pytest.raises(OSError, match="an output needs 1 bytes") as caught:
        received(tmp_path, packed(file("outputs/a")))
    assert caught.value.errno == errno.ENOSPC


def test_a_file_that_can_never_fit_does_not_keep_the_others_from_coming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = SimpleNamespace(f_blocks=10, f_bavail=10, f_frsize=1)
    monkeypatch.setattr(os, "fstatvfs", lambda _: disk)
    monkeypatch.setattr(received_outputs, "RESERVE", 0)
    outputs = received(tmp_path, packed(file("outputs/huge", b"x" * 11), file("outputs/small")))
    assert names(outputs) == ["small"]
    said = (outputs.parent / "said").read_text()
    assert said == "output huge: not kept: its 11 bytes are more than this machine's disk has"


def test_whoever_leaves_ends_it(tmp_path: Path) -> None:
    looks = iter(range(100))

    def leave() -> None:
        if next(looks) > 5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        receive(cut(packed(file("outputs/a", b"a" * 500_000))), tmp_path / "outputs", leave, print)


def test_what_is_sent_is_what_was_there(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "d" / ("n" * 150)).mkdir(parents=True)
    (source / "d" / ("n" * 150) / "fil\udcffe").write_bytes(b"x" * 1000)
    (source / "tool").write_bytes(os.urandom(600_000))
    (source / "tool").chmod(0o700)
    (source / "empty").touch(mode=0o600)
    (source / "link").symlink_to("../else/where")
    os.mkfifo(source / "pipe")
    data = b"".join(archive([(source, "valohai/repository"), (source / "tool", "valohai/config/command")]))
    assert size([(source, "s")]) == 601_000
    with tarfile.open(fileobj=io.BytesIO(data), errors="surrogateescape") as reader:
        members = {member.name: member for member in reader}
        top = "valohai/repository"
        assert sorted(members) == sorted(
            [
                "valohai/config/command",
                top,
                *(f"{top}/{name}" for name in ("d", "empty", "link", "tool")),
                f"{top}/d/{'n' * 150}",
                f"{top}/d/{'n' * 150}/fil\udcffe",
            ]
        )
        assert members[f"{top}/tool"].mode == 0o744
        assert members[f"{top}/link"].linkname == "../else/where"
        assert {(member.uid, member.gid) for member in members.values()} == {(0, 0)}
        copy = reader.extractfile("valohai/config/command")
        assert copy is not None
        assert copy.read() == (source / "tool").read_bytes()


def test_a_file_that_shrinks_while_it_is_sent_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1_000_000)
    sending = archive([(path, "file")])
    next(sending)
    path.write_bytes(b"x")
    with pytest.raises(OSError, match="became shorter"):
        list(sending)
