"""Hosts as admins set them up: what is accepted, what is refused, and what is kept secret."""

from __future__ import annotations

import dataclasses
import subprocess
from typing import TYPE_CHECKING

import pytest

from core.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError, UnavailableError
from core.machines.host_address import read_address
from core.machines.host_keys import fingerprint, make_private_key, public_key, read_host_key, read_private_key
from core.master_key import master_keys
from core.policy import Role
from core.resources.host_form import HOST_FORM
from core.resources.hosts import HOSTS
from core.resources.machines import MACHINES
from core.secrets import Secrets
from core.session import Session
from data.database import Database
from tests.resources.conftest import listed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.home import Home
    from core.machines.host import Host
    from core.master_key import MasterKey
    from core.shoal import Shoal

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx5nQ0S8sUxbFmXQk9y7sYQd6l3HhUuGm2n6m0wJm7c"


@pytest.fixture
def farm(session: Session) -> Session:
    session.environments.create("farm", kind="hosts")
    return session


def add(session: Session, name: str = "gpu-2", **settings: str) -> Host:
    return session.hosts.create(name, "farm", f"ssh://shoal@{name}.example:2222", **settings)


def launched(session: Session, host: Host, state: str = "leased") -> None:
    with session.database.transaction() as connection:
        connection.execute(
            "INSERT INTO machines (uuid, environment_id, name, state, state_at, requested_at, host_id)"
            " SELECT ?, environment_id, ?, ?, 0, 0, id FROM hosts WHERE id = ?",
            (f"{host.name}-{state}", f"{host.name}-{state}", state, host.id),
        )


def test_a_host_has_what_was_given_and_a_key_pair_of_its_own(farm: Session) -> None:
    host = add(farm, slots="4", gpu_devices="0, 1", command_timeout="5m", start_command=" wakeonlan aa:bb ")
    assert (host.address, host.slots, host.gpu_devices) == ("ssh://shoal@gpu-2.example:2222", 4, "0,1")
    assert (host.command_timeout, host.start_command, host.docker_socket) == (
        300.0,
        "wakeonlan aa:bb",
        "/var/run/docker.sock",
    )
    assert host.public_key.startswith("ssh-ed25519 ")
    secret = Secrets(farm.database, farm.home).get(farm.database.reader(), "hosts", host.id, "private_key")
    assert secret is not None
    assert public_key(secret) == host.public_key
    assert "PRIVATE" not in farm.database.path.read_bytes().decode(errors="replace")
    assert "PRIVATE" not in repr(farm.hosts.list())


def test_a_keyring_that_waits_for_somebody_holds_nobody_up(farm: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Database(farm.database.path)
    asked = 0

    def slow(home: Home) -> Iterator[MasterKey]:
        nonlocal asked
        asked += 1
        with other.transaction() as connection:
            connection.execute("UPDATE leases SET renewed_at = 0")
        return master_keys(home)

    host = add(farm)
    monkeypatch.setattr("core.secrets.master_keys", slow)
    add(farm, "gpu-3")
    farm.hosts.set(host, private_key=make_private_key().reveal())
    other.close()
    assert asked == 2


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", "-rf"),
        ("name", "gpu 2"),
        ("name", "a" * 64),
        ("address", "gpu-2"),
        ("address", "ssh://-oProxyCommand=id@gpu-2"),
        ("address", "ssh://root@-oProxyCommand=id"),
        ("address", "ssh://root@gpu-2:0"),
        ("address", "ssh://root@gpu-2:70000"),
        ("address", "ssh://root@gpu-2\n"),
        ("address", "ssh://root@gpu\x1b[2J"),
        ("address", "ssh://root@gpu 2"),
        ("address", "ssh://root:secret@gpu-2"),
        ("address", "tcp://gpu-2:2375"),
        ("docker_socket", "var/run/docker.sock"),
        ("docker_socket", "/run/a:b"),
        ("docker_socket", "/" + "a" * 107),
        ("host_key", "ssh-ed25519 AAAA"),
        ("host_key", "ssh-rsa " + HOST_KEY.split()[1]),
        ("slots", "0"),
        ("slots", "1001"),
        ("slots", "-1"),
        ("slots", "²"),
        ("slots", "9" * 500),
        ("command_timeout", "0"),
        ("command_timeout", "2d"),
        ("start_command", "a\nb"),
        ("start_command", "a" * 2001),
        ("stop_command", "\x1b[2J"),
        ("gpu_devices", "0;rm"),
        ("private_key", "hunter2"),
    ],
)
def test_what_cannot_be_is_refused_with_the_name_of_its_field(farm: Session, field: str, text: str) -> None:
    given = {"name": "gpu-2", "environment": "farm", "address": "ssh://gpu-2"} | {field: text}
    with pytest.raises(InvalidInputError) as refused:
        farm.hosts.create(**given)
    assert refused.value.field == field
    assert farm.hosts.list() == []


def test_an_address_is_read_and_written_in_one_form() -> None:
    assert str(read_address("ssh://gpu-2")) == "ssh://root@gpu-2:22"
    assert str(read_address("ssh://me@[fe80::1]:2222/")) == "ssh://me@[fe80::1]:2222"


