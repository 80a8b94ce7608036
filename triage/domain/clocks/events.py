"""What can happen to an item that a clock may notice? Plain facts with their instant, who did it, and the policy then.

All instants are aware UTC. An undone step is left out of the list, as is everything it caused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from triage.domain.calendars import Calendar
from triage.domain.process import Targets

if TYPE_CHECKING:
    from datetime import datetime

    from triage.domain.process import Process


class Actor(StrEnum):
    """Who did it; only what a person does stops a clock (C12)."""

    PERSON = "person"
    BOT = "bot"
    RULE = "rule"


class Act(StrEnum):
    """What a colleague did to an item, as far as clocks tell acts apart."""

    CLAIM = "claim"
    ASSIGN = "assign"
    ACKNOWLEDGE = "acknowledge"
    TAG = "tag"
    SNOOZE = "snooze"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a route promised: a queue, its calendar and the targets, under one version of the process file."""

    queue: str
    calendar: Calendar = field(default_factory=Calendar)
    targets: Targets = field(default_factory=Targets)
    awaiting_action: bool = True
    category: str = ""
    process_version: str = ""

    @classmethod
    def of(cls, process: Process, *, category: str, queue: str, targets: Targets) -> Policy:
        """Return the policy of a route under `process`; KeyError for a queue that it does not have."""
        return cls(
            queue=queue,
            calendar=process.calendar_of(queue),
            targets=targets,
            awaiting_action=process.queues[queue].awaiting_action,
            category=category,
            process_version=process.version_label,
        )


@dataclass(frozen=True, slots=True)
class Fetched:
    """We read the mention. `ours` marks an item that we opened ourselves. A later copy of this event is an update."""

    at: datetime
    published_at: datetime | None = None
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Queued:
    """The item was put in a queue: at first, or again after it was closed (a new cycle without a message)."""

    at: datetime
    policy: Policy
    by: Actor = Actor.RULE


@dataclass(frozen=True, slots=True)
class HandedOver:
    """The item went to another queue; its category, and so the clocks that run, stay what they were."""

    at: datetime
    policy: Policy
    by: Actor = Actor.PERSON


@dataclass(frozen=True, slots=True)
class Rerouted:
    """Category or priority changed: `policy` is the first that matches now, perhaps of another queue."""

    at: datetime
    policy: Policy
    by: Actor = Actor.PERSON


@dataclass(frozen=True, slots=True)
class ProcessChanged:
    """Another version of the process file is in force; only clocks that start later follow it."""

    at: datetime
    policy: Policy


@dataclass(frozen=True, slots=True)
class Acted:
    """A person, bot or rule did something that has no event of its own."""

    at: datetime
    act: Act
    by: Actor


@dataclass(frozen=True, slots=True)
class Received:
    """An inbound message. On a closed item it opens a new cycle, under `policy` or, without one, the last policy."""

    at: datetime
    published_at: datetime | None = None
    policy: Policy | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """An outbound message."""

    at: datetime
    by: Actor


@dataclass(frozen=True, slots=True)
class Held:
    """The item waits for the community, until `until` at the latest; another hold replaces the one before."""

    at: datetime
    until: datetime | None = None
    by: Actor = Actor.PERSON


@dataclass(frozen=True, slots=True)
class HoldEnded:
    """The hold ended before its timer: the story spread, or a person said so."""

    at: datetime


@dataclass(frozen=True, slots=True)
class WaitingStarted:
    """The requester must answer first; the wait ends by itself with the next inbound message."""

    at: datetime
    by: Actor = Actor.PERSON


@dataclass(frozen=True, slots=True)
class WaitingEnded:
    """We no longer wait for the requester."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Closed:
    """The item was closed, with whatever disposition."""

    at: datetime
    by: Actor


Event = (
    Fetched
    | Queued
    | HandedOver
    | Rerouted
    | ProcessChanged
    | Acted
    | Received
    | Sent
    | Held
    | HoldEnded
    | WaitingStarted
    | WaitingEnded
    | Closed
)
