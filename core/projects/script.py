"""The one script that the lines of a command become."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})


def script(command: list[str], joiner: Literal["newline", "and"]) -> str:
    """Return the lines of `command` as one script; a `#!` line at its start stays the first line.

    With `newline` the script goes on after a line that failed and ends with the status of the last; with `and` the
    first that fails ends it. Blank lines are left out.
    """
    shebang, lines = _split(command)
    if joiner == "and" and _is_shell(shebang):
        # Braces keep a trailing comment, a `;` or several lines within one item from changing what `&&` joins.
        body = " && ".join(f"{{\n{line}\n}}" for line in lines if not _is_comment(line))
    else:
        body = "\n".join(lines)
    return f"{shebang}\n{body}" if shebang else body


def _split(command: list[str]) -> tuple[str, list[str]]:
    shebang, lines = "", list(command)
    if lines and lines[0].startswith("#!"):
        shebang, _, lines[0] = lines[0].partition("\n")
    return shebang, [line for line in lines if line.strip()]


def _is_shell(shebang: str) -> bool:
    """Whether `&&` means anything to the interpreter: no `#!` line means a shell."""
    words = shebang.removeprefix("#!").split()
    names = [PurePosixPath(word).name for word in words if not word.startswith("-")]
    if names[:1] == ["env"]:
        names = names[1:]
    return not names or names[0] in _SHELLS


def _is_comment(text: str) -> bool:
    return all(line.lstrip().startswith("#") or not line.strip() for line in text.split("\n"))
