from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.errors import ConflictError, InvalidInputError, UnavailableError
from core.storage.checksums import checksum
from core.storage.stage import StagedInput, StagingStoppedError, stage

if TYPE_CHECKING:
    from core.projects.service import Project
    from core.session import Session
    from core.storage.checksums import Checksums
    from core.storage.files import File
    from core.storage.stage import StagedFile
    from tests.storage.web_server import WebServer


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    path = tmp_path / "inputs"
    path.mkdir()
    return path


def never() -> bool:
    return False


def put(session: Session, directory: Path, *inputs: StagedInput, bypass_cache: bool = False) -> list[StagedFile]:
    lines: list[str] = []
    return stage(session, inputs, directory, report=lines.append, stopped=never, bypass_cache=bypass_cache)


def from_uri(uri: str, path: str = "x.csv", name: str = "data", expected: Checksums | None = None) -> StagedInput:
    return StagedInput(name, 0, uri, path, None, expected)


def from_file(file: File, path: str = "x.csv") -> StagedInput:
    return StagedInput("data", 0, file.uri, path, file.id, file.checksums)


@pytest.fixture
def datum(session: Session, project: Project, tmp_path: Path) -> File:
    source = tmp_path / "uploaded"
    source.write_bytes(b"weights")
    return session.files.upload(project, source)


def test_a_datum_is_linked_and_can_be_read_by_anybody(system: Session, datum: File, inputs: Path) -> None:
    before = os.umask(0o077)
    try:
        (staged,) = put(system, inputs, from_file(datum, "a/b/x.csv"))
    finally:
        os.umask(before)
    placed = inputs / "data/a/b/x.csv"
    assert placed.samefile(system.files.path(datum))
    assert (staged.name, staged.position, staged.path, staged.sha256) == ("data", 0, "a/b/x.csv", datum.sha256)
    assert stat.S_IMODE(placed.stat().st_mode) == 0o444
    for directory in (inputs / "data", inputs / "data/a", inputs / "data/a/b"):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o755


