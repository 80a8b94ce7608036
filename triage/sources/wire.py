"""HOW DO PARENT AND PARSE CHILD TALK? Frames of JSON and bytes, each with its length before it.

JSON, because the child reads hostile input: nothing that it sends may be able to run code in the parent, and every
value is checked for type and size before it becomes an entry.
"""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from triage.domain.entries import (
    MAX_AUTHOR,
    MAX_ENTRIES,
    MAX_HTML,
    MAX_ID,
    MAX_LANGUAGE,
    MAX_TITLE,
    ParsedEntry,
    ParsedFeed,
)
from triage.domain.errors import SourceError, SourceErrorKind

if TYPE_CHECKING:
    from collections.abc import Mapping

HELLO: Final = b"ready"
"""What the child sends once its imports are done: until then no limit of a document runs."""
MAX_REPLY_BYTES: Final = 32 * 1024 * 1024
"""A document of 5 MiB becomes at most about 12 MiB of text and clean HTML; more is an attack."""
MAX_MESSAGE: Final = 500
"""Characters of an error message or a warning."""

_LENGTH: Final = struct.Struct(">I")
LENGTH_BYTES: Final = _LENGTH.size


class Request(NamedTuple):
    """One document to read; `limit_seconds` is CPU time."""

    body: bytes
    content_type: str | None
    base_url: str
    limit_seconds: float


def frame(payload: bytes) -> bytes:
    """Return the payload with its length before it."""
    return _LENGTH.pack(len(payload)) + payload


def frame_length(prefix: bytes) -> int:
    """Return the length that `LENGTH_BYTES` of prefix announce."""
    length: int = _LENGTH.unpack(prefix)[0]
    return length


def encode_request(request: Request) -> bytes:
    """Return the two frames of a request: what to do, then the document."""
    about = {
        "content_type": request.content_type,
        "base_url": request.base_url,
        "limit_seconds": request.limit_seconds,
    }
    return frame(json.dumps(about).encode()) + frame(request.body)


def decode_request(about: bytes, body: bytes) -> Request:
    """Return the request of two frames; the parent is trusted, so that nothing is checked."""
    said = json.loads(about)
    return Request(body, said["content_type"], said["base_url"], said["limit_seconds"])


def encode_feed(feed: ParsedFeed) -> bytes:
    """Return a reply that holds a feed; the entries are rows without names, in the order of `ParsedEntry`."""
    said = {
        "title": feed.title,
        "language": feed.language,
        "dropped": feed.entries_dropped,
        "warning": feed.warning,
        "ttl": feed.ttl_seconds,
        "entries": [
            (
                entry.native_id,
                entry.url,
                entry.title,
                entry.text,
                entry.html,
                entry.author,
                _seconds(entry.published_at),
                _seconds(entry.updated_at),
                entry.language,
            )
            for entry in feed.entries
        ],
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def encode_error(error: SourceError) -> bytes:
    """Return a reply that holds an error."""
    return json.dumps({"error": [error.kind.value, str(error), error.permanent]}).encode()


def decode_reply(reply: bytes) -> ParsedFeed:
    """Return the feed of a reply.

    Raises:
        SourceError: the error that the reply holds, or `crashed` if the reply is not what a sound child sends.
    """
    try:
        said = json.loads(reply)
        failure = _failure(said["error"]) if "error" in said else None
        feed = None if failure else _feed(said)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise SourceError(SourceErrorKind.CRASHED, "the parser sent an answer that makes no sense") from error
    if feed is None:
        raise failure or SourceError(SourceErrorKind.CRASHED, "the parser sent no answer")
    return feed


def _failure(said: object) -> SourceError:
    if not isinstance(said, list):
        raise TypeError(said)
    kind, message, permanent = said
    return SourceError(SourceErrorKind(kind), _string(message, MAX_MESSAGE), permanent=permanent is True)


def _feed(said: Mapping[str, object]) -> ParsedFeed:
    rows, dropped, ttl = said["entries"], said["dropped"], said["ttl"]
    if not isinstance(rows, list) or len(rows) > MAX_ENTRIES:
        raise TypeError("entries")
    if type(dropped) is not int or dropped < 0 or not isinstance(ttl, int | float):
        raise TypeError("dropped, ttl")
    return ParsedFeed(
        title=_string(said["title"], MAX_TITLE),
        language=_optional(said["language"], MAX_LANGUAGE),
        entries=tuple([_entry(row) for row in rows]),
        entries_dropped=dropped,
        warning=_optional(said["warning"], MAX_MESSAGE),
        ttl_seconds=float(ttl),
    )


def _entry(row: object) -> ParsedEntry:
    if not isinstance(row, list):
        raise TypeError("row")
    native_id, url, title, text, html, author, published, updated, language = row
    link = _optional(url, MAX_ID)
    if link is not None and not link.startswith(("https://", "http://", "HTTP://", "HTTPS://")):
        raise ValueError("url")
    return ParsedEntry(
        _optional(native_id, MAX_ID),
        link,
        _string(title, MAX_TITLE),
        _string(text, MAX_HTML),
        _string(html, MAX_HTML),
        _optional(author, MAX_AUTHOR),
        _moment(published),
        _moment(updated),
        _optional(language, MAX_LANGUAGE),
    )


def _string(value: object, most: int) -> str:
    if type(value) is not str or len(value) > most:
        raise TypeError("text")
    return value


def _optional(value: object, most: int) -> str | None:
    return None if value is None else _string(value, most)


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    if type(value) is not int:
        raise TypeError("time")
    return datetime.fromtimestamp(value, UTC)
