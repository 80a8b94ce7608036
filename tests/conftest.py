"""Fixtures every test may ask for: the reference folder, both databases, a store, a clock that is wound by hand."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, text

from tests.databases import NoPostgres, PrivatePostgres
from triage.storage.dialect import build_engine
from triage.storage.schema import migrate
from triage.storage.unit_of_work import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from triage.domain.jobs import Job

# No test is timed: how long an example takes says more about the machine than about the code.
settings.register_profile("tocsin", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("tocsin")

pytest_plugins = ["tests.plugins.no_skips"]

ROOT = Path(__file__).resolve().parents[1]
DATABASES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The reference folder beside the project; the test is skipped when it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("../shared is absent")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[PrivatePostgres]:
    """A private PostgreSQL for the session; tests that need it are skipped when there are no binaries."""
    try:
        server = PrivatePostgres()
    except NoPostgres as reason:
        pytest.skip(str(reason))
    with server:
        yield server


@pytest.fixture(scope="session")
def migrated_template(request: pytest.FixtureRequest) -> str:
    """The name of a migrated PostgreSQL database, to be copied: faster than migrating for each test."""
    server = request.getfixturevalue("postgres")
    engine = build_engine(server.url(server.create_database("tocsin_template")))
    migrate(engine)
    engine.dispose()
    return "tocsin_template"


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new migrated database; the test runs once on each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'tocsin.db'}"
        engine = build_engine(url)
        migrate(engine)
        engine.dispose()
        return url
    if given := os.environ.get("TOCSIN_TEST_DATABASE_URL"):
        return _emptied(given)
    template = request.getfixturevalue("migrated_template")
    server = request.getfixturevalue("postgres")
    return server.url(server.create_database(template=template))


@pytest.fixture
def clock() -> HandClock:
    """A clock that moves only when told to."""
    return HandClock()


@pytest.fixture
def dispatcher() -> RecordingDispatcher:
    """A dispatcher that remembers its nudges and sends none."""
    return RecordingDispatcher()


@pytest.fixture
def store(database_url: str, dispatcher: RecordingDispatcher, clock: HandClock) -> Iterator[Store]:
    """A store on a new database, with the hand-wound clock."""
    opened = Store(build_engine(database_url, pool_size=20), dispatcher, clock=clock)
    yield opened
    opened.close()


@dataclass
class HandClock:
    """Gives the same instant until it is wound on."""

    now: datetime = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def wind(self, **by: float) -> None:
        """Move on by a timedelta's arguments, as `wind(minutes=5)`."""
        self.now += timedelta(**by)


@dataclass
class RecordingDispatcher:
    """Remembers nudges; `broken` makes it behave like a broker that takes none."""

    sent: list[tuple[Job, tuple[int, ...]]] = field(default_factory=list)
    broken: bool = False

    def send(self, job: Job, ids: Sequence[int]) -> bool:
        """Remember a nudge."""
        if self.broken:
            return False
        self.sent.append((job, tuple(ids)))
        return True


def _emptied(url: str) -> str:
    """Empty the database that the environment names, and migrate it."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    engine = build_engine(url)
    migrate(engine)
    engine.dispose()
    return url
