"""A YAML text read with care: its data, and the line of every part of it.

valohai.yaml comes from repositories of other people. What a YAML reader does for an ordinary file (expand aliases,
recurse into nesting, build big numbers) is a way to stop it with a hostile one, so the text is measured on the flat
stream of parser events before anything is built from it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAXIMUM_BYTES = 1024 * 1024
MAXIMUM_NODES = 100_000
"""Values after the expansion of aliases; a long hand-written file has some thousands."""
MAXIMUM_DEPTH = 100

_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class YamlProblemError(Exception):
    """The text cannot be read: `reason` says why, `line` where (counted from 1, None for the whole text)."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class Document:
    """The text of one YAML file, its data as plain Python values, and where each of them stands.

    `repeated_keys` are those that one mapping gives twice, with the line of the later one.
    """

    def __init__(self, text: str) -> None:
        """Read `text`.

        Raises:
            YamlProblemError: it is not YAML, or it is larger or deeper than any sensible file.
        """
        self.text = text
        _refuse_unprintable(text)
        try:
            _measure(text)
            loader = _Loader(text)
            try:
                self._root = loader.get_single_node()
                self.repeated_keys = list(_repeated_keys(self._root))
                self.data: Any = None if self._root is None else _construct(loader, self._root)
            finally:
                loader.dispose()
        except yaml.MarkedYAMLError as error:
            raise _problem(error, text) from error
        except yaml.YAMLError as error:
            raise YamlProblemError(str(error)) from error

    def line(self, path: Sequence[str | int]) -> int | None:
        """Return the line where the entry at `path` begins, with its key; of the nearest one above it that is there."""
        node, start = self._root, self._root
        for step in path:
            pair = _child(node, step)
            if pair is None:
                break
            start, node = pair
        return None if start is None else int(start.start_mark.line) + 1

    def unstorable_text(self) -> Iterator[int]:
        """Yield the line of every text with a NUL or half a surrogate pair, which no command line and no file holds."""
        for node in _nodes(self._root):
            if isinstance(node, yaml.ScalarNode) and _UNSTORABLE.search(node.value):
                yield node.start_mark.line + 1


def decode(content: bytes) -> str:
    """Return the text of a YAML file.

    Raises:
        YamlProblemError: it is too large or not UTF-8.
    """
    if len(content) > MAXIMUM_BYTES:
        reason = f"the file has more than {MAXIMUM_BYTES // 1024} KiB: keep data out of it, in files or inputs"
        raise YamlProblemError(reason)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reason = f"the byte 0x{content[error.start]:02x} is not UTF-8 text: save the file as UTF-8"
        raise YamlProblemError(reason, line) from error


def _refuse_unprintable(text: str) -> None:
    if len(text.encode("utf-8", "surrogatepass")) > MAXIMUM_BYTES:
        decode(b" " * (MAXIMUM_BYTES + 1))
    if found := _UNPRINTABLE.search(text, 1 if text.startswith("\ufeff") else 0):
        reason = f"the control character U+{ord(found[0]):04X} is not allowed in YAML: remove it"
        raise YamlProblemError(reason, text.count("\n", 0, found.start()) + 1)


class _Measure:
    """Counts what a text would grow to if every alias were written out, without writing any out."""

    def __init__(self) -> None:
        self.open: list[tuple[str | None, int, int]] = []  # anchor, nodes before it, deepest level before it
        self.anchors: dict[str, tuple[int, int] | None] = {}  # anchor → (nodes, levels); None while it is open
        self.nodes = 0
        self.deepest = 0

    def add(self, nodes: int, levels: int, line: int) -> None:
        self.nodes += nodes
        self.deepest = max(self.deepest, len(self.open) + levels)
        if self.nodes > MAXIMUM_NODES:
            reason = f"the file grows to more than {MAXIMUM_NODES:,} values when its aliases (*name) are followed"
            raise YamlProblemError(reason, line)
        if self.deepest > MAXIMUM_DEPTH:
            reason = f"values are nested more than {MAXIMUM_DEPTH} levels deep"
            raise YamlProblemError(reason, line)

    def begin(self, anchor: str | None, line: int) -> None:
        self.open.append((anchor, self.nodes, self.deepest))
        self.deepest = 0
        if anchor is not None:
            self.anchors[anchor] = None
        self.add(1, 0, line)

    def end(self) -> None:
        anchor, nodes, deepest = self.open.pop()
        if anchor is not None:
            self.anchors[anchor] = (self.nodes - nodes, max(self.deepest - len(self.open), 1))
        self.deepest = max(self.deepest, deepest)

    def alias(self, anchor: str, line: int) -> None:
        size = self.anchors.get(anchor, (1, 1))  # an unknown anchor is reported by the composer
        if size is None:
            reason = f"the alias *{anchor} stands inside the value it names"
            raise YamlProblemError(reason, line)
        self.add(*size, line)


def _measure(text: str) -> None:
    measure = _Measure()
    for event in yaml.parse(text, Loader=_Loader):
        line = 1 if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            measure.alias(str(event.anchor), line)
        elif isinstance(event, yaml.CollectionStartEvent):
            measure.begin(event.anchor, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            measure.end()
        elif isinstance(event, yaml.ScalarEvent):
            measure.begin(event.anchor, line)
            measure.end()


def _nodes(root: yaml.Node | None) -> Iterator[yaml.Node]:
    seen: set[int] = set()
    waiting = [] if root is None else [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
            waiting.extend(part for pair in node.value for part in pair)
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)


def _repeated_keys(root: yaml.Node | None) -> Iterator[tuple[str, int]]:
    for node in _nodes(root):
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, _value in node.value:
                if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                    continue
                if key.value in seen:
                    yield key.value, key.start_mark.line + 1
                seen.add(key.value)


def _construct(loader: Any, root: yaml.Node) -> Any:  # noqa: ANN401 - whatever the file holds
    construct = loader.construct_object

    def construct_object(node: yaml.Node, *, deep: bool = False) -> Any:  # noqa: ANN401
        try:
            return construct(node, deep=deep)
        except (ValueError, OverflowError) as error:  # such as the date 2024-13-45
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from error

    loader.construct_object = construct_object
    return loader.construct_document(root)


def _problem(error: yaml.MarkedYAMLError, text: str) -> YamlProblemError:
    mark = error.problem_mark or error.context_mark
    line = None if mark is None else mark.line + 1
    reason = ", ".join(part for part in (error.context, error.problem) if part)
    lines = text.splitlines()
    if line is not None and line <= len(lines):
        indentation = lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]
        if "\t" in indentation:
            reason = "the line is indented with a tab; YAML allows only spaces"
    return YamlProblemError(f"not valid YAML: {reason}", line)


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):  # of keys given twice, the last one holds
            if key.value == str(step):
                return key, value
    return None
