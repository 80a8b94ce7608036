"""HOW IS A JSON FEED READ? Versions 1 and 1.1 of jsonfeed.org; feedparser reads neither.

A field of the wrong type is treated as missing and an item that is no object is skipped: one bad item never costs the
others.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from triage.domain.errors import SourceError, SourceErrorKind
from triage.sources.drafts import Draft, DraftFeed

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_AUTHORS: Final = 5


def looks_like_json(body: bytes) -> bool:
    """Tell whether the document can only be JSON: no XML begins with a brace."""
    return body[:64].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")


def read_json_feed(body: bytes) -> DraftFeed:
    """Read a JSON Feed.

    Raises:
        SourceError: not_a_feed if it is other JSON, parse_error if it is no JSON at all.
    """
    document, warning = _load(body)
    if not isinstance(document, dict) or "jsonfeed.org" not in _text(document, "version"):
        raise SourceError(SourceErrorKind.NOT_A_FEED, "this address answers with JSON that is not a JSON Feed")
    said = document.get("items")
    items = said if isinstance(said, list) else []
    objects = [item for item in items if isinstance(item, dict)]
    if len(objects) < len(items):
        warning = f"{len(items) - len(objects)} items of the JSON Feed are not objects and were skipped."
    return DraftFeed(
        title=_text(document, "title"),
        language=_text(document, "language") or None,
        entries=[_draft(item) for item in objects],
        warning=warning,
        ttl_seconds=0.0,
    )


def _load(body: bytes) -> tuple[object, str | None]:
    """Return the first JSON value of the body, and a warning if something follows it."""
    text = body.decode(json.detect_encoding(body), errors="replace").strip()
    try:
        value: object
        # Half surrogates that a lone \ud800 leaves behind are removed with the other unwanted characters.
        value, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(SourceErrorKind.PARSE_ERROR, "the answer is not well-formed JSON") from error
    return value, None if end == len(text) else "Other text follows the JSON Feed; it was ignored."


def _draft(item: Mapping[str, object]) -> Draft:
    html = _text(item, "content_html")
    return Draft(
        native_id=_identifier(item.get("id")),
        link=_text(item, "url") or _text(item, "external_url") or None,
        title=_text(item, "title"),
        title_markup=False,
        body=html or _text(item, "content_text") or _text(item, "summary"),
        body_markup=bool(html),
        author=_author(item),
        published=_seconds(_text(item, "date_published")),
        updated=_seconds(_text(item, "date_modified")),
        language=_text(item, "language") or None,
    )


def _text(item: Mapping[str, object], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _identifier(value: object) -> str | None:
    """Return an id as text: the specification tells readers to turn numbers into strings."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(value) if math.isfinite(value) else None


def _author(item: Mapping[str, object]) -> str | None:
    """Return the names of 1.1's `authors`, else of version 1's `author`."""
    authors = item.get("authors")
    people = authors if isinstance(authors, list) and authors else [item.get("author")]
    names = [_text(person, "name") for person in people[:_MAX_AUTHORS] if isinstance(person, dict)]
    return ", ".join(name for name in names if name) or None


def _seconds(text: str) -> int | None:
    """Return RFC 3339 as seconds since 1970; a time without a zone is taken as UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return math.floor((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None
