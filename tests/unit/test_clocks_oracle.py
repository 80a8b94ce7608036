"""Are due times and durations right for cases nobody thought of? An oracle that shares no idea with the product.

It walks the wall clock minute by minute, where zoneinfo tells what the clock on the wall reads, and second by second
inside the minutes where something begins or ends. It knows no intervals, no offsets and no calendar arithmetic.

`TOCSIN_ORACLE_CASES` and `TOCSIN_ORACLE_SEED` change how many cases run and which; the seed of a test is printed.
"""

from __future__ import annotations

import os
import random
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import accumulate
from zoneinfo import ZoneInfo

import holidays
import pytest

from triage.domain.calendars import Calendar, Shift
from triage.domain.clocks import (
    Act,
    Acted,
    Actor,
    ClockKind,
    ClockState,
    Closed,
    Fetched,
    Held,
    HoldEnded,
    Policy,
    Queued,
    Sent,
    WaitingEnded,
    WaitingStarted,
    follow,
)
from triage.domain.process import Targets

CASES = int(os.environ.get("TOCSIN_ORACLE_CASES", "10000"))
SEED = int(os.environ.get("TOCSIN_ORACLE_SEED", "20261125"))
DAYS = 45
PERSON = Actor.PERSON

# The first day of a window of 45 days; the special day of each lies in its first week.
WINDOWS = [
    ("Europe/Paris", "2026-03-25"),  # spring
    ("Europe/Paris", "2026-10-21"),  # autumn
    ("Europe/Paris", "2028-02-25"),  # leap day, then spring
    ("Europe/Paris", "2026-12-24"),  # Christmas, year end
    ("America/New_York", "2026-03-05"),
    ("America/New_York", "2026-10-28"),
    ("America/New_York", "2027-12-27"),
    ("America/New_York", "2028-02-26"),
    ("Australia/Lord_Howe", "2026-04-01"),  # half an hour back
    ("Australia/Lord_Howe", "2026-09-30"),  # half an hour forward
    ("Australia/Lord_Howe", "2026-12-28"),
    ("Asia/Kathmandu", "2026-06-01"),  # 5 h 45 min ahead, no daylight saving
    ("Asia/Kathmandu", "2026-12-29"),
    ("Asia/Kathmandu", "2028-02-26"),
]
COUNTRIES = {"Europe/Paris": "FR", "America/New_York": "US", "Australia/Lord_Howe": "AU", "Asia/Kathmandu": "NP"}


@dataclass(frozen=True)
class Wall:
    """For each minute of the window: which local day and which minute of that day the clock on the wall reads."""

    begins: datetime
    days: array
    minutes: array


@cache
def wall(zone, first_day):
    begins, tz = datetime.fromisoformat(first_day).replace(tzinfo=UTC), ZoneInfo(zone)
    local = [(begins + timedelta(minutes=i)).astimezone(tz) for i in range(DAYS * 1440)]
    return Wall(begins, array("l", (t.toordinal() for t in local)), array("h", (t.hour * 60 + t.minute for t in local)))


@cache
def public_holidays(zone, year):
    return frozenset(holidays.country_holidays(COUNTRIES[zone], years=year))


@dataclass(frozen=True)
class Case:
    """Seconds count from the beginning of the window."""

    calendar: Calendar
    kind: ClockKind
    start: int
    target: int
    stop: int
    holds: tuple[tuple[int, int | None], ...]
    waits: tuple[tuple[int, int | None], ...]


def random_day(rng):
    kind = rng.random()
    if kind < 0.3:
        return ()
    if kind < 0.4:
        return (Shift(0, 1440),)
    if kind < 0.5:
        return (Shift(0, rng.randrange(1, 200)), Shift(rng.randrange(1200, 1439), 1440))
    edges = sorted(rng.sample(range(0, 1441, rng.choice([1, 5, 30, 60])), rng.choice([2, 2, 4, 6])))
    return tuple(Shift(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True))


def random_calendar(rng, zone, first_day):
    kind = rng.random()
    if kind < 0.12:
        return Calendar(zone)
    first = date.fromisoformat(first_day)
    off = {first + timedelta(days=rng.randrange(DAYS)) for _ in range(rng.choice([0, 0, 1, 3, 9]))}
    if rng.random() < 0.3:
        off |= public_holidays(zone, first.year) | public_holidays(zone, first.year + 1)
    if kind < 0.2:
        return Calendar(zone, ((Shift(0, 1440),),) * 7, frozenset(off))
    if kind < 0.4:
        day = random_day(rng) or (Shift(540, 1020),)
        return Calendar(zone, (day,) * 5 + ((), ()), frozenset(off))
    week = tuple(random_day(rng) for _ in range(7))
    return random_calendar(rng, zone, first_day) if not any(week) else Calendar(zone, week, frozenset(off))


