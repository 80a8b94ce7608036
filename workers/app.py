"""What runs on Celery? The queues, their settings, the schedule, and the dispatcher that nudges workers.

The settings come from measurements (docs/adr/0002, 0003): late acknowledgement, one message at a time, no result
backend, no ETA. The broker holds no state that matters.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from celery import Celery
from celery.exceptions import CeleryError
from kombu import Exchange, Queue
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from triage.domain.jobs import LANE_OF, Job, Lane
from workers.broker import KEY_PREFIX
from workers.ticking import TASK_PREFIX, ticks
from workers.transport import forgive_lost_acks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.settings import Settings

_log = logging.getLogger(__name__)

_TIME_LIMIT_SECONDS: Final = 120
_SOFT_SHUTDOWN_SECONDS: Final = 10.0
_SOCKET_SECONDS: Final = 30.0
_HURRIED_SOCKET_SECONDS: Final = 1.0
_PUBLISH_RETRY: Final = {"max_retries": 1, "interval_start": 0.1, "interval_step": 0.1}


def build_app(settings: Settings, *, hurried: bool = False) -> Celery:
    """Return the Celery application of this installation; connects to nothing yet.

    `hurried` is for a process in which people wait: it gives up soon on a broker that accepts and does not answer.
    """
    forgive_lost_acks()
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
        task_queues=[Queue(lane.value, Exchange(lane.value), routing_key=lane.value) for lane in Lane],
        task_default_queue=Lane.UPKEEP.value,
        worker_prefetch_multiplier=1,
        worker_max_tasks_per_child=500,
        worker_soft_shutdown_timeout=_SOFT_SHUTDOWN_SECONDS,
        worker_proc_alive_timeout=30.0,  # a busy machine may be slow to fork; the default of 4 s kills and forks again
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,  # one thing less to reconnect; heartbeats are rows
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": 600,
            "socket_timeout": _HURRIED_SOCKET_SECONDS if hurried else _SOCKET_SECONDS,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
            "retry_on_timeout": not hurried,
            "global_keyprefix": KEY_PREFIX,
        },
        beat_schedule=ticks(settings),
        beat_max_loop_interval=1,
        timezone="UTC",
    )
    return app


def broker_url(settings: Settings) -> str:
    """Return the broker's URL in the form that kombu reads."""
    url = settings.broker()
    return f"{url}?virtual_host=0" if url.startswith("redis+socket://") else url


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
