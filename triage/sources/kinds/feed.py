"""HOW IS A FEED POLLED? RSS, RDF, Atom or JSON Feed by URL, asked politely: nothing is sent or parsed twice."""

from __future__ import annotations

from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from triage.net import FetchRequest
from triage.sources.base import Harvest, cursor_of, number_mark, text_mark

if TYPE_CHECKING:
    from collections.abc import Mapping

    from triage.domain.entries import ParsedFeed
    from triage.net import FetchResult
    from triage.sources.base import Parser


class Fetcher(Protocol):
    """The way out that this kind needs (`triage.net.Net`)."""

    def get(self, request: FetchRequest) -> FetchResult:
        """Return the answer; raises SourceError."""
        ...


class FeedSource:
    """A document behind a URL.

    The cursor holds the validators verbatim (`etag`, `last_modified`), the hash of the last body, because many servers
    never answer 304, and the publisher's `ttl_seconds`, which a 304 does not repeat.
    """

    def __init__(self, net: Fetcher, parser: Parser) -> None:
        self._net = net
        self._parser = parser

    def fetch(self, address: str, cursor: Mapping[str, object] | None) -> Harvest:
        """Return the entries of the document, or no feed when it has not changed (see `Source`)."""
        etag, last_modified = text_mark(cursor, "etag"), text_mark(cursor, "last_modified")
        result = self._net.get(FetchRequest(address, etag=etag, last_modified=last_modified))
        known_hash, ttl = text_mark(cursor, "body_hash"), number_mark(cursor, "ttl_seconds")
        if result.status == HTTPStatus.NOT_MODIFIED:
            # A 304 that nobody asked for leaves a cursor without validators: the next request is a full one (H41).
            return _harvest(address, result, known_hash, ttl)
        body_hash = sha256(result.body).hexdigest()
        if body_hash == known_hash:
            return _harvest(address, result, body_hash, ttl)
        feed = self._parser.parse(result.body, content_type=result.content_type, base_url=result.url)
        return _harvest(address, result, body_hash, feed.ttl_seconds, feed)


def _harvest(
    address: str,
    result: FetchResult,
    body_hash: str | None,
    ttl_seconds: float,
    feed: ParsedFeed | None = None,
) -> Harvest:
    moved = result.permanent_url
    return Harvest(
        feed=feed,
        cursor=cursor_of(
            body_hash=body_hash, ttl_seconds=ttl_seconds, etag=result.etag, last_modified=result.last_modified
        ),
        floor_seconds=max(result.floor_seconds, ttl_seconds),
        moved_to=moved if moved and moved != address else None,
    )
