"""Which ticks are sent, how often, and when is one left out? Celery's scheduler with three changes.

It keeps nothing about time: every tick is sent at the start and harmless when sent twice. It leaves a tick out where
the last ones still wait, so that nothing piles up while a worker is down. A broker that does not answer is one line in
the log, not a stack trace a tick.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from celery.beat import ScheduleEntry, Scheduler

from triage.domain.jobs import LANE_OF, Job, Lane
from workers import broker

if TYPE_CHECKING:
    from celery import Celery

    from config.settings import Settings

_log = logging.getLogger(__name__)

TASK_PREFIX: Final = "tocsin."
CANARY_SECONDS: Final = 5
MOST_WAITING: Final = 5
"""A queue in which so many messages wait gets no tick: its consumer has enough to hear."""
_TEND_SECONDS: Final = 600
_LONG_AGO: Final = timedelta(days=1)


def ticks(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the schedule: the sweep, the upkeep, and a canary for each queue."""
    schedule = {"sweep": _tick(Job.SWEEP, settings.sweep_seconds), "tend": _tick(Job.TEND, _TEND_SECONDS)}
    for lane in Lane:
        schedule[f"canary-{lane}"] = {
            "task": TASK_PREFIX + Job.CANARY,
            "schedule": CANARY_SECONDS,
            "args": [lane.value],
            # A canary that nobody took for a while is worth nothing.
            "options": {"queue": lane.value, "expires": CANARY_SECONDS * 4},
        }
    return schedule


def _tick(job: Job, seconds: float) -> dict[str, Any]:
    options = {"queue": LANE_OF[job].value, "expires": max(seconds, 30)}
    return {"task": TASK_PREFIX + job, "schedule": seconds, "options": options}


def scheduler_of(settings: Settings) -> type[Scheduler]:
    """Return the scheduler class of this installation."""
    client = broker.client(settings)

    class TickScheduler(Scheduler):
        """Sends what is due, at first everything."""

        def setup_schedule(self) -> None:
            self.merge_inplace(self.app.conf.beat_schedule)
            for entry in self.get_schedule().values():
                entry.last_run_at = entry.default_now() - _LONG_AGO

        def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
            try:
                if broker.waiting(client, [(entry.options or {})["queue"]]) < MOST_WAITING:
                    self.apply_async(entry, producer=producer, advance=False)
            except Exception as error:  # noqa: BLE001  # whatever fails, the next tick is tried
                _log.warning("The tick %s was not sent (%s).", entry.name, type(error).__name__)

    return TickScheduler


def run_scheduler(app: Celery, settings: Settings) -> None:
    """Send ticks until SIGTERM or SIGINT."""
    scheduler = scheduler_of(settings)
    beat = app.Beat(scheduler_cls=scheduler, quiet=True)  # type: ignore[arg-type]  # it takes a class as well as a name
    beat.run()
