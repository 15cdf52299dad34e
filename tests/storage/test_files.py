from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from core.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError, UnavailableError
from core.policy import Role
from core.session import Actor, Session
from core.storage.checksums import CHUNK, checksum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from core.home import Home
    from core.projects.service import Project
    from core.shoal import Shoal
    from core.storage.files import File, Files


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "penguins.csv"
    path.write_bytes(b"species,island\n")
    return path


@pytest.fixture
def keep(system: Session, tmp_path: Path) -> Callable[..., File]:
    """Lets an execution leave an output."""
    directories = iter(range(1000))

    def keep_output(execution: int, name: str, content: bytes = b"weights", properties: Any = None) -> File:
        path = tmp_path / f"collected-{next(directories)}"
        path.write_bytes(content)
        return system.files.add_output(execution, path, name, checksum(path), properties=properties)

    return keep_output


def test_an_upload_is_a_file(session: Session, project: Project, source: Path) -> None:
    seen: list[tuple[int, int]] = []
    file = session.files.upload(project, source, tags=["raw"], progress=lambda done, total: seen.append((done, total)))
    assert (file.name, file.size, file.tags, file.execution_id) == ("penguins.csv", 15, ("raw",), None)
    assert file.checksums == checksum(source)
    assert session.files.path(file).read_bytes() == source.read_bytes()
    assert seen == [(15, 15)]
    assert session.files.by_id(file.id) == file
    assert source.exists()


def test_the_same_upload_is_stored_once(session: Session, project: Project, source: Path) -> None:
    file = session.files.upload(project, source)
    assert session.files.upload(project, source).id == file.id
    assert session.files.upload(project, source, name="other.csv").id != file.id
    source.write_bytes(b"changed")
    assert session.files.upload(project, source).id != file.id


def test_only_regular_files_are_uploaded(session: Session, project: Project, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "missing", tmp_path / "nul\0"):
        with pytest.raises(InvalidInputError) as caught:
            session.files.upload(project, path)
        assert caught.value.field == "source"
    assert session.files.list(project).rows == []


def test_a_file_is_found_by_id_alias_and_name(session: Session, project: Project, source: Path) -> None:
    file = session.files.upload(project, source)
    session.files.set_alias(project, "newest", file)
    for reference in (file.uuid, file.uuid.upper(), f"datum://{file.uuid}", "newest", "datum://newest", "penguins.csv"):
        assert session.files.get(project, reference).id == file.id
    source.write_bytes(b"changed")
    newer = session.files.upload(project, source)
    assert session.files.get(project, "penguins.csv").id == newer.id
    assert session.files.get(project, "newest").id == file.id


@pytest.mark.parametrize("reference", ["missing.csv", "datum://penguins.csv", "", "datum://", "%", "\udcff"])
def test_what_is_not_there_is_not_found(session: Session, project: Project, source: Path, reference: str) -> None:
    session.files.upload(project, source)
    with pytest.raises(NotFoundError):
        session.files.get(project, reference)


def test_another_project_has_its_own_files(session: Session, project: Project, source: Path) -> None:
    file = session.files.upload(project, source)
    other = session.projects.create("whales")
    with pytest.raises(NotFoundError):
        session.files.get(other, file.uuid)
    with pytest.raises(InvalidInputError):
        session.files.set_alias(other, "newest", file)
    assert session.files.list(other).rows == []


def test_a_stranger_sees_nothing(shoal: Shoal, session: Session, project: Project, source: Path) -> None:
    file = session.files.upload(project, source)
    stranger = Session(shoal.database, shoal.home, Actor(99, "eve", Role.NOBODY, 1))
    other = Session(shoal.database, shoal.home, Actor(99, "eve", Role.ADMIN, 2))
    calls: list[Callable[[Files], object]] = [
        lambda files: files.list(project),
        lambda files: files.get(project, file.uuid),
        lambda files: files.path(file),
        lambda files: files.upload(project, source),
        lambda files: files.add_tags(file, ["x"]),
    ]
    for call in calls:
        with pytest.raises(NotAllowedError):
            call(stranger.files)
    with pytest.raises(NotFoundError):
        other.files.by_id(file.id)
    with pytest.raises(NotAllowedError):
        session.files.add_output(1, source, "x", checksum(source))


