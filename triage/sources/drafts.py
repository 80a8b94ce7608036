"""WHAT DID THE DOCUMENT SAY, before cleaning? The shape between the readers of one format and `parsing`."""

from __future__ import annotations

from typing import NamedTuple


class Draft(NamedTuple):
    """One entry as its format gave it; every string is hostile.

    `link` may be relative. `title_markup` and `body_markup` say whether the format promises HTML there. Times are whole
    seconds since 1970 in UTC, None if missing or unreadable.
    """

    native_id: str | None
    link: str | None
    title: str
    title_markup: bool
    body: str
    body_markup: bool
    author: str | None
    published: int | None
    updated: int | None
    language: str | None


class DraftFeed(NamedTuple):
    """One document as its format gave it, with all of its entries in document order.

    `ttl_seconds` is the publisher's own wish, not yet bounded. `warning` is a sentence of ours, never of the document.
    """

    title: str
    language: str | None
    entries: list[Draft]
    warning: str | None
    ttl_seconds: float
