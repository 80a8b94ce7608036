"""WHAT DO STORAGE AND SERVICE TESTS STAND ON? Small real classes in place of the network and of the language models.

`Works` is an installation without broker, network and models: a database of either kind, a clock that is wound by hand,
sources that answer from a script, and a reader that does what the text tells it to.
"""

from __future__ import annotations

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import create_engine, delete, text

from config.process import LoadedProcess, load_process
from tests.conftest import HandClock, RecordingDispatcher
from triage.domain.entries import ParsedEntry, ParsedFeed
from triage.domain.mentions import Role, UserId
from triage.domain.relevance import Relevance
from triage.domain.risk import Flag
from triage.domain.sentiment import Sentiment, not_scored
from triage.language.reader import Reading, TextToRead
from triage.services import assessment, polling, sweep
from triage.services.assessment import AssessTools
from triage.services.polling import PollReport, PollTools
from triage.services.processes import ProcessShelf, ProcessText, put_into_force
from triage.services.response import Person
from triage.services.watching import add_brand, add_sources
from triage.services.watchlist import Watchlist
from triage.sources.base import Harvest
from triage.storage.audit import SYSTEM
from triage.storage.brands import NewBrand
from triage.storage.dialect import build_engine
from triage.storage.schema import migrate
from triage.storage.sources import NewSource
from triage.storage.tables import Base
from triage.storage.unit_of_work import Store
from triage.storage.views import Views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Engine

    from triage.domain.jobs import Job

STARTER: Final = Path(__file__).resolve().parents[1] / "config" / "processes" / "starter.yaml"
DATABASES: Final = ("sqlite", "postgresql")
_ENGINES: Final = pytest.StashKey[dict[str, Any]]()


@cache
def starter() -> LoadedProcess:
    """The starter process, read once."""
    return load_process(STARTER)


