"""How does a worker run, and how does it end? With our logging, and a soft shutdown that does not dawdle."""

from __future__ import annotations

import logging
import select
import socket
import time
import warnings
from typing import TYPE_CHECKING, Any, Final

from celery import signals
from celery.exceptions import SecurityWarning
from celery.worker import state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from celery import Celery

    from triage.domain.jobs import Lane

_log = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS: Final = 0.05


def run_worker(app: Celery, lanes: Sequence[Lane], concurrency: int) -> None:
    """Consume `lanes` until SIGTERM; then running tasks get ten seconds (F24), and the process ends with SystemExit."""
    signals.setup_logging.connect(_logging_is_set_up)
    with warnings.catch_warnings():
        # It warns root of tasks that arrive as pickles; ours are JSON and nothing else is accepted.
        warnings.simplefilter("ignore", SecurityWarning)
        worker = _soft_worker_of(app)(
            queues=[lane.value for lane in lanes],
            concurrency=concurrency,
            hostname=f"{lanes[0]}@{socket.gethostname()}",
            loglevel=logging.getLogger("celery").getEffectiveLevel(),
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            pool="prefork",
            optimization="fair",
            quiet=True,
        )
    _log.info("This worker takes work from: %s.", ", ".join(lanes))
    worker.start()
    raise SystemExit(worker.exitcode or 0)


def _logging_is_set_up(**_: object) -> None:
    """Do nothing: config.logging did. Celery sets logging up itself unless somebody answers this signal."""


def _soft_worker_of(app: Celery) -> type[Any]:
    """Return the worker class of `app`, which on SIGTERM waits for running tasks only as long as they run.

    Celery sleeps for the whole of `worker_soft_shutdown_timeout` in its signal handler and reads no result meanwhile. A
    task that has ended has written its result into its process's pipe, and that can be seen without reading it.
    """

    class SoftWorker(app.Worker):  # type: ignore[name-defined,misc]  # a class made by the application
        def wait_for_soft_shutdown(self) -> None:
            deadline = time.monotonic() + app.conf.worker_soft_shutdown_timeout
            pool = self.pool._pool._pool  # noqa: SLF001  # billiard's processes; the version is pinned, F24 tests it
            outputs = {process.pid: process.outqR_fd for process in pool}
            while time.monotonic() < deadline:
                running = [outputs[each.worker_pid] for each in state.active_requests if each.worker_pid in outputs]
                if len(select.select(running, [], [], 0)[0]) == len(running):
                    break
                time.sleep(_LOOK_EVERY_SECONDS)

    return SoftWorker
