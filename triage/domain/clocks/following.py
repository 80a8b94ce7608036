"""Which clocks do the events of an item start, move, pause and stop?

The events are taken in order of time; those of one instant in the order given. A cycle under way is a small record that
each event changes; its clocks are made at the end, when every policy and every pause is known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from triage.domain.clocks.clock import Clock, ClockKind, Cycle, Pause, due_times, joined
from triage.domain.clocks.events import (
    Act,
    Acted,
    Actor,
    Closed,
    Event,
    Fetched,
    HandedOver,
    Held,
    HoldEnded,
    Policy,
    ProcessChanged,
    Queued,
    Received,
    Rerouted,
    Sent,
    WaitingEnded,
    WaitingStarted,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from triage.domain.process import Targets

_ACTION: Final = frozenset({ClockKind.FIRST_ACTION, ClockKind.REVIEW})
_TAKEN: Final = _ACTION | {ClockKind.ACKNOWLEDGE}
_RESPONSES: Final = frozenset({ClockKind.FIRST_RESPONSE, ClockKind.NEXT_RESPONSE})

_STOPPED_BY_ACT: Final[Mapping[Act, frozenset[ClockKind]]] = {
    Act.CLAIM: _TAKEN,
    Act.ASSIGN: _TAKEN,
    Act.ACKNOWLEDGE: _TAKEN,
    Act.TAG: frozenset(),
    Act.SNOOZE: frozenset(),
    Act.OTHER: _ACTION,
}
_STOPPED_BY_EVENT: Final[Mapping[type, frozenset[ClockKind]]] = {
    Queued: _ACTION,
    HandedOver: _ACTION,
    Rerouted: _ACTION,
    WaitingStarted: _ACTION,
    Held: _TAKEN,
    Sent: _TAKEN | _RESPONSES,
    Closed: _TAKEN | {ClockKind.RESOLUTION},
}
"""What an event stops when a person caused it; a bot or a rule stops nothing."""

_NOWHERE: Final = Policy(queue="")


def follow(events: Iterable[Event], *, tags_count: bool = False) -> tuple[Cycle, ...]:
    """Return the cycles of one item, in order; empty when nothing happened.

    With `tags_count` a person who only tags counts as a first action. ValueError when a calendar cannot tell a due time
    (an empty week, no hours for decades).
    """
    rounds: list[_Round] = []
    for event in sorted(events, key=lambda event: event.at):
        if not rounds or rounds[-1].is_reopened_by(event):
            rounds.append(_next_round(rounds[-1] if rounds else None, event))
        rounds[-1].take(event, tags_count=tags_count)
    return tuple(under_way.finished() for under_way in rounds)


@dataclass(slots=True)
class _Timer:
    """A clock under way; it has no policy until the item is in a queue."""

    kind: ClockKind
    started_at: datetime
    policy: Policy | None
    stopped_at: datetime | None = None
    cancelled_at: datetime | None = None

    @property
    def runs(self) -> bool:
        return self.stopped_at is None and self.cancelled_at is None


@dataclass(slots=True)
class _Round:
    """A cycle under way. `policy` is the one in force, None until the item is in a queue."""

    number: int
    ours: bool = False
    fetched_at: datetime | None = None
    published_at: datetime | None = None
    has_message: bool = False
    policy: Policy | None = None
    entry: Policy | None = None
    queued_at: datetime | None = None
    closed_at: datetime | None = None
    timers: list[_Timer] = field(default_factory=list)
    holds: list[Pause] = field(default_factory=list)
    waits: list[Pause] = field(default_factory=list)

    def is_reopened_by(self, event: Event) -> bool:
        return self.closed_at is not None and isinstance(event, Received | Queued | HandedOver)

    def take(self, event: Event, *, tags_count: bool) -> None:
        """Let one event change the cycle; once it is closed only the policy of the next one can still change."""
        if self.closed_at is None:
            self.stop(event.at, _stopped_by(event, tags_count=tags_count))
            _take_move(self, event)
            _take_pause(self, event)
        elif isinstance(event, Rerouted | ProcessChanged):
            self.policy = event.policy

    def start(self, kind: ClockKind, at: datetime) -> None:
        self.timers.append(_Timer(kind, at, self.policy))

    def stop(self, at: datetime, kinds: Collection[ClockKind]) -> None:
        for timer in self.running(kinds):
            timer.stopped_at = at

    def running(self, kinds: Collection[ClockKind]) -> list[_Timer]:
        return [timer for timer in self.timers if timer.runs and timer.kind in kinds]

    def fetch(self, event: Fetched) -> None:
        if self.number == 1 and self.fetched_at is None:  # else the mention was updated: it keeps its clocks
            self.fetched_at, self.published_at, self.ours = event.at, event.published_at, event.ours
            if not event.ours:
                self.await_reply(event.at)

    def await_reply(self, at: datetime) -> None:
        """Start a response clock, unless an older message is still unanswered."""
        is_first = not self.has_message and not self.ours
        self.has_message = True
        if not self.running(_RESPONSES):
            self.start(ClockKind.FIRST_RESPONSE if is_first else ClockKind.NEXT_RESPONSE, at)

    def enter(self, at: datetime, policy: Policy) -> None:
        """Put the item in a queue, or in another one; in the same one, only clocks to come follow the policy."""
        moved = self.policy is None or policy.queue != self.policy.queue
        self.policy = policy
        if self.entry is None:
            self.entry, self.queued_at = policy, at
            for timer in self.timers:
                timer.policy = policy
            self.start(ClockKind.RESOLUTION, at)
        if moved:
            self.await_colleague(at, policy)

    def await_colleague(self, at: datetime, policy: Policy) -> None:
        if not policy.awaiting_action:
            self.start(ClockKind.REVIEW, at)
            return
        self.start(ClockKind.ACKNOWLEDGE, at)
        if not any(timer.kind is ClockKind.FIRST_ACTION for timer in self.timers):
            self.start(ClockKind.FIRST_ACTION, at)

    def reroute(self, at: datetime, policy: Policy) -> None:
        """Give the running clocks another policy; a running acknowledge clock moves along to another queue."""
        if self.policy is None:
            return  # not in a queue yet: the queue it enters brings its policy
        moved, self.policy = policy.queue != self.policy.queue, policy
        # A review-by time means nothing where action is awaited; it keeps its own until a person acts.
        kept = {ClockKind.REVIEW} if policy.awaiting_action else frozenset[ClockKind]()
        for timer in self.timers:
            if timer.runs and timer.kind not in kept:
                timer.policy = policy
        if moved and not self.running({ClockKind.ACKNOWLEDGE, ClockKind.REVIEW} - kept):
            self.await_colleague(at, policy)

    def close(self, at: datetime) -> None:
        self.closed_at = at
        for timer in self.running(frozenset(ClockKind)):
            timer.cancelled_at = at

    def finished(self) -> Cycle:
        """Return the cycle with its clocks; an item that never was in a queue has its detection delay only."""
        clocks = [self._clock(timer, timer.policy) for timer in self.timers if timer.policy is not None]
        clocks = [*self._detection(), *sorted(clocks, key=lambda clock: clock.started_at)]
        return Cycle(self.number, self.fetched_at, self.published_at, self.queued_at, self.closed_at, tuple(clocks))

    def _detection(self) -> Iterable[Clock]:
        if self.fetched_at is not None and self.published_at is not None:
            started_at = min(self.published_at, self.fetched_at)
            timer = _Timer(ClockKind.DETECTION, started_at, None, stopped_at=self.fetched_at)
            yield self._clock(timer, self.entry or _NOWHERE)

    def _clock(self, timer: _Timer, policy: Policy) -> Clock:
        ended_at = timer.cancelled_at if timer.stopped_at is None else timer.stopped_at
        pauses = joined(self._pauses_of(timer.kind), timer.started_at, ended_at)
        target_seconds = _target(timer.kind, policy.targets)
        due_at, warning_at = due_times(policy, timer.started_at, target_seconds, pauses)
        return Clock(
            kind=timer.kind,
            cycle=self.number,
            policy=policy,
            started_at=timer.started_at,
            stopped_at=timer.stopped_at,
            cancelled_at=timer.cancelled_at,
            pauses=pauses,
            target_seconds=target_seconds,
            due_at=due_at,
            warning_at=warning_at,
        )

    def _pauses_of(self, kind: ClockKind) -> list[Pause]:
        if kind is ClockKind.RESOLUTION:
            return [*self.holds, *self.waits]
        return self.holds if kind in _RESPONSES else []


def _next_round(last: _Round | None, event: Event) -> _Round:
    """Return the cycle that `event` opens; a message puts the item back in its queue."""
    fresh = _Round(1) if last is None else _Round(last.number + 1, ours=last.ours)
    if isinstance(event, Received):
        fresh.fetched_at, fresh.published_at = event.at, event.published_at
        policy = event.policy or (last.policy if last else None)
        if policy is not None:
            fresh.enter(event.at, policy)
    return fresh


def _take_move(cycle: _Round, event: Event) -> None:
    match event:
        case Fetched():
            cycle.fetch(event)
        case Received(at=at):
            cycle.await_reply(at)
        case Queued(at=at, policy=policy) | HandedOver(at=at, policy=policy):
            cycle.enter(at, policy)
        case Rerouted(at=at, policy=policy):
            cycle.reroute(at, policy)
        case ProcessChanged(policy=policy) if cycle.policy is not None:
            cycle.policy = policy
        case Closed(at=at) if cycle.policy is not None:
            cycle.close(at)
        case _:
            pass


def _take_pause(cycle: _Round, event: Event) -> None:
    match event:
        case Held(at=at, until=until, by=Actor.PERSON):
            _end(cycle.holds, at)
            cycle.holds.append(Pause(at, until))
        case HoldEnded(at=at):
            _end(cycle.holds, at)
        case WaitingStarted(at=at, by=Actor.PERSON):
            cycle.waits.append(Pause(at, None))
        case WaitingEnded(at=at) | Received(at=at):
            cycle.waits = [pause if pause.end else Pause(pause.start, at) for pause in cycle.waits]
        case _:
            pass


def _end(pauses: list[Pause], at: datetime) -> None:
    """Cut the last pause short when it would still last at `at`."""
    if pauses and (pauses[-1].end is None or pauses[-1].end > at):
        pauses[-1] = Pause(pauses[-1].start, at)


def _stopped_by(event: Event, *, tags_count: bool) -> frozenset[ClockKind]:
    if getattr(event, "by", None) is not Actor.PERSON:
        return frozenset()
    if isinstance(event, Acted):
        return _ACTION if tags_count and event.act is Act.TAG else _STOPPED_BY_ACT[event.act]
    return _STOPPED_BY_EVENT[type(event)]


def _target(kind: ClockKind, targets: Targets) -> int | None:
    match kind:
        case ClockKind.ACKNOWLEDGE | ClockKind.REVIEW:
            return targets.ack_seconds
        case ClockKind.FIRST_RESPONSE | ClockKind.NEXT_RESPONSE:
            return targets.respond_seconds
        case ClockKind.RESOLUTION:
            return targets.close_seconds
        case _:
            return None
