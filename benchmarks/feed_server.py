"""How fast is the way from a feed to a stored mention? Synthetic feeds to measure it with, on loopback.

Same options, same bytes. Each item is a title and a body of about 60 English words in two or three sentences, glad,
cross or plain by turns, and names "Acme" exactly once. `/feed/<n>` is an RSS 2.0 document with ETag and 304,
`/_stats` counts answers as JSON. Modes, each for a set of feeds:

  slow       waits `slow_seconds` before it answers       undated    items have no date
  error      answers 500                                  backdated  from the second poll on, one old item more
  malformed  a bare `AT&T` in the first title             dupguid    the first two items share one guid
"""

from __future__ import annotations

import argparse
import json
import random
import re
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final, Self
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MODES: Final = ("slow", "error", "malformed", "undated", "backdated", "dupguid")
NEWEST: Final = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
# A slot is one capital letter: W who, T when, N noun, V verb, A adjective of the sentence's tone, P preposition.
PATTERNS: Final = (
    "T, the N from the N V a A N, and W V the A N P the N P the old N.",
    "W V the N P a A N T, while the N P the N V another A N.",
    "the A N V the N T, because W had said that a N P the N would be A.",
)
VOCABULARY: Final = """
T last_Monday on_Friday_night in_March this_morning after_lunch before_the_storm for_a_week since_the_fair
V moved opened painted carried counted measured weighed turned showed packed washed found lifted borrowed
P beside behind below above near inside under across along beyond opposite
N basket bell bench bicycle blanket boat bottle bridge bucket button cabin candle carpet chair clock coat corner door
N desk engine fence ferry garden gate harbour hat jacket kettle key kitchen ladder lamp letter map market mirror museum
N notebook oven paper parcel pencil pillow pipe plate river roof shelf shop spoon station street suitcase table ticket
N tower train tunnel umbrella van village wall wheel window
glad wonderful lovely happy excellent charming brilliant delightful superb pleasant beautiful
cross terrible awful horrible angry useless ugly nasty miserable dreadful broken
plain blue wooden square narrow second round grey tall northern folded
"""
WORDS: Final[dict[str, list[str]]] = {}
for _slot, *_words in map(str.split, VOCABULARY.strip().splitlines()):
    WORDS.setdefault(_slot, []).extend(word.replace("_", " ") for word in _words)
OTHERS: Final = ("the driver", "our landlord", "the baker", "a neighbour", "the guide", "my aunt", "the clerk")
BRAND: Final = "Acme"


