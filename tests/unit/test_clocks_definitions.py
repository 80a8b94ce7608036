"""Do the clocks start, stop and pause as defined? An oracle that reads each clock from the list of an item's events.

It restates the tables of the response process §7 without a state that changes: "the first event after the start that
stops it", "the last hold before this minute". `TOCSIN_ORACLE_CASES` (a tenth of it are run here) and
`TOCSIN_ORACLE_SEED` change how many stories run and which; the seed is printed.
"""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta

from triage.domain.calendars import Calendar
from triage.domain.clocks import (
    Act,
    Acted,
    Actor,
    ClockKind,
    Closed,
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
    follow,
)
from triage.domain.process import Targets

CASES = int(os.environ.get("TOCSIN_ORACLE_CASES", "10000"))
SEED = int(os.environ.get("TOCSIN_ORACLE_SEED", "20261125"))
PERSON, BOT, RULE = Actor.PERSON, Actor.BOT, Actor.RULE
BEGIN = datetime(2026, 11, 11, tzinfo=UTC)
HORIZON = 400
POLICIES = [
    Policy("care", Calendar(), Targets(600, 1200, 6000), category="complaint"),
    Policy("care", Calendar(), Targets(300, 900, None), category="safety"),
    Policy("press", Calendar(), Targets(None, 600, 3000)),
    Policy("monitor", Calendar(), Targets(6000, None, None), awaiting_action=False),
    Policy("archive", Calendar(), Targets(9000, None, None), awaiting_action=False),
]


def random_event(rng, at):
    by, policy = rng.choice([PERSON, PERSON, BOT, RULE]), rng.choice(POLICIES)
    until = rng.choice([None, at + timedelta(minutes=rng.randrange(0, 60))])
    return rng.choice(
        [
            *[Acted(at, rng.choice(list(Act)), by)] * 4,
            *[Received(at, None, rng.choice([None, policy]))] * 4,
            *[Sent(at, by)] * 3,
            *[Held(at, until, by)] * 2,
            *[Closed(at, by)] * 2,
            *[Rerouted(at, policy, by)] * 2,
            Queued(at, policy, by),
            HandedOver(at, policy, by),
            HoldEnded(at),
            WaitingStarted(at, by),
            WaitingEnded(at),
            ProcessChanged(at, policy),
            Fetched(at),
        ]
    )


def random_story(rng):
    times = [BEGIN + timedelta(minutes=m) for m in sorted(rng.sample(range(HORIZON - 100), rng.randrange(2, 25)))]
    story = [random_event(rng, at) for at in times]
    if rng.random() < 0.8:
        story[0] = Fetched(times[0], ours=rng.random() < 0.2)
        story[1] = Queued(times[1], rng.choice(POLICIES))
    return story


def by_person(event):
    return getattr(event, "by", None) is PERSON


def is_action(event):
    return by_person(event) and not (isinstance(event, Acted) and event.act in {Act.TAG, Act.SNOOZE})


def is_taking(event):
    took = isinstance(event, Acted) and event.act in {Act.CLAIM, Act.ASSIGN, Act.ACKNOWLEDGE}
    return by_person(event) and (took or isinstance(event, Sent | Held | Closed))


RESPONSES = {ClockKind.FIRST_RESPONSE, ClockKind.NEXT_RESPONSE}
RESOLUTION = {ClockKind.RESOLUTION}
STOPS = {
    ClockKind.ACKNOWLEDGE: is_taking,
    ClockKind.REVIEW: is_action,
    ClockKind.FIRST_ACTION: is_action,
    ClockKind.FIRST_RESPONSE: lambda event: by_person(event) and isinstance(event, Sent),
    ClockKind.NEXT_RESPONSE: lambda event: by_person(event) and isinstance(event, Sent),
    ClockKind.RESOLUTION: lambda event: by_person(event) and isinstance(event, Closed),
}


def split_into_cycles(story):
    """Each cycle as (its events up to the close, the policy its opening message brings or None)."""
    cycles, live, closed = [([], None)], [], False
    known = None
    for event in story:
        if closed and isinstance(event, Received | Queued | HandedOver):
            brought = (event.policy or known) if isinstance(event, Received) else None
            cycles.append(([], brought))
            closed, known = False, brought
        if len(cycles) == 1 and not cycles[0][0] and isinstance(event, Received) and event.policy:
            cycles[0] = ([], event.policy)
            known = event.policy
        live = cycles[-1][0]
        if not closed:
            live.append(event)
        if isinstance(event, Queued | HandedOver) or (isinstance(event, Rerouted | ProcessChanged) and known):
            known = event.policy
        closed = closed or (isinstance(event, Closed) and known is not None)
    return cycles


