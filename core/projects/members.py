"""The rules for what an archive of code may hold, kept by those who write archives and those who unpack them."""

from __future__ import annotations

from core.errors import InvalidInputError


class Members:
    """The members of one archive, told one by one; refuses each that could touch something outside the tree.

    Nothing may lie below a link, and a link's target may climb (`..`) only at its beginning and only to the top of
    the tree: then every link, also one that leads through others, ends inside.
    """

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._links: set[str] = set()
        self._directories: set[str] = set()

    def add_file(self, name: str) -> None:
        """Take a regular file.

        Raises:
            InvalidInputError: its name leads outside, or is taken.
        """
        self._place(name)
        self._files.add(name)

    def add_directory(self, name: str) -> None:
        """Take a directory; the directories above a file need not be told."""
        if name not in self._directories:
            self._place(name)
            self._directories.add(name)

    def add_link(self, name: str, target: str) -> None:
        """Take a symbolic link.

        Raises:
            InvalidInputError: it leads outside.
        """
        self._place(name)
        if problem := link_problem(name, target):
            message = f"the link {name!r} to {target!r} {problem}: replace it, or list it in .vhignore"
            raise InvalidInputError(message, field=name)
        self._links.add(name)

    def has_file(self, name: str) -> bool:
        """Whether a regular file of this name was taken."""
        return name in self._files

    def _place(self, name: str) -> None:
        parts = name.split("/")
        if not name or "\0" in name or any(part in {"", ".", ".."} for part in parts):
            message = f"the name {name!r} leads outside the code, or nowhere"
            raise InvalidInputError(message, field=name)
        for length in range(1, len(parts)):
            parent = "/".join(parts[:length])
            if parent in self._links or parent in self._files:
                message = f"{name!r} lies below {parent!r}, which is not a directory"
                raise InvalidInputError(message, field=name)
            self._directories.add(parent)
        if name in self._files or name in self._links or name in self._directories:
            message = f"{name!r} is there twice"
            raise InvalidInputError(message, field=name)


def link_problem(name: str, target: str) -> str | None:
    """Return why a link at `name` must not lead to `target`, or None."""
    if target.startswith("/"):
        return "leads outside the code"
    parts = [part for part in target.split("/") if part not in {"", "."}]
    climbs = 0
    while climbs < len(parts) and parts[climbs] == "..":
        climbs += 1
    if climbs > name.count("/"):
        return "leads outside the code"
    if ".." in parts[climbs:]:
        return "has '..' behind a name, where it cannot be judged"
    if not target or "\0" in target:
        return "leads nowhere"
    return None