def test_files_are_listed_newest_first_in_pages(session: Session, project: Project, source: Path) -> None:
    ids = [session.files.upload(project, source, name=f"part/{number}.csv").id for number in range(5)]
    session.files.upload(project, source, name="other.txt", tags=["odd"])
    page = session.files.list(project, limit=2, name="part/*.csv")
    assert [file.id for file in page.rows] == [ids[4], ids[3]]
    page = session.files.list(project, limit=3, name="part/*.csv", after=page.next)
    assert [file.id for file in page.rows] == [ids[2], ids[1], ids[0]]
    assert page.next is None
    assert [file.name for file in session.files.list(project, tag="odd").rows] == ["other.txt"]
    assert [file.name for file in session.files.list(project, tag="odd", name="part/1.csv").rows] == []
    assert [file.name for file in session.files.list(project, name="part/1.csv").rows] == ["part/1.csv"]


def test_tags_of_many_files_are_paged(session: Session, project: Project, source: Path) -> None:
    ids = [session.files.upload(project, source, name=str(number), tags=["a", "b"]).id for number in range(3)]
    page = session.files.list(project, tag="a", limit=2)
    assert [(file.id, file.tags) for file in page.rows] == [(ids[2], ("a", "b")), (ids[1], ("a", "b"))]
    assert [file.id for file in session.files.list(project, tag="a", limit=2, after=page.next).rows] == [ids[0]]


def test_an_alias_moves_and_keeps_its_history(shoal: Shoal, session: Session, project: Project, source: Path) -> None:
    one = session.files.upload(project, source, name="one")
    two = session.files.upload(project, source, name="two")
    for file in (one, two, two):
        session.files.set_alias(project, " best ", file)
    assert session.files.get(project, "datum://best").aliases == ("best",)
    assert session.files.by_id(one.id).aliases == ()
    rows = shoal.database.reader().execute("SELECT file_id FROM alias_changes ORDER BY id").fetchall()
    assert [row[0] for row in rows] == [one.id, two.id]


@pytest.mark.parametrize("label", ["", "  ", "a\nb", "\x1b[31m", "x" * 129, "\ud800"])
def test_a_label_is_printable(session: Session, project: Project, source: Path, label: str) -> None:
    file = session.files.upload(project, source)
    with pytest.raises(InvalidInputError):
        session.files.set_alias(project, label, file)
    with pytest.raises(InvalidInputError):
        session.files.add_tags(file, ["good", label])
    assert session.files.by_id(file.id) == file


def test_an_alias_does_not_look_like_an_id(session: Session, project: Project, source: Path) -> None:
    file = session.files.upload(project, source)
    with pytest.raises(InvalidInputError):
        session.files.set_alias(project, file.uuid, file)


def test_a_download_is_whole_and_never_overwrites(
    session: Session, project: Project, source: Path, tmp_path: Path
) -> None:
    source.write_bytes(b"x" * (CHUNK + 1))
    file = session.files.upload(project, source, name="train/x.csv")
    (tmp_path / "to").mkdir()
    seen: list[tuple[int, int]] = []
    target = session.files.download(file, tmp_path / "to", lambda done, total: seen.append((done, total)))
    assert target == tmp_path / "to" / "x.csv"
    assert target.read_bytes() == source.read_bytes()
    assert seen == [(CHUNK, CHUNK + 1), (CHUNK + 1, CHUNK + 1)]
    target.write_bytes(b"mine")
    with pytest.raises(ConflictError):
        session.files.download(file, tmp_path / "to")
    assert target.read_bytes() == b"mine"
    session.files.download(file, tmp_path / "to", overwrite=True)
    assert target.read_bytes() == source.read_bytes()
    assert list((tmp_path / "to").iterdir()) == [target]


