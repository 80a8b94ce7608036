"""What runs on Celery? The queues, the routes, the schedule, and the dispatcher that nudges workers.

The settings come from measurements (docs/adr/0002, 0003): late acknowledgement, one message at a time, no result
backend, no ETA. The broker holds no state that matters.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from celery import Celery
from celery.exceptions import CeleryError
from kombu import Queue
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from triage.domain.jobs import LANE_OF, Job, Lane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.settings import Settings

_log = logging.getLogger(__name__)

TASK_PREFIX: Final = "tocsin."
CANARY_SECONDS: Final = 5
_TIME_LIMIT_SECONDS: Final = 120
_PUBLISH_RETRY: Final = {"max_retries": 1, "interval_start": 0.1, "interval_step": 0.1}


def build_app(settings: Settings) -> Celery:
    """Return the Celery application of this installation; connects to nothing yet."""
    app = Celery("tocsin", broker=broker_url(settings), set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_soft_time_limit=_TIME_LIMIT_SECONDS - 10,
        task_time_limit=_TIME_LIMIT_SECONDS,
        task_create_missing_queues=False,
        task_queues=[Queue(lane.value) for lane in Lane],
        task_default_queue=Lane.UPKEEP.value,
        worker_prefetch_multiplier=1,
        worker_max_tasks_per_child=500,
        worker_soft_shutdown_timeout=10.0,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": 600,
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
            "retry_on_timeout": True,
            "global_keyprefix": "tocsin:",
        },
        beat_schedule=_schedule(settings),
        beat_max_loop_interval=1,
        timezone="UTC",
    )
    return app


def broker_url(settings: Settings) -> str:
    """Return the broker's URL in the form that kombu reads."""
    url = settings.broker()
    return f"{url}?virtual_host=0" if url.startswith("redis+socket://") else url


def _schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    ticks: dict[str, dict[str, Any]] = {
        "sweep": _tick(Job.SWEEP, settings.sweep_seconds),
        "tend": _tick(Job.TEND, 600),
    }
    for lane in Lane:
        ticks[f"canary-{lane}"] = {
            "task": TASK_PREFIX + Job.CANARY,
            "schedule": CANARY_SECONDS,
            "args": [lane.value],
            # A canary that nobody took for a while is worth nothing; it must not pile up while a worker is down.
            "options": {"queue": lane.value, "expires": CANARY_SECONDS * 4},
        }
    return ticks


def _tick(job: Job, seconds: float) -> dict[str, Any]:
    options = {"queue": LANE_OF[job].value, "expires": max(seconds, 30)}
    return {"task": TASK_PREFIX + job, "schedule": seconds, "options": options}


class CeleryDispatcher:
    """Nudges workers through the broker. A failed nudge is logged and counted; the sweep finds the work (F05, F07)."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self.failed = 0

    def send(self, job: Job, ids: Sequence[int]) -> bool:
        """Publish one message that carries `ids`; False when the broker did not take it."""
        try:
            self._app.send_task(
                TASK_PREFIX + job,
                args=[list(ids)],
                queue=LANE_OF[job].value,
                retry=True,
                retry_policy=_PUBLISH_RETRY,
            )
        except (KombuError, CeleryError, RedisError, OSError) as error:
            self.failed += 1
            _log.warning("A nudge for %s was not sent (%s); the sweep will find the work.", job, type(error).__name__)
            return False
        return True
