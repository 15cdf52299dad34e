"""Code from a commit of a local git repository.

The objects are read as they are, not through `git archive`: that one would leave out or change files as attributes
in the repository say, and run the filters that its configuration names.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import InvalidInputError, NotFoundError, UnavailableError
from core.projects.code_archive import PackedCode, printable, writing
from core.projects.git import GitError, Objects, git, objects
from core.projects.manifest import read_manifest
from core.projects.yaml_document import MAXIMUM_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.projects.code_archive import CodeWriter

_LINK = "120000"
_SUBMODULE = "160000"
_EXECUTABLE = "100755"
_MAXIMUM_TARGET = 4096


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: str
    object: str
    name: str


def pack_commit(
    directory: Path, destination: Path, revision: str = "HEAD", *, yaml_path: str = "valohai.yaml"
) -> PackedCode:
    """Pack one commit of the repository that `directory` lies in, from that directory down, into `destination`.

    Raises:
        NotFoundError: no repository, no such revision, or no valohai.yaml in it.
        ManifestError: its valohai.yaml has errors.
        InvalidInputError: something in it leads outside, or a submodule is not here.
    """
    identifier = _resolve(directory, revision)
    entries = list(_entries(directory, identifier))
    with objects(directory) as repository:
        committed_at, description = _commit_facts(repository, identifier)
        yaml = _yaml(repository, entries, yaml_path, f"commit {identifier[:12]}")
    manifest = read_manifest(yaml, name=yaml_path)
    archive = destination / f"{identifier}{_subtree_mark(directory)}.tar.gz"
    if not archive.exists():
        with writing(archive) as writer:
            _write(directory, entries, writer)
    return PackedCode(
        identifier, archive, manifest.text, description, _ref(directory, revision), committed_at, adhoc=False
    )


def yaml_of(directory: Path, revision: str, yaml_path: str) -> bytes:
    """Return what the valohai.yaml of a commit holds.

    Raises:
        NotFoundError: no repository, no such revision, or no valohai.yaml in it.
    """
    identifier = _resolve(directory, revision)
    entries = list(_entries(directory, identifier))
    with objects(directory) as repository:
        return _yaml(repository, entries, yaml_path, f"commit {identifier[:12]}")


def _resolve(directory: Path, revision: str) -> str:
    if not revision or revision[0] in "-^" or not revision.isprintable():
        message = f"{revision!r} is not a revision: give a branch, a tag or a commit's hash"
        raise InvalidInputError(message, field="revision")
    try:
        verified = git(directory, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    except GitError as error:
        message = f"{directory} has no commit {revision!r}: commit first, see `git log`, or run with --adhoc"
        raise NotFoundError(message, field="revision") from error
    return verified.decode().strip()


def _ref(directory: Path, revision: str) -> str | None:
    """Return the name of the branch or tag, None for a hash or an expression."""
    try:
        full = git(directory, "rev-parse", "--symbolic-full-name", "--end-of-options", revision).decode().split("\n")
    except GitError:
        return None
    names = [line for line in full if line.startswith("refs/")]
    return names[0].split("/", 2)[2] if names else None


def _entries(directory: Path, commit: str) -> Iterator[_Entry]:
    listing = git(directory, "ls-tree", "-r", "-z", commit)
    for line in listing.split(b"\0")[:-1]:
        facts, _, name = line.partition(b"\t")
        mode, _kind, identifier = facts.decode().split()
        yield _Entry(mode, identifier, os.fsdecode(name))


def _commit_facts(repository: Objects, commit: str) -> tuple[float | None, str]:
    headers, _, message = repository.read(commit, MAXIMUM_BYTES).decode(errors="replace").partition("\n\n")
    committer = next((line for line in headers.split("\n") if line.startswith("committer ")), "")
    subject = printable(message.strip().partition("\n")[0])
    seconds = committer.split()[-2:-1]
    try:
        return float(int(seconds[0])), subject
    except (ValueError, IndexError, OverflowError):
        return None, subject


def _yaml(repository: Objects, entries: list[_Entry], yaml_path: str, where: str) -> bytes:
    entry = next((entry for entry in entries if entry.name == yaml_path), None)
    if entry is None:
        message = f"{yaml_path} is not in {where}: commit it, or run with --adhoc"
        raise NotFoundError(message, field="yaml_path")
    if entry.mode in {_LINK, _SUBMODULE}:
        message = f"{yaml_path} is not a regular file in {where}: commit it as one"
        raise InvalidInputError(message, field="yaml_path")
    return repository.read(entry.object, MAXIMUM_BYTES + 1)


def _subtree_mark(directory: Path) -> str:
    # One commit packed from two directories of its repository is two archives.
    prefix = git(directory, "rev-parse", "--show-prefix").removesuffix(b"\n")
    return f"-{hashlib.sha256(prefix).hexdigest()[:12]}" if prefix else ""


def _write(directory: Path, entries: list[_Entry], writer: CodeWriter, prefix: str = "") -> None:
    submodules = [entry for entry in entries if entry.mode == _SUBMODULE]
    with objects(directory) as repository:
        for entry in entries:
            name = prefix + entry.name
            if entry.mode == _LINK:
                writer.add_link(name, os.fsdecode(repository.read(entry.object, _MAXIMUM_TARGET)))
            elif entry.mode != _SUBMODULE:
                _write_file(repository, entry, writer, name)
    for entry in submodules:
        _write_submodule(directory / entry.name, entry, writer, f"{prefix}{entry.name}/")


def _write_file(repository: Objects, entry: _Entry, writer: CodeWriter, name: str) -> None:
    stream, size = repository.open(entry.object)
    try:
        writer.add_file(name, stream, size, executable=entry.mode == _EXECUTABLE)
    except EOFError as error:
        message = f"git ended while it gave {name!r}: check the repository with `git fsck`"
        raise UnavailableError(message) from error
    repository.close()


def _write_submodule(directory: Path, entry: _Entry, writer: CodeWriter, prefix: str) -> None:
    try:
        if not (directory / ".git").exists():
            raise FileNotFoundError(directory)
        entries = list(_entries(directory, entry.object))
    except (GitError, FileNotFoundError) as error:
        message = (
            f"the submodule {prefix[:-1]!r} is not here at {entry.object[:12]}: run `git submodule update --init "
            "--recursive`, or run with --adhoc"
        )
        raise InvalidInputError(message, field=prefix[:-1]) from error
    _write(directory, entries, writer, prefix)