def test_an_environment_of_this_box_takes_no_host(session: Session) -> None:
    with pytest.raises(InvalidInputError, match="of machines of this box"):
        session.hosts.create("gpu-2", "local", "ssh://gpu-2")


def test_a_key_with_a_passphrase_is_refused_and_one_in_one_line_is_taken(farm: Session, tmp_path: Path) -> None:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(path)], check=True)
    with pytest.raises(InvalidInputError, match="has a passphrase"):
        add(farm, private_key=path.read_text())
    plain = make_private_key()
    assert public_key(read_private_key(plain.reveal().replace("\n", " "))) == public_key(plain)
    assert add(farm, private_key=plain.reveal()).public_key == public_key(plain)
    damaged = plain.reveal().replace("b3BlbnNzaC1rZXkt", "c3BlbnNzaC1rZXkt", 1)
    with pytest.raises(InvalidInputError, match="damaged"):
        add(farm, "other", private_key=damaged)


def test_a_host_key_is_found_in_a_line_of_ssh_keyscan() -> None:
    assert read_host_key(f"[gpu-2]:2222 {HOST_KEY} a comment") == HOST_KEY
    assert fingerprint(HOST_KEY).startswith("SHA256:")


def test_the_feed_does_not_tell_commands_which_may_hold_a_password(farm: Session) -> None:
    host = add(farm, start_command="ipmitool -P hunter2 power on")
    farm.hosts.set(host, start_command="ipmitool -P hunter3 power on")
    farm.hosts.set(host, start_command="")
    rows = farm.read("organization.see").execute("SELECT what FROM changes WHERE kind = 'host'").fetchall()
    told = "; ".join(row["what"] for row in rows)
    assert "hunter" not in told
    assert "start_command: changed" in told
    assert "start_command: none" in told


def test_commands_and_what_they_print_are_for_admins(farm: Session, shoal: Shoal) -> None:
    host = add(farm, start_command="ipmitool -P hunter2 power on")
    with farm.database.transaction() as connection:
        connection.execute(
            "INSERT INTO host_commands (host_id, kind, began_at, output) VALUES (?, 'start', 0, 'hunter2')", (host.id,)
        )
        connection.execute("INSERT INTO users (id, uuid, name, created_at) VALUES (77, 'u', 'ada', 0)")
        connection.execute("INSERT INTO memberships VALUES (?, 77, 'member', 0)", (farm.actor.organization_id,))
    member = shoal.session("ada")
    assert "hunter2" in farm.hosts.get(host.name).start_command
    assert "hunter2" in farm.hosts.commands(host)[0].output
    for seen in (*member.hosts.list(), member.hosts.get(host.name)):
        assert (seen.start_command, seen.stop_command) == ("(for admins)", "")
    assert member.hosts.commands(host)[0].output == ""


def test_who_adds_a_host_is_told_what_to_do_next(farm: Session) -> None:
    host = add(farm)
    assert HOST_FORM.after_adding is not None
    told = HOST_FORM.after_adding(host)
    assert host.public_key in told
    assert "`shoal hosts fetch-key gpu-2`" in told[-1]


def test_the_second_of_two_editors_is_told_of_the_first(farm: Session) -> None:
    seen = add(farm)
    farm.hosts.set(seen, seen=seen.version, slots="3")
    with pytest.raises(ConflictError, match="root changed slots"):
        farm.hosts.set(seen, seen=seen.version, stop_command="poweroff")
    assert farm.hosts.get("gpu-2").stop_command == ""
    assert farm.hosts.set(seen, stop_command="poweroff").slots == 3


def test_a_name_is_given_once(farm: Session) -> None:
    host = add(farm)
    with pytest.raises(ConflictError, match="already"):
        add(farm)
    other = add(farm, "gpu-3")
    with pytest.raises(ConflictError, match="already"):
        farm.hosts.set(other, name="gpu-2")
    farm.hosts.delete(host)
    assert farm.hosts.set(other, name="gpu-2").id == other.id


def test_an_engine_is_one_host(farm: Session) -> None:
    host = add(farm)
    with pytest.raises(ConflictError, match="is host 'gpu-2' already"):
        farm.hosts.create("gpu-3", "farm", host.address)
    assert farm.hosts.create("gpu-3", "farm", host.address, docker_socket="/run/other.sock").slots == 1


def test_a_host_that_works_is_not_removed(farm: Session) -> None:
    host = add(farm, slots="2")
    launched(farm, host)
    launched(farm, host, "idle")
    with pytest.raises(ConflictError, match="1 machine works on host gpu-2"):
        farm.hosts.delete(host)
    with farm.database.transaction() as connection:
        connection.execute("UPDATE machines SET state = 'idle'")
    farm.hosts.delete(host)
    with pytest.raises(NotFoundError):
        farm.hosts.get("gpu-2")
    states = farm.read("machine.see").execute("SELECT state, reason FROM machines")
    assert {tuple(row) for row in states} == {("gone", "its host was removed")}
    assert farm.read("host.see").execute("SELECT count(*) FROM secrets").fetchone()[0] == 0


