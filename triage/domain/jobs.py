"""Which background jobs exist, and which queue carries each? Names only: what a job does is a service."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Job(StrEnum):
    """A job; its message carries row ids and nothing else."""

    SWEEP = "sweep"
    POLL = "poll"
    ASSESS = "assess"
    CANARY = "canary"
    TEND = "tend"


class Lane(StrEnum):
    """A queue of the broker. `crisis` has its own worker process so that nothing can delay a page."""

    COLLECT = "collect"
    ASSESS = "assess"
    CRISIS = "crisis"
    RETRY = "retry"
    UPKEEP = "upkeep"


LANE_OF: Final[dict[Job, Lane]] = {
    Job.SWEEP: Lane.UPKEEP,
    Job.TEND: Lane.UPKEEP,
    Job.POLL: Lane.COLLECT,
    Job.ASSESS: Lane.ASSESS,
    Job.CANARY: Lane.UPKEEP,
}

POLL_BATCH: Final = 50
ASSESS_BATCH: Final = 200
MAX_ATTEMPTS: Final = 3


class Dispatcher(Protocol):
    """Carries nudges to workers. A nudge may be lost, repeated or reordered: rows hold the truth."""

    def send(self, job: Job, ids: Sequence[int]) -> bool:
        """Nudge `job` for the rows `ids`; never raises, returns False when the broker did not take it."""
        ...
