"""WHAT IS LOST WHEN A PROCESS DIES? A whole Tocsin of real processes, feeds of known content, and a ledger to compare.

Nothing here knows pytest. `Feeds` serves items in rounds and counts what it was asked; `Stack` runs `tocsin up` in a folder
of its own on either database; `Ledger` is what the database holds. All waiting is for a condition, with a deadline.
"""

from __future__ import annotations

import contextlib
import http.cookiejar
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import psutil
from sqlalchemy import text

from config.bootstrap import Container
from config.settings import load_settings
from tests.databases import free_port
from triage.domain.jobs import Lane
from triage.services.watching import add_brand, add_sources
from triage.storage.brands import NewBrand
from triage.storage.dialect import build_engine
from triage.storage.schema import migrate
from triage.storage.sources import NewSource
from workers.commands.context import InlineDispatcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

ROOT: Final = Path(__file__).resolve().parents[1]
FEEDS: Final = 10
ITEMS_PER_FEED: Final = 50
POLL_SECONDS: Final = 2
RECOVERS_WITHIN_SECONDS: Final = 30.0
STARTS_WITHIN_SECONDS: Final = 45.0
_LOOK_EVERY_SECONDS: Final = 0.02
_END_WITH_PARENT: Final = (
    "import ctypes, os, signal, sys; ctypes.CDLL(None).prctl(1, signal.SIGTERM); os.execv(sys.argv[1], sys.argv[1:])"
)
# What tells our processes apart in the list of processes.
_TITLES: Final = {
    "web": "gunicorn: master",
    "worker": "celeryd: collect@",
    "worker-crisis": "celeryd: crisis@",
    "scheduler": "celery beat",
}


