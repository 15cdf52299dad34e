"""Settings of the whole installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core import settings as known
from core.errors import InvalidInputError, NotFoundError
from core.json_text import json_text
from core.resources.form import Field, Form
from core.resources.listed import Listed
from core.resources.resource import Column, Empty, Pair, Resource, Section, Tone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.projects.service import Project
    from core.session import Session


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting and the value that it has."""

    key: str
    value: Any
    setting: known.Setting

    @property
    def is_default(self) -> bool:
        """Whether it has the value that it has without anybody's doing."""
        return bool(self.value == self.setting.default)


def _rows(session: Session, _: Project | None = None) -> Sequence[SettingRow]:
    return [SettingRow(key, session.settings.get(key), setting) for key, setting in known.SETTINGS.items()]


def _key(row: SettingRow) -> int:
    return [*known.SETTINGS].index(row.key) + 1


def _json(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    return json_text(value, indent=False)


_COLUMNS: tuple[Column[SettingRow], ...] = (
    Column(key="key", title="SETTING", text=lambda row, _: row.key, width=18, tone=lambda _: Tone.STRONG),
    Column(
        key="value",
        title="VALUE",
        text=lambda row, _: _json(row.value),
        value=lambda row: row.value,
        sortable=False,
        width=14,
        flexible=True,
    ),
    Column(
        key="default",
        title="DEFAULT",
        text=lambda row, _: "the same" if row.is_default else _json(row.setting.default),
        value=lambda row: row.setting.default,
        sortable=False,
        width=12,
        needs=100,
        tone=lambda row: Tone.DIM if row.is_default else Tone.PLAIN,
    ),
    Column(
        key="meaning",
        title="MEANING",
        text=lambda row, _: row.setting.meaning,
        sortable=False,
        width=30,
        flexible=True,
    ),
)


def _find(session: Session, _: Project | None, reference: str) -> SettingRow:
    for row in _rows(session):
        if row.key == reference:
            return row
    from core.projects.manifest import close_match  # noqa: PLC0415 - for a mistake only

    hint = close_match(reference, known.SETTINGS)
    message = f"there is no setting {reference!r:.120}{hint}; settings: {', '.join(known.SETTINGS)}"
    raise NotFoundError(message, field="setting")


def _edit(session: Session, row: SettingRow, answers: Mapping[str, str]) -> SettingRow:
    if "value" in answers:
        try:
            session.settings.set(row.key, known.read_value(answers["value"]))
        except InvalidInputError as error:
            raise InvalidInputError(error.message, field="value") from error
    return _find(session, None, row.key)


def _describe(_: Session, row: SettingRow) -> Sequence[Section]:
    facts = [
        Pair("setting", row.key, tone=Tone.STRONG),
        Pair("value", _json(row.value)),
        Pair("default", _json(row.setting.default)),
        Pair("meaning", row.setting.meaning),
        Pair("takes", row.setting.takes),
    ]
    return [Section("Setting", facts)]


SETTINGS: Resource[SettingRow] = Resource(
    name="settings",
    singular="setting",
    meaning="what an admin may change for the whole installation",
    permission="organization.see",
    columns=_COLUMNS,
    source=Listed(_rows, key=_key, columns=_COLUMNS, kinds=frozenset({"setting"})),
    key=_key,
    label=lambda row: f"setting {row.key}",
    reference=lambda row: row.key,
    find=_find,
    empty=Empty("There are no settings."),
    describe=_describe,
    fields=lambda row: {
        "key": row.key,
        "value": row.value,
        "meaning": row.setting.meaning,
        "default": row.setting.default,
    },
    form=Form(
        fields=(
            Field(key="key", label="Setting", fixed=True),
            Field(key="meaning", label="Meaning", fixed=True),
            Field(key="value", label="Value", meaning='written as JSON: 30, or ["/data"]', required=True),
        ),
        values=lambda row: {
            "key": row.key,
            "meaning": f"{row.setting.meaning}; it takes {row.setting.takes}",
            "value": _json(row.value),
        },
        edit=_edit,
        edit_permission="organization.edit",
    ),
)
