"""What does one clock say? Its start, stop, pauses and due time, and from those its state and its durations.

Due times run on the calendar of the clock's policy. A breach is strictly after `due_at`; `warning_at` is where 75 % of
the target's working time has passed (response process reference, §7).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from triage.domain.calendars import after_working_time, working_time_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from triage.domain.calendars import Calendar
    from triage.domain.clocks.events import Policy

_SECOND: Final = timedelta(seconds=1)
_NOTHING: Final = timedelta()
_WARNING_SHARE: Final = 0.75


class ClockKind(StrEnum):
    """The six clocks of §7, and the review-by time of queues that await no action."""

    DETECTION = "detection"
    ACKNOWLEDGE = "acknowledge"
    FIRST_ACTION = "first_action"
    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    RESOLUTION = "resolution"
    REVIEW = "review"


UNTARGETED: Final = frozenset({ClockKind.DETECTION, ClockKind.FIRST_ACTION})
"""Clocks that never have a target: they are measured all the same."""


class ClockState(StrEnum):
    """`stopped` is a clock that ended without a target, so that it is neither met nor missed."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    MISSED = "missed"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


class Origin(StrEnum):
    """Where a duration is counted from (§7: durations are kept from published, fetched and queued)."""

    PUBLISHED = "published"
    FETCHED = "fetched"
    QUEUED = "queued"


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which a clock stands still; no end means that nobody knows it yet, a timer's end may lie ahead."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Duration:
    """Whole seconds: working time without pauses, and all time on the wall, pauses included."""

    business_seconds: int
    calendar_seconds: int