def test_the_log_says_what_came(system: Session, datum: File, inputs: Path) -> None:
    lines: list[str] = []
    seen: list[tuple[int, int]] = []
    stage(
        system,
        [from_file(datum)],
        inputs,
        report=lines.append,
        stopped=never,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert lines == [
        "/valohai/inputs/data/x.csv: downloaded, 7 B",
        f"md5 sum: {datum.md5}",
        f"sha1 sum: {datum.sha1}",
        f"sha256 sum: {datum.sha256}",
    ]
    assert seen[-1] == (7, 7)


def test_many_files_do_not_fill_the_log(system: Session, data: Path, inputs: Path) -> None:
    wanted = []
    for number in range(130):
        (data / str(number)).write_text(str(number))
        wanted.append(StagedInput("data", number, f"file://{data}/{number}", str(number), None, None))
    lines: list[str] = []
    staged = stage(system, wanted, inputs, report=lines.append, stopped=never)
    assert [file.position for file in staged] == list(range(130))
    assert len(lines) == 401
    assert lines[-1] == "and 30 more files"


def test_a_damaged_datum_is_refused(system: Session, datum: File, inputs: Path) -> None:
    path = system.files.path(datum)
    path.chmod(0o644)
    path.write_bytes(b"WEIGHTS")
    with pytest.raises(UnavailableError, match="damaged"):
        put(system, inputs, from_file(datum))
    assert list(inputs.rglob("*.csv")) == []


def test_a_file_is_copied_and_its_content_recorded(system: Session, data: Path, inputs: Path) -> None:
    (data / "x.csv").write_bytes(b"one")
    (staged,) = put(system, inputs, from_uri(f"file://{data}/x.csv"))
    expected = checksum(data / "x.csv")
    assert staged.sha256 == expected.sha256
    (data / "x.csv").write_bytes(b"two")
    assert (inputs / "data/x.csv").read_bytes() == b"one"
    assert stat.S_IMODE((inputs / "data/x.csv").stat().st_mode) == 0o444


def test_a_file_that_changed_is_found_only_where_something_was_expected(
    system: Session, data: Path, inputs: Path
) -> None:
    (data / "x.csv").write_bytes(b"one")
    expected = checksum(data / "x.csv")
    (data / "x.csv").write_bytes(b"two")
    with pytest.raises(ConflictError, match="has changed"):
        put(system, inputs, from_uri(f"file://{data}/x.csv", expected=expected))
    assert list(inputs.rglob("*.csv")) == []
    (staged,) = put(system, inputs, from_uri(f"file://{data}/x.csv"))
    assert staged.sha256 == checksum(data / "x.csv").sha256


def test_what_the_cache_has_is_not_asked_for_again(system: Session, data: Path, inputs: Path, tmp_path: Path) -> None:
    (data / "x.csv").write_bytes(b"one")
    uri = f"file://{data}/x.csv"
    expected = checksum(data / "x.csv")
    put(system, inputs, from_uri(uri))
    (data / "x.csv").unlink()
    put(system, tmp_path / "other", from_uri(uri, expected=expected))
    assert (tmp_path / "other/data/x.csv").read_bytes() == b"one"


def test_staging_again_finds_what_was_done(system: Session, data: Path, inputs: Path) -> None:
    (data / "x.csv").write_bytes(b"one")
    first = put(system, inputs, from_uri(f"file://{data}/x.csv"))
    (data / "x.csv").unlink()
    assert put(system, inputs, from_uri(f"file://{data}/x.csv")) == first


def test_one_uri_may_lie_at_two_places(system: Session, data: Path, inputs: Path) -> None:
    (data / "x.csv").write_bytes(b"one")
    uri = f"file://{data}/x.csv"
    put(system, inputs, from_uri(uri, name="a"), from_uri(uri, name="b"))
    assert (inputs / "a/x.csv").samefile(inputs / "b/x.csv")


def test_a_link_set_after_creation_leads_nowhere(system: Session, data: Path, inputs: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (data / "x.csv").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidInputError, match="no regular file below"):
        put(system, inputs, from_uri(f"file://{data}/x.csv"))
    (data / "x.csv").unlink()
    os.mkfifo(data / "x.csv")
    with pytest.raises(InvalidInputError, match="no regular file below"):
        put(system, inputs, from_uri(f"file://{data}/x.csv"))
    (data / "x.csv").unlink()
    with pytest.raises(UnavailableError, match="No such file"):
        put(system, inputs, from_uri(f"file://{data}/x.csv"))


@pytest.mark.parametrize(
    ("name", "path"), [("..", "x"), ("a/b", "x"), ("a", "../x"), ("a", "/x"), ("", "x"), ("a", "")]
)
def test_an_input_stays_in_its_place(system: Session, data: Path, inputs: Path, name: str, path: str) -> None:
    (data / "x").write_text("x")
    with pytest.raises(InvalidInputError):
        put(system, inputs, from_uri(f"file://{data}/x", path, name))


def test_two_files_at_one_place_are_refused(system: Session, data: Path, inputs: Path) -> None:
    with pytest.raises(InvalidInputError, match="two files"):
        put(system, inputs, from_uri(f"file://{data}/x"), from_uri(f"file://{data}/y"))


def test_where_links_cannot_be_made_files_are_copied(system: Session, data: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == data.stat().st_dev:
        pytest.skip("needs /dev/shm on a file system of its own")
    inputs = memory / f"shoal-test-{os.getpid()}"
    inputs.mkdir()
    try:
        (data / "x.csv").write_bytes(b"one")
        put(system, inputs, from_uri(f"file://{data}/x.csv"))
        assert (inputs / "data/x.csv").read_bytes() == b"one"
        assert stat.S_IMODE((inputs / "data/x.csv").stat().st_mode) == 0o444
        assert sorted(path.name for path in inputs.rglob("*")) == ["data", "x.csv"]
    finally:
        for path in sorted(inputs.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        inputs.rmdir()


def test_a_stop_ends_a_download(system: Session, inputs: Path, web: WebServer) -> None:
    stopped = threading.Event()

    def hang(_: object) -> None:
        stopped.set()
        web.closing.wait()

    web.answers["/x.csv"] = hang
    with pytest.raises(StagingStoppedError):
        stage(system, [from_uri(web.url("/x.csv"))], inputs, report=print, stopped=stopped.is_set)
    assert list(inputs.rglob("*.csv")) == []
    assert list((system.home.cache / "inputs" / ".incoming").iterdir()) == []


def test_a_stop_ends_a_copy(system: Session, data: Path, inputs: Path) -> None:
    with (data / "x.csv").open("wb") as file:
        file.truncate(2**40)  # takes minutes to copy, and the disk's room
    looks = iter([False, True])
    with pytest.raises(StagingStoppedError):
        stage(
            system,
            [from_uri(f"file://{data}/x.csv")],
            inputs,
            report=print,
            stopped=lambda: next(looks, True),
        )
    assert list((system.home.cache / "inputs" / ".incoming").iterdir()) == []


def test_one_failure_ends_the_others(system: Session, data: Path, inputs: Path, web: WebServer) -> None:
    def hang(_: object) -> None:
        web.closing.wait()

    web.answers["/slow"] = hang
    wanted = [from_uri(web.url("/slow"), "slow"), from_uri(f"file://{data}/missing", "missing")]
    with pytest.raises(UnavailableError, match="missing"):
        put(system, inputs, *wanted)
