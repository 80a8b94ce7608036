"""What does a YAML text say, and where does each word stand?

The text is read as a stream of YAML events and built into nodes that keep their file, line and column. Nothing is
constructed from tags, no alias is followed, nesting is bounded: a text can be wrong, but it cannot run code or grow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import yaml

from triage.domain.errors import Fault, InvalidFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 12

_QUOTED: Final = ("'", '"', "|", ">")
# The parser written in C is some ten times faster; its events carry the same marks.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One word or number as written; `quoted` words are always text."""

    line: int
    column: int
    text: str
    quoted: bool = False
    file: str = ""

    @property
    def is_null(self) -> bool:
        """True for nothing, `null` and `~`."""
        return not self.quoted and self.text in {"", "~", "null", "Null", "NULL"}


@dataclass(frozen=True, slots=True)
class Listing:
    """A YAML sequence."""

    line: int
    column: int
    items: tuple[Node, ...]
    file: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a map and its value."""

    key: Scalar
    value: Node


@dataclass(frozen=True, slots=True)
class Map:
    """A YAML mapping in file order; keys are unique."""

    line: int
    column: int
    entries: tuple[Entry, ...]
    file: str = ""

    def get(self, key: str) -> Node | None:
        """Return the value of a key, None when it is absent."""
        return next((entry.value for entry in self.entries if entry.key.text == key), None)


Node = Scalar | Listing | Map


@dataclass(frozen=True, slots=True)
class FaultIn(Fault):
    """A mistake that names its own file, since a process may be made of several."""

    file: str = ""

    def located(self, path: str) -> str:
        """Return `file:line:column: message. hint`; `path` is used when the fault has no file of its own."""
        return Fault.located(self, self.file or path)


def read_limited(path: Path, name: str) -> bytes:
    """Return the bytes of a file, no more than one over MAX_BYTES; InvalidFile when there is none to read."""
    try:
        if not path.is_file():
            raise InvalidFile(name, [Fault("there is no such file", 1, 1, "start from config/processes/starter.yaml")])
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidFile(name, [Fault(f"the file cannot be read: {error.strerror}", 1, 1)]) from error


def decode(raw: bytes, name: str) -> str:
    """Return the text of a file; InvalidFile when it is too large or not UTF-8."""
    _refuse_large(raw, name)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _after(raw[: error.start].decode("utf-8-sig", errors="replace"))
        raise InvalidFile(name, [Fault("the file is not UTF-8 text", line, column, "save it as UTF-8")]) from error


def encode(text: str, name: str) -> bytes:
    """Return the bytes of a text that came by form; InvalidFile when it is too large or holds half characters."""
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        line, column = _after(text[: error.start])
        raise InvalidFile(name, [Fault("half a character stands here", line, column, "remove it")]) from error
    _refuse_large(raw, name)
    return raw


def _refuse_large(raw: bytes, name: str) -> None:
    if len(raw) > MAX_BYTES:
        fault = Fault(f"the file is larger than {MAX_BYTES // 1024} KiB", 1, 1, "a response process needs far less")
        raise InvalidFile(name, [fault])


def _after(text: str) -> tuple[int, int]:
    """Return line and column, counted from 1, of what follows a text."""
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def parse(text: str, name: str) -> tuple[Node, list[FaultIn]]:
    """Return the root node and its doubled keys; InvalidFile with the first fault when it is not plain YAML."""
    builder = _Builder(yaml.parse(text, Loader=_LOADER), name)
    try:
        return builder.document(), builder.doubled
    except _Stop as stop:
        raise InvalidFile(name, [stop.fault]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        hint = "check brackets, quotes and indentation"
        if error.context and error.context_mark:
            hint += f"; it was met {error.context} that begins on line {error.context_mark.line + 1}"
        raise InvalidFile(name, [Fault(f"this is not YAML: {error.problem}", line, column, hint)]) from error
    except yaml.YAMLError as error:
        # A character that YAML forbids comes without a mark; the position in the error counts bytes in one parser and
        # characters in the other, so it is looked up here.
        line, column = _after(text[: _first_forbidden(text)])
        hint = "remove the control character"
        raise InvalidFile(name, [Fault("a character here is not allowed in YAML", line, column, hint)]) from error


def _first_forbidden(text: str) -> int:
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    return found.start() if found else 0


class _Stop(Exception):
    """The first thing that makes the document unreadable as data."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.message)


class _Builder:
    """Builds nodes from events; recursion is bounded by MAX_DEPTH."""

    def __init__(self, events: Iterator[yaml.Event], file: str) -> None:
        self._events = events
        self._file = file
        self.doubled: list[FaultIn] = []

    def document(self) -> Node:
        event = self._next(yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.StreamEndEvent)
        if isinstance(event, yaml.StreamEndEvent):
            raise _Stop(Fault("the file is empty", 1, 1, "start from config/processes/starter.yaml"))
        root = self._node(event, 1)
        following = self._next(yaml.DocumentEndEvent)
        if isinstance(following, yaml.DocumentStartEvent):
            raise _stop(following, "a second document begins here", "keep one document in the file, remove the ---")
        return root

    def _next(self, *skipped: type[yaml.Event]) -> yaml.Event:
        """Skip the frame around the document and return the first event that is not of it."""
        event = next(self._events)
        while isinstance(event, skipped) and not isinstance(event, yaml.StreamEndEvent):
            event = next(self._events)
        return event

    def _node(self, event: yaml.Event, depth: int) -> Node:
        _refuse_magic(event)
        line, column = _position(event)
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(line, column, event.value, quoted=event.style in _QUOTED, file=self._file)
        if depth > MAX_DEPTH:
            raise _stop(event, f"nesting is deeper than {MAX_DEPTH} levels", "no key of a process file needs that")
        if isinstance(event, yaml.SequenceStartEvent):
            return Listing(line, column, tuple(self._items(depth + 1)), self._file)
        return Map(line, column, tuple(self._entries(depth + 1)), self._file)

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, depth)

    def _entries(self, depth: int) -> Iterator[Entry]:
        seen: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth)
            if not isinstance(key, Scalar):
                raise _stop(event, "a key must be a plain word", "put braces or brackets after the colon")
            value = self._node(next(self._events), depth)
            if key.text in seen:
                message = f'"{key.text}" is already set on line {seen[key.text]}'
                self.doubled.append(FaultIn(message, key.line, key.column, "keep one of the two", self._file))
                continue
            seen[key.text] = key.line
            yield Entry(key, value)


def _refuse_magic(event: yaml.Event) -> None:
    if isinstance(event, yaml.AliasEvent):
        raise _stop(event, f"the alias *{event.anchor} is not followed", "write the value out")
    if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
        return
    if event.anchor is not None:
        raise _stop(event, f"the anchor &{event.anchor} is not supported", "write the value out where it is needed")
    if event.tag is not None:
        raise _stop(event, f"the tag {event.tag} is not supported", "remove it; values are plain words and numbers")


def _position(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _stop(event: yaml.Event, message: str, hint: str) -> _Stop:
    return _Stop(Fault(message, *_position(event), hint))
