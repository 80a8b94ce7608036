"""WHAT DOES A DASHBOARD TEST STAND ON? A small installation with people, queues and items, on a database of its own.

Nothing here knows pytest: `tests/integration/conftest.py` and `tests/e2e/conftest.py` turn it into fixtures.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import re
import tempfile
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from argon2 import PasswordHasher
from jinja2 import BytecodeCache
from sqlalchemy import update
from werkzeug.serving import make_server

from config.bootstrap import Container
from config.process import load_process
from config.settings import load_settings
from dashboard import create_app
from triage.domain.entries import ParsedEntry
from triage.domain.identity import Identified
from triage.domain.mentions import ItemId, MentionState, Role, SourceId, UserId
from triage.domain.queries import Document, find, parse
from triage.services.processes import ProcessText, put_into_force
from triage.storage import schema
from triage.storage.audit import SYSTEM, AuditRecord
from triage.storage.brands import NewBrand
from triage.storage.dead_letters import NewDeadLetter
from triage.storage.items import NewItem
from triage.storage.mentions import NewMention
from triage.storage.sources import NewSource
from triage.storage.tables import Mention, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flask import Flask
    from flask.testing import FlaskClient
    from jinja2.bccache import Bucket
    from werkzeug.test import TestResponse

    from triage.domain.jobs import Job
    from triage.storage.unit_of_work import Store, Transaction

STARTER: Final = Path(__file__).resolve().parents[1] / "config" / "processes" / "starter.yaml"
PASSWORD: Final = "a long enough password"
# Argon2 with its least cost: these tests log in often, and the strength of the hash is not their subject.
_HASH: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
PEOPLE: Final = {
    "Ana Ruiz": Role.COMMUNITY_MANAGER,
    "Ben Okafor": Role.COMMUNITY_MANAGER,
    "Olu Bello": Role.ONCALL,
    "Mia Lindqvist": Role.MANAGER,
    "Adam Petit": Role.ADMIN,
}
_TOKEN: Final = re.compile(r'name="csrf_token" value="([^"]+)"')


class Nudges:
    """Records what would have gone to workers."""

    def __init__(self) -> None:
        self.sent: list[tuple[Job, tuple[int, ...]]] = []

    def send(self, job: Job, ids: Sequence[int]) -> bool:
        """Remember a nudge."""
        self.sent.append((job, tuple(ids)))
        return True


class _CompiledTemplates(BytecodeCache):
    """Compiles each template once for all applications of a test run."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED: Final = _CompiledTemplates()


@cache
def _empty_installation() -> bytes:
    """Return a database with our schema, the starter process in force, a brand and the people; made once."""
    with tempfile.TemporaryDirectory() as folder:
        container = Container(load_settings(home=Path(folder)), Nudges())
        schema.migrate(container.store.engine)
        _settle(container.store)
        container.close()
        return (Path(folder) / "tocsin.db").read_bytes()


def _settle(store: Store) -> None:
    """Put the starter process into force on a migrated database; add a brand and the people."""
    loaded = load_process(STARTER)
    put_into_force(store, ProcessText("starter.yaml", loaded.source, loaded.digest), SYSTEM)
    store.write(lambda tx: tx.brands.add(NewBrand("brevane", "Brévane", "Brévane OR refund"), tx.now))
    for name, role in PEOPLE.items():
        email = f"{name.split(maxsplit=1)[0].lower()}@tocsin.example"
        store.write(partial(_add_person, email, name, role))


def _add_person(email: str, name: str, role: Role, tx: Transaction) -> None:
    tx.accounts.add(email, name, role, _HASH, tx.now)


@dataclass
class Post:
    """What a source said, and how it was understood; the defaults are an angry customer."""

    title: str = "Brévane left me offline for three days"
    text: str = "I called Brévane five times and nobody answered. I want a refund."
    html: str = ""
    author: str | None = "Nadia K."
    url: str | None = "https://forum.example/t/42"
    queue: str = "care"
    category: str = "unhappy_customer"
    level: str = "medium"
    score: float = 0.42
    tone: float | None = -0.58
    language: str | None = "en"
    source: int = 0
    age: timedelta = timedelta(minutes=12)
    due: timedelta | None = timedelta(minutes=18)
    story: int | None = None


