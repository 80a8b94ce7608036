"""When is a team at work, and when is a target due on its hours?

All arithmetic runs on UTC instants. A calendar's shifts are local clock times; they become UTC intervals piece by
piece, one piece per stretch of constant UTC offset. So a minute counts exactly when the wall clock of that minute reads
a time inside a shift: an hour that daylight saving skips is never counted, an hour that it repeats is counted twice
(source of the rule: the calendar vectors of the response process, clocks).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_NOTHING: Final = timedelta()
_MINUTES_PER_DAY: Final = 1440
_SECONDS_PER_DAY: Final = 86_400
_INSTANT: Final = timedelta(microseconds=1)
# A calendar with hours and a finite list of holidays always ends; this bound turns a mistake into an error, not a loop.
_FAR_AHEAD: Final = timedelta(days=366 * 20)


@dataclass(frozen=True, slots=True)
class Shift:
    """Working time within one local day: minutes since local midnight, `0 <= start < end <= 1440`."""

    start_minute: int
    end_minute: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working hours of a team.

    `zone` is an IANA name. `week` holds seven tuples of shifts, Monday first, each sorted and without overlap, or
    nothing at all: no hours set means round the clock. `holidays` are local dates without work.
    """

    zone: str = "UTC"
    week: tuple[tuple[Shift, ...], ...] = ()
    holidays: frozenset[date] = frozenset()

    @property
    def always_open(self) -> bool:
        """True when every instant is working time, so that no arithmetic is needed."""
        return not self.week or (not self.holidays and all(map(_fills_the_day, self.week)))

    @property
    def never_open(self) -> bool:
        """True for a week that was written down but holds no hours: nothing is ever due on it, so sums refuse it."""
        return bool(self.week) and not any(self.week)

    @property
    def working_day_seconds(self) -> int:
        """What `1d` means here: the week's working time divided by its working days; 24 h when there are no hours."""
        days = [sum(shift.end_minute - shift.start_minute for shift in day) for day in self.week if day]
        return round(60 * sum(days) / len(days)) if days else _SECONDS_PER_DAY


def add_working_time(calendar: Calendar, start: datetime, seconds: int) -> datetime:
    """Return the first UTC instant at which `seconds` of working time have passed since `start`.

    A target that ends with a shift is due at the end of that shift, not at the next opening. `start` must be aware,
    `seconds >= 0` and the week not empty (ValueError).
    """
    return after_working_time(calendar, start, timedelta(seconds=seconds))


def after_working_time(calendar: Calendar, start: datetime, amount: timedelta) -> datetime:
    """Return what `add_working_time` returns, for an amount that need not be whole seconds."""
    moment = _as_utc(start)
    if amount < _NOTHING:
        raise ValueError("working time cannot be added backwards")
    _refuse_empty(calendar)
    if not amount or calendar.always_open:
        return moment + amount
    left = amount
    for opens, closes in _open_intervals(calendar, moment, moment + amount + _FAR_AHEAD):
        if closes - opens >= left:
            return opens + left
        left -= closes - opens
    raise ValueError(f"this calendar has no working time within {_FAR_AHEAD.days} days of {moment:%Y-%m-%d}")


def working_seconds_between(calendar: Calendar, start: datetime, end: datetime) -> int:
    """Return the whole seconds of working time in `[start, end)`; 0 when `end` is not after `start`."""
    return working_time_between(calendar, start, end) // _SECOND


def working_time_between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """Return the exact working time in `[start, end)`, never negative; ValueError for an empty week."""
    first, last = _as_utc(start), _as_utc(end)
    _refuse_empty(calendar)
    if last <= first:
        return _NOTHING
    if calendar.always_open:
        return last - first
    return sum((closes - opens for opens, closes in _open_intervals(calendar, first, last)), _NOTHING)


def _refuse_empty(calendar: Calendar) -> None:
    if calendar.never_open:
        raise ValueError("this calendar has a week without hours; leave the week out to mean round the clock")


def _as_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be placed on a calendar; pass an aware UTC datetime")
    return moment.astimezone(UTC)


def _fills_the_day(day: tuple[Shift, ...]) -> bool:
    return sum(shift.end_minute - shift.start_minute for shift in day) == _MINUTES_PER_DAY


def _open_intervals(calendar: Calendar, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the UTC intervals of working time inside `[start, end)`, in order."""
    for opens, closes, offset in _constant_offsets(ZoneInfo(calendar.zone), start, end):
        # Inside such a piece local time is UTC plus a constant, so naive arithmetic is exact.
        low, high = opens.replace(tzinfo=None) + offset, closes.replace(tzinfo=None) + offset
        for shift_start, shift_end in _local_shifts(calendar, low, high):
            first, last = max(low, shift_start), min(high, shift_end)
            if first < last:
                yield (first - offset).replace(tzinfo=UTC), (last - offset).replace(tzinfo=UTC)


def _local_shifts(calendar: Calendar, low: datetime, high: datetime) -> Iterator[tuple[datetime, datetime]]:
    midnight = datetime.combine(low.date(), datetime.min.time())
    while midnight < high:
        if midnight.date() not in calendar.holidays:
            for shift in calendar.week[midnight.weekday()]:
                yield midnight + timedelta(minutes=shift.start_minute), midnight + timedelta(minutes=shift.end_minute)
        midnight += _DAY


def _constant_offsets(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Split `[start, end)` at changes of the zone's UTC offset; pieces are at most a day long.

    Two changes that cancel out within one day would be missed; no zone has had any.
    """
    while start < end:
        until = min(end, start + _DAY)
        offset = _offset(zone, start)
        if _offset(zone, until - _INSTANT) != offset:
            until = _next_change(zone, start, until)
        yield start, until, offset
        start = until


def _next_change(zone: ZoneInfo, start: datetime, until: datetime) -> datetime:
    """Return the whole second in `(start, until)` at which the offset stops being that of `start`, by bisection.

    Legal changes of time fall on whole seconds.
    """
    offset = _offset(zone, start)
    low, high = start.replace(microsecond=0), until.replace(microsecond=0) + _SECOND
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
    return high


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
