"""Where do the feeds of `tocsin demo` come from? A small server on loopback that speaks for the sample organisation.

It listens on 127.0.0.1 only; nothing can change that. It keeps no state: what it serves follows from the sample files,
from `started_at` (which the caller keeps, so that a second start resumes with the same dates and guids) and from the
clock. Run alone: `python -m workers.demo_feeds --port 8900 --started-at 2026-11-25T10:00:00+00:00`.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Final, Self

from config.sample import FeedFault, read_sample
from workers.demo_documents import HTML, Document, article, entries, feed, front_page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from socket import socket
    from types import TracebackType

    from config.sample import SampleOrganisation

LOOPBACK: Final = "127.0.0.1"
IDLE_SECONDS: Final = 15
PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# The reader decides how often it asks; a hint to wait would only make the demo look dead.
FEED_HEADERS: Final = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}


def _utc_now() -> datetime:
    return datetime.now(UTC)


class DemoFeeds:
    """The feed server of the demo. `port` 0 takes a free one, known after `start`.

    `started_at` (aware) is the moment from which the live items are counted; it may lie half a minute ahead, so that
    the first poll finds the backlog and nothing else. Links hold the port: keep both for a second start.
    """

    def __init__(
        self,
        organisation: SampleOrganisation,
        *,
        started_at: datetime,
        port: int = 0,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        if started_at.tzinfo is None:
            raise ValueError("started_at must carry a time zone")
        self._organisation = organisation
        # Feeds carry whole seconds, and so must everything that is compared with them.
        self._started_at = started_at.astimezone(UTC).replace(microsecond=0)
        self._port = port
        self._clock = clock
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:<port>`, without a slash at the end."""
        return f"http://{LOOPBACK}:{self._port}"

    def start(self) -> Self:
        """Listen and answer in a thread of our own; OSError when the port is taken."""
        site = self

        class Handler(_Handler):
            def answer(self) -> Answer:
                return site.answer(self.path)

        self._server = _Server((LOOPBACK, self._port), Handler)
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="demo-feeds", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening; harmless when not started."""
        if self._server and self._thread:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answer(self, path: str) -> Answer:
        """Return what the server says to GET `path` now."""
        path, now = path.partition("?")[0], self._clock()
        if path == "/":
            return Answer(HTTPStatus.OK, Document(front_page(self._organisation), HTML, self._started_at), PAGE_HEADERS)
        if path.startswith("/item/"):
            return self._article(path.removeprefix("/item/"), now)
        for source in self._organisation.sources:
            if source.path == path and source.fault is FeedFault.ERROR_500:
                return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "The transmitter is down.\n", now)
            if source.path == path:
                document = feed(self._organisation, source, self.base_url, self._started_at, now)
                return Answer(HTTPStatus.OK, document, FEED_HEADERS)
        return _refusal(HTTPStatus.NOT_FOUND, "There is nothing here.\n", now)

    def _article(self, item_id: str, now: datetime) -> Answer:
        item = next((item for item in self._organisation.items if item.id == item_id), None)
        if item is not None:
            source = next(source for source in self._organisation.sources if source.slug == item.source)
            found = entries(self._organisation, source, self.base_url, self._started_at, now)
            for entry in found:
                if entry.id == item_id:
                    document = Document(article(source, entry), HTML, entry.changed)
                    return Answer(HTTPStatus.OK, document, PAGE_HEADERS)
        return _refusal(HTTPStatus.NOT_FOUND, "There is no such article, or not yet.\n", now)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says to one GET."""

    status: HTTPStatus
    document: Document
    headers: Mapping[str, str]

    @property
    def validators(self) -> dict[str, str]:
        """ETag and Last-Modified; empty for a refusal."""
        if self.status is not HTTPStatus.OK:
            return {}
        tag = sha256(self.document.body).hexdigest()[:32]
        return {"ETag": f'"{tag}"', "Last-Modified": format_datetime(self.document.changed, usegmt=True)}

    def unchanged(self, none_match: str | None, modified_since: str | None) -> bool:
        """Decide a conditional request; an ETag, where sent, decides alone (RFC 9110 §13.2.2)."""
        if not self.validators:
            return False
        if none_match is not None:
            tags = [tag.strip().removeprefix("W/") for tag in none_match.split(",")]
            return "*" in tags or self.validators["ETag"] in tags
        try:
            return modified_since is not None and parsedate_to_datetime(modified_since) >= self.document.changed
        except (TypeError, ValueError):  # not a date, or one without a zone
            return False


def _refusal(status: HTTPStatus, text: str, now: datetime) -> Answer:
    return Answer(status, Document(text.encode(), "text/plain; charset=utf-8", now), PAGE_HEADERS)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without asking for the machine's own name, which can take seconds without a network."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: object) -> None:
        """Say nothing of clients that hang up; everything else goes to stderr as usual."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def answer(self) -> Answer:
        raise NotImplementedError

    def version_string(self) -> str:
        return "tocsin-demo"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Keep the terminal for the demo itself."""

    def do_GET(self) -> None:
        """Answer with a document, 304, or a refusal."""
        self._send(body=True)

    def do_HEAD(self) -> None:
        """Answer as for GET, without the body."""
        self._send(body=False)

    def _send(self, *, body: bool) -> None:
        answer = self.answer()
        same = answer.unchanged(self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since"))
        self.send_response(HTTPStatus.NOT_MODIFIED if same else answer.status)
        for name, value in {**answer.headers, **answer.validators}.items():
            self.send_header(name, value)
        if not same:
            self.send_header("Content-Type", answer.document.media_type)
            self.send_header("Content-Length", str(len(answer.document.body)))
        self.end_headers()
        if body and not same:
            self.wfile.write(answer.document.body)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM. Prints the address once it listens."""
    parser = argparse.ArgumentParser(
        prog="python -m workers.demo_feeds", description="Feeds of the sample organisation."
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port and prints it")
    parser.add_argument("--started-at", type=_moment, default=None, help="ISO 8601 with a zone; now when left out")
    options = parser.parse_args(arguments)
    serve_until_told(DemoFeeds(read_sample(), started_at=options.started_at or _utc_now(), port=options.port))


def serve_until_told(feeds: DemoFeeds) -> None:
    """Print the address and answer until SIGINT or SIGTERM."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with feeds:
        sys.stdout.write(f"{feeds.base_url}\n")
        sys.stdout.flush()
        ended.wait()


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no time zone; write for example {text}+00:00")
    return moment


if __name__ == "__main__":
    main()
