"""What does each job call? At most five lines per task: hand the ids to a service."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from triage.domain.jobs import Job
from triage.services.assessment import assess
from triage.services.polling import poll
from triage.services.sweep import sweep, tend
from workers.lifecycle import assess_tools, container, poll_tools
from workers.ticking import TASK_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery


def register(app: Celery) -> None:
    """Give the application its tasks."""
    tasks: dict[Job, Callable[..., None]] = {
        Job.SWEEP: _sweep,
        Job.TEND: _tend,
        Job.POLL: _poll,
        Job.ASSESS: _assess,
        Job.CANARY: _canary,
    }
    for job, task in tasks.items():
        app.task(name=TASK_PREFIX + job)(task)


def _sweep() -> None:
    parts = container()
    sweep(parts.store, period_seconds=parts.settings.sweep_seconds * 0.8, holder=socket.gethostname())


def _tend() -> None:
    tend(container().store, holder=socket.gethostname())


def _poll(ids: list[int]) -> None:
    poll(poll_tools(), ids)


def _assess(ids: list[int]) -> None:
    assess(assess_tools(), ids)


def _canary(lane: str) -> None:
    container().store.write(lambda tx: tx.ticks.beat(f"lane:{lane}", tx.now, None, {}))