def random_instant(rng, low, high):
    """Mostly a whole minute, as shifts begin and end on one; else any second."""
    instant = rng.randrange(low, high)
    return max(low, instant - instant % 60) if rng.random() < 0.5 else instant


def random_pauses(rng, start, most):
    points = sorted({random_instant(rng, start, start + 4 * 86_400) for _ in range(2 * rng.randrange(most + 1))})
    pauses = list(zip(points[::2], points[1::2], strict=False))
    if pauses and rng.random() < 0.05:
        pauses[-1] = (pauses[-1][0], None)
    return tuple(pauses)


def random_case(rng, zone, first_day):
    start = random_instant(rng, 86_400, 6 * 86_400)
    target = 60 * rng.choice([rng.randrange(0, 90), rng.randrange(0, 600), rng.randrange(0, 2881)])
    kind = rng.choice([ClockKind.ACKNOWLEDGE, ClockKind.FIRST_RESPONSE, ClockKind.FIRST_RESPONSE, ClockKind.RESOLUTION])
    return Case(
        random_calendar(rng, zone, first_day),
        kind,
        start,
        target,
        random_instant(rng, start, start + rng.choice([1, 3, 8]) * 86_400),
        random_pauses(rng, start, 3) if kind is not ClockKind.ACKNOWLEDGE else (),
        random_pauses(rng, start, 2) if kind is ClockKind.RESOLUTION else (),
    )