class World:
    """An installation; `people` holds the ids of PEOPLE by their first names in lower case."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.nudges = Nudges()
        self.container = Container(load_settings(home=home, **settings), self.nudges)
        self.store = self.container.store
        if "DATABASE_URL" in settings:
            _settle(self.store)
        else:
            (home / "tocsin.db").write_bytes(_empty_installation())
        with self.store.read() as tx:
            rows = tx.connection.exec_driver_sql("SELECT name, id FROM user_account")
            self.people = {name.split(maxsplit=1)[0].lower(): UserId(user_id) for name, user_id in rows}
            (brand,) = tx.brands.watched()
        self.brand, self.query = brand.id, brand.query_id
        self._numbers = itertools.count(1)
        self.sources: list[SourceId] = []
        self.add_source(NewSource("feed", "https://forum.example/feed.xml", "Warm House Forum", "forum", reach=42_000))
        self.app: Flask = create_app(self.container)
        self.app.jinja_env.bytecode_cache = _COMPILED

    def close(self) -> None:
        """Close the database."""
        self.container.close()

    def add_source(self, source: NewSource) -> SourceId:
        """Watch a source."""
        (source_id,) = self.store.write(lambda tx: tx.sources.add([source], tx.now))
        self.sources.append(source_id)
        return source_id

    def add_item(self, post: Post | None = None, **changes: Any) -> int:
        """Put a post through the repositories until it stands in its queue; return the item's id."""
        chosen = Post(**{**vars(post or Post()), **changes})
        return self.store.write(lambda tx: self._add_item(tx, chosen, next(self._numbers)))

    def add_dead_letter(self, reason: str = "ValueError: no such codec") -> None:
        """Give up on work about the first source."""
        letter = NewDeadLetter("poll", "source", self.sources[0], reason, 3)
        self.store.write(lambda tx: tx.dead_letters.add([letter], tx.now))

    def fail_source(self, source_id: int, kind: str, error: str) -> None:
        """Let a source stand as failing."""
        failing = {"last_error_kind": kind, "last_error": error, "failures": 3}
        self.store.write(
            lambda tx: tx.connection.execute(
                update(Source).where(Source.id == source_id).values(**failing, last_checked_at=tx.now)
            )
        )

    def browser(self, name: str | None = None) -> Browser:
        """Return a client, logged in as one of `people` or not at all."""
        browser = Browser(self.app.test_client())
        if name is not None:
            browser.log_in(self.email(name))
        return browser

    def email(self, name: str) -> str:
        """Return a person's address."""
        return f"{name}@tocsin.example"

    @contextlib.contextmanager
    def served(self) -> Iterator[str]:
        """Serve the dashboard on a free port of loopback and give its address."""
        server = make_server("127.0.0.1", 0, self.app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _add_item(self, tx: Any, post: Post, number: int) -> int:
        at = tx.now - post.age
        source = self.sources[post.source]
        entry = ParsedEntry(str(number), post.url, post.title, post.text, post.html, post.author, at)
        key = hashlib.sha256(f"{number}".encode()).hexdigest()
        (entry_id,) = tx.entries.add(source, [Identified(entry, key, "id", key)], at, backfill=False).values()
        spans = [[span.field, span.start, span.end, span.term] for span in _spans(post)]
        match = {"query_version": 1, "query": "Brévane OR refund", "sentence": "brevane", "spans": spans}
        (mention,) = tx.mentions.add([NewMention(entry_id, self.brand, self.query, match, backfill=False)], at)
        # Not through a lease and `finish`: what the dashboard shows is the row, however it came about.
        tx.connection.execute(update(Mention).where(Mention.id == mention).values(_assessed(post)))
        with self.store.read() as other:
            version = other.processes.in_force_id()
        due = None if post.due is None else tx.now + post.due
        item = NewItem(
            mention,
            self.brand,
            version,
            post.category,
            post.category,
            post.queue,
            rank=3,
            awaiting_action=True,
            route=ROUTE,
            raises=None,
            ack_due_at=due,
            respond_due_at=due and due + timedelta(minutes=30),
            close_due_at=due and due + timedelta(hours=9),
            priority_at=due or tx.now + timedelta(days=30),
        )
        item_id: ItemId = tx.items.add([item], at)[mention]
        details = {"queue": post.queue, "category": post.category}
        tx.audit.append(at, SYSTEM, [AuditRecord("item.queue", "item", item_id, details)])
        return int(item_id)


ROUTE: Final = {
    "roles": ["community_manager", "care"],
    "actions": ["apologise_and_fix", "move_to_private", "hand_to_care"],
    "targets": {"ack_seconds": 1800, "respond_seconds": 3600, "close_seconds": 32400},
    "needs_approval": "legal",
    "public_reply": True,
    "reasons": ["Flagged complaint.", "Sentiment -0.58 is below +0.4 (positive)."],
    "unscored": False,
}


def _spans(post: Post) -> Sequence[Any]:
    found = find(parse("Brévane OR refund"), Document(post.title, post.text))
    return found.spans if found else ()


def _assessed(post: Post) -> dict[str, Any]:
    parts = [
        ["flag", 0.4 * post.score, "complaint: “nobody answered”"],
        ["tone", 0.3 * post.score, f"tone {post.tone}" if post.tone is not None else "tone not scored"],
        ["reach", 0.2 * post.score, "reach 42,000"],
        ["spread", 0.0, "one outlet"],
    ]
    scored = {"value": post.tone, "scorer": "VADER 3.3.2", "note": "", "sentences": [["Nobody answered.", -0.58]]}
    unscored = {"value": None, "scorer": "none", "note": f"no scorer for {post.language}", "sentences": []}
    reading = {
        "language": post.language,
        "language_reason": "both detectors agree",
        "sentiment": unscored if post.tone is None else scored,
        "flags": [["complaint", "complaint.service", 0.5, "nobody answered", ""]],
        "flags_checked": True,
        "relevance": {"score": 0.9, "reasons": ["context: refund"]},
        "risk": {"score": post.score, "level": post.level, "floor": 0.0, "parts": parts},
    }
    return {
        "state": MentionState.QUEUED,
        "story_id": post.story,
        "language": post.language,
        "sentiment": post.tone,
        "risk_score": post.score,
        "risk_level": post.level,
        "reading": reading,
    }


class Browser:
    """A client that behaves like a browser without JavaScript: keeps cookies, sends the form's token and its origin."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **options: Any) -> TestResponse:
        """Ask for a page."""
        return self.client.get(path, **options)

    def post(
        self, path: str, fields: dict[str, Any] | None = None, *, htmx: bool = False, **options: Any
    ) -> TestResponse:
        """Send a form, with a token from the help page or, without a session, from the login page."""
        headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin", **options.pop("headers", {})}
        if htmx:
            headers["HX-Request"] = "true"
        form = {"csrf_token": self.token(), **(fields or {})}
        return self.client.post(path, data=form, headers=headers, **options)

    def token(self) -> str:
        """Return a form token for this session."""
        page = self.client.get("/help")
        if page.status_code != 200:
            page = self.client.get("/login")
        found = _TOKEN.search(page.text)
        assert found is not None
        return found[1]

    def log_in(self, email: str, password: str = PASSWORD, **fields: str) -> TestResponse:
        """Log in; the answer is the redirect or the form again."""
        return self.post("/login", {"email": email, "password": password, **fields})


def rows_of(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """Return what no GET may change: items, notes, audit events, sources, dead letters."""
    with world.store.read() as tx:
        return {
            table: [tuple(row) for row in tx.connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY id")]  # noqa: S608  # names below
            for table in ("item", "note", "audit_event", "source", "dead_letter", "user_account")
        }


def in_utc(*parts: int) -> datetime:
    """Return an instant."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]  # year, month, day …
