"""Can a rule ever match, or do the rules above it take everything first?

The proof is a search for a witness: facts that meet the rule and none of the earlier ones. Each earlier rule is denied
by denying one of its questions; a region of facts that stays non-empty after all denials holds a witness. No region
left = no mention can ever arrive (the region algebra below covers every question a condition can ask).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf, nextafter
from typing import TYPE_CHECKING, Final

from triage.domain.process import DEFAULT_SOURCE_KIND, KNOWN_SOURCE_KINDS, KNOWN_SOURCE_TIERS, Condition, Facts
from triage.domain.rule_sentences import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_STEPS: Final = 500
"""Search steps after which one question is left open: a file is never refused without a proof."""


class _OutOfSteps(Exception):
    """The search was cut short; nothing is proved."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Numbers `low <= x < high`."""

    low: float
    high: float

    def below(self, bound: float) -> _Span:
        return _Span(self.low, min(self.high, bound))

    def at_least(self, bound: float) -> _Span:
        return _Span(max(self.low, bound), self.high)

    @property
    def is_empty(self) -> bool:
        return self.low >= self.high


@dataclass(frozen=True, slots=True)
class _Region:
    """A set of facts: flags and author kinds that must and must not be there, spans of numbers, permitted names."""

    flags: frozenset[str] = frozenset()
    no_flags: frozenset[str] = frozenset()
    authors: frozenset[str] = frozenset()
    no_authors: frozenset[str] = frozenset()
    kinds: frozenset[str] = KNOWN_SOURCE_KINDS
    tiers: frozenset[int | None] = frozenset({None, *KNOWN_SOURCE_TIERS})
    hostile: frozenset[bool] = frozenset({False, True})
    unscored: bool = True
    sentiment: _Span = field(default=_Span(-1.0, nextafter(1.0, inf)))
    reach: _Span = field(default=_Span(0, inf))
    relevance: _Span = field(default=_Span(0.0, nextafter(1.0, inf)))

    @property
    def is_empty(self) -> bool:
        return bool(
            self.flags & self.no_flags
            or self.authors & self.no_authors
            or not (self.kinds and self.tiers and self.hostile)
            or (self.sentiment.is_empty and not self.unscored)
            or self.reach.is_empty
            or self.relevance.is_empty
        )

    def example(self) -> Facts:
        """Return facts inside the region, as ordinary as it permits."""
        sentiment = next(
            (x for x in (0.0, -0.5, 0.5) if self.sentiment.low <= x < self.sentiment.high), self.sentiment.low
        )
        return Facts(
            flags=self.flags,
            sentiment=None if self.sentiment.is_empty else sentiment,
            reach=int(-(-self.reach.low // 1)),
            relevance=1.0 if self.relevance.high > 1 else self.relevance.low,
            author_kinds=self.authors,
            source_kind=DEFAULT_SOURCE_KIND if DEFAULT_SOURCE_KIND in self.kinds else min(self.kinds),
            source_tier=None if None in self.tiers else min(tier for tier in self.tiers if tier),
            source_hostile=False not in self.hostile,
        )


def witness(condition: Condition, earlier: Sequence[Condition]) -> Facts | None:
    """Return facts that meet `condition` and none of `earlier`; None when it is proved that there are none.

    When the search runs out of steps, facts that meet `condition` alone are returned: nothing was proved.
    """
    return _Search(earlier).witness(condition)


def shadows(condition: Condition, earlier: Sequence[Condition]) -> tuple[int, ...]:
    """Return the positions of earlier conditions that together take all of `condition`, none of them idle.

    Call it after `witness` returned None. An empty result means that the condition contradicts itself.
    """
    search = _Search(earlier)
    if search.witness(condition) is not None:
        return ()
    kept = sorted(search.used)
    for position in kept:
        if _Search([earlier[position]]).witness(condition) is None:
            return (position,)
    for position in tuple(kept):
        fewer = [index for index in kept if index != position]
        if _Search([earlier[index] for index in fewer]).witness(condition) is None:
            kept = fewer
    return tuple(kept)


class _Search:
    """One depth-first search; `used` collects the positions of the conditions that had to be denied on the way."""

    def __init__(self, earlier: Sequence[Condition]) -> None:
        # The order of denials is free; conditions that can be denied in few ways first keep the search narrow.
        self._earlier = sorted(enumerate(earlier), key=lambda placed: _ways_to_deny(placed[1]))
        self._steps = _STEPS
        self.used: set[int] = set()

    def witness(self, condition: Condition) -> Facts | None:
        for region in _meeting(_Region(), condition):
            if region.is_empty:
                continue
            try:
                found = self._avoiding(region, 0)
            except _OutOfSteps:
                return region.example()
            if found is not None:
                return found.example()
        return None

    def _avoiding(self, region: _Region, depth: int) -> _Region | None:
        """Return a non-empty part of `region` that meets none of the earlier conditions from `depth` on."""
        while depth < len(self._earlier) and _apart(region, self._earlier[depth][1]):
            depth += 1
        if depth == len(self._earlier):
            return region
        self._steps -= 1
        if self._steps < 0:
            raise _OutOfSteps
        position, asked = self._earlier[depth]
        self.used.add(position)
        for smaller in _denying(region, asked):
            if not smaller.is_empty:
                found = self._avoiding(smaller, depth + 1)
                if found is not None:
                    return found
        return None


def _meeting(region: _Region, asked: Condition) -> Iterator[_Region]:
    """Yield regions that together cover the facts of `region` that meet the condition."""
    narrowed = replace(region, no_flags=region.no_flags.union(asked.not_flags))
    if asked.source_kinds:
        narrowed = replace(narrowed, kinds=narrowed.kinds.intersection(asked.source_kinds))
    if asked.source_tiers:
        narrowed = replace(narrowed, tiers=narrowed.tiers.intersection(asked.source_tiers))
    if asked.source_hostile is not None:
        narrowed = replace(narrowed, hostile=narrowed.hostile & {asked.source_hostile})
    if asked.sentiment_below:
        narrowed = replace(narrowed, sentiment=narrowed.sentiment.below(asked.sentiment_below.value))
    if asked.sentiment_at_least:
        narrowed = replace(
            narrowed, unscored=False, sentiment=narrowed.sentiment.at_least(asked.sentiment_at_least.value)
        )
    if asked.reach_at_least:
        narrowed = replace(narrowed, reach=narrowed.reach.at_least(asked.reach_at_least.value))
    if asked.relevance_below:
        narrowed = replace(narrowed, relevance=narrowed.relevance.below(asked.relevance_below.value))
    for flag in asked.flags or (None,):
        flagged = replace(narrowed, flags=narrowed.flags | {flag}) if flag else narrowed
        for author in asked.authors or (None,):
            yield replace(flagged, authors=flagged.authors | {author}) if author else flagged


def _apart(region: _Region, asked: Condition) -> bool:
    """Say whether no facts of a non-empty `region` meet the condition."""
    below, at_least = asked.sentiment_below, asked.sentiment_at_least
    span = region.sentiment if below is None else region.sentiment.below(below.value)
    span = span if at_least is None else span.at_least(at_least.value)
    reach, relevance = asked.reach_at_least, asked.relevance_below
    return bool(
        (asked.flags and region.no_flags.union(asked.not_flags).issuperset(asked.flags))
        or not region.flags.isdisjoint(asked.not_flags)
        or (asked.authors and region.no_authors.issuperset(asked.authors))
        or (asked.source_kinds and region.kinds.isdisjoint(asked.source_kinds))
        or (asked.source_tiers and region.tiers.isdisjoint(asked.source_tiers))
        or (asked.source_hostile is not None and asked.source_hostile not in region.hostile)
        or (span.is_empty and not (region.unscored and at_least is None))
        or (reach and region.reach.at_least(reach.value).is_empty)
        or (relevance and region.relevance.below(relevance.value).is_empty)
    )


def _denying(region: _Region, asked: Condition) -> Iterator[_Region]:
    """Yield, per question of the condition, the part of `region` that answers it with no."""
    if asked.flags:
        yield replace(region, no_flags=region.no_flags.union(asked.flags))
    for flag in asked.not_flags:
        yield replace(region, flags=region.flags | {flag})
    if asked.authors:
        yield replace(region, no_authors=region.no_authors.union(asked.authors))
    yield from _denying_source(region, asked)
    yield from _denying_numbers(region, asked)


def _ways_to_deny(asked: Condition) -> int:
    return len(asked.not_flags) + len(parts_of(asked))


def _denying_source(region: _Region, asked: Condition) -> Iterator[_Region]:
    if asked.source_kinds:
        yield replace(region, kinds=region.kinds.difference(asked.source_kinds))
    if asked.source_tiers:
        yield replace(region, tiers=region.tiers.difference(asked.source_tiers))
    if asked.source_hostile is not None:
        yield replace(region, hostile=region.hostile - {asked.source_hostile})


def _denying_numbers(region: _Region, asked: Condition) -> Iterator[_Region]:
    if asked.sentiment_below:
        # A mention without a score counts as below, so only scored ones can deny it.
        yield replace(region, unscored=False, sentiment=region.sentiment.at_least(asked.sentiment_below.value))
    if asked.sentiment_at_least:
        yield replace(region, sentiment=region.sentiment.below(asked.sentiment_at_least.value))
    if asked.reach_at_least:
        yield replace(region, reach=region.reach.below(asked.reach_at_least.value))
    if asked.relevance_below:
        yield replace(region, relevance=region.relevance.at_least(asked.relevance_below.value))