class Expected:
    """The clocks of one cycle, each read from the list of its events."""

    def __init__(self, events, brought, *, number, ours):
        self.events, self.number, self.ours = events, number, ours
        entries = [i for i, event in enumerate(events) if isinstance(event, Queued | HandedOver)]
        self.entry = 0 if brought else entries[0] if entries else None
        self.brought = brought
        self.close = events[-1] if self.entry is not None and isinstance(events[-1], Closed) else None

    def in_force(self, i):
        """The policy after event `i`."""
        bearing = [self.brought] if self.brought else []
        for place, event in enumerate(self.events[: i + 1]):
            moves = isinstance(event, Queued | HandedOver)
            if moves or (isinstance(event, Rerouted | ProcessChanged) and place > self.entry):
                bearing.append(event.policy)
        return bearing[-1]

    def end(self, kind, start):
        """Where the clock stops, or None."""
        return next((i for i in range(start + 1, len(self.events)) if STOPS[kind](self.events[i])), None)

    def moves(self):
        """Events at which the item is in another queue than before."""
        yield self.entry
        for i in range(self.entry + 1, len(self.events)):
            if isinstance(self.events[i], Queued | HandedOver | Rerouted) and (
                self.in_force(i).queue != self.in_force(i - 1).queue
            ):
                yield i

    def awaited(self):
        """Starts of the acknowledge and review clocks."""
        found = []
        for i in self.moves():
            awaiting = self.in_force(i).awaiting_action
            rivals = {ClockKind.ACKNOWLEDGE} if awaiting else {ClockKind.ACKNOWLEDGE, ClockKind.REVIEW}
            running = [1 for kind, j in found if kind in rivals and (self.end(kind, j) or len(self.events)) > i]
            if not (isinstance(self.events[i], Rerouted) and running):
                found.append((ClockKind.ACKNOWLEDGE if awaiting else ClockKind.REVIEW, i))
        return found

    def responses(self):
        first_fetch = next((e for e in self.events if isinstance(e, Fetched)), None)
        opened = isinstance(self.events[0], Received) and (self.brought or self.events[0] is not first_fetch)
        inbound = []
        for i, event in enumerate(self.events):
            read = event is first_fetch and not event.ours and not opened and self.number == 1
            if isinstance(event, Received) or read:
                inbound.append(i)
        for place, i in enumerate(inbound):
            since = inbound[place - 1] if place else -1
            answered = any(STOPS[ClockKind.FIRST_RESPONSE](e) for e in self.events[since + 1 : i])
            if place == 0 or answered:
                yield (ClockKind.FIRST_RESPONSE if place == 0 and not self.ours_at(i) else ClockKind.NEXT_RESPONSE), i

    def ours_at(self, i):
        fetches = [e for e in self.events[:i] if isinstance(e, Fetched)]
        return self.ours or (bool(fetches) and fetches[0].ours)

    def starts(self):
        if self.entry is None:
            return
        awaited = self.awaited()
        yield from awaited
        yield from ((ClockKind.FIRST_ACTION, i) for kind, i in awaited[:] if kind is ClockKind.ACKNOWLEDGE)
        yield from self.responses()
        yield ClockKind.RESOLUTION, self.entry

    def clocks(self):
        seen_action = False
        for kind, i in self.starts():
            if kind is ClockKind.FIRST_ACTION:
                if seen_action:
                    continue
                seen_action = True
            stop = self.end(kind, i)
            cancelled = self.close.at if stop is None and self.close else None
            stopped = None if stop is None else self.events[stop].at
            yield kind, self.events[i].at, stopped, cancelled, self.policy_of(kind, i, stop)

    def policy_of(self, kind, i, stop):
        """The policy at the start, or the last that a new category gave before the end."""
        policy = self.in_force(max(i, self.entry))
        for event in self.events[max(i, self.entry) + 1 : stop]:
            if isinstance(event, Rerouted) and not (kind is ClockKind.REVIEW and event.policy.awaiting_action):
                policy = event.policy
        return policy

    def pausing(self, moment):
        """Whether the item is held, and whether it waits for the requester, at `moment`."""
        before = [event for event in self.events if event.at <= moment]
        holding = [e for e in before if isinstance(e, HoldEnded) or (isinstance(e, Held) and by_person(e))]
        waiting = [e for e in before if isinstance(e, WaitingEnded | Received | WaitingStarted)]
        waiting = [e for e in waiting if by_person(e) or not isinstance(e, WaitingStarted)]
        hold = holding[-1] if holding else None
        held = isinstance(hold, Held) and (hold.until is None or moment < hold.until)
        return held, bool(waiting) and isinstance(waiting[-1], WaitingStarted)


def covered(clock, moment):
    return any(pause.start <= moment and (pause.end is None or moment < pause.end) for pause in clock.pauses)


def assert_pauses_as_defined(cycle, defined):
    """At every minute at which something happens, a timer ends or a clock ends, and one minute before."""
    held_until = [event.until for event in defined.events if isinstance(event, Held) and event.until]
    known = {*(event.at for event in defined.events), *held_until, BEGIN + timedelta(minutes=HORIZON)}
    for moment in known | {moment - timedelta(minutes=1) for moment in known}:
        held, waits = defined.pausing(moment)
        for clock in cycle.clocks:
            alive = clock.started_at <= moment and (clock.ended_at is None or moment < clock.ended_at)
            pausing = held if clock.kind in RESPONSES else (held or waits) if clock.kind in RESOLUTION else False
            assert covered(clock, moment) is (alive and pausing)


def assert_as_defined(story):
    cycles, expected = follow(story), split_into_cycles(story)
    assert len(cycles) == len(expected)
    ours = False
    for cycle, (events, brought) in zip(cycles, expected, strict=True):
        defined = Expected(events, brought, number=cycle.number, ours=ours)
        shown = [(c.kind, c.started_at, c.stopped_at, c.cancelled_at, c.policy) for c in cycle.clocks]
        assert sorted(shown, key=str) == sorted(defined.clocks(), key=str)
        assert_pauses_as_defined(cycle, defined)
        ours = defined.ours_at(len(events))


def test_c13_starts_stops_policies_and_pauses_are_those_of_the_definitions():
    seed = f"{SEED}/stories"
    print(f"seed {seed}")
    rng = random.Random(seed)
    for number in range(CASES // 10):
        story = random_story(rng)
        try:
            assert_as_defined(story)
        except AssertionError as difference:
            difference.add_note(f"story {number} of seed {seed}:\n" + "\n".join(map(str, story)))
            raise
