from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from core.errors import InvalidInputError, NotFoundError
from core.storage.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from core.projects.service import Project
    from core.session import Session


@dataclass(frozen=True)
class Request:
    uris: Sequence[str]
    keep_directories: str = "none"
    filename: str | None = None


@pytest.fixture
def images(data: Path) -> Path:
    for name in ("images/1.jpg", "images/2.png", "images/cats/3.jpg", "images/cats/tabby/4.jpg", "images/x y%.jpg"):
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return data / "images"


def paths(session: Session, project: Project, *uris: str, keep: str = "none") -> list[str]:
    return [each.path for each in resolve(session, project, Request(uris, keep))]


def test_a_datum_is_found_by_id_and_alias(session: Session, project: Project, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("1")
    file = session.files.upload(project, tmp_path / "x", name="train/model.npz")
    session.files.set_alias(project, "best", file)
    (found,) = resolve(session, project, Request(["datum://best"]))
    assert found.requested == "datum://best"
    assert (found.uri, found.path, found.file_id) == (f"datum://{file.uuid}", "model.npz", file.id)
    assert found.checksums == file.checksums
    assert paths(session, project, f"datum://{file.uuid}", keep="full") == ["train/model.npz"]
    with pytest.raises(NotFoundError):
        resolve(session, project, Request(["datum://missing"]))


def test_a_moved_alias_leaves_what_was_resolved(session: Session, project: Project, tmp_path: Path) -> None:
    ids = []
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
        session.files.set_alias(project, "best", session.files.upload(project, tmp_path / name))
        ids.append(resolve(session, project, Request(["datum://best"]))[0].uri)
    assert ids[0] != ids[1]


@pytest.mark.parametrize(
    ("pattern", "keep", "expected"),
    [
        ("/*.jpg", "none", ["1.jpg", "x y%.jpg"]),
        ("/*", "suffix", ["1.jpg", "2.png", "x y%.jpg"]),
        ("/**.jpg", "suffix", ["1.jpg", "cats/3.jpg", "cats/tabby/4.jpg", "x y%.jpg"]),
        ("/**/*.jpg", "suffix", ["1.jpg", "cats/3.jpg", "cats/tabby/4.jpg", "x y%.jpg"]),
        ("/**", "full", ["1.jpg", "2.png", "cats/3.jpg", "cats/tabby/4.jpg", "x y%.jpg"]),
        ("/*/*.jpg", "suffix", ["cats/3.jpg"]),
        ("/c*/**/4.jpg", "suffix", ["cats/tabby/4.jpg"]),
        ("/cats/**", "none", ["3.jpg", "4.jpg"]),
        ("/cats/3.jpg", "suffix", ["3.jpg"]),
        ("/x%20y%25.jpg", "none", ["x y%.jpg"]),
    ],
)
def test_wildcards(
    session: Session, project: Project, images: Path, pattern: str, keep: str, expected: list[str]
) -> None:
    expected = [f"images/{path}" for path in expected] if keep == "full" else expected
    assert paths(session, project, f"file://{images}{pattern}", keep=keep) == expected


def test_an_absolute_path_is_a_file(session: Session, project: Project, images: Path) -> None:
    (found,) = resolve(session, project, Request([f"{images}/x y%.jpg"]))
    assert found.uri == f"file://{images}/x%20y%25.jpg"
    assert resolve(session, project, Request([found.uri]))[0].path == found.path


def test_the_same_file_comes_once(session: Session, project: Project, images: Path) -> None:
    assert paths(session, project, f"file://{images}/1.jpg", f"file://{images}/*.jpg") == ["1.jpg", "x y%.jpg"]


def test_a_collision_names_both(session: Session, project: Project, images: Path) -> None:
    (images / "cats" / "1.jpg").write_text("another")
    with pytest.raises(InvalidInputError, match=r"images/1\.jpg.*images/cats/1\.jpg"):
        paths(session, project, f"file://{images}/**")
    assert len(paths(session, project, f"file://{images}/**", keep="suffix")) == 6


def test_a_file_cannot_lie_where_a_directory_must(session: Session, project: Project, images: Path) -> None:
    uris = ["https://a.org/cats", f"file://{images}/**"]
    with pytest.raises(InvalidInputError, match="both be 'cats'"):
        paths(session, project, *uris, keep="suffix")


def test_a_filename_is_for_one_file(session: Session, project: Project, images: Path) -> None:
    (found,) = resolve(session, project, Request([f"file://{images}/1.jpg"], filename="cat.jpg"))
    assert found.path == "cat.jpg"
    for uri, name in (("*.jpg", "cat.jpg"), ("1.jpg", "../cat.jpg"), ("1.jpg", "a/b"), ("1.jpg", "a\n"), ("1.jpg", "")):
        with pytest.raises(InvalidInputError) as caught:
            resolve(session, project, Request([f"file://{images}/{uri}"], filename=name))
        assert caught.value.field == "filename"


def test_files_are_only_read_below_the_roots(session: Session, project: Project, images: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "data-not").mkdir()
    (tmp_path / "data-not" / "x").write_text("secret")
    (images / "link").symlink_to(tmp_path / "secret")
    (images / "directory").symlink_to(tmp_path)
    (images / "inside").symlink_to(images / "1.jpg")
    for uri in (
        f"file://{tmp_path}/secret",
        f"file://{tmp_path}/data-not/x",
        f"file://{images}/../../secret",
        f"file://{images}/%2e%2e/%2e%2e/secret",
        f"file://{images}/..%2f..%2fsecret",
        f"file://{images}/link",
        f"file://{images}/lin*",
        f"file://{images}/directory/secret",
        f"file://{images}/directory/*",
        f"file://{tmp_path}/*",
        "file:///",
        "file://etc/passwd",
        "file:///**",
        f"file://{images}/",
        f"file://{images}/cats",
        f"file://{images}/missing",
        f"file://{images}/missing*",
        f"file://{images}/1.jpg%00",
    ):
        with pytest.raises(InvalidInputError) as caught:
            resolve(session, project, Request([uri]))
        assert caught.value.field == "inputs"
    assert paths(session, project, f"file://{images}/inside") == ["inside"]
    assert "secret" not in paths(session, project, f"file://{images}/c*/**")


def test_pipes_and_loops_are_not_followed(session: Session, project: Project, images: Path) -> None:
    os.mkfifo(images / "pipe")
    (images / "cats" / "loop").symlink_to(images)
    (images / "cats" / "self").symlink_to(images / "cats" / "self")
    with pytest.raises(InvalidInputError, match="no regular file"):
        paths(session, project, f"file://{images}/pipe")
    with pytest.raises(InvalidInputError):
        paths(session, project, f"file://{images}/cats/self")
    assert "pipe" not in paths(session, project, f"file://{images}/*")
    assert len(paths(session, project, f"file://{images}/**")) == 5


def test_a_root_may_be_a_link_itself(session: Session, project: Project, images: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(images)
    session.settings.set("file_roots", [str(tmp_path / "link")])
    for uri in (f"file://{tmp_path}/link/cats/3.jpg", f"file://{images}/cats/3.jpg"):
        assert paths(session, project, uri, keep="full") == ["cats/3.jpg"]


def test_file_inputs_must_be_allowed_first(session: Session, project: Project, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    with pytest.raises(InvalidInputError, match="file_roots"):
        resolve(session, project, Request([f"file://{tmp_path}/x"]))


def test_undecodable_names_are_shown(session: Session, project: Project, data: Path) -> None:
    (data / os.fsdecode(b"caf\xe9")).write_text("x")
    (found,) = resolve(session, project, Request([f"file://{data}/*"]))
    assert (found.path, found.uri) == ("caf%E9", f"file://{data}/caf%E9")


@pytest.mark.parametrize(
    ("uri", "keep", "path"),
    [
        ("https://example.org/a/b%20c.csv?version=1#top", "none", "b c.csv"),
        ("https://example.org/a/b.csv", "full", "a/b.csv"),
        ("https://example.org/a/b.csv", "suffix", "b.csv"),
        ("https://example.org/", "none", "example.org"),
        ("HTTP://example.org/a%2F..%2fb", "none", "a%2F..%2Fb"),
        ("https://example.org/../%2e%2e", "full", "%2E%2E/%2E%2E"),
        ("https://example.org/a%0Ab%1b", "none", "a%0Ab%1B"),
        ("https://example.org/a/b?pattern=*", "none", "b"),
    ],
)
def test_the_name_of_a_url(session: Session, project: Project, uri: str, keep: str, path: str) -> None:
    assert paths(session, project, uri, keep=keep) == [path]


def test_a_password_is_not_stored(session: Session, project: Project) -> None:
    for uri in ("https://user:hunter2@example.org/x", "https://hunter2@example.org/x"):
        with pytest.raises(InvalidInputError) as caught:
            resolve(session, project, Request([uri]))
        assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/key",
        "dataset://name/latest",
        "javascript:alert(1)",
        "penguins.csv",
        "https://",
        "https://exa mple.org/",
        "https://example.org:99999/",
        "https://[::1/x",
        "https://example.org/\n",
        "https://example.org/*.csv",
        "https://example.org/" + "x" * 10_000,
        "://x",
        "../x",
    ],
)
def test_what_is_no_input_is_refused(session: Session, project: Project, uri: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        resolve(session, project, Request([f"{uri}x" if uri.endswith("\n") else uri]))
    assert caught.value.field == "inputs"
    assert caught.value.message.isprintable()


def test_nothing_asked_is_nothing(session: Session, project: Project) -> None:
    assert resolve(session, project, Request(["", " "])) == []
