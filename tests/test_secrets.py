"""Secrets at rest: they open where they were put, with the master key that sealed them, and nowhere else."""

from __future__ import annotations

import base64
import copy
import logging
import os
import pickle
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING

import pytest

from core import master_key
from core.backup import back_up, restore
from core.doctor import examine
from core.errors import InvalidInputError, UnavailableError
from core.home import Home
from core.secrets import LONGEST, Secret, Secrets, why_sealed
from core.shoal import Shoal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VALUE = "-----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNzaC1rZXktdjEAAAAA"
PLACE = ("hosts", 7, "ssh_key")


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a desktop nor a systemd unit, whatever this machine is."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def secrets(shoal: Shoal) -> Secrets:
    return Secrets(shoal.database, shoal.home)


@pytest.fixture
def sealed(shoal: Shoal, secrets: Secrets) -> Secrets:
    """Secrets that hold one, at PLACE."""
    with shoal.database.transaction() as connection:
        secrets.put(connection, *PLACE, Secret(VALUE), secrets.sealing_key())
    return secrets


def opened(shoal: Shoal, secrets: Secrets, place: tuple[str, int, str] = PLACE) -> str | None:
    secret = secrets.get(shoal.database.reader(), *place)
    return None if secret is None else secret.reveal()


@pytest.mark.parametrize("value", ["x", VALUE, "é\udcff\0\n", "a" * LONGEST])
def test_what_was_put_opens(shoal: Shoal, secrets: Secrets, value: str) -> None:
    with shoal.database.transaction() as connection:
        secrets.put(connection, *PLACE, Secret("before"), secrets.sealing_key())
        secrets.put(connection, *PLACE, Secret(value), secrets.sealing_key())
    assert opened(shoal, Secrets(shoal.database, shoal.home)) == value
    assert opened(shoal, secrets, ("hosts", 8, "ssh_key")) is None


@pytest.mark.parametrize("value", ["", "a" * (LONGEST + 1)])
def test_what_cannot_be_a_secret(shoal: Shoal, secrets: Secrets, value: str) -> None:
    with shoal.database.transaction() as connection, pytest.raises(InvalidInputError, match="ssh_key"):
        secrets.put(connection, *PLACE, Secret(value), secrets.sealing_key())


def test_the_same_twice_looks_different_and_neither_shows(shoal: Shoal, sealed: Secrets) -> None:
    with shoal.database.transaction() as connection:
        sealed.put(connection, "hosts", 8, "ssh_key", Secret(VALUE), sealed.sealing_key())
        first, second = (row[0] for row in connection.execute("SELECT sealed FROM secrets"))
    assert first[17:] != second[17:]
    shoal.close()
    written = b"".join(path.read_bytes() for path in shoal.home.root.glob("shoal.db*"))
    assert VALUE[20:40].encode() not in written


@pytest.mark.parametrize("place", [("stores", 7, "ssh_key"), ("hosts", 8, "ssh_key"), ("hosts", 7, "password")])
def test_a_secret_that_was_moved_does_not_open(shoal: Shoal, sealed: Secrets, place: tuple[str, int, str]) -> None:
    with shoal.database.transaction() as connection:
        connection.execute("UPDATE secrets SET owner = ?, owner_id = ?, field = ?", place)
    with pytest.raises(UnavailableError, match="changed or moved"):
        opened(shoal, sealed, place)


def test_a_secret_that_was_tampered_with_does_not_open(shoal: Shoal, sealed: Secrets) -> None:
    whole = shoal.database.reader().execute("SELECT sealed FROM secrets").fetchone()[0]
    for changed in [
        *(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))),
        whole[:-1],
        whole[:40],
        whole[:9],
        b"",
    ]:
        with shoal.database.transaction() as connection:
            connection.execute("UPDATE secrets SET sealed = ?", (changed,))
        with pytest.raises(UnavailableError) as caught:
            opened(shoal, sealed)
        assert VALUE not in caught.value.message


