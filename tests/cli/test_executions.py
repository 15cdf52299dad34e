"""`shoal executions`, on executions that nothing runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cli.started import SchedulerLookout
from core.executions.logs import LogWriter, log_path, record
from core.executions.metadata import MetadataWriter
from core.scheduler.lease import Lease
from core.text import cells

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.executions.execution import Execution
    from core.session import Session
    from core.shoal import Shoal
    from tests.cli.conftest import Ran


def write_log(session: Session, execution: Execution, *records: bytes) -> None:
    with LogWriter(log_path(session.home.logs, execution.uuid), 0) as log:
        log.append(records)
        with session.database.transaction() as connection:
            connection.execute("UPDATE executions SET log_bytes = ? WHERE id = ?", (log.length, execution.id))


def test_the_list_is_newest_first_with_the_reason(
    run: Callable[[str], Ran], execution: Callable[..., Execution]
) -> None:
    execution("train")
    execution("test", title="second")
    ran = run("executions ls")
    assert ran.code == 0
    header, second, first = ran.out.splitlines()
    assert header.split()[:3] == ["#", "STATUS", "STEP"]
    assert second.split()[:3] == ["2", "created", "test"]
    assert "second" in second
    assert first.split()[:3] == ["1", "created", "train"]
    assert "the scheduler has not looked at it yet" in first


def test_json_has_the_documented_fields(run: Callable[[str], Ran], execution: Callable[..., Execution]) -> None:
    execution(tags=["a"])
    (listed,) = run("executions ls --json").json
    assert listed["number"] == 1
    assert listed["status"] == "created"
    assert listed["tags"] == ["a"]
    assert listed["parameters"] == {"learning_rate": 0.1, "layers": [1], "verbose": False, "note": None}
    assert listed["created_at"].endswith("Z")


def test_pages_follow_each_other(run: Callable[[str], Ran], execution: Callable[..., Execution]) -> None:
    for _ in range(5):
        execution()
    first = run("executions ls --limit 2 --json")
    assert [listed["number"] for listed in first.json] == [5, 4]
    assert f"--after {first.json[-1]['id']}" in first.err
    second = run(f"executions ls --limit 3 --after {first.json[-1]['id']} --json")
    assert [listed["number"] for listed in second.json] == [3, 2, 1]
    assert second.err == ""


def test_an_empty_list_says_what_to_do(run: Callable[[str], Ran], linked: Session) -> None:  # noqa: ARG001
    assert "shoal run" in run("executions ls").err
    assert run("executions ls --json").json == []


def test_a_narrow_terminal_cuts_the_detail(
    run: Callable[[str], Ran], execution: Callable[..., Execution], monkeypatch: pytest.MonkeyPatch
) -> None:
    execution(title="模型 " * 30)
    monkeypatch.setenv("COLUMNS", "60")
    lines = run("executions ls").out.splitlines()
    assert all(cells(line) <= 60 for line in lines)
    assert "…" in lines[1]


def test_a_hostile_title_does_not_act(
    run: Callable[[str], Ran], execution: Callable[..., Execution], session: Session
) -> None:
    made = execution()
    with session.database.transaction() as connection:
        connection.execute("UPDATE executions SET title = ? WHERE id = ?", ("\x1b[2Jx\u202e\r\n[/]", made.id))
    assert "\x1b" not in run("executions ls").out
    assert "x [/]" in run("executions ls").out
    assert "\u202e" not in run("executions ls --json").out


def test_only_what_is_asked_for(run: Callable[[str], Ran], execution: Callable[..., Execution]) -> None:
    execution(tags=["kept"])
    execution()
    run("executions stop 2")
    assert [listed["number"] for listed in run("executions ls --tag kept --json").json] == [1]
    assert [listed["number"] for listed in run("executions ls --status stopped --json").json] == [2]
    wrong = run("executions ls --status bogus")
    assert (wrong.code, "created" in wrong.err) == (2, True)


def test_show_tells_all(run: Callable[[str], Ran], execution: Callable[..., Execution]) -> None:
    execution(title="first", tags=["a", "b"])
    shown = run("executions show #1")
    for text in ("first", "train --learning_rate=0.1", "a, b", "learning_rate", "busybox"):
        assert text in shown.out
    assert run("executions show latest --json").json["number"] == 1


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        ("executions show 7", 3, "no execution #7"),
        ("executions show x", 2, "'x' is no execution"),
        ("executions shw 1", 3, "did you mean 'show'"),
        ("executions ls --limit 0", 2, "--limit"),
        ("executions ls --nope", 2, "--nope"),
    ],
)
@pytest.mark.usefixtures("linked")
def test_mistakes_have_their_exit_code(run: Callable[[str], Ran], line: str, code: int, text: str) -> None:
    ran = run(line)
    assert ran.code == code
    assert ran.err.startswith("shoal: ")
    assert text in ran.err


def test_an_error_is_json_where_json_was_asked_for(run: Callable[[str], Ran], linked: Session) -> None:  # noqa: ARG001
    error = json.loads(run("executions show 7 --json").err)
    assert error["error"] == "not_found"
    assert error["field"] == "execution"


def test_stop_stops_what_waits_once(run: Callable[[str], Ran], execution: Callable[..., Execution]) -> None:
    execution()
    assert run("executions stop 1 --reason enough").out == "#1 train is stopped\n"
    again = run("executions stop 1")
    assert (again.code, "has ended already" in again.err) == (5, True)


def test_copy_keeps_values_but_for_those_given(run: Callable[[str], Ran], execution: Callable[..., Execution]) -> None:
    execution()
    copied = run("executions copy 1 --param learning_rate=0.5 --param layers=2 --param layers=3 --json").json
    assert copied["number"] == 2
    assert copied["parameters"]["learning_rate"] == 0.5
    assert copied["parameters"]["layers"] == [2, 3]
    assert copied["copied_from"] == 1


def test_logs_are_plain_unless_raw(
    run: Callable[[str], Ran], execution: Callable[..., Execution], session: Session
) -> None:
    made = execution()
    write_log(
        session,
        made,
        record("stdout", 1.0, b"\x1b[31mred\x1b[0m"),
        record("stderr", 2.0, b"10%\r50%\r100%"),
        record("stdout", 3.0, b"long ", partial=True),
        record("stdout", 4.0, b"line"),
        record("status", 5.0, b"done"),
    )
    assert run("executions logs 1").out == "red\n100%\nlong line\ndone\n"
    assert run("executions logs 1 --raw").out == "\x1b[31mred\x1b[0m\n10%\r50%\r100%\nlong line\ndone\n"
    assert run("executions logs 1 --stream stderr --stream status").out == "100%\ndone\n"
    assert run("executions logs 1 --tail 1").out == "done\n"
    assert run("executions logs 1 --tail 1 --timestamps").out == "1970-01-01T00:00:05.000Z done\n"


def test_a_line_that_is_cut_by_another_stream_stays_a_line(
    run: Callable[[str], Ran], execution: Callable[..., Execution], session: Session
) -> None:
    made = execution()
    write_log(session, made, record("stdout", 1.0, b"half", partial=True), record("stderr", 2.0, b"between"))
    assert run("executions logs 1").out == "half\nbetween\n"


def test_copy_takes_parameters_as_run_does(run: Callable[[str], Ran], execution: Callable[..., Execution]) -> None:
    execution()
    copied = run("executions copy 1 --learning-rate=0.5 --layers 2 --layers 3 --verbose --json").json
    assert (copied["parameters"]["learning_rate"], copied["parameters"]["layers"]) == (0.5, [2, 3])
    assert copied["parameters"]["verbose"] is True
    wrong = run("executions copy 1 --learnin-rate=1")
    assert (wrong.code, "did you mean 'learning_rate'" in wrong.err) == (2, True)


@pytest.mark.parametrize("line", ["executions ls", "executions show 1", "executions ls --all-projects"])
def test_it_is_said_where_no_scheduler_runs(
    run: Callable[[str], Ran], execution: Callable[..., Execution], shoal: Shoal, line: str
) -> None:
    made = execution()
    assert "no scheduler runs: start one with `shoal up`" in run(line).err
    lease = Lease(shoal.home, shoal.database)
    lease.acquire()
    assert run(line).err == ""
    lease.release()
    shoal.session().executions.stop(made)
    assert run(line).err == ""


def test_a_stop_that_nobody_carries_out_says_so(
    run: Callable[[str], Ran], execution: Callable[..., Execution], session: Session
) -> None:
    made = execution()
    with session.database.transaction() as connection:
        connection.execute("UPDATE executions SET status = 'started', started_at = 1 WHERE id = ?", (made.id,))
    ran = run("executions stop 1")
    assert (ran.out, "no scheduler runs" in ran.err) == ("#1 train is stopping\n", True)


def test_all_projects_are_told_apart(run: Callable[[str], Ran], execution: Callable[..., Execution]) -> None:
    execution()
    header, row = run("executions ls --all-projects").out.splitlines()
    assert (header.split()[0], row.split()[0]) == ("PROJECT", "penguins")


def test_a_scheduler_that_goes_is_told_each_time_and_once(
    linked: Session, shoal: Shoal, capsys: pytest.CaptureFixture[str]
) -> None:
    lookout = SchedulerLookout(linked)
    lease = Lease(shoal.home, shoal.database)
    for _ in range(2):
        lookout.look()
        lookout.look()
        assert capsys.readouterr().err.count("no scheduler runs") == 1
        lease.acquire()
        lookout.look()
        assert capsys.readouterr().err == ""
        lease.release()


@pytest.mark.usefixtures("linked")
def test_metadata_in_words_and_as_points(
    run: Callable[[str], Ran], execution: Callable[..., Execution], session: Session
) -> None:
    made = execution()
    writer = MetadataWriter(made.id, made.project_id)
    with session.database.transaction() as connection:
        writer.write(connection, [(1, 0.0, {"loss": 0.5, "note": "a\tb"}), (2, 1.0, {"loss": 0.25})])
    assert run("executions metadata 1").out.split() == ["loss", "0.25", "note", "a", "b"]
    assert run("executions metadata 1 --plain").out == "KEY\tVALUE\nloss\t0.25\nnote\ta b\n"
    points = run("executions metadata 1 loss --plain").out.splitlines()
    assert points[1] == "loss\t1\t1970-01-01T00:00:00.000Z\t0.5"
    lines = run("executions metadata 1 loss --json").out.splitlines()
    assert [json.loads(line)["value"] for line in lines] == [0.5, 0.25]


@pytest.mark.usefixtures("linked")
def test_a_plain_list_says_who_where_and_with_which_tags(
    run: Callable[[str], Ran], execution: Callable[..., Execution]
) -> None:
    made = execution(tags=["a", "b"])
    header, row = (line.split("\t") for line in run("executions ls --plain").out.splitlines())
    assert dict(zip(header, row, strict=True))["WHO"] == made.user
    assert row[-1] == "a b"
    assert "WHO" not in run("executions ls").out
