"""A mention's story for the tests of the response clocks: policies, times of day, and how one comes into a queue."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from triage.domain.calendars import Calendar, Shift
from triage.domain.clocks import Act, Acted, Actor, Clock, ClockKind, Fetched, Policy, Queued
from triage.domain.process import Targets

PERSON, BOT, RULE = Actor.PERSON, Actor.BOT, Actor.RULE
MINUTE = 60

ALWAYS = Calendar()
OFFICE = Calendar("Europe/Paris", ((Shift(9 * 60, 17 * 60),),) * 5 + ((), ()))

CARE = Policy(
    "care",
    ALWAYS,
    Targets(30 * MINUTE, 60 * MINUTE, 1440 * MINUTE),
    category="unhappy_customer",
    process_version="3-aaa",
)
PRESS = Policy(
    "press",
    ALWAYS,
    Targets(20 * MINUTE, 120 * MINUTE, 2880 * MINUTE),
    category="press_inquiry",
    process_version="3-aaa",
)
MONITOR = Policy(
    "monitor", ALWAYS, Targets(1440 * MINUTE), awaiting_action=False, category="troll", process_version="3-aaa"
)
OFFICE_CARE = Policy("care", OFFICE, Targets(30 * MINUTE, 240 * MINUTE, 480 * MINUTE))


def at(clock, day=11):
    """A time of day in UTC; 11 November 2026 is a Wednesday."""
    hours, minutes, *seconds = (int(part) for part in clock.split(":"))
    return datetime(2026, 11, day, hours, minutes, *seconds, tzinfo=UTC)


def paris(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Paris")).astimezone(UTC)


def came(clock="10:00", policy=CARE):
    return [Fetched(at(clock)), Queued(at(clock), policy)]


def act(clock, what=Act.CLAIM, by=PERSON):
    return Acted(at(clock), what, by)


def only(cycles, kind, cycle=1) -> Clock:
    (clock,) = cycles[cycle - 1].of(kind)
    return clock


def acks(cycles):
    return cycles[-1].of(ClockKind.ACKNOWLEDGE)


def minutes(clock, now=None):
    return clock.duration(now or at("23:00", 30)).business_seconds / 60