class BenchFeeds:
    """The server. `modes` maps a mode to the feeds that misbehave so; `items` counts per feed."""

    def __init__(
        self,
        feeds: int = 20,
        items: int = 200,
        *,
        seed: int = 1,
        modes: Mapping[str, Iterable[int]] | None = None,
        port: int = 0,
        slow_seconds: float = 2.0,
    ) -> None:
        self.modes = {mode: frozenset(numbers) for mode, numbers in (modes or {}).items()}
        if unknown := set(self.modes) - set(MODES):
            raise ValueError(f"unknown modes {sorted(unknown)}; known: {', '.join(MODES)}")
        self.feeds, self.items, self.seed, self.port, self.slow_seconds = feeds, items, seed, port, slow_seconds
        self.answers: Counter[int] = Counter()
        self.polls: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._document = lru_cache(maxsize=None)(self._write)

    @property
    def urls(self) -> list[str]:
        """The addresses of all feeds; only good while the server runs."""
        return [f"http://127.0.0.1:{self.port}/feed/{feed}" for feed in range(self.feeds)]

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def item(self, feed: int, number: int) -> tuple[str, str]:
        """Return title and body of one item."""
        chance = random.Random(f"{self.seed}/{feed}/{number}")
        count = chance.choice((2, 3, 3))
        named = chance.randrange(count)
        sentences = [_sentence(chance, BRAND if place == named else chance.choice(OTHERS)) for place in range(count)]
        return f"Note {number} of feed {feed}: the {chance.choice(WORDS['N'])}", " ".join(sentences)

    def respond(self, path: str, tag: str | None) -> tuple[int, bytes, str]:
        """Return status, body and ETag for GET `path`."""
        if path == "/_stats":
            with self._lock:
                stats = {"answers": dict(sorted(self.answers.items())), "polls": self.polls.total()}
            return 200, json.dumps(stats).encode(), ""
        kind, _, name = path.strip("/").partition("/")
        if kind != "feed" or not name.isdecimal() or int(name) >= self.feeds:
            return 404, b"", ""
        feed = int(name)
        with self._lock:
            self.polls[feed] += 1
            again = self.polls[feed] > 1 and self._has("backdated", feed)
        if self._has("slow", feed):
            time.sleep(self.slow_seconds)
        status, body, own = (500, b"", "") if self._has("error", feed) else (200, *self._document(feed, extra=again))
        if own and own == tag:
            status, body = 304, b""
        with self._lock:
            self.answers[status] += 1
        return status, body, own

    def _has(self, mode: str, feed: int) -> bool:
        return feed in self.modes.get(mode, ())

    def _write(self, feed: int, *, extra: bool) -> tuple[bytes, str]:
        rows = [self._row(feed, number, NEWEST - timedelta(minutes=7 * number)) for number in range(self.items)]
        if extra:
            rows.append(self._row(feed, self.items, NEWEST - timedelta(days=400)))
        head = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Bench {feed}</title><link>http://127.0.0.1/</link>'
        body = f"{head}<description>Synthetic</description>\n{''.join(rows)}</channel></rss>".encode()
        return body, f'"{sha256(body).hexdigest()[:24]}"'

    def _row(self, feed: int, number: int, when: datetime) -> str:
        title, text = self.item(feed, number)
        bare = "AT&T " if number == 0 and self._has("malformed", feed) else ""
        guid = f"bench-{feed}-{0 if number == 1 and self._has('dupguid', feed) else number}"
        date = "" if self._has("undated", feed) else f"<pubDate>{format_datetime(when)}</pubDate>"
        return (
            f"<item><title>{bare}{escape(title)}</title><link>http://127.0.0.1/item/{feed}/{number}</link>{date}"
            f'<guid isPermaLink="false">{guid}</guid><description>{escape(f"<p>{text}</p>")}</description></item>\n'
        )


def _sentence(chance: random.Random, who: str) -> str:
    words = WORDS | {"A": WORDS[chance.choice(("glad", "cross", "plain", "plain"))], "W": [who]}
    text = re.sub(r"\b[TVPNAW]\b", lambda slot: chance.choice(words[slot[0]]), chance.choice(PATTERNS))
    return text[0].upper() + text[1:]


def _handler(site: BenchFeeds) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Requests are counted, not printed."""

        def do_GET(self) -> None:
            """Answer as `respond` says."""
            status, body, tag = site.respond(self.path.partition("?")[0], self.headers.get("If-None-Match"))
            self.send_response(status)
            if tag:
                self.send_header("ETag", tag)
            if status != 304:
                self.send_header("Content-Type", "application/rss+xml" if tag else "application/json")
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def numbers_of(text: str) -> frozenset[int]:
    """Parse `0,3-5` into {0, 3, 4, 5}."""
    parts = [part.partition("-") for part in text.split(",")]
    return frozenset(number for low, _, high in parts for number in range(int(low), int(high or low) + 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in {"feeds": 20, "items": 200, "seed": 1, "port": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
    parser.add_argument("--mode", action="append", default=[], metavar="MODE=FEEDS", help="for example slow=0,3-5")
    given = parser.parse_args()
    modes = {name: numbers_of(feeds) for name, _, feeds in (spec.partition("=") for spec in given.mode)}
    with BenchFeeds(given.feeds, given.items, seed=given.seed, modes=modes, port=given.port) as site:
        print(site.urls[0], flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(json.dumps(dict(site.answers)))


if __name__ == "__main__":
    main()