@dataclass(frozen=True, slots=True)
class Clock:
    """One measured stretch of an item's life.

    It ends by `stopped_at` (what it waited for happened) or `cancelled_at` (it no longer can), never both. `pauses` are
    in order, apart from one another and within the clock. `due_at` and `warning_at` are None without a target, and
    while a pause without a known end comes before them.
    """

    kind: ClockKind
    cycle: int
    policy: Policy
    started_at: datetime
    stopped_at: datetime | None
    cancelled_at: datetime | None
    pauses: tuple[Pause, ...]
    target_seconds: int | None
    due_at: datetime | None
    warning_at: datetime | None

    @property
    def ended_at(self) -> datetime | None:
        """When the clock stopped or was cancelled; None while it is open."""
        return self.cancelled_at if self.stopped_at is None else self.stopped_at

    @property
    def is_measured(self) -> bool:
        """False when the process file sets no target where it could: an unset target means "not measured"."""
        return self.target_seconds is not None or self.kind in UNTARGETED

    def state(self, now: datetime) -> ClockState:
        """Return the state at `now`; an open clock past its due time is still running, see `is_overdue`."""
        if self.ended_at is None:
            return ClockState.PAUSED if any(_covers(pause, now) for pause in self.pauses) else ClockState.RUNNING
        if self.due_at is not None and self.ended_at > self.due_at:
            return ClockState.MISSED
        if self.stopped_at is None:
            return ClockState.CANCELLED
        return ClockState.STOPPED if self.target_seconds is None else ClockState.MET

    def is_overdue(self, now: datetime) -> bool:
        """True while the clock is open and `now` is strictly after its due time."""
        return self.ended_at is None and self.due_at is not None and now > self.due_at

    def is_warning(self, now: datetime) -> bool:
        """True while the clock is open, has used 75 % of its target and is not yet overdue."""
        reached = self.ended_at is None and self.warning_at is not None and now >= self.warning_at
        return reached and not self.is_overdue(now)

    def duration(self, now: datetime) -> Duration:
        """Return how long the clock ran until it ended, or until `now`."""
        return self.duration_from(self.started_at, now)

    def duration_from(self, origin: datetime, now: datetime) -> Duration:
        """Return the time from `origin` until the clock ended, or `now`; 0 when that came first."""
        end = now if self.ended_at is None else self.ended_at
        worked = _worked(self.policy.calendar, origin, end, self.pauses)
        return Duration(worked // _SECOND, max(end - origin, _NOTHING) // _SECOND)


@dataclass(frozen=True, slots=True)
class Cycle:
    """One round of an item, from the message or the hand that opened it until it was closed.

    `fetched_at` and `published_at` are those of the message that opened the cycle; None when there was none, or it bore
    no date. `clocks` are in order of their start.
    """

    number: int
    fetched_at: datetime | None
    published_at: datetime | None
    queued_at: datetime | None
    closed_at: datetime | None
    clocks: tuple[Clock, ...]

    @property
    def published_in_future(self) -> bool:
        """True when the date of the message lies after the instant at which we read it: its delay counts as 0."""
        return self.published_at is not None and self.fetched_at is not None and self.published_at > self.fetched_at

    def of(self, kind: ClockKind) -> tuple[Clock, ...]:
        """Return the clocks of one kind, in order of their start."""
        return tuple(clock for clock in self.clocks if clock.kind is kind)

    def duration_from(self, origin: Origin, clock: Clock, now: datetime) -> Duration | None:
        """Return what `clock` shows counted from another origin; None when the cycle does not have that instant."""
        instants = {
            Origin.PUBLISHED: self.published_at,
            Origin.FETCHED: self.fetched_at,
            Origin.QUEUED: self.queued_at,
        }
        since = instants[origin]
        return None if since is None else clock.duration_from(since, now)


def next_due(cycles: Iterable[Cycle]) -> Clock | None:
    """Return the open clock that is due first, None when none has a due time: what a queue sorts by."""
    clocks = [clock for cycle in cycles for clock in cycle.clocks if clock.ended_at is None]
    dated = [(clock.due_at, place) for place, clock in enumerate(clocks) if clock.due_at is not None]
    return clocks[min(dated)[1]] if dated else None


def due_times(
    policy: Policy, started_at: datetime, target_seconds: int | None, pauses: Sequence[Pause]
) -> tuple[datetime | None, datetime | None]:
    """Return when a target is due and when its warning is."""
    if target_seconds is None:
        return None, None
    target = timedelta(seconds=target_seconds)
    due_at = _due(policy.calendar, started_at, target, pauses)
    return due_at, _due(policy.calendar, started_at, target * _WARNING_SHARE, pauses)


def joined(spans: Iterable[Pause], started_at: datetime, ended_at: datetime | None) -> tuple[Pause, ...]:
    """Return the union of `spans` inside `[started_at, ended_at)`: in order, apart from one another, none empty."""
    union: list[Pause] = []
    for span in sorted(spans, key=lambda span: span.start):
        start, end = max(span.start, started_at), _earlier(span.end, ended_at)
        if end is not None and end <= start:
            continue
        last = union[-1] if union else None
        if last is not None and (last.end is None or start <= last.end):
            union[-1] = Pause(last.start, None if last.end is None or end is None else max(last.end, end))
        else:
            union.append(Pause(start, end))
    return tuple(union)


def _earlier(first: datetime | None, second: datetime | None) -> datetime | None:
    return first if second is None else second if first is None else min(first, second)


def _covers(pause: Pause, moment: datetime) -> bool:
    return pause.start <= moment and (pause.end is None or moment < pause.end)


def _due(calendar: Calendar, start: datetime, left: timedelta, pauses: Sequence[Pause]) -> datetime | None:
    for pause in pauses:
        before = working_time_between(calendar, start, pause.start)
        if left <= before:
            break
        if pause.end is None:
            return None
        start, left = pause.end, left - before
    return after_working_time(calendar, start, left)


def _worked(calendar: Calendar, start: datetime, end: datetime, pauses: Sequence[Pause]) -> timedelta:
    paused = (
        working_time_between(calendar, max(pause.start, start), end if pause.end is None else min(pause.end, end))
        for pause in pauses
    )
    return working_time_between(calendar, start, end) - sum(paused, _NOTHING)