@dataclass
class ScriptedSource:
    """A kind of source whose documents are written down: each call takes the next answer, the last one repeats."""

    answers: dict[str, list[Harvest | Exception]] = field(default_factory=dict)
    calls: list[tuple[str, Mapping[str, object] | None]] = field(default_factory=list)
    before: Callable[[str], None] = lambda _address: None
    """Called in the fetching thread, before the answer: a test acts here while the poll is on its way."""

    def fetch(self, address: str, cursor: Mapping[str, object] | None) -> Harvest:
        """Return the next answer for `address`, or raise it."""
        self.calls.append((address, cursor))
        self.before(address)
        waiting = self.answers[address]
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class TellingReader:
    """A reader of texts that say themselves how they read.

    `#fire` raises the flag `fire`, `tone:-0.6` is the tone (not scored without), `poison` raises ValueError, and
    `unstorable` makes a reading that no database takes. `before` is called with each text first.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.healed = False
        self.before: Callable[[str], None] = lambda _text: None
        self._lock = threading.Lock()

    def read(self, given: TextToRead) -> Reading:
        """Return the reading that the text asks for."""
        words = f"{given.title} {given.body}"
        with self._lock:
            self.texts.append(words)
        self.before(words)
        if "poison" in words and not self.healed:
            raise ValueError("poison\x00 in the text")
        tone = re.search(r"tone:(-?[\d.]+)", words)
        return Reading(
            language="en",
            language_reason="the text says so" if "unstorable" not in words or self.healed else object(),  # type: ignore[arg-type]
            sentiment=Sentiment(float(tone[1]), "telling") if tone else not_scored("no tone given"),
            flags=tuple(
                Flag(found[1], f"{found[1]}.test", 0.7, found.start(), found.end(), found[0])
                for found in re.finditer(r"#(\w+)", words)
            ),
            flags_checked=True,
            relevance=Relevance(1.0),
        )


def entry(number: int | str, body: str = "", **changes: Any) -> ParsedEntry:
    """An entry that names Acme, with an id, a link and words of its own."""
    told = {
        "native_id": f"guid-{number}",
        "url": f"https://news.example/{number}",
        "title": f"Acme story {number}",
        "text": f"{body} Acme did thing {number}".strip(),
    }
    return ParsedEntry(**(told | changes))


def harvest(*entries: ParsedEntry, **about: Any) -> Harvest:
    """A document that holds `entries`; `about` are the other fields of a harvest."""
    return Harvest(ParsedFeed("Feed", entries=entries), **({"cursor": {"v": 1}} | about))


UNCHANGED: Final = Harvest(None, {"v": 1})


class Works:
    """An installation: one brand (Acme), the starter process, and sources of kind `script`."""

    def __init__(self, engine: Engine) -> None:
        self.clock = HandClock()
        self.dispatcher = RecordingDispatcher()
        self.source = ScriptedSource()
        self.reader = TellingReader()
        self.store = Store(engine, self.dispatcher, clock=self.clock)
        self.watchlist = Watchlist(self.store)
        self.shelf = ProcessShelf(self.store, lambda _text, _name: starter().process)
        self._people = 0

    def prepare(self) -> None:
        """Put the starter process into force and watch Acme."""
        loaded = starter()
        put_into_force(self.store, ProcessText("starter.yaml", loaded.source, loaded.digest), SYSTEM)
        add_brand(self.store, NewBrand("acme", "Acme", "acme"))

    @property
    def poll_tools(self) -> PollTools:
        """What a poll needs."""
        return PollTools(self.store, {"script": self.source}, self.watchlist)

    @property
    def assess_tools(self) -> AssessTools:
        """What an assessment needs."""
        return AssessTools(self.store, self.reader, self.shelf, self.watchlist)  # type: ignore[arg-type]

    def watch(self, address: str, *answers: Harvest | Exception, **about: Any) -> int:
        """Watch a source that gives these answers; what it brings is news, unless `watched_since` says otherwise."""
        self.source.answers[address] = list(answers)
        told = {"confirmed": True, "watched_since": self.clock.now} | about
        add_sources(self.store, lambda checked: checked, [NewSource("script", address, **told)])
        return int(self.one("SELECT id FROM source WHERE address = :address", address=address))

    def poll(self, *source_ids: int) -> PollReport:
        """Poll these sources, or all that are due."""
        ids = source_ids or self.column("SELECT id FROM source")
        return polling.poll(self.poll_tools, ids)

    def repoll(self, *source_ids: int) -> PollReport:
        """Wind the clock to when every source is due again, and poll."""
        self.clock.wind(hours=7)
        return self.poll(*source_ids)

    def assess(self, *mention_ids: int) -> int:
        """Assess these mentions, or all that there are."""
        return assessment.assess(self.assess_tools, mention_ids or self.column("SELECT id FROM mention"))

    def sweep(self) -> sweep.SweepReport:
        """Sweep now, whatever the period."""
        return sweep.sweep(self.store, period_seconds=0.0, holder="test")

    def tell(self, *entries: ParsedEntry, address: str = "told", **about: Any) -> tuple[int, ...]:
        """Let a source tell these entries, poll it and assess what it brought; return the ids of the new mentions."""
        known = set(self.column("SELECT id FROM mention"))
        if address in self.source.answers:
            self.source.answers[address] = [harvest(*entries)]
            self.repoll(int(self.one("SELECT id FROM source WHERE address = :address", address=address)))
        else:
            self.poll(self.watch(address, harvest(*entries), **about))
        new = tuple(each for each in self.column("SELECT id FROM mention ORDER BY id") if each not in known)
        self.assess()
        return new

    def item(self, **about: Any) -> int:
        """Tell one entry and return its item."""
        number = f"single-{self.ledger().entries}"
        (mention,) = self.tell(entry(number, **about), address=number)
        return self.item_of(mention)

    def item_of(self, mention_id: int) -> int:
        """Return the item of a mention."""
        return int(self.one("SELECT id FROM item WHERE mention_id = :id", id=mention_id))

    def person(self, name: str = "Ana") -> Person:
        """Add a person; the password is nobody's."""
        self._people += 1
        email = f"{name.lower()}{self._people}@example.org"
        user_id = self.store.write(lambda tx: tx.accounts.add(email, name, Role.COMMUNITY_MANAGER, "-", tx.now))
        return Person(UserId(int(user_id or 0)), name)

    def rows(self, sql: str, **values: Any) -> list[Any]:
        """Return the rows of a query."""
        with self.store.read() as tx:
            return list(tx.connection.execute(text(sql), values))

    def column(self, sql: str, **values: Any) -> list[Any]:
        """Return the first column of a query."""
        return [row[0] for row in self.rows(sql, **values)]

    def one(self, sql: str, **values: Any) -> Any:
        """Return the only value of a query."""
        (value,) = self.column(sql, **values)
        return value

    def change(self, sql: str, **values: Any) -> None:
        """Change rows behind the back of the product."""
        self.store.write(lambda tx: tx.connection.execute(text(sql), values))

    def actions(self, subject: str, subject_id: int) -> list[str]:
        """Return the actions of the audit trail of one row, oldest first."""
        return self.column(
            "SELECT action FROM audit_event WHERE subject = :subject AND subject_id = :id ORDER BY id",
            subject=subject,
            id=subject_id,
        )

    def ledger(self) -> Any:
        """Return the counts that must balance (I2)."""
        with self.store.read() as tx:
            return Views(tx.connection).ledger()

    def nudges(self, job: Job) -> list[int]:
        """Return the ids that were nudged for a job, and forget them."""
        ids = [row_id for sent, row_ids in self.dispatcher.sent if sent is job for row_id in row_ids]
        self.dispatcher.sent[:] = [each for each in self.dispatcher.sent if each[0] is not job]
        return ids


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Start all calls at the same moment, one thread each; return what each returned or raised."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        gate.wait(timeout=30)
        try:
            return call()
        except Exception as error:  # noqa: BLE001  # the test looks at it
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


@contextmanager
def opened_works(request: pytest.FixtureRequest) -> Iterator[Works]:
    """Open an installation on the database kind that the fixture's parameter names.

    One migrated database of each kind serves the whole session and is emptied for each test, and its engine keeps the
    statements it has compiled: a tenth of the time of a new database for each.
    """
    engine = _engine(request, request.param)
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(delete(table))
    works = Works(engine)
    works.prepare()
    yield works


def _engine(request: pytest.FixtureRequest, kind: str) -> Engine:
    engines = request.session.stash.setdefault(_ENGINES, {})
    if kind not in engines:
        url = _sqlite(request) if kind == "sqlite" else _postgres(request)
        engines[kind] = build_engine(url, pool_size=20)
        migrate(engines[kind])
        request.config.add_cleanup(engines[kind].dispose)
    return engines[kind]


def _sqlite(request: pytest.FixtureRequest) -> str:
    return f"sqlite:///{request.getfixturevalue('tmp_path_factory').mktemp('works') / 'tocsin.db'}"


def _postgres(request: pytest.FixtureRequest) -> str:
    if given := os.environ.get("TOCSIN_TEST_DATABASE_URL"):
        engine = create_engine(given)
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        engine.dispose()
        return given
    server = request.getfixturevalue("postgres")
    url: str = server.url(server.create_database())
    return url


def wound(works: Works, **by: float) -> datetime:
    """Wind the clock and return the new time."""
    works.clock.wind(**by)
    return works.clock.now
