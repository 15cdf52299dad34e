"""The working tree, packed as it is: which files, under which name, and what cannot be packed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.errors import InvalidInputError, NotAllowedError, NotFoundError
from core.projects import adhoc_packer
from core.projects.code import PackedCode, pack_working_tree, unpack
from core.projects.manifest import ManifestError
from tests.projects.archives import contents
from tests.projects.conftest import MANIFEST, Repository

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


def names(packed: PackedCode) -> list[str]:
    return sorted(contents(packed.archive))


def fill(directory: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_the_working_tree_is_packed(repository: Repository, tmp_path: Path) -> None:
    repository.write("train.py", "old\n")
    repository.write("gone.py")
    repository.commit()
    repository.write("train.py", "new\n", mode=0o600)
    repository.write("untracked.sh", "#!/bin/sh\n", mode=0o700)
    (repository.directory / "gone.py").unlink()
    packed = pack_working_tree(repository.directory, tmp_path / "code")
    assert packed.adhoc
    assert packed.ref is None
    assert packed.committed_at is None
    assert packed.yaml == MANIFEST
    assert packed.description == "ad hoc from repository: 3 files"
    assert packed.identifier.startswith("~")
    assert packed.archive == tmp_path / "code" / f"{packed.identifier[1:]}.tar.gz"
    assert contents(packed.archive) == {
        "valohai.yaml": (MANIFEST, 0o644),
        "train.py": ("new\n", 0o644),
        "untracked.sh": ("#!/bin/sh\n", 0o755),
    }


def test_git_says_what_is_ignored(repository: Repository, tmp_path: Path) -> None:
    fill(
        repository.directory,
        {
            ".gitignore": "*.log\n/data/\n",
            ".github/x.yaml": "",
            "src/.hidden": "",
            "src/code.py": "",
            "src/.gitignore": "local\n",
            "src/local": "",
            "data/big": "",
            "a.log": "",
        },
    )
    (repository.directory / ".git" / "info" / "exclude").write_text("excluded\n")
    fill(repository.directory, {"excluded": ""})
    assert names(pack_working_tree(repository.directory, tmp_path / "code")) == [
        "src/.gitignore",
        "src/.hidden",
        "src/code.py",
        "valohai.yaml",
    ]


def test_vhignore_leaves_out_more(repository: Repository, tmp_path: Path) -> None:
    fill(
        repository.directory,
        {
            ".vhignore": "# data\n*.bin\n!keep.bin\n/top\ndirectory/\nsub/**/deep\n",
            "a.bin": "",
            "keep.bin": "",
            "top": "",
            "sub/top": "",
            "directory/a": "",
            "sub/directory/a": "",
            "sub/x/y/deep": "",
        },
    )
    repository.git("add", "a.bin")
    assert names(pack_working_tree(repository.directory, tmp_path / "code")) == ["keep.bin", "sub/top", "valohai.yaml"]


def test_without_a_repository_the_directory_is_walked(plain: Path, tmp_path: Path) -> None:
    fill(
        plain,
        {
            ".gitignore": "*.log\nout/\n",
            ".vhignore": "*.bin\n",
            "a.log": "",
            "out/x": "",
            "x.bin": "",
            ".env": "",
            ".venv/lib.py": "",
            "src/.hidden": "",
            "src/code.py": "",
        },
    )
    (plain / "linked").symlink_to("src")
    packed = pack_working_tree(plain, tmp_path / "code")
    assert names(packed) == ["linked", "src/code.py", "valohai.yaml"]


def test_without_git_the_directory_is_walked(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(repository.directory, {"code.py": ""})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert names(pack_working_tree(repository.directory, tmp_path / "code")) == ["code.py", "valohai.yaml"]


def test_a_directory_below_a_repository_is_packed_alone(repository: Repository, tmp_path: Path) -> None:
    fill(repository.directory, {".gitignore": "*.log\n", "one/valohai.yaml": MANIFEST, "one/a.log": "", "two/b": ""})
    assert names(pack_working_tree(repository.directory / "one", tmp_path / "code")) == ["valohai.yaml"]


def test_repositories_inside_come_along(repository: Repository, tmp_path: Path) -> None:
    library = Repository(tmp_path / "library")
    library.write("lib.py")
    library.write(".gitignore", "built\n")
    library.commit()
    repository.git("submodule", "add", "--quiet", str(library.directory), "vendor/lib")
    fill(repository.directory, {"vendor/lib/new.py": "", "vendor/lib/built": ""})
    nested = Repository(repository.directory / "nested")
    nested.write("inner.py")
    assert names(pack_working_tree(repository.directory, tmp_path / "code")) == [
        "nested/inner.py",
        "valohai.yaml",
        "vendor/lib/.gitignore",
        "vendor/lib/lib.py",
        "vendor/lib/new.py",
    ]
    repository.git("add", "valohai.yaml")
    repository.git("commit", "--quiet", "--message", "with a submodule")
    repository.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    assert names(pack_working_tree(tmp_path / "clone", tmp_path / "code")) == ["valohai.yaml"]


FILES = {"valohai.yaml": MANIFEST, "b/ä.py": "print()\n", "b/run": "#!/bin/sh\n", "a.txt": "x" * 100_000, "c/empty": ""}


def checkout(directory: Path, *, reverse: bool, mode: int, at: float) -> Path:
    directory.mkdir()
    for name in sorted(FILES, reverse=reverse):
        fill(directory, {name: FILES[name]})
        (directory / name).chmod(mode | (0o100 if name == "b/run" else 0))
        os.utime(directory / name, (at, at))
    (directory / "link").symlink_to("b/run")
    (directory / "absolute").symlink_to(directory / "b" / "ä.py")
    return directory


def test_the_same_content_has_the_same_name_everywhere(tmp_path: Path) -> None:
    one = checkout(tmp_path / "one", reverse=False, mode=0o600, at=1_000_000)
    two = Repository(checkout(tmp_path / "two", reverse=True, mode=0o664, at=time.time())).directory
    script = (
        "import os, sys, pathlib\n"
        "from core.projects.code import pack_working_tree\n"
        "os.umask(int(sys.argv[3], 8))\n"
        "print(pack_working_tree(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])).identifier)\n"
    )
    identifiers = [
        subprocess.run(
            [sys.executable, "-c", script, str(directory), str(tmp_path / f"code{umask}"), umask],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for directory, umask in ((one, "077"), (two, "000"), (one, "002"))
    ]
    assert len(set(identifiers)) == 1
    archives = [next((tmp_path / f"code{umask}").iterdir()) for umask in ("077", "000", "002")]
    assert len({archive.read_bytes() for archive in archives}) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda directory: (directory / "code.py").write_text("other\n"),
        lambda directory: (directory / "code.py").chmod(0o755),
        lambda directory: (directory / "code.py").rename(directory / "renamed.py"),
        lambda directory: (directory / "new").touch(),
        lambda directory: (directory / "link").symlink_to("code.py"),
    ],
)
def test_other_content_has_another_name(change: Callable[[Path], object], plain: Path, tmp_path: Path) -> None:
    fill(plain, {"code.py": "content\n"})
    before = pack_working_tree(plain, tmp_path / "code").identifier
    change(plain)
    assert pack_working_tree(plain, tmp_path / "code").identifier != before


def test_what_lies_there_already_is_not_packed_again(plain: Path, tmp_path: Path) -> None:
    first = pack_working_tree(plain, tmp_path / "code")
    written = first.archive.stat()
    assert pack_working_tree(plain, tmp_path / "code") == first
    assert first.archive.stat() == written


def test_a_packed_tree_unpacks_to_itself(plain: Path, tmp_path: Path) -> None:
    odd = ["line\nbreak", "tab\t", "\x1b[31mred", "back\\slash", " ", "-rf", "*", "ünï", os.fsdecode(b"not \xff text")]
    fill(plain, {f"d/{name}": name.encode("utf-8", "surrogateescape").hex() for name in odd})
    (plain / "link").symlink_to("d/-rf")
    unpack(pack_working_tree(plain, tmp_path / "code").archive, tmp_path / "tree")
    assert sorted(path.name for path in (tmp_path / "tree/d").iterdir()) == sorted(odd)
    assert (tmp_path / "tree/link").readlink() == Path("d/-rf")
    with tarfile.open(next((tmp_path / "code").iterdir())) as tar:
        assert {member.mtime for member in tar} == {946_684_800}, "a time that zip files can hold"


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "..", "../plain/valohai.yaml", "d/../../outside", "/proc/self/root", "d/../valohai.yaml"]
)
def test_a_link_that_leads_outside_is_named(target: str, plain: Path, tmp_path: Path) -> None:
    (plain / "d").mkdir()
    (plain / "escape").symlink_to(target)
    with pytest.raises(InvalidInputError, match=r"the link 'escape' .*\.vhignore") as caught:
        pack_working_tree(plain, tmp_path / "code")
    assert caught.value.field == "escape"
    (plain / ".vhignore").write_text("escape\n")
    assert names(pack_working_tree(plain, tmp_path / "code")) == ["valohai.yaml"]


def test_a_link_inside_is_kept_also_to_nothing(plain: Path, tmp_path: Path) -> None:
    fill(plain, {"a/b/file": ""})
    (plain / "a/b/up").symlink_to("../../valohai.yaml")
    (plain / "a/directory").symlink_to("b")
    (plain / "a/nothing").symlink_to("missing")
    packed = contents(pack_working_tree(plain, tmp_path / "code").archive)
    assert packed["a/b/up"][0] == "-> ../../valohai.yaml"
    assert packed["a/directory"][0] == "-> b"
    assert packed["a/nothing"][0] == "-> missing"


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's address is at most 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize("make", [os.mkfifo, make_socket])
def test_what_is_no_file_is_named(make: Callable[[Path], None], plain: Path, tmp_path: Path) -> None:
    make(plain / "odd")
    with pytest.raises(InvalidInputError, match=r"the file 'odd' .*\.vhignore") as caught:
        pack_working_tree(plain, tmp_path / "code")
    assert caught.value.field == "odd"


def test_a_pipe_in_place_of_a_committed_file_is_named(repository: Repository, tmp_path: Path) -> None:
    repository.write("code.py")
    repository.commit()
    (repository.directory / "code.py").unlink()
    os.mkfifo(repository.directory / "code.py")
    with pytest.raises(InvalidInputError, match=r"'code\.py' is not a file"):
        pack_working_tree(repository.directory, tmp_path / "code")


def test_a_directory_that_became_a_link_is_not_looked_behind(repository: Repository, tmp_path: Path) -> None:
    fill(tmp_path, {"secret/key": "secret\n"})
    repository.write("d/key", "public\n")
    repository.commit()
    (repository.directory / "d/key").unlink()
    (repository.directory / "d").rmdir()
    (repository.directory / "d").symlink_to("../secret")
    with pytest.raises(InvalidInputError, match="the link 'd'"):
        pack_working_tree(repository.directory, tmp_path / "code")
    (repository.directory / ".vhignore").write_text("/d\n")
    assert names(pack_working_tree(repository.directory, tmp_path / "code")) == ["valohai.yaml"]


def test_a_directory_that_became_a_link_inside_is_that_link(repository: Repository, tmp_path: Path) -> None:
    repository.write("d/key")
    repository.commit()
    (repository.directory / "d").rename(repository.directory / "e")
    (repository.directory / "d").symlink_to("e")
    packed = pack_working_tree(repository.directory, tmp_path / "code")
    assert names(packed) == ["d", "e/key", "valohai.yaml"]


class Meddler:
    """Changes the tree when so many bytes were read."""

    def __init__(self, at: int, action: Callable[[], object]) -> None:
        self._at = at
        self._action: Callable[[], object] | None = action

    def __call__(self, done: int, _total: int) -> None:
        if done >= self._at and self._action is not None:
            action, self._action = self._action, None
            action()


@pytest.mark.parametrize("half", [0, 1], ids=["while named", "while packed"])
@pytest.mark.parametrize("action", ["vanish", "grow", "change", "link", "directory"])
def test_a_file_that_changes_meanwhile_is_named(action: str, half: int, plain: Path, tmp_path: Path) -> None:
    fill(plain, {"a": "a" * 1000, "z": "z" * 1000})
    target = plain / "z"

    def replace_by_link() -> None:
        target.unlink()
        target.symlink_to("/etc/passwd")

    def replace_by_directory() -> None:
        target.unlink()
        target.mkdir()

    actions: dict[str, Callable[[], object]] = {
        "vanish": target.unlink,
        "grow": lambda: target.write_text("z" * 1001),
        "change": lambda: target.write_text("y" * 1000),
        "link": replace_by_link,
        "directory": replace_by_directory,
    }
    size = 2000 + len(MANIFEST)
    begin = half * size + 1
    packing = Meddler(begin, actions[action])
    if half == 0 and action in {"grow", "change"}:
        assert names(pack_working_tree(plain, tmp_path / "code", progress=packing)) == ["a", "valohai.yaml", "z"]
        return
    with pytest.raises(InvalidInputError, match="'z'") as caught:
        pack_working_tree(plain, tmp_path / "code", progress=packing)
    assert caught.value.field == "z"
    assert "vhignore" in caught.value.message
    assert not (tmp_path / "code").exists() or list((tmp_path / "code").iterdir()) == []


def test_a_file_that_grows_while_it_is_read_is_named(plain: Path, tmp_path: Path) -> None:
    with (plain / "growing.log").open("wb") as log:
        log.write(b"x" * 3_000_000)
        log.flush()

        def grow(_done: int, _total: int) -> None:
            log.write(b"more\n")
            log.flush()

        with pytest.raises(InvalidInputError, match=r"'growing\.log' changed or vanished"):
            pack_working_tree(plain, tmp_path / "code", progress=grow)


def progress_of(directory: Path, code: Path) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    pack_working_tree(directory, code, progress=lambda *step: seen.append(step))
    return seen


def test_progress_goes_from_nothing_to_all(plain: Path, tmp_path: Path) -> None:
    fill(plain, {"big": "x" * 5_000_000})
    total = 2 * (5_000_000 + len(MANIFEST))
    for _again in range(2):
        seen = progress_of(plain, tmp_path / "code")
        assert seen[-1] == (total, total)
        assert [done for done, _ in seen] == sorted(done for done, _ in seen)
        assert {of for _, of in seen} == {total}


def test_too_many_files_are_refused(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert adhoc_packer.MAXIMUM_FILES == 10_000
    monkeypatch.setattr(adhoc_packer, "MAXIMUM_FILES", 5)
    fill(plain, {str(number): "" for number in range(5)})
    with pytest.raises(InvalidInputError, match=r"holds 6 files, 5 at most .*\.vhignore"):
        pack_working_tree(plain, tmp_path / "code")


def test_a_tree_too_large_when_packed_is_refused(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert adhoc_packer.MAXIMUM_PACKED_BYTES == 1000 * 1024 * 1024
    monkeypatch.setattr(adhoc_packer, "MAXIMUM_PACKED_BYTES", 1024 * 1024)
    (plain / "noise").write_bytes(os.urandom(2_000_000))
    with pytest.raises(InvalidInputError, match="larger than 1 MiB when packed"):
        pack_working_tree(plain, tmp_path / "code")
    assert list((tmp_path / "code").iterdir()) == []
    (plain / "noise").write_bytes(bytes(20_000_000))
    assert len(names(pack_working_tree(plain, tmp_path / "code"))) == 2


def test_the_manifest_must_be_there(plain: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"has no other\.yaml: write one with `shoal init`") as caught:
        pack_working_tree(plain, tmp_path / "code", yaml_path="other.yaml")
    assert caught.value.field == "yaml_path"
    (plain / ".vhignore").write_text("*.yaml\n")
    with pytest.raises(NotFoundError, match=r"valohai\.yaml is left out by \.vhignore"):
        pack_working_tree(plain, tmp_path / "code")


def test_a_broken_manifest_packs_nothing(plain: Path, tmp_path: Path) -> None:
    (plain / "valohai.yaml").write_text("- step: {name: a}\n")
    with pytest.raises(ManifestError):
        pack_working_tree(plain, tmp_path / "code")
    assert not (tmp_path / "code").exists()


@pytest.mark.parametrize("content", [b"[z-a]\n", b"!\n", b"\xff\n", b"***/***\n", b"a\x00b\n"])
def test_an_odd_vhignore_is_read_or_refused(content: bytes, plain: Path, tmp_path: Path) -> None:
    (plain / ".vhignore").write_bytes(content)
    try:
        assert "valohai.yaml" in names(pack_working_tree(plain, tmp_path / "code"))
    except InvalidInputError as error:
        assert error.field == ".vhignore"  # noqa: PT017 - either is fine, nothing else is


def test_a_vhignore_that_is_no_file_is_refused(plain: Path, tmp_path: Path) -> None:
    os.mkfifo(plain / ".vhignore")
    with pytest.raises(InvalidInputError, match="is not a text file"):
        pack_working_tree(plain, tmp_path / "code")


def test_no_directory_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="is not a directory"):
        pack_working_tree(tmp_path / "none", tmp_path / "code")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_repository_of_another_user_is_not_read(repository: Repository, tmp_path: Path) -> None:
    os.chown(repository.directory, 12345, 12345)
    with pytest.raises(NotAllowedError, match="belongs to another user"):
        pack_working_tree(repository.directory, tmp_path / "code")


def test_nothing_that_a_repository_configures_is_run(repository: Repository, tmp_path: Path) -> None:
    trap = f"touch {tmp_path}/pwned;"
    repository.write(".gitattributes", "* filter=evil\n")
    for key in ("core.fsmonitor", "filter.evil.clean", "filter.evil.process", "core.pager"):
        repository.git("config", key, trap)
    assert names(pack_working_tree(repository.directory, tmp_path / "code")) == ["valohai.yaml"]
    assert not (tmp_path / "pwned").exists()


def test_a_repository_whose_tree_is_elsewhere_gives_nothing_of_it(repository: Repository, tmp_path: Path) -> None:
    repository.git("config", "core.worktree", "/etc")
    with pytest.raises(NotFoundError):
        pack_working_tree(repository.directory, tmp_path / "code")


def test_a_killed_packing_leaves_nothing_that_counts(plain: Path, tmp_path: Path) -> None:
    (plain / "noise").write_bytes(os.urandom(50_000))
    script = (
        "import pathlib, resource, signal, sys\n"
        "from core.projects.code import pack_working_tree\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "pack_working_tree(*map(pathlib.Path, sys.argv[1:]))\n"
    )
    code = tmp_path / "code"
    killed = subprocess.run([sys.executable, "-c", script, str(plain), str(code)], cwd=ROOT, check=False)
    assert killed.returncode < 0
    (leftover,) = code.iterdir()
    packed = pack_working_tree(plain, code)
    assert names(packed) == ["noise", "valohai.yaml"]
    assert leftover.exists(), "another process may be writing it"
    os.utime(leftover, (0, 0))
    (plain / "new").touch()
    pack_working_tree(plain, code)
    assert not leftover.exists()
