"""HOW IS ONE URL READ? One guarded GET under one time limit; every hop of a redirect passes the same checks.

A name is resolved once per hop, every answer is checked, and the connection goes to a checked address with the
original Host and TLS name, so that a name which changes its mind between check and connect gains nothing (S02).
Proxies, `.netrc` and cookies are not used, and no credential is ever sent, so none can leak to another host.
"""

from __future__ import annotations

import re
import ssl
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from triage.domain.errors import AddressRefused, SettingsError
from triage.net.addresses import AllowList, Guard, Place, Resolver, place_of, system_resolver
from triage.net.decoding import decoder
from triage.net.faults import bad_status, in_plain_words, too_many_redirects
from triage.net.hints import floor_seconds, retry_after_seconds
from triage.net.http1 import Head, body_pieces, read_head
from triage.net.wire import Deadline, Wire, connect

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

MAX_BYTES: Final = 5 * 2**20
TOTAL_SECONDS: Final = 20.0
MAX_REDIRECTS: Final = 5
_UNESCAPED: Final = re.compile("[ \x80-\xff]")
_MAX_VALIDATOR_CHARS: Final = 1024
_ACCEPT: Final = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.8"
_PERMANENT: Final = frozenset({HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT})
_REDIRECTS: Final = _PERMANENT | {HTTPStatus.FOUND, HTTPStatus.SEE_OTHER, HTTPStatus.TEMPORARY_REDIRECT}
_MAY_SAY_WHEN: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_WITHOUT_BODY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT})


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What to read. Validators are sent back verbatim; `max_bytes` holds for the wire and for the decoded body."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    max_bytes: int = MAX_BYTES
    total_seconds: float = TOTAL_SECONDS


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What came back: status 2xx or 304, the decoded body (b"" on 304), and what to remember.

    `url` is where the answer came from; `permanent_url` is the same when every hop was a 301 or 308. On a 304 the
    validators are those that were sent. `floor_seconds` is how long the server asks us to wait, 0 to 6 h.
    """

    status: int
    url: str
    permanent_url: str | None
    body: bytes
    content_type: str | None
    etag: str | None
    last_modified: str | None
    floor_seconds: float


@dataclass(frozen=True, slots=True)
class _Moved:
    location: str
    permanent: bool


class Net:
    """The guarded way out. Holds no connection and no answer: one object serves all threads of a process."""

    def __init__(self, *, user_agent: str, allow_private: Sequence[str] = (), resolver: Resolver | None = None) -> None:
        """Take the User-Agent (with a contact) and the private places to open; raises `SettingsError`.

        `allow_private` holds networks (`10.0.0.0/8`) and address:port pairs (`127.0.0.1:8901`); a pair opens that
        port of that address and nothing else.
        """
        if not (user_agent.isascii() and user_agent.isprintable()):
            raise SettingsError("the user agent may hold printable ASCII characters only")
        self._user_agent = user_agent
        self._guard = Guard(resolver or system_resolver, AllowList(allow_private))
        self._tls: ssl.SSLContext | None = None

    def check(self, url: str) -> str:
        """Return the normalised URL if it may be read, without connecting: for the moment a source is added.

        Raises `AddressRefused`, or `SourceError` (unreachable, timeout) when the name does not resolve. The address
        is checked again at each fetch.
        """
        place = place_of(url)
        with in_plain_words(TOTAL_SECONDS):
            self._guard.addresses(place, Deadline(TOTAL_SECONDS))
        return place.url

    def get(self, request: FetchRequest) -> FetchResult:
        """Read one URL; raises `SourceError` with its kind, or `AddressRefused`, never anything else of the network."""
        place = place_of(request.url)
        deadline = Deadline(request.total_seconds)
        for_good = True
        with in_plain_words(request.total_seconds):
            for hop in range(MAX_REDIRECTS + 1):
                with closing(self._open(place, deadline)) as sock:
                    wire = Wire(sock, deadline, request.max_bytes)
                    wire.send(self._question(place, request))
                    answer = _answer(wire, request, place.url)
                if isinstance(answer, FetchResult):
                    return replace(answer, permanent_url=place.url) if hop and for_good else answer
                for_good = for_good and answer.permanent
                place = _next_place(place, answer.location)
        raise too_many_redirects(MAX_REDIRECTS)

    def close(self) -> None:
        """Nothing to release: no connection outlives a fetch. Here so that owners need not know that."""

    def _open(self, place: Place, deadline: Deadline) -> socket.socket:
        sock = connect(self._guard.addresses(place, deadline), place.port, deadline)
        if not place.secure:
            return sock
        try:
            sock.settimeout(deadline.remaining())  # for a handshake this is one limit over all of its steps
            return self._tls_context().wrap_socket(sock, server_hostname=place.host)
        except OSError:
            sock.close()
            raise

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:  # made at first use: reading the certificates costs 30 ms; twice in a race is harmless
            self._tls = _verified_tls()
        return self._tls

    def _question(self, place: Place, request: FetchRequest) -> bytes:
        lines = [
            f"GET {place.target} HTTP/1.1",
            f"Host: {place.authority}",
            f"User-Agent: {self._user_agent}",
            f"Accept: {_ACCEPT}",
            "Accept-Encoding: gzip",
            "Connection: close",
        ]
        if etag := _validator(request.etag):
            lines.append(f"If-None-Match: {etag}")
        if last_modified := _validator(request.last_modified):
            lines.append(f"If-Modified-Since: {last_modified}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _answer(wire: Wire, request: FetchRequest, url: str) -> FetchResult | _Moved:
    """Read one answer; the body of a redirect, a 304 or an error is never read."""
    head = read_head(wire)
    now = datetime.now(UTC)
    location = head.headers.get("location")
    if head.status in _REDIRECTS and location:
        return _Moved(location, head.status in _PERMANENT)
    unchanged = head.status == HTTPStatus.NOT_MODIFIED
    if not (unchanged or head.status < HTTPStatus.MULTIPLE_CHOICES):
        wish = retry_after_seconds(head.headers, now) if head.status in _MAY_SAY_WHEN else None
        raise bad_status(head.status, wish)
    return FetchResult(
        status=head.status,
        url=url,
        permanent_url=None,
        body=b"" if unchanged else _body(wire, head, request.max_bytes),
        content_type=head.headers.get("content-type"),
        etag=request.etag if unchanged else _validator(head.headers.get("etag")),
        last_modified=request.last_modified if unchanged else _validator(head.headers.get("last-modified")),
        floor_seconds=floor_seconds(head.headers, now),
    )


def _body(wire: Wire, head: Head, max_bytes: int) -> bytes:
    if head.status in _WITHOUT_BODY:
        return b""
    decode = decoder(head.headers.get("content-encoding"))  # refused before a byte of the body is read
    return decode(body_pieces(wire, head), max_bytes)


def _next_place(place: Place, location: str) -> Place:
    """Return where a redirect points; raises `AddressRefused` by the same rule as for any other URL (S03)."""
    # Servers send spaces and bytes beyond ASCII where escapes belong; in a host these escapes are refused.
    target = _UNESCAPED.sub(lambda char: f"%{ord(char[0]):02X}", location)
    try:
        return place_of(urljoin(place.url, target))
    except ValueError as error:
        raise AddressRefused from error


def _validator(value: str | None) -> str | None:
    """Return an opaque ETag or date if it can be sent back as a header, else None: then the next poll is plain."""
    usable = value and len(value) <= _MAX_VALIDATOR_CHARS and value.isprintable() and _is_latin(value)
    return value if usable else None


def _is_latin(text: str) -> bool:
    return all(ord(char) < 1 << 8 for char in text)


def _verified_tls() -> ssl.SSLContext:
    """Return a context that verifies the certificate and the name against the system's authorities."""
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        # A bare container or a fresh Python on macOS has no store; pip's way out is ours.
        import certifi  # noqa: PLC0415 - needed on such machines only

        context.load_verify_locations(certifi.where())
    return context
