"""WHAT DID THE SERVER SAY? The head and the body of one HTTP/1.1 answer (RFC 9112), each within limits.

We ask once per connection with `Connection: close`, so nothing here needs to find the start of a next answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from triage.net.faults import encoding_refused, incomplete, malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from triage.net.wire import Wire

MAX_HEAD_BYTES: Final = 1 << 16
_MAX_HEADER_LINES: Final = 256
_MAX_INTERIM: Final = 5
_MAX_CHUNK_LINE_BYTES: Final = 1024
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: .*)?")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH: Final = re.compile(r"[0-9]{1,15}")
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;.*)?")


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers; names in lower case, repeated headers joined by commas (RFC 9110 §5.3)."""

    status: int
    headers: dict[str, str]


def read_head(wire: Wire) -> Head:
    """Return the final head, past at most five interim (1xx) ones; raises `SourceError` beyond any limit (H34)."""
    for _ in range(_MAX_INTERIM + 1):
        head = _one_head(wire)
        if head.status >= HTTPStatus.OK:
            return head
    raise malformed()


def _one_head(wire: Wire) -> Head:
    room = MAX_HEAD_BYTES
    status = _STATUS_LINE.fullmatch(wire.read_line(room))
    if status is None:
        raise malformed()
    headers: dict[str, str] = {}
    for _ in range(_MAX_HEADER_LINES):
        line = wire.read_line(room)
        if not line:
            return Head(int(status[1]), headers)
        room = max(room - len(line), 0)
        _add_header(headers, line.decode("latin-1"))
    raise malformed()


def _add_header(headers: dict[str, str], line: str) -> None:
    """Add one line; a line that is no header is skipped, as it can say nothing that we would act on."""
    name, colon, value = line.partition(":")
    if not colon or not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value):
        return
    name, value = name.lower(), value.strip()
    headers[name] = f"{headers[name]}, {value}" if name in headers else value


def body_pieces(wire: Wire, head: Head) -> Iterator[bytes]:
    """Return the body as it comes, without transfer coding but still content-encoded.

    Raises `SourceError`: encoding_refused for a transfer coding other than chunked, incomplete when it breaks off,
    http_error when it is longer than announced. An announced length is not believed: whoever reads has the limit.
    """
    coding = head.headers.get("transfer-encoding", "identity").lower()
    if coding == "chunked":
        return _chunks(wire)
    if coding != "identity":
        raise encoding_refused()
    length = _content_length(head)
    return _until_close(wire) if length is None else _alone(wire, length)


def _content_length(head: Head) -> int | None:
    """Return the announced length; the same number repeated counts once (RFC 9110 §8.6)."""
    stated = {value.strip() for value in head.headers.get("content-length", "").split(",")}
    if stated == {""}:
        return None
    value = stated.pop()
    if stated or not _LENGTH.fullmatch(value):
        raise malformed()
    return int(value)


def _until_close(wire: Wire) -> Iterator[bytes]:
    while piece := wire.read_some(1 << 16):
        yield piece


def _exactly(wire: Wire, length: int) -> Iterator[bytes]:
    while length:
        piece = wire.read_some(length)
        if not piece:
            raise incomplete()
        length -= len(piece)
        yield piece


def _alone(wire: Wire, length: int) -> Iterator[bytes]:
    yield from _exactly(wire, length)
    if wire.unread().strip():
        raise malformed()  # more than was announced (H05b): one of the two is a lie


def _chunks(wire: Wire) -> Iterator[bytes]:
    while True:
        size = _CHUNK_SIZE.fullmatch(wire.read_line(_MAX_CHUNK_LINE_BYTES))
        if size is None:
            raise malformed()
        if not (length := int(size[1], 16)):
            return  # trailers may follow; nothing in them concerns us
        yield from _exactly(wire, length)
        if wire.read_line(0):
            raise malformed()
