"""Projects and settings as resources."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.resources.projects import PROJECTS
from core.resources.settings import SETTINGS
from tests.resources.conftest import listed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from core.projects.service import Project
    from core.session import Session
    from core.storage.files import File


def test_the_list_counts_executions(
    session: Session, project: Project, output: Callable[[str], File], tmp_path: Path
) -> None:
    session.projects.create("Albatross")
    session.projects.link(tmp_path, project)
    output("model.bin")
    rows = listed(session, PROJECTS, sort="name")
    assert [row.project.name for row in rows] == ["Albatross", "penguins"]
    shown = {column.key: column.text(rows[1], 0.0) for column in PROJECTS.columns}
    assert (shown["waiting"], shown["running"], shown["executions"]) == ("1", "0", "1")
    assert shown["directory"] == str(tmp_path)
    assert listed(session, PROJECTS, sort="waiting", descending=True)[0].project.name == "penguins"
    assert [row.project.name for row in listed(session, PROJECTS, text="alba")] == ["Albatross"]


def test_an_address_holds_any_name(session: Session) -> None:
    row = PROJECTS.find(session, None, session.projects.create("it's [/] = odd").name)
    assert PROJECTS.opens is not None
    assert shlex.split(PROJECTS.opens(row))[-1] == "it's [/] = odd"


def test_the_form_adds_all_or_nothing(session: Session) -> None:
    form = PROJECTS.form
    assert form is not None
    assert form.add is not None
    plain = form.add(session, None, {"name": "plain", "yaml_path": "valohai.yaml", "default_environment": ""})
    assert form.values(plain)["default_environment"] == ""
    odd = form.add(session, None, {"name": "odd", "yaml_path": "deep/v.yaml", "command_joiner": "and"})
    assert (odd.project.yaml_path, odd.project.command_joiner) == ("deep/v.yaml", "and")
    for answers in (
        {"yaml_path": "/absolute"},
        {"command_joiner": "or"},
        {"default_environment": "nowhere"},
    ):
        with pytest.raises((InvalidInputError, NotFoundError)) as error:
            form.add(session, None, {"name": "third", **answers})
        assert error.value.field is not None
    with pytest.raises(ConflictError):
        form.add(session, None, {"name": "plain"})
    assert len(listed(session, PROJECTS)) == 2


def test_the_form_changes_what_is_given(session: Session, project: Project) -> None:
    form = PROJECTS.form
    assert form is not None
    assert form.edit is not None
    row = PROJECTS.find(session, None, project.uuid)
    row = form.edit(session, row, {"default_environment": "local"})
    assert (row.environment, row.project.yaml_path) == ("local", "valohai.yaml")
    row = form.edit(session, row, {"default_environment": "", "command_joiner": "and"})
    assert (row.environment, row.project.command_joiner) == ("", "and")


def test_settings_are_changed_by_a_form(session: Session) -> None:
    form = SETTINGS.form
    assert form is not None
    assert form.edit is not None
    row = SETTINGS.find(session, None, "stop_grace_period")
    assert form.values(row)["value"] == "30"
    assert "a whole number from 0" in form.values(row)["meaning"]
    assert row.is_default
    row = form.edit(session, row, {"value": "5"})
    assert (row.value, row.is_default) == (5, False)
    with pytest.raises(InvalidInputError) as error:
        form.edit(session, row, {"value": "soon"})
    assert error.value.field == "value"
    roots = form.edit(session, SETTINGS.find(session, None, "file_roots"), {"value": '["/data"]'})
    assert roots.value == ["/data"]
    with pytest.raises(NotFoundError, match="did you mean"):
        SETTINGS.find(session, None, "stop_grace")
    assert "stop_grace_period" in [row.key for row in listed(session, SETTINGS)]
