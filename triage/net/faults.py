"""WHAT WENT WRONG, IN PLAIN WORDS? Every failure of a fetch as a `SourceError` of the right kind.

No text contains an address, a path, a header or a phrase of the server: the words are shown on a page, and the
server may be hostile.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from triage.domain.errors import SourceError, SourceErrorKind

if TYPE_CHECKING:
    from collections.abc import Iterator


def too_large(limit: int) -> SourceError:
    """Say that the answer passed `limit` bytes."""
    size = f"{limit / 2**20:g} MiB" if limit >= 2**20 else f"{limit:,} bytes"
    return SourceError(SourceErrorKind.TOO_LARGE, f"the answer is larger than {size}")


def incomplete() -> SourceError:
    """Say that the connection ended before the answer did."""
    return SourceError(SourceErrorKind.INCOMPLETE, "the server closed the connection before its answer was complete")


def malformed() -> SourceError:
    """Say that the answer is not HTTP, or has a head beyond every measure."""
    return SourceError(SourceErrorKind.HTTP_ERROR, "the server's answer is not valid HTTP")


def encoding_refused() -> SourceError:
    """Say that the body came in an encoding that we did not ask for or that does not decode."""
    return SourceError(SourceErrorKind.ENCODING_REFUSED, "the answer is not plain and not one valid gzip")


def too_many_redirects(limit: int) -> SourceError:
    """Say that the server sent us on more than `limit` times."""
    return SourceError(SourceErrorKind.TOO_MANY_REDIRECTS, f"the server redirects more than {limit} times")


def bad_status(status: int, retry_after_seconds: float | None) -> SourceError:
    """Turn a status that is neither 2xx, 304 nor a redirect with a target into an error.

    410 is permanent (`gone`), 429 is `rate_limited`, the rest is `http_error`.
    """
    try:
        phrase = f" ({HTTPStatus(status).phrase})"
    except ValueError:
        phrase = ""
    if status == HTTPStatus.GONE:
        return SourceError(SourceErrorKind.GONE, "the server says that this address is gone for good", permanent=True)
    kind = SourceErrorKind.RATE_LIMITED if status == HTTPStatus.TOO_MANY_REQUESTS else SourceErrorKind.HTTP_ERROR
    return SourceError(kind, f"the server answered {status}{phrase}", retry_after_seconds=retry_after_seconds)


@contextmanager
def in_plain_words(total_seconds: float) -> Iterator[None]:
    """Translate what sockets, TLS and the resolver raise; a `SourceError` passes unchanged."""
    try:
        yield
    except TimeoutError as error:
        text = f"the server did not answer completely within {total_seconds:g} seconds"
        raise SourceError(SourceErrorKind.TIMEOUT, text) from error
    except ssl.SSLCertVerificationError as error:
        text = f"the server's certificate was not accepted: {error.verify_message}"
        raise SourceError(SourceErrorKind.UNREACHABLE, text) from error
    except ssl.SSLError as error:
        text = "no secure connection to the server could be made"
        raise SourceError(SourceErrorKind.UNREACHABLE, text) from error
    except socket.gaierror as error:
        raise SourceError(SourceErrorKind.UNREACHABLE, "the name of the server could not be found") from error
    except (ConnectionResetError, ConnectionAbortedError, BrokenPipeError) as error:
        raise incomplete() from error
    except OSError as error:
        raise SourceError(SourceErrorKind.UNREACHABLE, "the server could not be reached") from error
