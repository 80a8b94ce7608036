"""How well do we keep our promises? Attainment, percentiles, histogram and groups: what a manager reads.

Open items are never dropped. In percentiles they count as "at least their age" (right-censored, Kaplan-Meier); in
attainment they count against us once they are overdue. Below 20 items a figure is marked `too_few`. Source of every
rule: response process reference, §7 "Reports".
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from math import fsum, prod
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from triage.domain.clocks import ClockState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from triage.domain.clocks import Clock

T = TypeVar("T")
K = TypeVar("K")

TOO_FEW_BELOW: Final = 20
BUCKETS: Final = ("0-1h", "1-4h", "4-8h", "8-24h", "24h+")
"""Histogram buckets; a lower bound belongs to its bucket, an upper bound to the next (as in chatwoot PR #13400)."""

_BOUNDS_SECONDS: Final = (3600, 4 * 3600, 8 * 3600, 24 * 3600)
_PER_CENT: Final = 100
_IN_DOUBT: Final = 1e-9
"""Where floating point cannot tell S(t) from the bound, whole numbers decide."""


class Observation(NamedTuple):
    """One measured stretch: `seconds >= 0`; with `closed` False it is the age of what is still open."""

    seconds: int
    closed: bool


@dataclass(frozen=True, slots=True)
class Percentile:
    """`percent` of the items took at most `seconds`; with `more_than` all that is known is "longer than that"."""

    percent: int
    seconds: int
    more_than: bool = False


@dataclass(frozen=True, slots=True)
class Mean:
    """Average seconds; `at_least` when the longest item is still open, so that the true mean can only be larger."""

    seconds: float
    at_least: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """Percentiles of one clock, with the numbers they rest on; None without items."""

    n: int
    still_open: int
    median: Percentile | None
    p75: Percentile | None
    p90: Percentile | None
    p95: Percentile | None

    @property
    def too_few(self) -> bool:
        """True when so few items are shown in grey."""
        return self.n < TOO_FEW_BELOW


@dataclass(frozen=True, slots=True)
class Attainment:
    """Promises kept: met / (met + missed + open overdue).

    `running` and `cancelled` are shown beside it and do not count.
    """

    met: int = 0
    missed: int = 0
    open_overdue: int = 0
    running: int = 0
    cancelled: int = 0

    @property
    def n(self) -> int:
        """The promises that are decided."""
        return self.met + self.missed + self.open_overdue

    @property
    def share(self) -> float | None:
        """0..1; None when nothing is decided."""
        return self.met / self.n if self.n else None

    @property
    def too_few(self) -> bool:
        """True when so few items are shown in grey."""
        return self.n < TOO_FEW_BELOW


@dataclass(frozen=True, slots=True)
class Bucket:
    """Items of one bucket of the histogram; the open ones have only reached it and may still move right."""

    label: str
    closed: int
    still_open: int


@dataclass(frozen=True, slots=True)
class Period:
    """Time from `start` until just before `end`, aware UTC."""

    start: datetime
    end: datetime

    def contains(self, moment: datetime | None) -> bool:
        """True when `moment` is known and lies inside."""
        return moment is not None and self.start <= moment < self.end


def observe(clock: Clock, now: datetime, *, on_the_wall: bool = False) -> Observation | None:
    """Return what a clock adds to the percentiles: working seconds, or with `on_the_wall` all seconds.

    None for a clock that is not measured, and for one that was cancelled in time: nothing was owed any more. One that
    was cancelled after its due time counts as "at least" its length: the answer never came.
    """
    state = clock.state(now)
    if not clock.is_measured or state is ClockState.CANCELLED:
        return None
    took = clock.duration(now)
    return Observation(took.calendar_seconds if on_the_wall else took.business_seconds, clock.stopped_at is not None)


def attain(clocks: Iterable[Clock], now: datetime) -> Attainment:
    """Count the clocks that have a target by what became of it; a paused clock counts as running."""
    found = Counter(_outcome(clock, now) for clock in clocks if clock.target_seconds is not None)
    return Attainment(**found)


def summarise(observations: Iterable[Observation]) -> Summary:
    """Return the percentiles that a report shows."""
    known = tuple(observations)
    median, p75, p90, p95 = percentiles(known, (50, 75, 90, 95))
    return Summary(len(known), sum(not one.closed for one in known), median, p75, p90, p95)


def percentiles(observations: Sequence[Observation], percents: Sequence[int]) -> tuple[Percentile | None, ...]:
    """Return the Kaplan-Meier percentiles, in the order asked for: the smallest t with S(t) <= 1 - percent/100.

    Where the curve does not come down that far, the longest age with `more_than`. All None without observations;
    ValueError unless every `percent` is 1..99.
    """
    if not all(0 < percent < _PER_CENT for percent in percents):
        raise ValueError("a percentile lies between 1 and 99")
    if not observations:
        return (None,) * len(percents)
    longest = max(one.seconds for one in observations)
    steps = tuple(_steps(observations))
    found: dict[int, Percentile] = {}
    waiting = sorted(set(percents))
    for place, step in enumerate(steps):
        while waiting and _is_down_to(steps, place, _PER_CENT - waiting[0]):
            percent = waiting.pop(0)
            found[percent] = Percentile(percent, step.seconds)
    return tuple(found.get(percent, Percentile(percent, longest, more_than=True)) for percent in percents)


def mean(observations: Sequence[Observation]) -> Mean | None:
    """Return the area under the Kaplan-Meier curve up to the longest age: the plain average when nothing is open."""
    if not observations:
        return None
    longest = max(one.seconds for one in observations)
    points = [(0, 1.0), *((step.seconds, step.survival) for step in _steps(observations)), (longest, 0.0)]
    area = fsum(height * (after - before) for (before, height), (after, _) in pairwise(points))
    return Mean(area, at_least=any(one.seconds == longest and not one.closed for one in observations))


def finished_shares(observations: Sequence[Observation]) -> tuple[tuple[int, float], ...]:
    """Return the curve "share of items finished within t": (seconds, 0..1) at each t at which items finished."""
    return tuple((step.seconds, 1 - step.survival) for step in _steps(observations))


def histogram(observations: Iterable[Observation]) -> tuple[Bucket, ...]:
    """Return the five buckets, in order, empty ones included."""
    found = Counter((bisect_right(_BOUNDS_SECONDS, one.seconds), one.closed) for one in observations)
    return tuple(Bucket(label, found[place, True], found[place, False]) for place, label in enumerate(BUCKETS))


def grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Return key -> items, in order of first appearance: by queue, team, person, hour or anything else."""
    groups: dict[K, list[T]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return dict(groups)


def hour_of_week(moment: datetime, zone: str) -> tuple[int, int]:
    """Return (weekday, hour) on the wall clock of `zone`, Monday 0."""
    local = moment.astimezone(ZoneInfo(zone))
    return local.weekday(), local.hour


def _outcome(clock: Clock, now: datetime) -> str:
    if clock.is_overdue(now):
        return "open_overdue"
    state = clock.state(now)
    return "running" if state is ClockState.PAUSED else state.value


class _Step(NamedTuple):
    """One fall of the curve: of `at_risk` items, `left` last longer than `seconds`; `survival` is S there."""

    seconds: int
    left: int
    at_risk: int
    survival: float


def _steps(observations: Iterable[Observation]) -> Iterator[_Step]:
    """Yield the Kaplan-Meier curve. What was closed at t leaves before what was censored at t: both are at risk."""
    every, closed = Counter[int](), Counter[int]()
    for one in observations:
        every[one.seconds] += 1
        closed[one.seconds] += one.closed
    at_risk, survival = every.total(), 1.0
    for seconds in sorted(every):
        if closed[seconds]:
            left = at_risk - closed[seconds]
            survival *= left / at_risk
            yield _Step(seconds, left, at_risk, survival)
        at_risk -= every[seconds]


def _is_down_to(steps: Sequence[_Step], place: int, per_cent: int) -> bool:
    """True when S <= per_cent / 100 after step `place`, decided in whole numbers where floating point might err."""
    distance = steps[place].survival - per_cent / _PER_CENT
    if abs(distance) > _IN_DOUBT:
        return distance < 0
    until = steps[: place + 1]
    return _PER_CENT * prod(step.left for step in until) <= per_cent * prod(step.at_risk for step in until)
