"""Files as a resource."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.errors import InvalidInputError, NotFoundError
from core.progress import not_told
from core.resources.files import FILES
from core.resources.resource import Query
from core.session import Session
from core.storage import browsing
from data.changes import Change, newest, since
from tests.resources.conftest import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from core.projects.service import Project
    from core.storage.files import File


def names(session: Session, **query: object) -> list[str]:
    return [file.name for file in listed(session, FILES, **query)]


def test_the_newest_comes_first_in_parts_of_any_size(
    session: Session, project: Project, upload: Callable[..., File], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "FIRST_PART", 2)
    monkeypatch.setattr(browsing, "PART", 3)
    for number in range(7):
        upload(f"{number}.csv", number % 3)
    parts = list(FILES.source.ids(session, Query(project=project)))
    assert [len(part) for part in parts] == [2, 3, 2]
    assert names(session, project=project) == [f"{number}.csv" for number in range(6, -1, -1)]
    assert names(session, descending=True) == [f"{number}.csv" for number in range(7)]
    assert names(session, sort="name") == [f"{number}.csv" for number in range(7)]
    assert names(session, sort="name", descending=True, text="csv") == [f"{number}.csv" for number in range(6, -1, -1)]
    assert names(session, sort="size") == ["6.csv", "3.csv", "0.csv", "4.csv", "1.csv", "5.csv", "2.csv"]
    assert names(session, sort="size", descending=True) == [
        "5.csv",
        "2.csv",
        "4.csv",
        "1.csv",
        "6.csv",
        "3.csv",
        "0.csv",
    ]
    assert names(session, sort="age", descending=True) == [f"{number}.csv" for number in range(7)]


def test_names_are_sorted_without_regard_to_case(session: Session, upload: Callable[..., File]) -> None:
    for name in ("b", "A", "a", "C"):
        upload(name)
    assert names(session, sort="name") == ["a", "A", "b", "C"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("%", ["50%.csv"]),
        ("_", ["a_b.csv"]),
        ("\\", ["back\\slash"]),
        ("MODEL", ["model.bin"]),
        ("raw csv", ["50%.csv"]),
        ("newest", ["a_b.csv"]),
        ("'; DROP TABLE files; --", []),
        ("') OR 1=1 --", []),
        ("\x00", []),
        (":word0", []),
    ],
)
def test_a_text_is_found_as_it_is_written(
    session: Session, project: Project, upload: Callable[..., File], text: str, found: list[str]
) -> None:
    upload("model.bin")
    session.files.set_alias(project, "newest", upload("a_b.csv"))
    upload("50%.csv", tags=("raw",))
    upload("back\\slash")
    assert names(session, text=text) == found
    assert len(names(session, text=text, inverted=True)) == 4 - len(found)


def test_a_file_is_found_by_its_id(session: Session, upload: Callable[..., File]) -> None:
    upload("a")
    wanted = upload("b")
    assert listed(session, FILES, text=wanted.uuid) == [wanted]


def test_filters_by_name(
    session: Session, project: Project, upload: Callable[..., File], output: Callable[[str], File]
) -> None:
    upload("raw.csv", tags=("raw",))
    upload("other.csv")
    output("model.bin")
    assert names(session, where={"tag": "raw"}) == ["raw.csv"]
    assert names(session, where={"tag": "ra_"}) == []
    assert names(session, where={"tag": "raw"}, sort="size", text="raw") == ["raw.csv"]
    assert names(session, where={"execution": "#1"}) == ["model.bin"]
    assert names(session, where={"execution": "1"}, project=project) == ["model.bin"]
    assert names(session, where={"execution": "2"}) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (Query(where={"colour": "red"}), "colour"),
        (Query(where={"execution": "1 OR 1"}), "execution"),
        (Query(sort="f.id; DROP"), "sort"),
        (Query(sort="tags"), "sort"),
    ],
)
def test_what_is_no_filter_is_named(session: Session, query: Query, field: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        list(FILES.source.ids(session, query))
    assert error.value.field == field


def test_each_project_has_its_own(session: Session, upload: Callable[..., File]) -> None:
    other = session.projects.create("other")
    upload("here")
    upload("there", to=other)
    assert names(session, project=other) == ["there"]
    assert names(session) == ["there", "here"]


def test_changes_tell_which_rows_they_touch(session: Session, project: Project, upload: Callable[..., File]) -> None:
    first = upload("a")
    seq = newest(session.database.reader())
    second = upload("b", tags=("t",))
    session.files.set_alias(project, "x", first)
    changes: Sequence[Change] = since(session.database.reader(), seq)
    assert FILES.source.touched(session, changes) == {first.id, second.id}
    assert FILES.source.rows(session, [first.id, 99]).keys() == {first.id}


def test_a_form_brings_a_file_in_and_labels_it(session: Session, project: Project, tmp_path: Path) -> None:
    form = FILES.form
    assert form is not None
    assert form.can_add
    assert form.edit is not None
    (tmp_path / "rows.csv").write_text("a,b\n")
    told: list[tuple[str, int, int]] = []
    answers = {"source": str(tmp_path / "rows.csv"), "tags": "raw\n\n new ", "aliases": "latest"}
    file = form.added(session, project, answers, lambda *far: told.append(far))
    assert told[-1] == ("uploading rows.csv", 4, 4)
    assert (file.name, file.tags, file.aliases) == ("rows.csv", ("new", "raw"), ("latest",))
    assert form.values(file) == {"source": "rows.csv", "tags": "new\nraw", "aliases": "latest"}
    file = form.edit(session, file, {"tags": "raw\nsmall", "aliases": ""})
    assert (file.tags, file.aliases) == (("raw", "small"), ())
    changes = [change.what for change in since(session.database.reader(), 0) if change.kind == "file"]
    assert changes[-1] == "tags small, tags removed: new, alias latest removed"


def test_a_wrong_label_changes_nothing(session: Session, upload: Callable[..., File]) -> None:
    form = FILES.form
    assert form is not None
    assert form.edit is not None
    file = upload("a", tags=("kept",))
    with pytest.raises(InvalidInputError):
        form.edit(session, file, {"tags": "fine", "aliases": "x" * 200})
    assert session.files.by_id(file.id) == file
    field = next(field for field in form.fields if field.key == "tags")
    assert field.problem("fine\n" + "x" * 200) is not None
    assert field.problem("fine\nother") is None


def test_a_form_says_which_field_is_wrong(session: Session, project: Project) -> None:
    form = FILES.form
    assert form is not None
    assert form.can_add
    for answers, where, field in (
        ({"source": "/nothing/there"}, project, "source"),
        ({"source": "/nothing/there"}, None, "project"),
    ):
        with pytest.raises(InvalidInputError) as error:
            form.added(session, where, answers, not_told)
        assert error.value.field == field


def test_moving_an_alias_has_a_consequence(session: Session, project: Project, upload: Callable[..., File]) -> None:
    form = FILES.form
    assert form is not None
    assert form.consequence is not None
    first, second = upload("first"), upload("second", 2)
    session.files.set_alias(project, "newest", first)
    first = session.files.by_id(first.id)
    told = form.consequence(session, second, {"aliases": "newest"})
    assert told is not None
    assert "'newest' points to another file now (first)" in told
    told = form.consequence(session, first, {"aliases": ""})
    assert told is not None
    assert "'newest' will point to no file" in told
    assert form.consequence(session, first, {"aliases": "newest\nmore"}) is None
    assert form.consequence(session, first, {"tags": "x"}) is None


def test_a_description_names_maker_and_users(session: Session, output: Callable[[str], File]) -> None:
    file = output("model.bin")
    assert FILES.describe is not None
    facts, hashes, used = FILES.describe(session, file)
    made = next(pair for pair in facts.pairs if pair.label == "made by")
    assert (made.text, made.address) == ("#1", f"execution id={file.execution_id}")
    assert file.sha256 in [pair.text for pair in hashes.pairs]
    assert used.pairs[0].text == "nothing yet"
    with session.database.transaction() as connection:
        connection.execute(
            "INSERT INTO execution_inputs (execution_id, name, position, requested, uri, path, file_id)"
            " VALUES (?, 'in', 0, '', '', '', ?)",
            (file.execution_id, file.id),
        )
    *_, used = FILES.describe(session, file)
    assert used.pairs[0].address == f"execution id={file.execution_id}"


def test_a_download_goes_to_the_working_directory(
    session: Session, upload: Callable[..., File], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    download = next(action for action in FILES.actions if action.id == "download")
    told: list[tuple[str, int, int]] = []
    assert "here/a.csv" in download.carry_out(session, upload("a.csv", 3), lambda *far: told.append(far))
    assert told[-1] == ("downloading a.csv", 3, 3)
    assert (tmp_path / "here" / "a.csv").read_bytes() == b"xxx"


def test_a_reference_is_looked_for_in_every_project_where_none_is_chosen(
    session: Session, project: Project, upload: Callable[..., File]
) -> None:
    other = session.projects.create("a-other")
    wanted = upload("model", to=other)
    assert FILES.find(session, None, "model") == wanted
    assert FILES.find(session, None, wanted.uuid) == wanted
    with pytest.raises(NotFoundError):
        FILES.find(session, project, "model")
    with pytest.raises(NotFoundError):
        FILES.find(session, None, "nothing")


def test_another_organizations_file_gets_no_labels(session: Session, upload: Callable[..., File]) -> None:
    file = upload("a.csv")
    elsewhere = Session(session.database, session.home, replace(session.actor, organization_id=99))
    with pytest.raises(NotFoundError):
        elsewhere.files.label(file, tags=["theirs"])
    assert session.files.by_id(file.id).tags == ()
