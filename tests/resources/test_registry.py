"""The registry, and what every declaration has to keep to."""

from __future__ import annotations

import dataclasses

import pytest

from core.errors import NotFoundError
from core.policy import TABLE
from core.resources.projects import PROJECTS
from core.resources.registry import RESOURCES, names, registered, resource


def test_a_resource_has_its_name_its_singular_and_its_aliases() -> None:
    assert resource("files") is resource("file") is resource("data")
    with pytest.raises(NotFoundError, match="did you mean 'projects'"):
        resource("project_s")


def test_a_resource_can_be_added_for_a_while() -> None:
    other = dataclasses.replace(PROJECTS, name="stores", singular="store", aliases=("buckets",))
    with registered(other):
        assert names()[-1] == "stores"
        assert resource("stores") is resource("buckets") is other
    assert "stores" not in names()
    with pytest.raises(NotFoundError):
        resource("buckets")


def test_no_word_names_two_resources() -> None:
    words = [
        word for declared in map(resource, RESOURCES) for word in (declared.name, declared.singular, *declared.aliases)
    ]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("name", RESOURCES)
def test_a_declaration_agrees_with_itself(name: str) -> None:
    declared = resource(name)
    assert declared.name == name
    for things in (
        [column.key for column in declared.columns],
        [column.title for column in declared.columns],
        [action.id for action in declared.actions],
        [action.key for action in declared.actions],
        [each.key for each in declared.filters],
        [] if declared.form is None else [field.key for field in declared.form.fields],
    ):
        assert len(things) == len(set(things))
    assert all(key.isidentifier() for key in [each.key for each in declared.filters])
    asked = [declared.permission, *(action.permission for action in declared.actions)]
    if declared.form is not None:
        asked += [each for each in (declared.form.add_permission, declared.form.edit_permission) if each]
        assert declared.form.can_add == bool(declared.form.add_permission)
        assert declared.form.add is None or declared.form.add_slowly is None
        assert declared.form.can_edit == bool(declared.form.edit_permission)
        assert declared.form.edit is None or declared.form.edit_version is None
        assert (declared.form.edit_version is None) == (declared.form.version is None)
    assert set(asked) <= TABLE.keys()
    for action in declared.actions:
        assert (action.run, action.run_slowly, action.address, action.requery, action.asks).count(None) == 4


@pytest.mark.parametrize("name", RESOURCES)
def test_a_list_fits_eighty_columns(name: str) -> None:
    shown = [column for column in resource(name).columns if not column.wide and column.needs <= 80]
    narrowest = [8 if column.flexible else column.width for column in shown]
    assert sum(narrowest) + 2 * (len(shown) - 1) <= 80