def until(condition: Callable[[], object], within_seconds: float, what: str) -> float:
    """Wait until `condition` holds and return the seconds it took; AssertionError when it does not in time."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > within_seconds:
            raise AssertionError(f"after {within_seconds:.0f} s: not {what}")
        time.sleep(_LOOK_EVERY_SECONDS)
    return time.monotonic() - begun


def tocsin(*words: str) -> list[str]:
    """Return the command `tocsin …`, as `ending_with_us`."""
    return ending_with_us("-m", "workers.cli", *words)


def ending_with_us(*words: str) -> list[str]:
    """Return the command `python …` of a process that ends with this one, even when a test run is killed (Linux)."""
    python = [sys.executable, *words]
    return [sys.executable, "-c", _END_WITH_PARENT, *python] if sys.platform == "linux" else python


class Feeds:
    """Ten feeds on loopback. Each round replaces all their items by new ones; no item is served in two rounds.

    The first item of the second feed repeats the text of the first feed's first: one duplicate a round. An answer of
    feed n waits n times `delay_seconds`, so that a poll of all ten can be met in its middle; `slow` delays one feed.
    """

    def __init__(self, items: int = ITEMS_PER_FEED) -> None:
        self.items = items
        self.round = 0
        self.delay_seconds = 0.1
        self.slow: dict[int, float] = {}
        self.asked_at: dict[int, list[float]] = defaultdict(list)
        self.documents: dict[int, int] = defaultdict(int)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def served(self) -> int:
        """How many items there have been so far."""
        return self.round * self.items * FEEDS

    @property
    def copies(self) -> int:
        """How many of them repeat another one's text."""
        return self.round

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{self.port}/feed/{number}" for number in range(FEEDS)]

    def document(self, number: int) -> bytes:
        """The feed's items of the current round as RSS."""
        serial = f"{self.round}"
        rows = "".join(self._item(number, item, serial) for item in range(self.items)) if self.round else ""
        head = f"<title>Feed {number}</title><link>http://127.0.0.1/</link><description>Test</description>"
        return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{rows}</channel></rss>'.encode()

    def _item(self, number: int, item: int, serial: str) -> str:
        origin = 0 if (number, item) == (1, 0) else number
        words = (
            f"Report {serial}-{origin}-{item}: the Acme kettle of house {origin * 1000 + item} was delivered on time."
        )
        name = f"{serial}-{number}-{item}"
        return (
            f"<item><title>{words}</title><link>http://127.0.0.1/{name}</link><guid>{name}</guid>"
            f"<description>{words} Round {serial}.</description></item>"
        )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        feeds = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Requests are counted, not printed."""

            def do_GET(self) -> None:
                number = int(self.path.rsplit("/", 1)[1])
                feeds.asked_at[number].append(time.monotonic())
                tag = f'"{feeds.round}"'
                same = self.headers.get("If-None-Match") == tag
                body = b"" if same else feeds.document(number)
                if not same:
                    time.sleep(feeds.slow.get(number, number * feeds.delay_seconds))
                    feeds.documents[number] += 1
                self.send_response(304 if same else 200)
                self.send_header("ETag", tag)
                if not same:
                    self.send_header("Content-Type", "application/rss+xml")
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):  # whoever asked may have been killed
                    self.wfile.write(body)

        return Handler


@dataclass(frozen=True)
class Ledger:
    """What the database holds; `guids` counts different items, so that one stored twice shows."""

    entries: int
    guids: int
    mentions: int
    received: int
    queued: int
    duplicates: int
    explained: int
    dead: int
    items: int

    @classmethod
    def read(cls, engine: Engine) -> Ledger:
        with engine.connect() as connection:
            states = dict(connection.execute(text("SELECT state, count(*) FROM mention GROUP BY state")).all())
            others = connection.execute(
                text(
                    "SELECT (SELECT count(*) FROM entry), (SELECT count(DISTINCT entry_key) FROM entry),"
                    " (SELECT count(*) FROM mention WHERE state = 'duplicate' AND reason IS NOT NULL),"
                    " (SELECT count(*) FROM item)"
                )
            ).one()
        return cls(
            entries=others[0],
            guids=others[1],
            mentions=sum(states.values()),
            received=states.get("received", 0),
            queued=states.get("queued", 0),
            duplicates=states.get("duplicate", 0),
            explained=others[2],
            dead=states.get("dead", 0),
            items=others[3],
        )

    def holds(self, feeds: Feeds) -> bool:
        """Say whether each item served is stored once and has one place, or one recorded reason why it has none."""
        return (
            self.entries == self.guids == self.mentions == feeds.served
            and self.items == self.queued
            and self.queued + self.duplicates == feeds.served
            and self.explained == self.duplicates == feeds.copies
            and self.received == self.dead == 0
        )


@dataclass
class Stack:
    """`tocsin up` in `home`, watching `feeds`, on SQLite or on the database at `database_url`."""

    home: Path
    feeds: Feeds
    database_url: str | None = None
    program: tuple[str, ...] = ("-m", "workers.cli", "up")
    web_port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What `tocsin` is told, here and in every process that a test starts beside it."""
        ours = {
            "TOCSIN_HOME": str(self.home),
            "TOCSIN_SWEEP_SECONDS": "2",
            "TOCSIN_ALLOW_PRIVATE": f"127.0.0.1:{self.feeds.port}",
            "TOCSIN_BIND": f"127.0.0.1:{self.web_port}",
            "PYTHONPATH": str(ROOT),
        }
        if self.database_url:
            ours["DATABASE_URL"] = self.database_url
        return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)} | ours

    def install(self) -> None:
        """Make the schema, a brand that every item names, and the ten sources."""
        self.home.mkdir(parents=True, exist_ok=True)
        changes = {"DATABASE_URL": self.database_url} if self.database_url else {}
        settings = load_settings(home=self.home, allow_private=(f"127.0.0.1:{self.feeds.port}",), **changes)
        container = Container(settings, InlineDispatcher())
        migrate(container.store.engine)
        add_brand(container.store, NewBrand("acme", "Acme", "acme"))
        pace = {"min_interval_seconds": POLL_SECONDS, "max_interval_seconds": POLL_SECONDS}
        sources = [NewSource("feed", url, confirmed=True, **pace) for url in self.feeds.urls]
        add_sources(container.store, container.net.check, sources)
        container.close()
        self.engine = build_engine(settings.database())

    def start(self) -> None:
        """Start it and wait until it says that it runs."""
        with (self.home / "out.log").open("wb") as log:
            self._process = subprocess.Popen(
                ending_with_us(*self.program),
                cwd=self.home,
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        until(self._says_ready, STARTS_WITHIN_SECONDS, "started")

    def _says_ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"it ended by itself with {self._process.returncode}:\n{self.output}")
        return "Press Ctrl-C" in self.output

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def output(self) -> str:
        """What it has printed since it was started last."""
        path = self.home / "out.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def log(self, part: str) -> str:
        path = self.home / "logs" / f"{part}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def supervisor(self) -> psutil.Process:
        """The process that was started."""
        if self._process is None:
            raise AssertionError("the stack is not running")
        return psutil.Process(self._process.pid)

    def part(self, name: str) -> psutil.Process:
        """Return the first process of a part; wait for it when it is being started again."""
        found: list[psutil.Process] = []

        def look() -> bool:
            found[:] = [child for child in self.supervisor.children() if _is(child, name)]
            return len(found) == 1

        until(look, RECOVERS_WITHIN_SECONDS, f"{name} is running")
        return found[0]

    def polling_child(self) -> psutil.Process:
        """Return the pool process that waits for an answer of the feeds; wait for there to be one."""
        found: list[psutil.Process] = []

        def look() -> bool:
            found[:] = [child for child in self.part("worker").children() if self._asks(child)]
            return bool(found)

        until(look, RECOVERS_WITHIN_SECONDS, "a pool process that polls")
        return found[0]

    def _asks(self, process: psutil.Process) -> bool:
        try:
            connections = process.net_connections("tcp")
        except psutil.Error:
            return False
        return any(each.raddr and each.raddr.port == self.feeds.port for each in connections)

    def processes(self) -> list[psutil.Process]:
        """Return every process that works in this stack's folder, whoever its parent is now."""
        return processes_in(self.home)

    def stop(self, number: signal.Signals = signal.SIGINT, within_seconds: float = 15.0) -> tuple[int, float]:
        """Ask it to stop; return (exit code, seconds it took)."""
        if self._process is None:
            raise AssertionError("the stack is not running")
        begun = time.monotonic()
        self._process.send_signal(number)
        code = self._process.wait(within_seconds)
        self._process = None
        return code, time.monotonic() - begun

    def kill_supervisor(self) -> None:
        """Kill -9 the supervisor alone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def destroy(self) -> None:
        """End whatever is left; nothing of a failed test stays."""
        self.kill_supervisor()
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.engine.dispose()

    def ledger(self) -> Ledger:
        return Ledger.read(self.engine)

    def begin_round(self) -> None:
        """Serve five hundred new items."""
        self.feeds.round += 1

    def await_middle(self) -> Ledger:
        """Wait until some of the round's items are stored, and not all have their place; return the ledger of then."""
        before, caught = self.feeds.served - self.feeds.items * FEEDS, []

        def in_the_middle() -> bool:
            ledger = self.ledger()
            caught[:] = [ledger]
            return ledger.entries > before and ledger.items + ledger.duplicates < self.feeds.served

        until(in_the_middle, RECOVERS_WITHIN_SECONDS, "in the middle of the round")
        return caught[0]

    def await_balance(self) -> float:
        """Wait until the ledger holds; return the seconds it took."""
        try:
            return until(lambda: self.ledger().holds(self.feeds), RECOVERS_WITHIN_SECONDS, "balanced")
        except AssertionError as error:
            raise AssertionError(
                f"{error}: {self.feeds.served} served, {self.ledger()}\n{self.output[-2000:]}"
            ) from None

    def await_signs_of_life(self) -> None:
        """Wait until the consumer of each queue has answered a canary that was sent after this call."""
        before = self._signs()
        lanes = {f"lane:{lane}" for lane in Lane}

        def all_speak() -> bool:
            now = self._signs()
            return all(now.get(lane, "") > before.get(lane, "") for lane in lanes)

        until(all_speak, RECOVERS_WITHIN_SECONDS, "heard on every queue")

    def _signs(self) -> dict[str, str]:
        with self.engine.connect() as connection:
            return {name: str(seen) for name, seen in connection.execute(text("SELECT name, seen_at FROM heartbeat"))}

    @property
    def address(self) -> str:
        """Where the dashboard is."""
        return f"http://127.0.0.1:{self.web_port}"

    def get(self, path: str, timeout_seconds: float = 5.0) -> int:
        """Return the status of a GET, 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web_port}{path}", timeout=timeout_seconds) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    @contextlib.contextmanager
    def beside(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run one more `tocsin` command beside the stack, and end it."""
        with (self.home / "beside.log").open("ab") as log:
            process = subprocess.Popen(tocsin(*words), cwd=self.home, env=self.environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(15)


class Person:
    """Somebody with a browser and a session of their own."""

    def __init__(self, address: str, email: str, password: str) -> None:
        self.address = address
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.browser = urllib.request.build_opener(cookies)
        self.post("/login", {"email": email, "password": password}, form_token=self._form_token("/login"))
        self.form_token = self._form_token("/")

    def _form_token(self, path: str) -> str:
        found = _FORM_TOKEN.search(self.get(path))
        if found is None:
            raise AssertionError(f"{path} holds no form")
        return found[1]

    def get(self, path: str) -> str:
        with self.browser.open(self.address + path, timeout=30) as answer:
            body: bytes = answer.read()
            return body.decode()

    def post(self, path: str, fields: dict[str, str], *, form_token: str) -> tuple[int, str]:
        """Send a form as htmx does; return (status, body)."""
        data = urllib.parse.urlencode({**fields, "csrf_token": form_token}).encode()
        request = urllib.request.Request(self.address + path, data, {"HX-Request": "true"})
        try:
            with self.browser.open(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def claim(self, item_id: int) -> tuple[int, str]:
        return self.post(f"/items/{item_id}/claim", {"view": "row"}, form_token=self.form_token)


def processes_in(folder: Path) -> list[psutil.Process]:
    """Return every process but our own that works in `folder`, whoever its parent is now."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _works_in(folder, process)]


def _works_in(folder: Path, process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(folder)
    except (psutil.Error, OSError):
        return False


_FORM_TOKEN: Final = re.compile(r'name="csrf_token" value="([^"]+)"')
_OURS: Final = ("TOCSIN_", "DATABASE_", "REDIS_")


def _is(process: psutil.Process, part: str) -> bool:
    try:
        if part == "valkey":
            return "valkey" in process.name() or "redis" in process.name()
        return _TITLES[part] in " ".join(process.cmdline())
    except psutil.Error:
        return False


def kill_tree(process: psutil.Process) -> None:
    """Kill -9 a process and all that it started, the parent first, so that it can neither notice nor say goodbye."""
    family = [process, *process.children(recursive=True)]
    for each in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
