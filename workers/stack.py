"""Which parts does one machine run, in which order, and when is one of them deaf?"""

from __future__ import annotations

import importlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from triage.domain.errors import TocsinError
from triage.domain.jobs import Lane
from workers import broker, lifecycle
from workers.supervisor import Part

if TYPE_CHECKING:
    from config.settings import Settings
    from triage.storage.unit_of_work import Store

MAIN_LANES: Final = (Lane.COLLECT, Lane.ASSESS, Lane.RETRY)
CRISIS_LANES: Final = (Lane.CRISIS, Lane.UPKEEP)
_DEAF_AFTER_SECONDS: Final = 30.0


@dataclass
class Ears:
    """Tells whether the consumer of some lanes still hears: a canary a lane writes a heartbeat every five seconds.

    Silence counts only while canaries can arrive: the broker must have answered for as long as the silence lasts.
    """

    settings: Settings
    store: Store
    lanes: tuple[Lane, ...]
    broker_silent: bool = True
    checks_since_broker_answered: int = 0

    def is_deaf(self, age_seconds: float) -> bool:
        """Say whether every lane was silent for 30 s although the broker answered and the worker is old enough."""
        if not broker.answers(self.settings):
            self.checks_since_broker_answered = 0
            return False
        self.checks_since_broker_answered += 1
        if age_seconds < _DEAF_AFTER_SECONDS or self.checks_since_broker_answered < 10:  # noqa: PLR2004  # 10 x 3 s
            return False
        try:
            with self.store.read() as tx:
                beats = tx.ticks.heartbeats()
                silences = [
                    (tx.now - beats[f"lane:{lane}"][0]).total_seconds() if f"lane:{lane}" in beats else age_seconds
                    for lane in self.lanes
                ]
        except TocsinError:
            return False
        finally:
            self.store.close()  # no connection may be open when a part is forked
        return min(silences) > _DEAF_AFTER_SECONDS


def build_parts(settings: Settings, store: Store, bind: str) -> list[Part]:
    """Return the parts of the embedded stack, in the order in which they start."""
    parts = []
    if settings.redis_url is None:
        command = broker.server_command(settings)
        parts.append(Part("valkey", command, program=True, is_ready=lambda: broker.answers(settings)))
    main, crisis = Ears(settings, store, MAIN_LANES), Ears(settings, store, CRISIS_LANES)
    soft = {"REMAP_SIGTERM": "SIGQUIT"}  # Celery's soft shutdown acts on SIGQUIT only
    concurrency = str(settings.worker_concurrency)
    return [
        *parts,
        Part("web", ("web", "--bind", bind), is_ready=lambda: not is_free(bind)),
        Part(
            "worker",
            ("worker", "--queues", ",".join(MAIN_LANES), "--concurrency", concurrency),
            environment=soft,
            is_deaf=main.is_deaf,
        ),
        Part(
            "worker-crisis",
            ("worker", "--queues", ",".join(CRISIS_LANES), "--concurrency", "1"),
            environment=soft,
            is_deaf=crisis.is_deaf,
        ),
        Part("scheduler", ("scheduler",)),
    ]


def preload(settings: Settings) -> None:
    """Load what the parts need before they are forked, so that they share it; opens no connection."""
    for module in ("workers.tasks", "celery.bin.celery", "celery.apps.worker", "celery.apps.beat", "dashboard.serve"):
        importlib.import_module(module)
    lifecycle.warm_reader(settings)


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
