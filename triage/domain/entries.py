"""WHAT DOES A SOURCE SAY, once its format no longer matters? The one shape that every parser returns.

An entry here has been cleaned, but nothing has been decided about it: not whether we know it already (`identity`),
nor whether it names a brand (`queries`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

MAX_ENTRIES: Final = 2_000
"""Entries kept of one document, the newest; the largest of 538 real feeds had 1,046."""
MAX_TITLE: Final = 1_000
"""Characters of a title."""
MAX_HTML: Final = 64 * 1024
"""Characters of HTML, before cleaning and after; the plain text is bounded by the same number."""
MAX_ID: Final = 2_048
"""Characters of a native id or a link."""
MAX_AUTHOR: Final = 200
"""Characters of an author's name."""
MAX_LANGUAGE: Final = 35
"""Characters of a language tag (RFC 5646, section 4.4.1)."""


@dataclass(frozen=True, slots=True)
class ParsedEntry:
    """One entry of a document, clean and bounded.

    `native_id` is the publisher's own id (guid, atom:id), verbatim but for controls; `url` is absolute http or https;
    `title` and `text` are plain text on one line; `html` is the body cleaned for display, empty when the body had no
    markup. `published_at` and `updated_at` are aware UTC, None when missing or absurd, and never the time of reading.
    `language` is what the feed declares, for instance `en-GB`.
    """

    native_id: str | None = None
    url: str | None = None
    title: str = ""
    text: str = ""
    html: str = ""
    author: str | None = None
    published_at: datetime | None = None
    updated_at: datetime | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """One document, read.

    `entries` are at most `MAX_ENTRIES`, in document order; `entries_dropped` counts the older ones left out.
    `warning` is one plain sentence when the document was damaged but readable. `ttl_seconds` is how long the publisher
    asks us to wait before the next visit, 0 to 21,600.
    """

    title: str = ""
    language: str | None = None
    entries: tuple[ParsedEntry, ...] = ()
    entries_dropped: int = 0
    warning: str | None = None
    ttl_seconds: float = 0.0
