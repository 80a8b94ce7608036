"""Which parts does one machine run, in which order, and when is one of them deaf?"""

from __future__ import annotations

import importlib
import logging
import socket
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from triage.domain.jobs import Lane
from workers import broker, lifecycle
from workers.processes import choose_soft_shutdown, prepare_to_fork
from workers.supervisor import Part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from config.settings import Settings
    from triage.storage.unit_of_work import Store

_log = logging.getLogger(__name__)

MAIN_LANES: Final = (Lane.COLLECT, Lane.ASSESS, Lane.RETRY)
CRISIS_LANES: Final = (Lane.CRISIS, Lane.UPKEEP)
DEAF_AFTER_SECONDS: Final = 20.0

# What the parts import once they run. Loaded before the fork it is one copy for all; after it, one for each.
_SHARED: Final = (
    "alembic.util",
    "billiard.pool",
    "celery.app.amqp",
    "celery.app.events",
    "celery.app.log",
    "celery.app.routes",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.backends.base",
    "celery.concurrency.asynpool",
    "celery.concurrency.prefork",
    "celery.fixups.django",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.heartbeat",
    "celery.worker.loops",
    "celery.worker.pidbox",
    "dashboard.serve",
    "gunicorn.http.wsgi",
    "gunicorn.workers.gthread",
    "kombu.asynchronous.semaphore",
    "kombu.transport.redis",
    "structlog.stdlib",
    "triage.sources.registry",
    "workers.commands.parts",
    "workers.tasks",
    "workers.worker",
)


@dataclass
class Ears:
    """Tells whether the consumer of some lanes is deaf: it gave no sign of life although messages waited for it.

    A canary a lane writes a heartbeat every five seconds. Silence counts only while something waits in the broker, so
    that neither a stopped scheduler nor a broker that was away makes a worker look deaf. With `expects_work` False it
    is the other way round: a scheduler is deaf when nobody gives a sign of life and nothing waits.
    """

    settings: Settings
    store: Store
    lanes: tuple[Lane, ...]
    after_seconds: float = DEAF_AFTER_SECONDS
    expects_work: bool = True
    _since: float | None = field(default=None, init=False)

    def is_deaf(self, age_seconds: float) -> bool:
        """Say whether it has been silent for `after_seconds`, and old enough to have spoken."""
        if not self._is_up_to_it():
            self._since = None
            return False
        now = time.monotonic()
        self._since = self._since if self._since is not None else now
        if min(age_seconds, now - self._since) < self.after_seconds or self._silence_seconds() < self.after_seconds:
            return False
        self._since = None
        return True

    def _is_up_to_it(self) -> bool:
        """Say whether the broker answers, and the process is the one to blame for a silence."""
        try:
            with broker.client(self.settings) as connection:
                return (broker.waiting(connection, self.lanes) > 0) is self.expects_work
        except (RedisError, OSError):
            return False

    def _silence_seconds(self) -> float:
        """Return the seconds since any of the lanes gave a sign of life; 0 when the database cannot say."""
        try:
            with self.store.read() as tx:
                beats = tx.ticks.heartbeats()
                seen = [beats[name][0] for lane in self.lanes if (name := f"lane:{lane}") in beats]
                return (tx.now - max(seen)).total_seconds() if seen else self.after_seconds
        except Exception:  # noqa: BLE001  # the supervisor outlives whatever the database does
            _log.warning("The heartbeats could not be read.", exc_info=True)
            return 0.0
        finally:
            self.store.close()  # no connection may be open when a part is forked


def build_parts(
    settings: Settings, store: Store, bind: str, *, deaf_after_seconds: float = DEAF_AFTER_SECONDS
) -> list[Part]:
    """Return the parts of the embedded stack, in the order in which they start."""
    parts = []
    if settings.redis_url is None:
        command = broker.server_command(settings)
        parts.append(Part("valkey", command=command, is_ready=lambda: broker.answers(settings)))
    ears = partial(Ears, settings, store, after_seconds=deaf_after_seconds)
    concurrency = str(settings.worker_concurrency)
    return [
        *parts,
        Part("web", _command("web", "--bind", bind), is_ready=lambda: not is_free(bind)),
        Part(
            "worker",
            _command("worker", "--queues", ",".join(MAIN_LANES), "--concurrency", concurrency),
            is_deaf=ears(lanes=MAIN_LANES).is_deaf,
        ),
        Part(
            "worker-crisis",
            _command("worker", "--queues", ",".join(CRISIS_LANES), "--concurrency", "1"),
            is_deaf=ears(lanes=CRISIS_LANES).is_deaf,
        ),
        Part("scheduler", _command("scheduler"), is_deaf=ears(lanes=tuple(Lane), expects_work=False).is_deaf),
    ]


def _command(*words: str) -> partial[None]:
    """Return what runs the command that one would type on a host of its own."""
    return partial(_run_command, words)


def _run_command(words: Iterable[str]) -> None:
    from workers.cli import main  # noqa: PLC0415  # cli loads commands, commands load this module

    sys.argv = ["tocsin", *words]  # Celery and gunicorn show it in the list of processes
    main(sys.argv[1:])


def preload(settings: Settings) -> None:
    """Load what the parts need before they are forked, so that they share it; opens no connection."""
    choose_soft_shutdown()
    for module in _SHARED:
        importlib.import_module(module)
    lifecycle.warm_reader(settings)
    prepare_to_fork()


def is_free(bind: str) -> bool:
    """Say whether nothing listens on host:port."""
    host, _, port = bind.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return False
        return True
