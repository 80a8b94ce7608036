"""What is one transaction? Its clock, its repositories, its audit trail, and the nudges that leave after commit."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy.exc import DBAPIError

from triage.domain.errors import Unavailable
from triage.storage import dialect
from triage.storage.accounts import Accounts
from triage.storage.audit import Audit
from triage.storage.brands import Brands
from triage.storage.dead_letters import DeadLetters
from triage.storage.entries import Entries
from triage.storage.items import Items
from triage.storage.mentions import Mentions
from triage.storage.processes import ProcessVersions
from triage.storage.sources import Sources
from triage.storage.stories import Stories
from triage.storage.ticks import Ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from triage.domain.jobs import Dispatcher, Job

T = TypeVar("T")
_TRIES: Final = 5
_LONGEST_SECONDS: Final = 12.0
"""When no further try is begun: each may wait for a lock by itself (5 s, 8 s), and a person waits for the answer."""


@dataclass
class Transaction:
    """An open transaction. Repositories are built when first used; `now` is read once, from the database's clock."""

    connection: Connection
    clock: Callable[[], datetime] | None = None
    nudges: list[tuple[Job, tuple[int, ...]]] = field(default_factory=list)

    @cached_property
    def now(self) -> datetime:
        """The instant of this transaction: aware UTC, by the database's clock."""
        if self.clock is not None:
            return self.clock()
        return dialect.parse_clock(
            self.connection.execute(dialect.clock_statement(self.connection.dialect)).scalar_one()
        )

    def after_commit(self, job: Job, ids: Iterable[int]) -> None:
        """Remember a nudge; it leaves only if this transaction commits."""
        if wanted := tuple(ids):
            self.nudges.append((job, wanted))

    @cached_property
    def brands(self) -> Brands:
        """Brands, their queries, and known authors."""
        return Brands(self.connection)

    @cached_property
    def sources(self) -> Sources:
        """Sources and their polling state."""
        return Sources(self.connection)

    @cached_property
    def entries(self) -> Entries:
        """Entries by identity key."""
        return Entries(self.connection)

    @cached_property
    def mentions(self) -> Mentions:
        """Mentions and their assessment."""
        return Mentions(self.connection)

    @cached_property
    def stories(self) -> Stories:
        """Stories and the fingerprints that join them."""
        return Stories(self.connection)

    @cached_property
    def items(self) -> Items:
        """Items and their guarded moves."""
        return Items(self.connection)

    @cached_property
    def audit(self) -> Audit:
        """The audit trail; append only."""
        return Audit(self.connection)

    @cached_property
    def accounts(self) -> Accounts:
        """People, sessions and failed logins."""
        return Accounts(self.connection)

    @cached_property
    def ticks(self) -> Ticks:
        """Leased ticks and heartbeats."""
        return Ticks(self.connection)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """Work that failed for good."""
        return DeadLetters(self.connection)

    @cached_property
    def processes(self) -> ProcessVersions:
        """Versions of the response process."""
        return ProcessVersions(self.connection)


class Store:
    """Opens transactions on one engine and sends the nudges of those that commit."""

    def __init__(self, engine: Engine, dispatcher: Dispatcher, *, clock: Callable[[], datetime] | None = None) -> None:
        self.engine = engine
        self._dispatcher = dispatcher
        self._clock = clock

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a read-only transaction.

        Raises:
            Unavailable: the database does not answer.
        """
        with dialect.in_our_words(), self.engine.connect() as connection:
            yield Transaction(connection, self._clock)

    def write(self, use_case: Callable[[Transaction], T]) -> T:
        """Run `use_case` in one transaction, commit, then send its nudges.

        A deadlock, a serialisation failure or a lock time-out runs the whole use case again, at most five times (F10);
        so a use case must not keep effects outside the transaction.

        Raises:
            Unavailable: the database does not answer, or the conflict outlived five tries or twelve seconds.
        """
        started = time.monotonic()
        with dialect.in_our_words():
            for attempt in range(1, _TRIES + 1):
                try:
                    return self._write_once(use_case)
                except DBAPIError as error:
                    if not dialect.is_transient(error):
                        raise
                    if attempt == _TRIES or time.monotonic() - started >= _LONGEST_SECONDS:
                        raise Unavailable("The database is busy; the change was not made. Try again.") from error
                    # Jitter, so that two rivals do not meet again; the only wait in the storage layer.
                    time.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311  # jitter needs no secrecy
        raise AssertionError("unreachable")

    def _write_once(self, use_case: Callable[[Transaction], T]) -> T:
        with self.engine.connect().execution_options(**{dialect.WRITE_OPTION: True}) as connection, connection.begin():
            transaction = Transaction(connection, self._clock)
            result = use_case(transaction)
        for job, ids in transaction.nudges:
            self._dispatcher.send(job, ids)
        return result

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