def test_a_secret_is_dropped(shoal: Shoal, sealed: Secrets) -> None:
    with shoal.database.transaction() as connection:
        sealed.put(connection, "hosts", 7, "password", Secret("x"), sealed.sealing_key())
        assert sealed.drop(connection, *PLACE)
        assert not sealed.drop(connection, *PLACE)
        assert sealed.get(connection, "hosts", 7, "password") == Secret("x")
        assert sealed.drop(connection, "hosts", 7)
    assert opened(shoal, sealed, ("hosts", 7, "password")) is None


def test_nothing_shows_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(VALUE)
    logging.getLogger("test").warning("%s %r", secret, secret)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>20}", repr({"key": [secret]}), caplog.text]
    try:
        raise ValueError(secret)
    except ValueError as error:
        report = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown.append("".join(report.format()))
    assert not any(VALUE in text or VALUE[:12] in text for text in shown)
    assert repr(secret) == "Secret(•••)"


def test_no_frame_of_the_sealing_holds_a_secret(shoal: Shoal, sealed: Secrets) -> None:
    with shoal.database.transaction() as connection:
        connection.execute("DROP TABLE secrets")
        try:
            sealed.put(connection, *PLACE, Secret(VALUE), sealed.sealing_key())
        except Exception as error:  # noqa: BLE001
            report = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
            assert "sealed = " in report, "the frame that failed is in it"
            assert VALUE not in report


@pytest.mark.parametrize("write", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_is_not_written_down(write: Callable[[object], object]) -> None:
    with pytest.raises(TypeError):
        write(Secret(VALUE))
    assert not hasattr(Secret(VALUE), "__dict__")


def test_secrets_compare_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    with pytest.raises(TypeError):
        hash(Secret("a"))


def test_the_key_file_is_made_once_and_for_its_owner_alone(shoal: Shoal) -> None:
    assert not shoal.home.master_key.exists()
    first = master_key.make_master_key(shoal.home)
    assert shoal.home.master_key.stat().st_mode & 0o777 == 0o600
    assert master_key.make_master_key(shoal.home) == first, "what was there first holds"
    assert base64.b64encode(first.key).decode() not in repr(first)
    assert [path.name for path in shoal.home.root.glob("*.part")] == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_may_read_is_refused(shoal: Shoal, sealed: Secrets, mode: int) -> None:
    shoal.home.master_key.chmod(mode)
    with pytest.raises(UnavailableError, match="chmod 600"):
        opened(shoal, sealed)
    shoal.home.master_key.chmod(0o600)
    assert opened(shoal, sealed) == VALUE


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_key_of_somebody_else_is_refused(shoal: Shoal, sealed: Secrets) -> None:
    os.chown(shoal.home.master_key, 12345, -1)
    with pytest.raises(UnavailableError, match="belongs to another user"):
        opened(shoal, sealed)


def test_a_key_that_is_a_link_is_refused(shoal: Shoal, sealed: Secrets, tmp_path: Path) -> None:
    shoal.home.master_key.rename(tmp_path / "key")
    shoal.home.master_key.symlink_to(tmp_path / "key")
    with pytest.raises(UnavailableError, match="cannot be read"):
        opened(shoal, sealed)


def test_a_key_file_that_holds_none(shoal: Shoal, sealed: Secrets) -> None:
    for content in ("", "short", "keyring", "é" * 50):
        shoal.home.master_key.write_text(content)
        with pytest.raises(UnavailableError, match="holds no master key"):
            opened(shoal, sealed)


def test_a_lost_key_is_not_made_anew_behind_the_back(shoal: Shoal, sealed: Secrets) -> None:
    shoal.home.master_key.unlink()
    with pytest.raises(UnavailableError, match=r"put back .*master\.key"):
        opened(shoal, sealed)
    with shoal.database.transaction() as connection, pytest.raises(UnavailableError, match="openssl rand"):
        sealed.put(connection, *PLACE, Secret("anew"), sealed.sealing_key())
    assert not shoal.home.master_key.exists()


def test_with_another_key_secrets_are_given_anew(shoal: Shoal, sealed: Secrets) -> None:
    command = f"umask 077; openssl rand -base64 32 > {shoal.home.master_key}"
    subprocess.run(["sh", "-c", command], check=True)
    with pytest.raises(UnavailableError, match="sealed with another"):
        opened(shoal, sealed)
    with shoal.database.transaction() as connection:
        sealed.put(connection, *PLACE, Secret("anew"), sealed.sealing_key())
    assert opened(shoal, sealed) == "anew"


def test_a_systemd_credential_seals_and_the_file_still_opens(
    shoal: Shoal, sealed: Secrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / master_key.CREDENTIAL).write_text(base64.b64encode(b"c" * 32).decode())
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert opened(shoal, sealed) == VALUE
    with shoal.database.transaction() as connection:
        sealed.put(connection, "hosts", 8, "ssh_key", Secret("new"), sealed.sealing_key())
    shoal.home.master_key.rename(tmp_path / "moved")
    assert opened(shoal, sealed, ("hosts", 8, "ssh_key")) == "new"
    with pytest.raises(UnavailableError, match="sealed with another"):
        opened(shoal, sealed)


class Entries:
    """A keyring that keeps what it is given, as one that encrypts would."""

    def __init__(self, module: str) -> None:
        type(self).__module__ = module
        self.entries: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, name: str, text: str) -> None:
        self.entries[service, name] = text

    def get_password(self, service: str, name: str) -> str | None:
        return self.entries.get((service, name))


