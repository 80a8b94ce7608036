"""How do the parts of a response process read in plain English? Durations, hours, levels, escalation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from triage.domain.process import DeclaredBy, StoriesOf
from triage.domain.rule_sentences import asked_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from triage.domain.calendars import Shift
    from triage.domain.process import Condition, EscalationStep, LevelCondition, Measured

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_MEASURES: Final = {
    "neg_tail_p": "so many negative stories are a chance of {on} or less (over at {off})",
    "negative_share_jump_points": "the negative share is up by {on} points (over at {off})",
    "neg_ratio_to_baseline": "there are {on} times as many negative stories as usual (over at {off})",
    "reach_sum_negative_1h": "negative mentions of one hour reach {on} people (over at {off})",
    "tier1_outlets_negative_24h": "{on} tier-1 outlets are negative within a day (over at {off})",
}


def span(seconds: int | None) -> str:
    """Return plain clock time in words: `4 hours`, `1 day`, `90 minutes` as `1 hour 30 minutes`; None is `no time`."""
    return "no time" if seconds is None else _in_units(seconds, _UNITS)


def working_span(seconds: int | None) -> str:
    """Return working time in words. It is never told in days, since a working day has no fixed length."""
    return "not measured" if seconds is None else _in_units(seconds, _UNITS[1:])


def _in_units(seconds: int, units: Sequence[tuple[int, str]]) -> str:
    words = []
    for size, unit in units:
        count, seconds = divmod(seconds, size)
        if count:
            words.append(f"{count:,} {unit}{'s' if count != 1 else ''}")
    return " ".join(words) or "0 seconds"


def listed(names: Iterable[object]) -> str:
    """Return `a, b and c`; nothing is `none`."""
    *others, last = [str(name) for name in names] or ["none"]
    return f"{', '.join(others)} and {last}" if others else last


def either(names: Iterable[object]) -> str:
    """Return `a, b or c`; nothing is `none`."""
    *others, last = [str(name) for name in names] or ["none"]
    return f"{', '.join(others)} or {last}" if others else last


def mentions(when: Sequence[Condition]) -> str:
    """Return which mentions a category asks for: `mentions flagged fire`; alternatives stand side by side."""
    return "mentions " + "; or ".join(map(asked_by, when))


def hours(week: Sequence[Sequence[Shift]]) -> str:
    """Return the hours of a week: `Monday to Friday 09:00-18:00`; no week is `round the clock`."""
    if not week:
        return "round the clock"
    runs: list[tuple[int, int, str]] = []
    for day, shifts in enumerate(week):
        times = " and ".join(f"{_time(shift.start_minute)}-{_time(shift.end_minute)}" for shift in shifts)
        if runs and runs[-1][2] == times:
            runs[-1] = (runs[-1][0], day, times)
        else:
            runs.append((day, day, times))
    return ", ".join(f"{_run(first, last)} {times}" for first, last, times in runs if times) or "never"


def _run(first: int, last: int) -> str:
    return _DAYS[first] if first == last else f"{_DAYS[first]} to {_DAYS[last]}"


def _time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def opens_when(condition: LevelCondition) -> str:
    """Return what a condition of a crisis level waits for, as it fits behind "when"."""
    if isinstance(condition, DeclaredBy):
        return f"{either(condition.roles)} declares it"
    if isinstance(condition, StoriesOf):
        few = f"{condition.at_least} stories" if condition.at_least > 1 else "a story"
        return f"there {'are' if condition.at_least > 1 else 'is'} {few} of {either(condition.categories)}"
    return _measured(condition)


def _measured(condition: Measured) -> str:
    said = _MEASURES.get(condition.measure, f"{condition.measure} is {{on}} (over at {{off}})")
    text = said.format(on=f"{condition.on:,g}", off=f"{condition.off:,g}")
    return f"{text}, from {condition.min_count} stories on" if condition.min_count else text


def chain(steps: Sequence[EscalationStep]) -> str:
    """Return who is paged in turn: `oncall for 5 minutes, then lead for 10 minutes`."""
    return ", then ".join(f"{step.to} for {span(step.wait_seconds)}" for step in steps)
