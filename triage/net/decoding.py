"""HOW LARGE MAY A BODY BECOME? Content decoding that stops at the limit instead of measuring afterwards.

A gzip of 1,000 zeros to one is refused after the limit's worth of output (H01); anything but `identity` and one
`gzip` is refused unread, because every further layer multiplies (H02: 1.8 kB become 1 GB).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from triage.net.faults import encoding_refused, incomplete, too_large

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_GZIP_WINDOW: Final = 31  # zlib's way to say: gzip header, largest window
_MAX_MEMBERS: Final = 1000  # a 5 MiB body of empty members would keep a core busy for nothing


def decoder(content_encoding: str | None) -> Callable[[Iterable[bytes], int], bytes]:
    """Return the function that joins and decodes pieces up to a limit of bytes; raises encoding_refused."""
    match (content_encoding or "identity").strip().lower():
        case "identity" | "":
            return join
        case "gzip" | "x-gzip":
            return gunzip
        case _:
            raise encoding_refused()


def join(pieces: Iterable[bytes], limit: int) -> bytes:
    """Join plain pieces; raises `SourceError` too_large beyond `limit` bytes."""
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


def gunzip(pieces: Iterable[bytes], limit: int) -> bytes:
    """Decode one gzip of any number of members (RFC 1952 §2.2); zero padding and trailing junk are ignored.

    Raises `SourceError`: too_large beyond `limit` decoded bytes, incomplete for a cut stream, encoding_refused for
    bytes that are no gzip.
    """
    body = bytearray()
    members = _Members()
    for piece in pieces:
        pending = piece
        while pending:
            # One byte more than allowed is enough to know, and never 0, which would mean "no limit".
            decoded, pending = members.decode(pending, limit + 1 - len(body))
            body += decoded
            if len(body) > limit:
                raise too_large(limit)
    if not members.complete():
        raise incomplete()
    return bytes(body)


class _Members:
    """The members of one gzip stream, each with a decompressor of its own."""

    def __init__(self) -> None:
        self._count = 0
        self._junk = False
        self._open = zlib.decompressobj(_GZIP_WINDOW)
        self._touched = False

    def decode(self, data: bytes, most: int) -> tuple[bytes, bytes]:
        """Return at most `most` decoded bytes, and the input that was not used."""
        if self._open.eof and not self._next_member(data := data.lstrip(b"\0")):
            return b"", b""
        self._touched = True
        try:
            decoded = self._open.decompress(data, most)
        except zlib.error as error:
            raise encoding_refused() from error
        return decoded, self._open.unused_data if self._open.eof else self._open.unconsumed_tail

    def complete(self) -> bool:
        """Say whether the stream ended at the end of a member; nothing at all is an empty body."""
        return self._open.eof or not self._touched

    def _next_member(self, data: bytes) -> bool:
        self._junk = self._junk or bool(data and not data.startswith(b"\x1f"))
        if self._junk or not data:
            return False
        self._count += 1
        if self._count >= _MAX_MEMBERS:
            raise encoding_refused()
        self._open = zlib.decompressobj(_GZIP_WINDOW)
        return True