def on_desktop(monkeypatch: pytest.MonkeyPatch, entries: Entries) -> None:
    import keyring

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    for name in ("set_password", "get_password"):
        monkeypatch.setattr(keyring, name, getattr(entries, name))
    monkeypatch.setattr(keyring, "get_keyring", lambda: entries)


def test_on_a_desktop_the_key_is_in_the_keyring(
    shoal: Shoal, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = Entries("keyring.backends.SecretService")
    on_desktop(monkeypatch, entries)
    with shoal.database.transaction() as connection:
        secrets.put(connection, *PLACE, Secret(VALUE), secrets.sealing_key())
    (key,) = entries.entries.values()
    assert key not in shoal.home.master_key.read_text()
    assert opened(shoal, secrets) == VALUE
    type(entries).__module__ = "keyrings.alt.file"
    with pytest.raises(UnavailableError, match="refused"):
        opened(shoal, secrets)
    type(entries).__module__ = "keyring.backends.SecretService"
    entries.entries.clear()
    with pytest.raises(UnavailableError, match="no such entry"):
        opened(shoal, secrets)


@pytest.mark.parametrize("module", ["keyrings.alt.file", "keyring.backends.fail", "keyring.backends.null"])
def test_a_keyring_that_does_not_encrypt_is_given_nothing(
    shoal: Shoal, secrets: Secrets, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    entries = Entries(module)
    on_desktop(monkeypatch, entries)
    with shoal.database.transaction() as connection:
        secrets.put(connection, *PLACE, Secret(VALUE), secrets.sealing_key())
    assert entries.entries == {}
    assert opened(shoal, secrets) == VALUE


@pytest.mark.usefixtures("sealed")
def test_a_backup_opens_no_secret_and_a_restore_keeps_the_key(shoal: Shoal, tmp_path: Path) -> None:
    back_up(shoal.session(), tmp_path / "backup")
    key = shoal.home.master_key.read_text().strip()
    assert not any(key.encode() in path.read_bytes() for path in (tmp_path / "backup").rglob("*") if path.is_file())
    other = Home(tmp_path / "other")
    restore(tmp_path / "backup", other)
    assert "put back" in (why_sealed(other) or "")
    restore(tmp_path / "backup", shoal.home, replace=True)
    assert why_sealed(shoal.home) is None
    again = Shoal.open(shoal.home)
    assert opened(again, Secrets(again.database, again.home)) == VALUE
    again.close()


@pytest.mark.usefixtures("sealed")
def test_the_doctor_looks_at_the_key(shoal: Shoal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    assert {check.name: check for check in examine(shoal.home)}["secrets"].state == "ok"
    shoal.home.master_key.unlink()
    check = {check.name: check for check in examine(shoal.home)}["secrets"]
    assert check.state == "fail"
    assert "master.key" in check.message
    assert check.next_step


def test_cryptography_is_imported_when_a_secret_is_used() -> None:
    script = "import sys, core.secrets, core.doctor; print({'cryptography', 'keyring'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert printed == "set()\n"