def test_fewer_slots_let_machines_go_that_do_nothing_and_end_none_that_works(farm: Session) -> None:
    host = add(farm, slots="3")
    launched(farm, host)
    launched(farm, host, "idle")
    farm.hosts.set(host, slots="1")
    assert [machine.state for machine in listed(farm, MACHINES)] == ["leased"]


def test_a_host_with_more_machines_than_slots_may_be_changed_and_takes_no_more_work_when_uncordoned(
    farm: Session,
) -> None:
    host = add(farm, slots="3")
    for state in ("leased", "draining"):
        launched(farm, host, state)
    farm.hosts.set(host, slots="1")
    farm.hosts.set(host, stop_command="poweroff")
    farm.hosts.cordon(host)
    farm.hosts.uncordon(host)
    assert sorted(machine.state for machine in listed(farm, MACHINES)) == ["draining", "leased"]
    farm.hosts.set(host, slots="3")
    assert len(listed(farm, MACHINES)) == 2


def test_a_host_with_machines_stays_in_its_environment(farm: Session) -> None:
    farm.environments.create("other", kind="hosts")
    host = add(farm)
    launched(farm, host)
    with pytest.raises(ConflictError, match="drain it first"):
        farm.hosts.set(host, environment="other")


def test_only_a_shown_key_is_pinned(farm: Session) -> None:
    host = add(farm)
    with farm.database.transaction() as connection:
        connection.execute("UPDATE hosts SET offered_key = ?", (HOST_KEY,))
    with pytest.raises(ConflictError, match="another key"):
        farm.hosts.pin(host, "SHA256:" + "A" * 43)
    pinned = farm.hosts.pin(host, fingerprint(HOST_KEY))
    assert (pinned.host_key, pinned.offered_fingerprint) == (HOST_KEY, "")


def test_a_changed_key_has_to_be_confirmed_by_the_host_s_name(farm: Session) -> None:
    pin = next(action for action in HOSTS.actions if action.id == "pin-key")
    assert pin.consequence is not None
    host = dataclasses.replace(add(farm), offered_key=HOST_KEY)
    first = pin.consequence(farm, [host])
    assert first is not None
    assert (fingerprint(HOST_KEY) in first.question, first.type_name) == (True, "")
    again = pin.consequence(farm, [dataclasses.replace(host, host_key=HOST_KEY[:-4] + "AAAA")])
    assert again is not None
    assert ("CHANGED" in again.question, again.type_name) == (True, "gpu-2")


def test_a_host_that_is_not_there_says_so(farm: Session) -> None:
    host = farm.hosts.create("gone", "farm", "ssh://127.0.0.1:9", host_key=HOST_KEY)
    with pytest.raises(UnavailableError, match="does not answer"):
        farm.hosts.test(host)
    with pytest.raises(UnavailableError, match="shows no host key"):
        farm.hosts.fetch_key(host)


def test_members_see_hosts_and_change_none(farm: Session, shoal: Shoal) -> None:
    host = add(farm)
    member = Session(shoal.database, shoal.home, dataclasses.replace(farm.actor, role=Role.MEMBER))
    assert member.hosts.get("gpu-2").id == host.id
    for act in (
        lambda: member.hosts.set(host, slots="2"),
        lambda: member.hosts.cordon(host),
        lambda: member.hosts.drain(host),
        lambda: member.hosts.delete(host),
        lambda: member.hosts.test(host),
        lambda: member.hosts.fetch_key(host),
        lambda: add(member, "mine"),
    ):
        with pytest.raises(NotAllowedError):
            act()


def test_the_list_and_the_form_show_a_host(farm: Session, tmp_path: Path) -> None:
    assert HOSTS.form is not None
    path = tmp_path / "key"
    path.write_text(make_private_key().reveal())
    answers = {"name": "gpu-2", "environment": "farm", "address": "ssh://127.0.0.1:9", "private_key": str(path)}
    host = HOSTS.form.added(farm, None, answers, lambda *_: None)
    (row,) = listed(farm, HOSTS)
    assert row == host
    assert [column.text(row, 0) for column in HOSTS.columns if column.key in ("name", "health", "machines")] == [
        "gpu-2",
        "unknown",
        "0/1",
    ]
    assert HOSTS.form.edited(farm, row, {"slots": "2", "private_key": ""}, row.version).slots == 2
    with pytest.raises(ConflictError):
        HOSTS.form.edited(farm, row, {"slots": "5"}, row.version)
    with pytest.raises(InvalidInputError, match="cannot be read"):
        HOSTS.form.edited(farm, row, {"private_key": "/nowhere"})
    assert HOSTS.describe is not None
    told = "\n".join(pair.text for section in HOSTS.describe(farm, row) for pair in section.pairs)
    assert host.public_key in told
    assert "PRIVATE" not in told
    assert "PRIVATE" not in str(HOSTS.as_json(row))
