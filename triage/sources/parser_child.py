"""WHAT RUNS INSIDE THE PARSE CHILD? A loop: read a document from stdin, parse it, write the result to stdout.

Started by `triage.sources.child.ParserChild` as `python -m triage.sources.parser_child MEMORY_MIB`. Nothing else of the
product is imported here, so that the process stays small. It ends when its parent does: reading then meets the end of
the pipe, and a document in work ends at the CPU limit at the latest.
"""

from __future__ import annotations

import contextlib
import gc
import math
import resource
import signal
import sys
from typing import TYPE_CHECKING, Final

from triage.domain.errors import SourceError, SourceErrorKind
from triage.sources.parsing import parse_document
from triage.sources.wire import (
    HELLO,
    LENGTH_BYTES,
    MAX_REPLY_BYTES,
    Request,
    decode_request,
    encode_error,
    encode_feed,
    frame,
    frame_length,
)

if TYPE_CHECKING:
    from typing import BinaryIO

_SECOND: Final = 1


def main() -> None:
    """Serve documents until stdin ends."""
    # Ctrl-C and a stop of the whole group reach this process too; its parent finishes its document first.
    for request_to_stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(request_to_stop, signal.SIG_IGN)
    _limit_memory(int(sys.argv[1]))
    # Collections come between documents, where there is little to walk through, instead of every 700 objects.
    gc.disable()
    gc.freeze()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    _write(sink, HELLO)
    while (document := _next_request(source)) is not None:
        _write(sink, _answer(document))
        del document
        gc.collect()


def _answer(request: Request) -> bytes:
    _limit_cpu(request.limit_seconds)
    try:
        feed = parse_document(request.body, content_type=request.content_type, base_url=request.base_url)
        reply = encode_feed(feed)
    except SourceError as error:
        return encode_error(error)
    except MemoryError:
        return encode_error(SourceError(SourceErrorKind.PARSE_MEMORY, "the document needs more memory than allowed"))
    except Exception as error:  # noqa: BLE001 - whatever a document provokes is told to the parent, and the loop goes on
        message = f"the document breaks the parser ({type(error).__name__})"
        return encode_error(SourceError(SourceErrorKind.PARSE_ERROR, message))
    if len(reply) > MAX_REPLY_BYTES:
        return encode_error(SourceError(SourceErrorKind.TOO_LARGE, "the document is too large once it is cleaned"))
    return reply


def _next_request(source: BinaryIO) -> Request | None:
    about = _read_frame(source)
    body = _read_frame(source)
    return None if about is None or body is None else decode_request(about, body)


def _read_frame(source: BinaryIO) -> bytes | None:
    prefix = source.read(LENGTH_BYTES)
    if len(prefix) < LENGTH_BYTES:
        return None
    length = frame_length(prefix)
    payload = source.read(length)
    return payload if len(payload) == length else None


def _write(sink: BinaryIO, payload: bytes) -> None:
    sink.write(frame(payload))
    sink.flush()


def _limit_memory(mebibytes: int) -> None:
    # macOS refuses RLIMIT_AS; there the wall clock alone bounds a document.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20, mebibytes << 20))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_cpu(seconds: float) -> None:
    """Allow `seconds` more of CPU time; then the kernel ends the process, also inside code that no signal reaches."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = usage.ru_utime + usage.ru_stime
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + seconds) + _SECOND, hard))


if __name__ == "__main__":
    main()
