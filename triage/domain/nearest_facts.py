"""Which smallest change of facts makes a condition hold?

Every question of a condition is about one fact, or about flags one by one. So the fewest changes are: drop each
unwanted flag, add one wanted flag or author kind where there is none, and set each other fact that does not fit to the
nearest value that does. Where several names would do, each is a way of its own.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import ceil, inf, nextafter
from typing import TYPE_CHECKING, Final, TypeVar

from triage.domain.rule_sentences import is_scored

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from triage.domain.process import Bound, Condition, Facts

_LEAST_SENTIMENT: Final = -1.0
_MOST_SENTIMENT: Final = 1.0
_Name = TypeVar("_Name")


def nearest_facts(condition: Condition, facts: Facts) -> Iterator[Facts]:
    """Yield the facts closest to `facts` that meet the condition, one per way; none when it contradicts itself."""
    least, hostile = condition.reach_at_least, condition.source_hostile
    wanted = tuple(flag for flag in condition.flags if flag not in condition.not_flags)
    ways = product(
        _with_one(facts.flags.difference(condition.not_flags), wanted, asked=bool(condition.flags)),
        _sentiments(condition.sentiment_below, condition.sentiment_at_least, facts.sentiment),
        _below(condition.relevance_below, facts.relevance),
        _with_one(facts.author_kinds, condition.authors, asked=bool(condition.authors)),
        _one_of(condition.source_kinds, facts.source_kind),
        _one_of(condition.source_tiers, facts.source_tier),
    )
    for flags, sentiment, relevance, authors, kind, tier in ways:
        yield replace(
            facts,
            flags=flags,
            sentiment=sentiment,
            reach=facts.reach if least is None else max(facts.reach, ceil(least.value)),
            relevance=relevance,
            author_kinds=authors,
            source_kind=kind,
            source_tier=tier,
            source_hostile=facts.source_hostile if hostile is None else hostile,
        )


def _with_one(present: frozenset[str], wanted: Sequence[str], *, asked: bool) -> Sequence[frozenset[str]]:
    """Return `present` when it has one of the wanted names, else with each of them added in turn."""
    if not asked or not present.isdisjoint(wanted):
        return (present,)
    return tuple(present | {name} for name in wanted)


def _one_of(wanted: Sequence[_Name], present: _Name) -> Sequence[_Name]:
    return (present,) if not wanted or present in wanted else wanted


def _below(bound: Bound | None, value: float) -> Sequence[float]:
    """Return the largest number under the bound that is not above `value`; nothing when it would be negative."""
    if bound is None or value < bound.value:
        return (value,)
    return () if bound.value <= 0 else (nextafter(bound.value, -inf),)


def _sentiments(below: Bound | None, at_least: Bound | None, value: float | None) -> Sequence[float | None]:
    """Return the nearest sentiment within both bounds; a text that was not scored is below everything, and never above.

    A scored text below a bound that no score is below can only be one that was not scored.
    """
    low = _LEAST_SENTIMENT if at_least is None else at_least.value
    high = _MOST_SENTIMENT if below is None else nextafter(below.value, -inf)
    if value is None or not is_scored(value):
        return (value,) if at_least is None else ((low,) if low <= high else ())
    if below is not None and value >= below.value:
        return (high,) if low <= high else ((None,) if at_least is None else ())
    return (max(value, low),) if low <= high else ()
