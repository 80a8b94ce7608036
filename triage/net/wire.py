"""HOW DO BYTES COME IN BEFORE A DEADLINE? A connection whose every wait ends when the whole fetch must have ended."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Final

from triage.net.faults import incomplete, malformed, too_large

if TYPE_CHECKING:
    from collections.abc import Sequence

_RECEIVE_BYTES: Final = 1 << 16
_FRAMING_BYTES: Final = 1 << 17  # the head and the marks between chunks, on top of the body


class Deadline:
    """One wall-clock limit over a whole fetch, not per read: a server that drips bytes gains nothing (F11)."""

    __slots__ = ("_at", "total_seconds")

    def __init__(self, total_seconds: float) -> None:
        self.total_seconds = total_seconds
        self._at = time.monotonic() + total_seconds

    def remaining(self) -> float:
        """Return the seconds left, always above 0; raises `TimeoutError` when there are none."""
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def connect(addresses: Sequence[str], port: int, deadline: Deadline) -> socket.socket:
    """Connect to the first of the numeric addresses that answers; raises the last one's `OSError`.

    The time left is shared, so that one dead address does not use up the turn of the next.
    """
    failure: OSError | None = None
    for turn, address in enumerate(addresses):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(deadline.remaining() / (len(addresses) - turn))
            sock.connect((address, port))
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure or OSError("no address")


class Wire:
    """A connected socket, read with a deadline and a budget of `max_bytes` of body, whatever the framing says."""

    __slots__ = ("_buffer", "_deadline", "_max_bytes", "_received", "_sock")

    def __init__(self, sock: socket.socket, deadline: Deadline, max_bytes: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._received = 0
        self._buffer = bytearray()

    def send(self, data: bytes) -> None:
        """Send all of it before the deadline."""
        self._sock.settimeout(self._deadline.remaining())
        self._sock.sendall(data)

    def read_some(self, most: int) -> bytes:
        """Return 1 to `most` bytes, or b"" where the server closed."""
        if not self._buffer:
            return self._receive(min(most, _RECEIVE_BYTES))
        piece = bytes(self._buffer[:most])
        del self._buffer[:most]
        return piece

    def read_line(self, most: int) -> bytes:
        """Return the next line without its CRLF or LF; a line longer than `most` bytes is no HTTP."""
        while (end := self._buffer.find(b"\n", 0, most + 2)) < 0:
            if len(self._buffer) >= most + 2:
                raise malformed()
            piece = self._receive(_RECEIVE_BYTES)
            if not piece:
                raise incomplete()
            self._buffer += piece
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    def unread(self) -> bytes:
        """Return what has arrived and was not asked for."""
        return bytes(self._buffer)

    def _receive(self, most: int) -> bytes:
        self._sock.settimeout(self._deadline.remaining())
        piece = self._sock.recv(most)
        self._received += len(piece)
        if self._received > self._max_bytes + _FRAMING_BYTES:
            raise too_large(self._max_bytes)
        return piece
