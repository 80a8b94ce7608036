"""IS THIS BODY WORTH A PARSER? Cheap checks before the expensive reading.

None of them is the boundary (that is the child with its limits); each only refuses sooner and says more exactly why.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

from triage.domain.errors import SourceError, SourceErrorKind

MAX_BODY_BYTES: Final = 5 * 1024 * 1024
"""Bytes of a document after decompression; the largest of 538 real feeds had 2.53 MB."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
"""`wbits` that make zlib read the gzip format."""

# feedparser is quadratic in the attributes of one tag (H10). Long `data:` images in one attribute stay legal: the
# longest start tag of 538 real feeds had 7,575 bytes.
_LONG_TAG: Final = re.compile(rb"<[A-Za-z][^<>]{16384}[^<>]*")
_MAX_ATTRIBUTES: Final = 1_000

_HTML_PAGE: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE
)
_FEED_TAG: Final = re.compile(rb"<(?:[\w.-]+:)?(?:rss|feed|rdf|channel|item|entry)[\s>]", re.IGNORECASE)


def admit(body: bytes) -> bytes:
    """Return the body, decompressed if it is gzip without the header that says so (H04b).

    Raises:
        SourceError: too_large, incomplete, not_a_feed (empty, or a web page) or tag_too_long.
    """
    if body.startswith(_GZIP_MAGIC):
        body = _decompressed(body)
    if len(body) > MAX_BODY_BYTES:
        raise SourceError(SourceErrorKind.TOO_LARGE, f"the document is larger than {MAX_BODY_BYTES >> 20} MiB")
    if not body.strip():
        raise SourceError(SourceErrorKind.NOT_A_FEED, "the answer is empty: there is no feed at this address")
    if _HTML_PAGE.match(body) and not _FEED_TAG.search(body):
        raise SourceError(
            SourceErrorKind.NOT_A_FEED, "this address shows a web page, not a feed; look for its RSS or Atom link"
        )
    if any(match[0].count(b"=") > _MAX_ATTRIBUTES for match in _LONG_TAG.finditer(body)):
        raise SourceError(SourceErrorKind.TAG_TOO_LONG, "one tag of the document carries thousands of attributes")
    return body


def _decompressed(body: bytes) -> bytes:
    """Decode gzip of one or more members, never past the size limit (H04a, H04c)."""
    decoded = bytearray()
    while body:
        member = zlib.decompressobj(_GZIP_WINDOW)
        try:
            decoded += member.decompress(body, MAX_BODY_BYTES + 1 - len(decoded))
        except zlib.error as error:
            raise SourceError(SourceErrorKind.INCOMPLETE, "the compressed document is damaged") from error
        if len(decoded) > MAX_BODY_BYTES:
            break
        if not member.eof:
            raise SourceError(SourceErrorKind.INCOMPLETE, "the compressed document ends too early")
        # What follows a member and is no member is padding, as the gzip tool treats it.
        body = member.unused_data if member.unused_data.startswith(_GZIP_MAGIC) else b""
    return bytes(decoded)
