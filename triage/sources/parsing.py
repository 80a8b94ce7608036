"""WHAT DOES THIS DOCUMENT SAY? From bytes to clean entries: admit, read by format, choose the newest, clean.

`parse_document` is what the parse child runs; nothing else may call it on bytes from outside (tests of parsing may).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from triage.domain.entries import MAX_ENTRIES, MAX_ID, ParsedEntry, ParsedFeed
from triage.domain.errors import SourceError, SourceErrorKind
from triage.domain.urls import safe_link
from triage.sources.admission import admit
from triage.sources.cleaning import author_name, body_text_and_html, language_tag, title_text, without_controls
from triage.sources.jsonfeed import looks_like_json, read_json_feed
from triage.sources.parsing_expat import read_with_expat

if TYPE_CHECKING:
    from triage.sources.drafts import Draft, DraftFeed

MAX_TTL_SECONDS: Final = 6 * 3_600.0
"""The publisher's own wish for a slower pace is heard up to here."""

_EARLIEST: Final = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp())
_LATEST: Final = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?(?=[/?#]|$)")


def parse_document(body: bytes, *, content_type: str | None, base_url: str) -> ParsedFeed:
    """Read one document of any supported format.

    `base_url` is the address the bytes came from, against which relative links are resolved; empty for files.

    Raises:
        SourceError: of kind too_large, incomplete, tag_too_long, parse_error, parse_memory or not_a_feed.
    """
    try:
        return _finished(_read(admit(body), content_type), base_url)
    except MemoryError as error:
        raise SourceError(SourceErrorKind.PARSE_MEMORY, "the document needs more memory than allowed") from error


def _read(body: bytes, content_type: str | None) -> DraftFeed:
    if looks_like_json(body):
        return read_json_feed(body)
    feed = read_with_expat(body)
    if feed is not None:
        return feed
    # Imported on first need: it is half of the child's memory and start-up, and most documents do without.
    from triage.sources.parsing_feedparser import read_with_feedparser  # noqa: PLC0415

    return read_with_feedparser(body, content_type)


def _finished(feed: DraftFeed, base_url: str) -> ParsedFeed:
    kept = _newest(feed.entries)
    return ParsedFeed(
        title=title_text(feed.title, markup=False),
        language=language_tag(feed.language),
        entries=tuple([_entry(draft, base_url) for draft in kept]),
        entries_dropped=len(feed.entries) - len(kept),
        warning=feed.warning,
        ttl_seconds=min(max(feed.ttl_seconds, 0.0), MAX_TTL_SECONDS),
    )


def _newest(drafts: list[Draft]) -> list[Draft]:
    """Return at most `MAX_ENTRIES`, by date, undated ones last, in document order: feeds put the newest first."""
    if len(drafts) <= MAX_ENTRIES:
        return drafts
    order = sorted(range(len(drafts)), key=lambda place: (-_age_key(drafts[place]), place))
    return [drafts[place] for place in sorted(order[:MAX_ENTRIES])]


def _age_key(draft: Draft) -> int:
    moment = draft.published if draft.published is not None else draft.updated
    return moment if moment is not None and _EARLIEST <= moment < _LATEST else 0


def _entry(draft: Draft, base_url: str) -> ParsedEntry:
    text, html = body_text_and_html(draft.body, markup=draft.body_markup)
    return ParsedEntry(
        native_id=_identifier(draft.native_id),
        url=_absolute(draft.link, base_url) if draft.link else None,
        title=title_text(draft.title, markup=draft.title_markup),
        text=text,
        html=html,
        author=author_name(draft.author) if draft.author else None,
        published_at=_moment(draft.published),
        updated_at=_moment(draft.updated),
        language=language_tag(draft.language),
    )


def _identifier(native_id: str | None) -> str | None:
    """Return the id verbatim; a very long one as its hash, because a cut one could equal another."""
    if native_id is None:
        return None
    clean = without_controls(native_id).strip()
    if len(clean) > MAX_ID:
        return "sha256:" + sha256(clean.encode()).hexdigest()
    return clean or None


def _absolute(link: str, base_url: str) -> str | None:
    link = link.strip()
    origin = _ORIGIN.match(link)
    # All links of a feed share few origins: a known one leaves only the rest of the link to look at.
    if origin and len(link) <= MAX_ID and link.isascii() and link.isprintable() and _is_safe(origin[0]):
        return link
    try:
        return safe_link(urljoin(base_url, link))
    except ValueError:  # brackets that hold no IPv6 address
        return None


@lru_cache(maxsize=256)
def _is_safe(origin: str) -> bool:
    return safe_link(origin) is not None


def _moment(seconds: int | None) -> datetime | None:
    """Return the time, None if it is before 1990 or after 2100: such dates are mistakes (H19)."""
    if seconds is None or not _EARLIEST <= seconds < _LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)