class Walk:
    """How many seconds count, minute after minute from the start."""

    def __init__(self, case, where):
        self.case, self.where = case, where
        self.first = case.start // 60
        self.pauses = [(a, DAYS * 86_400 if b is None else b) for a, b in case.holds + case.waits]
        edges = {case.start, *(edge for pause in self.pauses for edge in pause)}
        self.edge_minutes = {edge // 60 for edge in edges}
        self.masks = {}
        self.totals = [0]  # seconds that count before each minute, as far as anybody asked

    def mask(self, day):
        """One local day: for each of its minutes 60 when it is working time, else 0."""
        if day not in self.masks:
            today, mask = date.fromordinal(day), bytearray(1440)
            shifts = () if today in self.case.calendar.holidays else self.case.calendar.week[today.weekday()]
            for shift in shifts:
                mask[shift.start_minute : shift.end_minute] = b"\x3c" * (shift.end_minute - shift.start_minute)
            self.masks[day] = mask
        return self.masks[day]

    def open_seconds(self, first, last):
        """60 or 0 for each minute of `[first, last)`: what the wall reads there is looked up in the mask of its day."""
        if not self.case.calendar.week:
            return [60] * (last - first)
        found = []
        while first < last:
            end = bisect_right(self.where.days, self.where.days[first], first, last)
            found += map(self.mask(self.where.days[first]).__getitem__, self.where.minutes[first:end])
            first = end
        return found

    def second_counts(self, second):
        if second < self.case.start or any(a <= second < b for a, b in self.pauses):
            return 0
        minute = second // 60
        return int(not self.case.calendar.week or self.mask(self.where.days[minute])[self.where.minutes[minute]] > 0)

    def weights(self, first, last):
        """Seconds that count in each minute of `[first, last)`."""
        found = self.open_seconds(first, last)
        for a, b in self.pauses:
            for minute in range(max(a // 60, first), min(b // 60, last)):
                found[minute - first] = 0
        for minute in self.edge_minutes:
            if first <= minute < last:
                found[minute - first] = sum(map(self.second_counts, range(minute * 60, minute * 60 + 60)))
        return found

    def walk_on(self):
        """Walk another half day; False at the end of the window."""
        here = self.first + len(self.totals) - 1
        there = min(here + 720, DAYS * 1440)
        self.totals.extend(accumulate(self.weights(here, there), initial=self.totals.pop()))
        return here < there

    def when(self, amount):
        """The first second by which `amount` seconds have counted; None when the window ends before."""
        if amount == 0:
            return self.case.start
        while self.totals[-1] < amount:
            if not self.walk_on():
                return None
        place = bisect_left(self.totals, amount) - 1
        left = amount - self.totals[place]
        for second in range((self.first + place) * 60, (self.first + place + 1) * 60):
            left -= self.second_counts(second)
            if left == 0:
                return second + 1
        raise AssertionError("the minute holds fewer seconds than it was said to")

    def counted_until(self, stop):
        while len(self.totals) <= stop // 60 - self.first:
            self.walk_on()
        rest = range(max(stop // 60 * 60, self.case.start), stop)
        return self.totals[stop // 60 - self.first] + sum(map(self.second_counts, rest))


def events_of(case, where, rng):
    def at(second):
        return where.begins + timedelta(seconds=second)

    policy = Policy("care", case.calendar, Targets(case.target, case.target, case.target))
    events = [Fetched(at(case.start)), Queued(at(case.start), policy)]
    for start, end in case.holds:
        if end is not None and rng.random() < 0.5:
            events.append(Held(at(start), at(end)))
        else:
            events.append(Held(at(start), None if end is None or rng.random() < 0.5 else at(end + 5000)))
            events += [] if end is None else [HoldEnded(at(end))]
    for start, end in case.waits:
        events.append(WaitingStarted(at(start)))
        events += [] if end is None else [WaitingEnded(at(end))]
    return events


def stop_event(case, where):
    stop = where.begins + timedelta(seconds=case.stop)
    if case.kind is ClockKind.ACKNOWLEDGE:
        return Acted(stop, Act.CLAIM, PERSON)
    return Sent(stop, PERSON) if case.kind is ClockKind.FIRST_RESPONSE else Closed(stop, PERSON)


def agrees(case, where, rng):
    """Compare every answer of one clock with the walk; False when its due time lies beyond the window."""
    walk = Walk(case, where)
    due = walk.when(case.target)
    endless = any(end is None for _, end in case.holds + case.waits)
    if due is None and not endless:
        return False
    events = events_of(case, where, rng)
    ((open_clock,), (ended,)) = (
        follow(story)[0].of(case.kind) for story in (events, [*events, stop_event(case, where)])
    )

    def at(second):
        return None if second is None else where.begins + timedelta(seconds=second)

    stop, counted = at(case.stop), walk.counted_until(case.stop)
    assert open_clock.due_at == at(due)
    assert open_clock.warning_at == at(walk.when(case.target * 3 // 4))
    assert open_clock.is_overdue(stop) is (due is not None and case.stop > due)
    assert ended.state(stop) is (ClockState.MISSED if due is not None and case.stop > due else ClockState.MET)
    for clock in (open_clock, ended):
        assert clock.duration(stop).business_seconds == counted
        assert clock.duration(stop).calendar_seconds == case.stop - case.start
    paused = any(a <= case.stop and (b is None or case.stop < b) for a, b in case.holds + case.waits)
    assert open_clock.state(stop) is (ClockState.PAUSED if paused else ClockState.RUNNING)
    return True


@pytest.mark.parametrize(("zone", "first_day"), WINDOWS)
def test_c13_the_clocks_agree_with_a_walk_along_the_wall_clock(zone, first_day):
    seed = f"{SEED}/{zone}/{first_day}"
    print(f"seed {seed}")
    rng, where = random.Random(seed), wall(zone, first_day)
    left = -(-CASES // len(WINDOWS))
    tried = 0
    while left:
        tried += 1
        case = random_case(rng, zone, first_day)
        try:
            left -= agrees(case, where, rng)
        except AssertionError as difference:
            difference.add_note(f"case {tried} of seed {seed}: {case}")
            raise
    assert tried * len(WINDOWS) <= CASES * 1.3 + 100 * len(WINDOWS)  # few cases were out of the window's reach


def test_the_oracle_walks_the_hours_that_really_pass():
    night = Calendar("Europe/Paris", ((),) * 6 + ((Shift(0, 360),),))
    for first_day, hours in (("2026-03-25", 5), ("2026-10-21", 7)):
        case = Case(night, ClockKind.ACKNOWLEDGE, 0, 0, 5 * 86_400, (), ())
        assert Walk(case, wall("Europe/Paris", first_day)).counted_until(case.stop) == hours * 3600


@pytest.mark.parametrize("zone", sorted(COUNTRIES))
def test_an_empty_week_is_refused_by_every_clock_that_would_be_due_on_it(zone):
    empty, start = Calendar(zone, ((),) * 7), datetime(2026, 3, 1, tzinfo=UTC)
    for targets in (Targets(60), Targets(None, 60), Targets(None, None, 60)):
        with pytest.raises(ValueError, match="week without hours"):
            follow([Fetched(start), Queued(start, Policy("care", empty, targets))])
