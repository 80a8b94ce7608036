"""WHAT DOES EVERY KIND OF SOURCE PROMISE? One call: an address and a cursor in, entries and the next cursor out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from triage.domain.entries import ParsedFeed

MAX_CURSOR_BYTES: Final = 4_096
"""A cursor as JSON is never longer."""
CURSOR_VERSION: Final = 1
"""A cursor of another version counts as none: the next poll is a full one, and identity drops what is known."""


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one call brought.

    `feed` is None when nothing changed. `cursor` is opaque JSON to store **after** the entries are committed; the same
    cursor given again brings the same entries or more. `floor_seconds` is the earliest next call, counted from this
    one, and holds in a crisis too. `moved_to` is the address that the source permanently redirects to.
    """

    feed: ParsedFeed | None
    cursor: Mapping[str, object]
    floor_seconds: float = 0.0
    moved_to: str | None = None


class Source(Protocol):
    """One kind of source."""

    def fetch(self, address: str, cursor: Mapping[str, object] | None) -> Harvest:
        """Return what is at `address` now; `cursor` is that of the last call, None at the first.

        Raises:
            SourceError: typed and in plain words, whatever the other side does.
        """
        ...


class Parser(Protocol):
    """What turns the bytes of a document into entries."""

    def parse(self, body: bytes, *, content_type: str | None, base_url: str) -> ParsedFeed:
        """Return the document, read; `base_url` makes its links absolute.

        Raises:
            SourceError: the document cannot be read, or not within the limits.
        """
        ...


def cursor_of(**marks: str | float | None) -> dict[str, object]:
    """Return a cursor of the marks that are set; longer ones than a cursor can hold are left out."""
    cursor: dict[str, object] = {"v": CURSOR_VERSION}
    for name, mark in marks.items():
        if mark and len(json.dumps(cursor | {name: mark})) <= MAX_CURSOR_BYTES:
            cursor[name] = mark
    return cursor


def text_mark(cursor: Mapping[str, object] | None, name: str) -> str | None:
    """Return a mark of a cursor of this version, None if it is missing or no text."""
    if cursor is None or cursor.get("v") != CURSOR_VERSION:
        return None
    mark = cursor.get(name)
    return mark if isinstance(mark, str) else None


def number_mark(cursor: Mapping[str, object] | None, name: str) -> float:
    """Return a mark of a cursor of this version, 0 if it is missing or no number."""
    if cursor is None or cursor.get("v") != CURSOR_VERSION:
        return 0.0
    mark = cursor.get(name)
    return float(mark) if isinstance(mark, int | float) else 0.0
