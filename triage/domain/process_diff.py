"""What does a new version of a response process change? In sentences that a person can judge before it is in force.

Comments and the digest are not compared. A threshold that changes is told once, with the categories that ask for it,
and not again at each of them.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from triage.domain import process_changes
from triage.domain.process_changes import Change, ChangeKind, Line
from triage.domain.process_words import listed, mentions, opens_when, working_span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from triage.domain.calendars import Calendar
    from triage.domain.process import Bound, Category, Condition, CrisisLevel, Process, Queue, Scct

__all__ = ["Change", "ChangeKind", "diff"]


def diff(a: Process, b: Process) -> tuple[Change, ...]:
    """Return what `b` changes of `a`, what decides about mentions first; nothing = both work alike."""
    return (
        *_of("the file", "", a, b, process_changes.FILE),
        *_categories(a, b),
        *_thresholds(a, b),
        *_named("queue", a.queues, b.queues, process_changes.QUEUE),
        *_ranks(a.queues, b.queues),
        *_named("calendar", a.calendars, b.calendars, process_changes.CALENDAR),
        *_working_days(a, b),
        *_holidays(a.calendars, b.calendars),
        *_levels(a.crisis_levels, b.crisis_levels),
        *_of("the alerts", "", a.notification, b.notification, process_changes.NOTIFICATION),
        *_named("escalation policy", a.escalation, b.escalation, process_changes.ESCALATION),
        *_texts("role", a.roles, b.roles),
        *_texts("outcome level", a.outcome_levels, b.outcome_levels),
        *_advice(a.scct, b.scct),
        *_examples(a, b),
    )


def _of(subject: str, name: str, a: object, b: object, lines: Sequence[Line]) -> Iterator[Change]:
    """Yield a sentence for each field that differs."""
    for line in lines:
        old, new = getattr(a, line.field), getattr(b, line.field)
        if old != new:
            yield Change(line.told(name, old, new), line.kind, subject)


def _named(kind: str, a: Mapping[str, object], b: Mapping[str, object], lines: Sequence[Line]) -> Iterator[Change]:
    """Yield what came, what went, and what differs in things that have a name."""
    yield from _came_and_went(kind, list(a), list(b))
    for name in a:
        if name in b:
            yield from _of(f"{kind} {name}", name, a[name], b[name], lines)


def _came_and_went(kind: str, a: Sequence[object], b: Sequence[object]) -> Iterator[Change]:
    for name in b:
        if name not in a:
            yield Change(f'{kind.capitalize()} "{name}" is new.', ChangeKind.ADDED, f"{kind} {name}")
    for name in a:
        if name not in b:
            yield Change(f'{kind.capitalize()} "{name}" is gone.', ChangeKind.REMOVED, f"{kind} {name}")


def _texts(
    kind: str, a: Mapping[str, str] | Mapping[int, str], b: Mapping[str, str] | Mapping[int, str]
) -> Iterator[Change]:
    old, new = {str(key): text for key, text in a.items()}, {str(key): text for key, text in b.items()}
    yield from _came_and_went(kind, list(old), list(new))
    for name, before in old.items():
        after = new.get(name, before)
        if after != before:
            sentence = f'{kind.capitalize()} "{name}" reads "{after.rstrip(".")}" instead of "{before.rstrip(".")}".'
            yield Change(sentence, ChangeKind.WORDING, f"{kind} {name}")


# Categories -----------------------------------------------------------------------------------------------------------


def _categories(a: Process, b: Process) -> Iterator[Change]:
    old, new = {row.id: row for row in a.categories}, {row.id: row for row in b.categories}
    order = list(new)
    for name, row in new.items():
        if name not in old:
            place = _place(order, name)
            sentence = f'Category "{name}" is new, {place}: it takes {mentions(row.when)}, for queue {row.queue}.'
            yield Change(sentence, ChangeKind.ADDED, f"category {name}")
    for name, row in old.items():
        if name not in new:
            sentence = f'Category "{name}" is gone; it took {mentions(row.when)}, for queue {row.queue}.'
            yield Change(sentence, ChangeKind.REMOVED, f"category {name}")
    yield from _moves(list(old), order)
    for name, row in new.items():
        if name in old:
            yield from _category(old[name], row)
            yield from _targets(a, b, old[name], row)


def _place(order: Sequence[str], name: str) -> str:
    """Return where a category stands, by its neighbour."""
    at = order.index(name)
    return f'above "{order[at + 1]}"' if at + 1 < len(order) else "at the end"


def _moves(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    """Yield the fewest moves that make the new order of the old one."""
    before = {name: place for place, name in enumerate(old)}
    common = [name for name in new if name in before]
    still = _longest_rise([before[name] for name in common])
    kept = {common[place] for place in still}
    for place, name in enumerate(common):
        if name not in kept:
            way = "up" if place < [each for each in old if each in common].index(name) else "down"
            yield Change(f'Category "{name}" moved {way}, {_place(new, name)}.', ChangeKind.MOVED, f"category {name}")


def _longest_rise(numbers: Sequence[int]) -> list[int]:
    """Return the positions of a longest rising subsequence."""
    ends: list[int] = []  # ends[length - 1] = position at which the best rise of that length ends
    before: dict[int, int | None] = {}
    for place, number in enumerate(numbers):
        length = bisect_left([numbers[end] for end in ends], number)
        before[place] = ends[length - 1] if length else None
        ends[length : length + 1] = [place]
    rise: list[int] = []
    at = ends[-1] if ends else None
    while at is not None:
        rise.append(at)
        at = before[at]
    return rise[::-1]


def _category(a: Category, b: Category) -> Iterator[Change]:
    subject = f"category {a.id}"
    if [_as_asked(condition) for condition in a.when] != [_as_asked(condition) for condition in b.when]:
        sentence = f'Category "{a.id}" takes {mentions(b.when)}; before: {mentions(a.when)}.'
        yield Change(sentence, ChangeKind.CONDITION, subject)
    yield from _of(subject, a.id, a, b, process_changes.CATEGORY)


def _as_asked(condition: Condition) -> Condition:
    """Return a condition as it is compared: named numbers count by their name, and names in any order."""

    def by_name(bound: Bound | None) -> Bound | None:
        return replace(bound, value=0.0) if bound is not None and bound.name else bound

    return replace(
        condition,
        flags=tuple(sorted(condition.flags)),
        not_flags=tuple(sorted(condition.not_flags)),
        authors=tuple(sorted(condition.authors)),
        source_kinds=tuple(sorted(condition.source_kinds)),
        source_tiers=tuple(sorted(condition.source_tiers)),
        sentiment_below=by_name(condition.sentiment_below),
        sentiment_at_least=by_name(condition.sentiment_at_least),
        reach_at_least=by_name(condition.reach_at_least),
        relevance_below=by_name(condition.relevance_below),
    )


# Targets --------------------------------------------------------------------------------------------------------------

_STEPS: Final = (("ack_seconds", "taken"), ("respond_seconds", "answered"), ("close_seconds", "closed"))


def _targets(a: Process, b: Process, old: Category, new: Category) -> Iterator[Change]:
    for field, done in _STEPS:
        before, after = getattr(old.sla, field), getattr(new.sla, field)
        if before != after and not _follows(a.calendar_of(old.queue), b.calendar_of(new.queue), before, after):
            working = "" if b.calendar_of(new.queue).always_open else " of working time"
            yield Change(_target(new.id, done, before, after, working), ChangeKind.TARGET, f"category {new.id}")


def _follows(a: Calendar, b: Calendar, before: int | None, after: int | None) -> bool:
    """Say whether a target changed only because the working days of which it is made did."""
    if before is None or after is None or a.working_day_seconds == b.working_day_seconds:
        return False
    days, rest = divmod(before, a.working_day_seconds)
    return not rest and after == days * b.working_day_seconds


def _target(name: str, done: str, old: int | None, new: int | None, working: str) -> str:
    if new is None:
        return f'How soon "{name}" is {done} is no longer measured; it was {working_span(old)}.'
    if old is None:
        return f'"{name}" is now to be {done} within {working_span(new)}{working}.'
    return f'"{name}" is to be {done} within {working_span(new)}{working} instead of {working_span(old)}.'


def _working_days(a: Process, b: Process) -> Iterator[Change]:
    """Yield, per calendar whose working day has another length, which targets told in days follow it."""
    old = {row.id: row for row in a.categories}
    for name, calendar in b.calendars.items():
        before = a.calendars.get(name, calendar).working_day_seconds
        if before == calendar.working_day_seconds:
            continue
        following = [
            row.id
            for row in b.categories
            if b.queues[row.queue].calendar == name and row.id in old and _any_follows(a, b, old[row.id], row)
        ]
        lengths = f"{working_span(calendar.working_day_seconds)} instead of {working_span(before)}"
        also = f"; so do the targets in days of {listed(following)}" if following else ""
        sentence = f'A working day of calendar "{name}" changes: {lengths}{also}.'
        yield Change(sentence, ChangeKind.TARGET, f"calendar {name}")


def _any_follows(a: Process, b: Process, old: Category, new: Category) -> bool:
    calendars = a.calendar_of(old.queue), b.calendar_of(new.queue)
    return any(_follows(*calendars, getattr(old.sla, field), getattr(new.sla, field)) for field, _ in _STEPS)


def _ranks(a: Mapping[str, Queue], b: Mapping[str, Queue]) -> Iterator[Change]:
    if any(a[name].rank != b[name].rank for name in a if name in b):
        old, new = (sorted(queues, key=lambda name: queues[name].rank) for queues in (a, b))
        both = [name for name in old if name in b]
        same = both == [name for name in new if name in a]
        sentence = f"Queues are worked in the order {listed(new)}" + ("." if same else f"; before: {listed(old)}.")
        yield Change(sentence, ChangeKind.QUEUE, "the queues")


def _thresholds(a: Process, b: Process) -> Iterator[Change]:
    yield from _came_and_went("threshold", list(a.thresholds), list(b.thresholds))
    for name, old in a.thresholds.items():
        new = b.thresholds.get(name, old)
        if new != old:
            users = [row.id for row in b.categories if any(name in _names_in(condition) for condition in row.when)]
            asked = f"; it is asked by {listed(users)}" if users else ""
            sentence = f'Threshold "{name}" is {new:,g} instead of {old:,g}{asked}.'
            yield Change(sentence, ChangeKind.THRESHOLD, f"threshold {name}")


def _names_in(condition: Condition) -> set[str]:
    bounds = (
        condition.sentiment_below,
        condition.sentiment_at_least,
        condition.reach_at_least,
        condition.relevance_below,
    )
    return {bound.name for bound in bounds if bound is not None}


# Calendars, levels, advice, examples ----------------------------------------------------------------------------------


def _holidays(a: Mapping[str, Calendar], b: Mapping[str, Calendar]) -> Iterator[Change]:
    for name in a:
        if name in b:
            for days, what in (
                (b[name].holidays - a[name].holidays, "closed"),
                (a[name].holidays - b[name].holidays, "open again"),
            ):
                if days:
                    sentence = f'Calendar "{name}" is {what} on {_dates(sorted(days))}.'
                    yield Change(sentence, ChangeKind.HOURS, f"calendar {name}")


def _dates(days: Sequence[date]) -> str:
    shown: list[object] = [f"{day:%Y-%m-%d}" for day in days[:3]]
    return listed([*shown, f"{len(days) - 3} more days"] if len(days) > 3 else shown)  # noqa: PLR2004 - shown above


def _levels(a: Mapping[str, CrisisLevel], b: Mapping[str, CrisisLevel]) -> Iterator[Change]:
    yield from _named("level", a, b, process_changes.LEVEL)
    for name in a:
        if name in b:
            old, new = a[name].conditions, b[name].conditions
            for conditions, others, how in ((new, old, "now opens"), (old, new, "no longer opens")):
                for condition in conditions:
                    if condition not in others:
                        sentence = f'Level "{name}" {how} when {opens_when(condition)}.'
                        yield Change(sentence, ChangeKind.ALERTING, f"level {name}")
            if set(old) == set(new) and old != new:
                sentence = f'Level "{name}" lists its conditions in another order.'
                yield Change(sentence, ChangeKind.WORDING, f"level {name}")


def _advice(a: Scct, b: Scct) -> Iterator[Change]:
    old, new = ({cluster.name: cluster for cluster in scct.clusters} for scct in (a, b))
    yield from _named("cluster", old, new, process_changes.CLUSTER)
    yield from _of("the adviser", "", a, b, process_changes.SCCT)


def _examples(a: Process, b: Process) -> Iterator[Change]:
    came = sum(1 for test in b.tests if test not in a.tests)
    went = sum(1 for test in a.tests if test not in b.tests)
    for count, what in ((came, "new"), (went, "gone")):
        if count:
            few = f"{count} examples are" if count > 1 else "1 example is"
            yield Change(f"{few} {what}.", ChangeKind.EXAMPLES, "the examples")
    if a.tests != b.tests and not came and not went:
        yield Change("The examples stand in another order.", ChangeKind.EXAMPLES, "the examples")
