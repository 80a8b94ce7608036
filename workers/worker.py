"""How does a worker run, and how does it end? With our logging, and a soft shutdown that does not dawdle."""

from __future__ import annotations

import logging
import os
import select
import signal
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
    """Return the worker class of `app`, which on SIGTERM waits for running tasks, but neither too long nor for nothing.

    Celery sleeps for the whole of `worker_soft_shutdown_timeout` in its signal handler and reads no result meanwhile,
    and then it waits for whatever a task's threads still do. A task that has ended has written its result into its
    process's pipe, and that can be seen without reading it. One that has not is killed: its rows say what is to do.
    """

    class SoftWorker(app.Worker):  # type: ignore[name-defined,misc]  # a class made by the application
        def wait_for_soft_shutdown(self) -> None:
            deadline = time.monotonic() + app.conf.worker_soft_shutdown_timeout
            while (running := self._running()) and time.monotonic() < deadline:
                time.sleep(_LOOK_EVERY_SECONDS)
            for process in running:
                _log.warning("A task was not finished when this worker had to end; another one will take its work.")
                os.kill(process.pid, signal.SIGKILL)

        def _running(self) -> list[Any]:
            """Return the pool's processes that have begun a task and not said that it ended."""
            pool = self.pool._pool._pool  # noqa: SLF001  # billiard's processes; the version is pinned, F24 tests it
            begun = {request.worker_pid for request in state.active_requests}
            working = {process.outqR_fd: process for process in pool if process.pid in begun}
            said, _, _ = select.select(working, [], [], 0)
            return [process for output, process in working.items() if output not in said]

    return SoftWorker
