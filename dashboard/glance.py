"""What does every page show about the whole? The queues with their open work, the health line, the broker's state.

Two hundred open dashboards ask for it every two seconds, so it is read once and kept for two seconds (U42).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from triage.domain.errors import NotFound
from triage.storage.views import QueueCount, Views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from config.bootstrap import Container
    from triage.domain.process import Queue
    from triage.storage.views import Health

_KEEP_SECONDS: Final = 2.0
_KEEP_BROKER_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class QueueGlance:
    """A queue and its open work; `in_process` is False for one that the process in force no longer has."""

    name: str
    owner: str
    awaiting_action: bool
    in_process: bool
    open: int
    claimed: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Glance:
    """The state of the whole at `at`."""

    at: datetime
    queues: tuple[QueueGlance, ...]
    health: Health
    broker_alive: bool

    def queue(self, name: str) -> QueueGlance | None:
        """Return a queue by name, or None."""
        return next((queue for queue in self.queues if queue.name == name), None)

    @property
    def first_with_work(self) -> QueueGlance | None:
        """The queue that a person should look at first: the most urgent one with open work, else the first."""
        waiting = [queue for queue in self.queues if queue.open and queue.awaiting_action]
        return next(iter(waiting or self.queues), None)


class Glances:
    """Gives the newest glance; one thread reads while the others go on with the one before."""

    def __init__(self, container: Container, clock: Callable[[], float] = time.monotonic) -> None:
        self._container = container
        self._clock = clock
        self._lock = threading.Lock()
        self._glance: Glance | None = None
        self._read_at = 0.0
        self._broker_alive = True
        self._broker_asked_at = float("-inf")

    def current(self) -> Glance:
        """Return a glance that is at most a few seconds old. Raises Unavailable."""
        known = self._glance
        if known is not None and self._clock() - self._read_at < _KEEP_SECONDS:
            return known
        if not self._lock.acquire(blocking=known is None) and known is not None:
            return known
        try:
            self._glance = self._read()
            self._read_at = self._clock()
            return self._glance
        finally:
            self._lock.release()

    def forget(self) -> None:
        """Read again for the next page: somebody has just changed something here."""
        self._read_at = float("-inf")

    def broker_alive(self) -> bool:
        """Say whether nudges reach the workers. Without that everything still works, later."""
        # Only some containers have a broker (`run-once` and tests have none); then there is nothing to be late.
        ask: Callable[[], bool] | None = getattr(self._container, "broker_alive", None)
        if ask is not None and self._clock() - self._broker_asked_at >= _KEEP_BROKER_SECONDS:
            self._broker_asked_at = self._clock()
            self._broker_alive = ask()
        return self._broker_alive

    def _read(self) -> Glance:
        with self._container.store.read() as tx:
            views = Views(tx.connection)
            counts, health, now = views.queue_counts(), views.health(), tx.now
        return Glance(now, tuple(_queues(self._declared(), counts)), health, self.broker_alive())

    def _declared(self) -> Mapping[str, Queue]:
        try:
            return self._container.shelf.in_force().process.queues
        except NotFound:  # before the first process was put into force
            return {}


def _queues(declared: Mapping[str, Queue], counts: Mapping[str, QueueCount]) -> Iterable[QueueGlance]:
    """Yield the declared queues, most urgent first, then those that only old items are still in."""
    nothing = QueueCount("", 0, 0, None)
    for queue in sorted(declared.values(), key=lambda queue: (queue.rank, queue.name)):
        count = counts.get(queue.name, nothing)
        yield QueueGlance(
            queue.name,
            queue.owner,
            queue.awaiting_action,
            in_process=True,
            open=count.open,
            claimed=count.claimed,
            oldest_at=count.oldest_at,
        )
    for name in sorted(counts.keys() - declared.keys()):
        count = counts[name]
        yield QueueGlance(
            name,
            "",
            awaiting_action=True,
            in_process=False,
            open=count.open,
            claimed=count.claimed,
            oldest_at=count.oldest_at,
        )
