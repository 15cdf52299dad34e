"""No archive that is accepted leads outside, whatever its links are."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInputError
from core.projects.members import Members

names = st.sampled_from(["a", "b", "a/b", "a/b/c", "b/a", "b/a/c", "c", "../a", "a/../b", "/a", "a//b", ".", ""])
targets = st.sampled_from(
    ["a", "b", ".", "a/b", "..", "../..", "../b", "../../b", "a/..", "a/b/c/..", "b/../..", "c/../.."]
)
members = st.lists(st.tuples(names, st.none() | targets), max_size=6)


@pytest.mark.slow
@settings(max_examples=500)
@given(members)
def test_every_accepted_link_ends_inside(listed: list[tuple[str, str | None]]) -> None:
    accepted = Members()
    with tempfile.TemporaryDirectory() as temporary:
        root = (Path(temporary) / "x" / "y" / "tree").resolve()
        root.mkdir(parents=True)
        made: list[Path] = []
        for name, target in listed:
            with contextlib.suppress(InvalidInputError):
                accepted.add_file(name) if target is None else accepted.add_link(name, target)
                made.append(make(root, name, target))
        for path in made:
            with contextlib.suppress(RuntimeError):  # links in a circle lead nowhere
                assert path.resolve().is_relative_to(root)
        outside = {path.relative_to(temporary) for path in Path(temporary).rglob("*") if root not in path.parents}
        assert outside == {Path("x"), Path("x/y"), Path("x/y/tree")}


def make(root: Path, name: str, target: str | None) -> Path:
    path = root / name
    assert path.parent.resolve().is_relative_to(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    if target is None:
        path.write_text("file")
    else:
        path.symlink_to(target)
    return path
