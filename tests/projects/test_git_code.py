"""Code from commits of real git repositories, friendly and hostile."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from core.errors import InvalidInputError, NotAllowedError, NotFoundError, UnavailableError
from core.projects.code import pack_commit, unpack
from core.projects.manifest import ManifestError
from tests.projects.archives import contents
from tests.projects.conftest import MANIFEST, Repository

if TYPE_CHECKING:
    from pathlib import Path


def test_a_commit_is_packed(repository: Repository, tmp_path: Path) -> None:
    repository.write("train.py", "print(1)\n")
    repository.write("bin/run", "#!/bin/sh\n", mode=0o755)
    repository.write("naïve name\nwith a line", "odd\n")
    repository.write(".github/workflows/x.yaml", "dot\n")
    (repository.directory / "link").symlink_to("bin/run")
    commit = repository.commit("The subject\n\nand more")
    packed = pack_commit(repository.directory, tmp_path / "code")
    assert packed.identifier == commit
    assert packed.archive == tmp_path / "code" / f"{commit}.tar.gz"
    assert packed.yaml == MANIFEST
    assert packed.description == "The subject"
    assert packed.ref == "main"
    assert packed.committed_at == float(repository.git("log", "-1", "--format=%ct"))
    assert not packed.adhoc
    assert contents(packed.archive) == {
        "valohai.yaml": (MANIFEST, 0o644),
        "train.py": ("print(1)\n", 0o644),
        "bin/run": ("#!/bin/sh\n", 0o755),
        "naïve name\nwith a line": ("odd\n", 0o644),
        ".github/workflows/x.yaml": ("dot\n", 0o644),
        "link": ("-> bin/run", 0o777),
    }


def test_the_working_tree_does_not_matter(repository: Repository, tmp_path: Path) -> None:
    repository.write("train.py", "committed\n")
    repository.commit()
    repository.write("train.py", "changed\n")
    repository.write("new.py")
    (repository.directory / "valohai.yaml").write_text("broken: [")
    assert contents(pack_commit(repository.directory, tmp_path / "code").archive)["train.py"][0] == "committed\n"


def test_a_branch_a_tag_and_a_hash_name_a_commit(repository: Repository, tmp_path: Path) -> None:
    first = repository.commit("first")
    repository.git("tag", "v1")
    repository.git("tag", "--annotate", "v2", "--message", "annotated")
    repository.git("branch", "feature/one")
    repository.write("more")
    repository.commit("second")
    names = {
        revision: (packed.identifier, packed.ref)
        for revision in ("v1", "v2", "feature/one", first, first[:10], "HEAD~1", "main~1")
        for packed in [pack_commit(repository.directory, tmp_path / "code", revision)]
    }
    assert names == {
        "v1": (first, "v1"),
        "v2": (first, "v2"),
        "feature/one": (first, "feature/one"),
        first: (first, None),
        first[:10]: (first, None),
        "HEAD~1": (first, None),
        "main~1": (first, None),
    }


@pytest.mark.parametrize(
    "revision",
    [
        "",
        "-x",
        "^main",
        "--upload-pack=touch pwned",
        "--output=pwned",
        "--",
        "-",
        "main\n",
        "a\0b",
        "\x1b[31m",
        "--all",
    ],
)
def test_a_revision_that_is_an_option_is_refused(revision: str, repository: Repository, tmp_path: Path) -> None:
    repository.commit()
    with pytest.raises(InvalidInputError, match="is not a revision") as caught:
        pack_commit(repository.directory, tmp_path / "code", revision)
    assert caught.value.field == "revision"
    assert not (repository.directory / "pwned").exists()


@pytest.mark.parametrize("revision", ["nope", "HEAD:valohai.yaml", "main..v1", "HEAD^{tree}", ":/nothing", "@{-9}"])
def test_what_names_no_commit_is_not_found(revision: str, repository: Repository, tmp_path: Path) -> None:
    repository.commit()
    with pytest.raises(NotFoundError, match="has no commit") as caught:
        pack_commit(repository.directory, tmp_path / "code", revision)
    assert caught.value.field == "revision"
    assert not (tmp_path / "code").exists()


def test_a_repository_without_commits_says_so(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"has no commit 'HEAD': commit first.*--adhoc"):
        pack_commit(repository.directory, tmp_path / "code")


def test_no_repository_says_so(plain: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is not in a git repository: run `git init`"):
        pack_commit(plain, tmp_path / "code")


def test_no_directory_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(InvalidInputError, match="is not a directory"):
            pack_commit(path, tmp_path / "code")


def test_no_git_says_so(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="git is not installed"):
        pack_commit(repository.directory, tmp_path / "code")


def test_the_manifest_must_be_in_the_commit(repository: Repository, tmp_path: Path) -> None:
    repository.git("commit", "--quiet", "--allow-empty", "--message", "nothing in it")
    with pytest.raises(NotFoundError, match=r"valohai\.yaml is not in commit") as caught:
        pack_commit(repository.directory, tmp_path / "code")
    assert caught.value.field == "yaml_path"


def test_the_manifest_must_be_a_file(repository: Repository, tmp_path: Path) -> None:
    (repository.directory / "linked.yaml").symlink_to("valohai.yaml")
    repository.commit()
    with pytest.raises(InvalidInputError, match="not a regular file"):
        pack_commit(repository.directory, tmp_path / "code", yaml_path="linked.yaml")


def test_a_broken_manifest_packs_nothing(repository: Repository, tmp_path: Path) -> None:
    repository.write("sub/other.yaml", "- step: {name: a}\n")
    repository.commit()
    with pytest.raises(ManifestError, match=r"sub/other\.yaml"):
        pack_commit(repository.directory, tmp_path / "code", yaml_path="sub/other.yaml")
    assert not (tmp_path / "code").exists()


def test_a_huge_manifest_is_not_read_whole(repository: Repository, tmp_path: Path) -> None:
    repository.write("valohai.yaml", "#" * 20_000_000)
    repository.write("z", "after\n")
    repository.commit()
    with pytest.raises(ManifestError, match="more than 1024 KiB"):
        pack_commit(repository.directory, tmp_path / "code")


def test_a_directory_of_a_repository_is_packed_alone(repository: Repository, tmp_path: Path) -> None:
    repository.write("one/valohai.yaml", MANIFEST)
    repository.write("one/deep/code.py")
    repository.write("two/valohai.yaml", MANIFEST.replace("train", "other"))
    repository.commit()
    one = pack_commit(repository.directory / "one", tmp_path / "code")
    two = pack_commit(repository.directory / "two", tmp_path / "code")
    whole = pack_commit(repository.directory, tmp_path / "code")
    assert sorted(contents(one.archive)) == ["deep/code.py", "valohai.yaml"]
    assert one.identifier == two.identifier == whole.identifier
    assert len({one.archive, two.archive, whole.archive}) == 3
    assert (one.yaml, two.yaml) == (MANIFEST, MANIFEST.replace("train", "other"))


def test_what_lies_there_already_is_not_packed_again(repository: Repository, tmp_path: Path) -> None:
    repository.commit()
    first = pack_commit(repository.directory, tmp_path / "code")
    written = first.archive.stat()
    assert pack_commit(repository.directory, tmp_path / "code") == first
    assert first.archive.stat() == written


def test_the_same_commit_is_the_same_bytes(repository: Repository, tmp_path: Path) -> None:
    repository.write("a/b.py")
    repository.commit()
    repository.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    one = pack_commit(repository.directory, tmp_path / "one")
    two = pack_commit(tmp_path / "clone", tmp_path / "two")
    assert one.archive.read_bytes() == two.archive.read_bytes()


def test_nothing_that_a_repository_configures_is_run(repository: Repository, tmp_path: Path) -> None:
    trap = f"touch {tmp_path}/pwned;"
    hook = repository.write(".evil/post-checkout", f"#!/bin/sh\n{trap}", mode=0o755)
    repository.write(".gitattributes", "* filter=evil diff=evil\nhidden.py export-ignore\nversion.py export-subst\n")
    repository.write("hidden.py", "hidden\n")
    repository.write("version.py", "$Format:%H$\n")
    repository.write("crlf.txt", "a\n")
    repository.commit()
    for name in ("post-checkout", "fsmonitor-watchman", "reference-transaction", "post-index-change"):
        shutil.copy(hook, repository.directory / ".git" / "hooks" / name)
    settings = {
        "core.fsmonitor": trap,
        "core.hooksPath": str(repository.directory / ".evil"),
        "core.pager": trap,
        "core.autocrlf": "true",
        "filter.evil.smudge": trap + " cat",
        "filter.evil.clean": trap + " cat",
        "filter.evil.process": trap,
        "diff.external": trap,
        "tar.tar.gz.command": trap,
        "log.showSignature": "true",
        "gpg.program": trap,
        "alias.ls-tree": f"!{trap}",
    }
    for key, value in settings.items():
        repository.git("config", key, value)
    packed = contents(pack_commit(repository.directory, tmp_path / "code").archive)
    assert packed["hidden.py"][0] == "hidden\n"
    assert packed["version.py"][0] == "$Format:%H$\n"
    assert packed["crlf.txt"][0] == "a\n"
    assert not (tmp_path / "pwned").exists()


def test_a_missing_object_is_not_fetched(repository: Repository, tmp_path: Path) -> None:
    repository.write("lost.py", "lost\n")
    repository.commit()
    lost = repository.git("rev-parse", "HEAD:lost.py")
    (repository.directory / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    for key, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": f"ext::sh -c touch% {tmp_path}/pwned",
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": f"touch {tmp_path}/pwned;",
        "protocol.ext.allow": "always",
    }.items():
        repository.git("config", key, value)
    with pytest.raises(UnavailableError, match="lacks the object"):
        pack_commit(repository.directory, tmp_path / "code")
    assert not (tmp_path / "pwned").exists()
    assert list((tmp_path / "code").iterdir()) == []


def test_a_damaged_object_is_not_packed(repository: Repository, tmp_path: Path) -> None:
    repository.write("code.py", os.urandom(100_000))
    repository.commit()
    damaged = repository.git("rev-parse", "HEAD:code.py")
    path = repository.directory / ".git" / "objects" / damaged[:2] / damaged[2:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(UnavailableError):
        pack_commit(repository.directory, tmp_path / "code")
    assert list((tmp_path / "code").iterdir()) == []


def test_variables_of_git_do_not_lead_elsewhere(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository.commit()
    other = Repository(tmp_path / "other")
    other.write("valohai.yaml", MANIFEST.replace("train", "other"))
    other.commit()
    monkeypatch.setenv("GIT_DIR", str(other.directory / ".git"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.directory / ".git" / "objects"))
    assert pack_commit(repository.directory, tmp_path / "code").identifier == commit


def test_a_replaced_object_is_not_what_the_hash_says(repository: Repository, tmp_path: Path) -> None:
    repository.write("code.py", "real\n")
    repository.commit()
    repository.write("fake.py", "fake\n")
    fake, real = repository.git("hash-object", "-w", "fake.py"), repository.git("rev-parse", "HEAD:code.py")
    repository.git("replace", real, fake)
    assert contents(pack_commit(repository.directory, tmp_path / "code").archive)["code.py"][0] == "real\n"


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "a/../../outside"])
def test_a_link_that_leads_outside_is_refused(target: str, repository: Repository, tmp_path: Path) -> None:
    (repository.directory / "escape").symlink_to(target)
    repository.commit()
    with pytest.raises(InvalidInputError, match="'escape' to") as caught:
        pack_commit(repository.directory, tmp_path / "code")
    assert caught.value.field == "escape"
    assert list((tmp_path / "code").iterdir()) == []


def test_a_tree_with_names_that_lead_outside_is_refused(repository: Repository, tmp_path: Path) -> None:
    repository.write("evil", "evil\n")
    blob = repository.git("hash-object", "-w", "evil")
    manifest = repository.git("hash-object", "-w", "valohai.yaml")
    inner = b"100644 outside\0" + bytes.fromhex(blob)
    (tmp_path / "inner").write_bytes(inner)
    inner_tree = repository.git("hash-object", "-w", "-t", "tree", "--literally", str(tmp_path / "inner"))
    outer = b"40000 ..\0" + bytes.fromhex(inner_tree) + b"100644 valohai.yaml\0" + bytes.fromhex(manifest)
    (tmp_path / "outer").write_bytes(outer)
    tree = repository.git("hash-object", "-w", "-t", "tree", "--literally", str(tmp_path / "outer"))
    commit = repository.git("commit-tree", tree, "-m", "evil")
    with pytest.raises(InvalidInputError, match=r"'\.\./outside' leads outside"):
        pack_commit(repository.directory, tmp_path / "code", commit)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_repository_of_another_user_is_not_read(repository: Repository, tmp_path: Path) -> None:
    repository.commit()
    os.chown(repository.directory, 12345, 12345)
    with pytest.raises(NotAllowedError, match=r"belongs to another user.*safe\.directory") as caught:
        pack_commit(repository.directory, tmp_path / "code")
    assert caught.value.field == "directory"


def test_a_bare_repository_in_the_tree_is_not_used(repository: Repository, tmp_path: Path) -> None:
    repository.git("clone", "--quiet", "--bare", ".", "inner")
    with pytest.raises(NotFoundError, match="is not in a git repository"):
        pack_commit(repository.directory / "inner", tmp_path / "code")


@pytest.fixture
def library(tmp_path: Path) -> Repository:
    library = Repository(tmp_path / "library")
    library.write("lib.py", "library\n")
    library.commit()
    return library


def test_submodules_come_along(repository: Repository, library: Repository, tmp_path: Path) -> None:
    repository.git("submodule", "add", "--quiet", str(library.directory), "vendor/lib")
    repository.commit()
    pinned = contents(pack_commit(repository.directory, tmp_path / "code").archive)
    assert pinned["vendor/lib/lib.py"][0] == "library\n"
    assert "vendor/lib/.git" not in pinned
    (repository.directory / "vendor/lib/lib.py").write_text("changed\n")
    assert contents(pack_commit(repository.directory, tmp_path / "again").archive) == pinned


def test_a_submodule_that_is_not_here_is_named(repository: Repository, library: Repository, tmp_path: Path) -> None:
    repository.git("submodule", "add", "--quiet", str(library.directory), "vendor/lib")
    repository.commit()
    repository.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    with pytest.raises(InvalidInputError, match=r"'vendor/lib' is not here.*git submodule update --init"):
        pack_commit(tmp_path / "clone", tmp_path / "code")
    assert list((tmp_path / "code").iterdir()) == []


def test_a_packed_commit_unpacks_to_what_was_committed(repository: Repository, tmp_path: Path) -> None:
    repository.write("bin/run", "#!/bin/sh\necho ran\n", mode=0o755)
    repository.write(os.fsdecode(b"not \xff text"), "bytes\n")
    repository.commit()
    unpack(pack_commit(repository.directory, tmp_path / "code").archive, tmp_path / "tree")
    assert (tmp_path / "tree" / os.fsdecode(b"not \xff text")).read_text() == "bytes\n"
    assert os.access(tmp_path / "tree/bin/run", os.X_OK)
