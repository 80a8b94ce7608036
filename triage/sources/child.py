"""WHO KEEPS HOSTILE DOCUMENTS AWAY FROM THE WORKER? A child process that may be killed at any moment.

Nothing that parses or cleans feed bytes runs outside it: feedparser is quadratic in attributes, nh3 in nested tags, and
no Python signal can stop either (hostile_feeds H10b, H13).
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Final, Self

from triage.domain.errors import SourceError, SourceErrorKind
from triage.sources.wire import (
    HELLO,
    LENGTH_BYTES,
    MAX_REPLY_BYTES,
    Request,
    decode_reply,
    encode_request,
    frame_length,
)

if TYPE_CHECKING:
    from triage.domain.entries import ParsedFeed

_START_SECONDS: Final = 30.0
_GOODBYE_SECONDS: Final = 1.0
_CHUNK: Final = 1 << 16
_RECYCLE_BYTES: Final = 1 << 20
"""After a document of this size the child is replaced: its memory would stay for the rest of its life."""


class ParserChild:
    """Reads documents in one child process, started on first use, killed at a limit and then started again.

    One document at a time; callers on other threads wait. A fork of this object starts a child of its own.

    Args:
        limit_seconds: wall clock and CPU time that one document may take.
        memory_mib: address space of the child, in MiB.
    """

    def __init__(self, *, limit_seconds: float = 10.0, memory_mib: int = 256) -> None:
        self._limit_seconds = limit_seconds
        self._memory_mib = memory_mib
        self._lock = Lock()
        self._process: _Process | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The child's process id, None when none runs."""
        process = self._process
        return process.pid if process else None

    def parse(self, body: bytes, *, content_type: str | None, base_url: str) -> ParsedFeed:
        """Read one document.

        Raises:
            SourceError: the kinds of `parsing.parse_document`, parse_timeout at the limit, crashed if the child dies.
        """
        request = encode_request(Request(body, content_type, base_url, self._limit_seconds))
        with self._lock:
            process = self._running()
            try:
                reply = process.exchange(request, time.monotonic() + self._limit_seconds)
            except BaseException:
                # Also on KeyboardInterrupt: what the pipe still holds must not answer the next document.
                self._drop()
                raise
            if len(body) > _RECYCLE_BYTES:
                self._drop()
        return decode_reply(reply)

    def close(self) -> None:
        """End the child; a later `parse` starts another one."""
        with self._lock:
            self._drop()

    def _running(self) -> _Process:
        if self._process and not self._process.is_usable():
            self._drop()
        if self._process is None:
            self._process = _Process(self._memory_mib)
        return self._process

    def _drop(self) -> None:
        process, self._process = self._process, None
        if process:
            process.end()


class _Process:
    """One running child and its two pipes, used without blocking so that a deadline always holds."""

    def __init__(self, memory_mib: int) -> None:
        self._owner = os.getpid()
        # -P keeps the working directory off the import path.
        self._popen = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-m", "triage.sources.parser_child", str(memory_mib)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        if self._popen.stdin is None or self._popen.stdout is None:
            raise OSError("no pipe to the parser")
        self._to, self._from = self._popen.stdin, self._popen.stdout
        os.set_blocking(self._to.fileno(), False)
        os.set_blocking(self._from.fileno(), False)
        try:
            self._greet()
        except BaseException:
            self.end()
            raise

    @property
    def pid(self) -> int:
        return self._popen.pid

    def is_usable(self) -> bool:
        """Tell whether the child lives and is ours (after a fork it is our parent's)."""
        return self._owner == os.getpid() and self._popen.poll() is None

    def exchange(self, request: bytes, deadline: float) -> bytes:
        """Send a request and return the reply frame; `deadline` is of the monotonic clock."""
        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        poll.register(self._to, select.POLLOUT)
        unsent = memoryview(request)
        received = bytearray()
        while not _is_whole(received):
            left = deadline - time.monotonic()
            ready = dict(poll.poll(left * 1_000)) if left > 0 else {}
            if not ready:
                raise SourceError(SourceErrorKind.PARSE_TIMEOUT, "the document takes too long to read")
            if self._to.fileno() in ready:
                unsent = unsent[self._send(unsent) :]
                if not unsent:
                    poll.unregister(self._to)
            if self._from.fileno() in ready:
                received += self._receive()
        return bytes(memoryview(received)[LENGTH_BYTES:])

    def end(self) -> None:
        """Close the pipes, end the process and collect it; a forked copy only lets go of the pipes."""
        with suppress(OSError):
            self._to.close()
        self._from.close()
        if self._owner != os.getpid():
            self._popen.returncode = 0  # not our child: it must be neither killed nor waited for
            return
        self._popen.kill()
        self._popen.wait()

    def _greet(self) -> None:
        if self.exchange(b"", time.monotonic() + _START_SECONDS) != HELLO:
            raise SourceError(SourceErrorKind.CRASHED, "the parser did not start")

    def _send(self, unsent: memoryview) -> int:
        try:
            return os.write(self._to.fileno(), unsent[:_CHUNK]) if unsent else 0
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._death() from error

    def _receive(self) -> bytes:
        try:
            chunk = os.read(self._from.fileno(), _CHUNK)
        except BlockingIOError:
            return b""
        if not chunk:
            raise self._death()
        return chunk

    def _death(self) -> SourceError:
        """Return why the child died; the kernel's signal says which limit it was."""
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(_GOODBYE_SECONDS)
        code = -(self._popen.returncode or 0)
        if code == signal.SIGXCPU:
            return SourceError(SourceErrorKind.PARSE_TIMEOUT, "the document takes too long to read")
        if code == signal.SIGABRT:  # what the allocators of Rust and C do when memory ends
            return SourceError(SourceErrorKind.PARSE_MEMORY, "the document needs more memory than allowed")
        return SourceError(SourceErrorKind.CRASHED, "the parser died over this document")


def _is_whole(received: bytearray) -> bool:
    """Tell whether a whole frame is here; a longer one than any sound child sends is refused."""
    if len(received) < LENGTH_BYTES:
        return False
    length = frame_length(bytes(received[:LENGTH_BYTES]))
    if length > MAX_REPLY_BYTES:
        raise SourceError(SourceErrorKind.CRASHED, "the parser sent more than it may")
    return len(received) >= LENGTH_BYTES + length
