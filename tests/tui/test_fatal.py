"""An error that nobody foresaw ends the console without showing what its variables hold."""

from __future__ import annotations

import logging
import stat
from typing import TYPE_CHECKING

import pytest

from tui.app import Console
from tui.console_log import LARGEST, BoundedHandler, log_path, log_to_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.session import Session

SECRET = "AKIA-nobody-may-read-this"


def fail(_console: Console) -> None:
    """Fail while a secret is in a variable."""
    secret = SECRET
    raise RuntimeError(len(secret))


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The state directory, with the log switched on."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    root = logging.getLogger()
    before = root.level, [*root.handlers]
    log_to_file()
    yield tmp_path / "state"
    root.setLevel(before[0])
    for handler in [*root.handlers]:
        if handler not in before[1]:
            root.removeHandler(handler)
            handler.close()


async def test_no_value_of_a_variable_is_told(
    session: Session, state: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Console, "action_freeze", fail)
    console = Console(session, starts_scheduler=False)
    with pytest.raises(RuntimeError):
        async with console.run_test(notifications=True) as pilot:
            await pilot.press("p")
            await pilot.pause()
    told = capfd.readouterr()
    assert "RuntimeError" in told.err
    assert str(log_path()) in told.err.replace("\n", "")
    written = log_path().read_text()
    assert "in fail" in written
    assert SECRET not in told.err + told.out + written
    assert stat.S_IMODE(log_path().stat().st_mode) == 0o600
    assert state in log_path().parents
    assert console.return_code == 1


def test_the_log_is_bounded_and_the_one_before_is_kept(tmp_path: Path) -> None:
    handler = BoundedHandler(tmp_path / "console.log")
    record = logging.LogRecord("name", logging.ERROR, "", 0, "x" * 10_000, (), None)
    for _ in range(3 * LARGEST // 10_000):
        handler.emit(record)
    handler.close()
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) < LARGEST + 20_000


def test_a_log_that_cannot_be_written_is_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    handler = BoundedHandler(tmp_path / "file" / "console.log")
    handler.emit(logging.LogRecord("name", logging.ERROR, "", 0, "text", (), None))
    assert capfd.readouterr() == ("", "")


def test_a_log_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("theirs")
    (tmp_path / "console.log").symlink_to(tmp_path / "other")
    handler = BoundedHandler(tmp_path / "console.log")
    handler.emit(logging.LogRecord("name", logging.ERROR, "", 0, "text", (), None))
    assert (tmp_path / "other").read_text() == "theirs"
