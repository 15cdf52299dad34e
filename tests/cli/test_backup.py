"""`shoal backup` and `shoal restore`: what they say of the store's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.secrets import Secret, Secrets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from core.home import Home
    from core.session import Session
    from tests.cli.conftest import Ran


def test_a_backup_without_files_says_so_when_made_and_restored(
    run: Callable[[str], Ran],
    linked: Session,
    tmp_path: Path,
) -> None:
    ran = run(f"backup {tmp_path}/backup")
    assert (ran.code, "--files" in ran.err) == (0, True)
    assert run(f"restore {tmp_path}/backup").code == 5
    linked.database.close()
    ran = run(f"restore {tmp_path}/backup --replace")
    assert (ran.code, "not in this backup" in ran.err) == (0, True)


def test_a_backup_with_files_names_what_was_missing(run: Callable[[str], Ran], linked: Session, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n")
    file = linked.files.upload(linked.projects.get("penguins"), tmp_path / "rows.csv")
    assert run(f"backup {tmp_path}/whole --files").err == ""
    linked.files.path(file).unlink()
    assert file.key in run(f"backup {tmp_path}/backup --files").err


def test_a_backup_in_the_home_is_refused(run: Callable[[str], Ran], linked: Session, home: Home) -> None:  # noqa: ARG001
    assert run(f"backup {home.root}/backup").code == 2


def test_a_backup_says_that_the_master_key_is_not_in_it(
    run: Callable[[str], Ran], linked: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    assert "master key" not in run(f"backup {tmp_path}/before").err
    with linked.database.transaction() as connection:
        secrets = Secrets(linked.database, linked.home)
        secrets.put(connection, "hosts", 1, "key", Secret("x"), secrets.sealing_key())
    assert f"keep a copy of {linked.home.master_key}" in run(f"backup {tmp_path}/backup").err
    linked.database.close()
    linked.home.master_key.unlink()
    ran = run(f"restore {tmp_path}/backup --replace")
    assert (ran.code, "put back" in ran.err) == (0, True)
