"""Keys of the person's own: a file that gives other keys to bindings, by their ids."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InvalidInputError
from core.resources.registry import names
from core.text import plain
from tui.lanes import Lane

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tui.all_keys import Key
    from tui.app import Console

LARGEST = 64 * 1024


def keymap_path(given: str | None = None) -> Path:
    """Return the file that was named, else `shoal/keymap.yaml` in the person's configuration directory (XDG)."""
    if given is not None:
        return Path(given)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "shoal" / "keymap.yaml"


def load(path: Path) -> dict[str, str]:
    """Return the keys by binding id.

    Raises:
        InvalidInputError: the file cannot be read as that; the message names it and what is wrong.
    """
    try:
        if path.stat().st_size > LARGEST:
            message = f"{path.name} is larger than {LARGEST} bytes: it holds one line for each key that you change"
            raise InvalidInputError(message, field="keymap")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path.name} cannot be read: {error}"
        raise InvalidInputError(message, field="keymap") from error
    return _checked(path, _parsed(path, text))


def _parsed(path: Path, text: str) -> object:
    import yaml  # noqa: PLC0415 - only for people who have such a file

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        place = getattr(error, "problem_mark", None)
        line = f", line {place.line + 1}" if place is not None else ""
        problem = getattr(error, "problem", None) or type(error).__name__
        message = f"{path.name}{line} is no YAML ({problem}): write `binding.id: key`, one on each line"
        raise InvalidInputError(message, field="keymap") from error


def _checked(path: Path, value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        message = f"{path.name} is no list of keys: write `binding.id: key`, one on each line"
        raise InvalidInputError(message, field="keymap")
    keys = {str(id_): _keys(given) for id_, given in value.items()}
    if wrong := next((id_ for id_, given in keys.items() if not given), None):
        message = f"{path.name}: {plain(wrong, limit=60)} needs a key, such as x, or several: x, ctrl+x"
        raise InvalidInputError(message, field="keymap")
    return keys


def _keys(given: Any) -> str:  # noqa: ANN401 - whatever YAML holds
    each = given if isinstance(given, list) else str("" if given is None else given).split(",")
    return ",".join(str(key).strip() for key in each if str(key).strip())


def problems(keymap: Mapping[str, str], known: Sequence[Key]) -> Sequence[str]:
    """Return what will not work, one sentence each: ids that nothing has, and keys that two would have at once."""
    from core.projects.manifest import close_match  # noqa: PLC0415 - for a mistake only

    ids = [key.id for key in known]
    found = [
        f"nothing is called {plain(id_, limit=60)!r}{close_match(id_, ids)}: `shoal keys` lists all"
        for id_ in keymap
        if id_ not in ids
    ]
    present = {key.id: tuple(keymap[key.id].split(",")) if key.id in keymap else key.keys for key in known}
    for id_ in (id_ for id_ in keymap if id_ in present):
        found += [
            f"{plain(key, limit=20)!r} would do {id_} and {other}: {other} loses it where both are live"
            for other, keys in present.items()
            if other != id_ and _meet(id_, other) and not (other in keymap and other < id_)
            for key in present[id_]
            if _normal(key) in map(_normal, keys)
        ]
    return found


def _meet(one: str, other: str) -> bool:
    """Return whether two bindings can be live at the same place."""
    areas = {one.partition(".")[0], other.partition(".")[0]}
    on_lists = {"list", "table", *names()}
    return len(areas) == 1 or "console" in areas or areas <= on_lists


def _normal(key: str) -> str:
    from textual.keys import _character_to_key  # noqa: PLC0415

    return _character_to_key(key) if len(key) == 1 else key


def put_on(console: Console, path: Path, *, is_asked: bool) -> None:
    """Give the keys of a file to the console, and tell what is wrong with it in one line; without a file do nothing."""
    if not is_asked and not path.exists():
        return
    try:
        keymap = load(path)
    except InvalidInputError as error:
        console.warn(error.message)
        return
    console.set_keymap(keymap)
    console.run_worker(_check(console, path, keymap), group="keymap", exit_on_error=False)


async def _check(console: Console, path: Path, keymap: Mapping[str, str]) -> None:
    """Tell what of a keymap will not work. That takes every screen to be imported, which nobody waits for."""
    from tui.all_keys import all_keys  # noqa: PLC0415

    if wrong := problems(keymap, await console.lanes.run(Lane.LONG, all_keys)):
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        console.warn(f"{path.name}: {wrong[0]}{more}")