def test_damage_in_the_store_is_found(session: Session, project: Project, source: Path, tmp_path: Path) -> None:
    file = session.files.upload(project, source)
    path = session.files.path(file)
    path.chmod(0o644)
    path.write_bytes(b"SPECIES,island\n")
    with pytest.raises(UnavailableError, match="damaged"):
        session.files.download(file, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    path.write_bytes(b"short")
    with pytest.raises(UnavailableError, match="5 bytes instead of 15"):
        session.files.path(file)
    path.unlink()
    with pytest.raises(UnavailableError, match="missing"):
        session.files.path(file)


def test_a_destination_that_cannot_be_written_is_named(
    session: Session, project: Project, source: Path, tmp_path: Path
) -> None:
    file = session.files.upload(project, source)
    with pytest.raises(UnavailableError, match="nowhere"):
        session.files.download(file, tmp_path / "nowhere" / "x.csv")


@pytest.fixture
def _small_files_only() -> Iterator[None]:
    """The kernel refuses to write beyond 1 MiB into any file, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (CHUNK, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def stored(home: Home) -> list[Path]:
    return [path for path in home.store.rglob("*") if path.is_file()]


def test_a_full_disk_leaves_nothing_half_done(
    session: Session,
    system: Session,
    project: Project,
    source: Path,
    new_execution: Callable[[], int],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    file = session.files.upload(project, source, name="large")
    source.write_bytes(bytes(2 * CHUNK))
    large = session.files.upload(project, source)
    (tmp_path / "elsewhere").hardlink_to(source)
    before = stored(session.home)
    request.getfixturevalue("_small_files_only")
    with pytest.raises(UnavailableError, match="File too large"):
        session.files.upload(project, source, name="again")
    with pytest.raises(UnavailableError, match="File too large"):
        session.files.download(large, tmp_path / "copy")
    with pytest.raises(UnavailableError, match="File too large"):
        system.files.add_output(new_execution(), source, "output", checksum(source))
    assert source.exists()
    assert stored(session.home) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "home", "penguins.csv"]
    assert [each.id for each in session.files.list(project).rows] == [large.id, file.id]


def test_an_upload_whose_row_fails_is_removed(shoal: Shoal, session: Session, project: Project, source: Path) -> None:
    with shoal.database.transaction() as connection:
        connection.execute("CREATE TRIGGER no_files BEFORE INSERT ON files BEGIN SELECT raise(ABORT, 'no'); END")
    with pytest.raises(sqlite3.IntegrityError):
        session.files.upload(project, source)
    assert stored(session.home) == []


def test_an_output_is_kept_with_what_its_sidecar_says(
    session: Session, project: Project, new_execution: Callable[[], int], keep: Callable[..., File], home: Home
) -> None:
    execution = new_execution()
    properties = {"valohai.tags": ["prod", "prod", "best"], "valohai.alias": "model-prod", "accuracy": 0.9}
    file = keep(execution, "train/model.npz", properties=properties)
    assert (file.name, file.execution_id, file.execution_counter) == ("train/model.npz", execution, 1)
    assert (file.tags, file.aliases, file.properties) == (("best", "prod"), ("model-prod",), {"accuracy": 0.9})
    assert file.key == f"data/{project.uuid[:5]}/{project.uuid}/output-1/train/model.npz"
    assert session.files.path(file).is_relative_to(home.store)
    assert [each.id for each in session.files.list(project, execution=execution).rows] == [file.id]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"valohai.tags": "prod"}, "valohai.tags is no list"),
        ({"valohai.tags": ["ok", 7]}, "valohai.tags: tag 7 is no text"),
        ({"valohai.tags": [str(number) for number in range(101)]}, "those after the first 100"),
        ({"valohai.alias": ["a"]}, "valohai.alias: alias ['a'] is no text"),
        ({"valohai.alias": "\x1b"}, "valohai.alias: alias"),
        ({"x": float("nan")}, "cannot be written as JSON"),
        ({"x": "y" * 2_000_000}, "larger than"),
        (["list"], "no JSON object"),
    ],
)
def test_a_wrong_sidecar_costs_no_output(
    shoal: Shoal, new_execution: Callable[[], int], keep: Callable[..., File], properties: object, reason: str
) -> None:
    file = keep(new_execution(), "model.npz", properties=properties)
    assert file.aliases == ()
    events = shoal.database.reader().execute("SELECT message FROM execution_events WHERE kind = 'warning'").fetchall()
    assert len(events) == 1
    assert reason in events[0][0]


def test_hostile_names_stay_in_the_store(
    session: Session, home: Home, new_execution: Callable[[], int], keep: Callable[..., File]
) -> None:
    execution = new_execution()
    names = ["../../../etc/passwd", "a\nb", os.fsdecode(b"\xff\xfe"), "x" * 300, "/".join(["d" * 200] * 18), "/", "é"]
    for name in names:
        file = keep(execution, name)
        assert file.name.isprintable()
        assert session.files.path(file).resolve().is_relative_to(home.store.resolve())


def test_outputs_of_the_same_name_are_files_of_their_own(
    session: Session, new_execution: Callable[[], int], keep: Callable[..., File]
) -> None:
    execution = new_execution()
    files = [keep(execution, "model.npz", content) for content in (b"1", b"2", b"2")]
    assert len({file.id for file in files}) == 3
    assert {file.name for file in files} == {"model.npz"}
    assert [session.files.path(file).read_bytes() for file in files] == [b"1", b"2", b"2"]
    assert keep(execution, "model.npz/deeper").name == "model.npz/deeper"


def test_an_output_given_again_is_not_doubled(
    system: Session, project: Project, new_execution: Callable[[], int], tmp_path: Path
) -> None:
    execution = new_execution()
    path = tmp_path / "model.npz"
    path.write_bytes(b"weights")
    checksums = checksum(path)
    file = system.files.add_output(execution, path, "model.npz", checksums)
    assert not path.exists()
    assert system.files.add_output(execution, path, "model.npz", checksums) == file
    # Killed between the commit and the removal of the source.
    path.hardlink_to(system.files.path(file))
    assert system.files.add_output(execution, path, "model.npz", checksums) == file
    assert not path.exists()
    assert len(system.files.list(project).rows) == 1


def test_an_output_that_changed_after_it_was_hashed_is_recorded_as_it_is_kept(
    system: Session, new_execution: Callable[[], int], tmp_path: Path
) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(b"weights")
    before = checksum(path)
    path.write_bytes(b"WEIGHTS")  # by a container that had it open, and has closed it since
    read: list[int] = []
    file = system.files.add_output(new_execution(), path, "model.npz", before, progress=read.append)
    assert read == [7]
    assert file.checksums == checksum(system.files.path(file)) != before


def test_an_output_that_was_never_there_is_not_found(
    system: Session, new_execution: Callable[[], int], tmp_path: Path
) -> None:
    (tmp_path / "other").write_bytes(b"x")
    checksums = checksum(tmp_path / "other")
    with pytest.raises(NotFoundError, match="gone"):
        system.files.add_output(new_execution(), tmp_path / "missing", "x", checksums)
    with pytest.raises(NotFoundError, match="execution"):
        system.files.add_output(77, tmp_path / "other", "x", checksums)


KILLED = """
import os, pathlib, signal, sys
from core.home import Home
from core.shoal import Shoal
from core.storage.checksums import checksum

root, execution, kill_at = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
calls = 0

def count(event, arguments):
    global calls
    if event in ("os.link", "os.remove", "os.rename", "os.mkdir", "sqlite3.connect", "open"):
        calls += 1
        if calls == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

system = Shoal.open(Home(root)).system_session()
source = root / "collected"
checksums = checksum(source) if source.exists() else None
sys.addaudithook(count)
system.files.add_output(execution, source, "model.npz", checksums, properties={"valohai.alias": "best"})
"""


@pytest.mark.slow
@pytest.mark.parametrize("is_copied", [False, True])
def test_a_kill_at_any_moment_neither_loses_nor_doubles(
    shoal: Shoal, system: Session, project: Project, new_execution: Callable[[], int], *, is_copied: bool
) -> None:
    def run(execution: int, kill_at: int) -> int:
        command = [sys.executable, "-c", KILLED, str(shoal.home.root), str(execution), str(kill_at)]
        return subprocess.run(command, check=False).returncode

    for kill_at in range(1, 100):
        execution = new_execution()
        source = shoal.home.root / "collected"
        source.write_bytes(b"weights")
        if is_copied:
            (shoal.home.root / f"elsewhere-{kill_at}").hardlink_to(source)
        result = run(execution, kill_at)
        if result == -signal.SIGKILL and source.exists():
            assert run(execution, 0) == 0
        files = system.files.list(project, execution=execution).rows
        assert [file.name for file in files] == ["model.npz"]
        assert system.files.path(files[0]).read_bytes() == b"weights"
        assert not source.exists()
        if result == 0:
            break
    else:
        pytest.fail("was killed each time")
    assert kill_at > 4
