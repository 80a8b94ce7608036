"""Where does a mention go, and why? The first matching rule of the response process.

`compile_process` turns the ordered decision table into bit masks, one bit per rule: each fact selects the rules that it
permits, the masks are and-ed, and the lowest bit left is the first rule that matches. A row with several alternatives
becomes several rules. Source of the semantics: response process reference §2.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from triage.domain.nearest_facts import nearest_facts
from triage.domain.process import LEVELS, UNKNOWN_SITE_CAP, Facts
from triage.domain.rule_sentences import CATCH_ALL, is_scored, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from triage.domain.process import Bound, Category, Condition, Process, Queue, Targets
    from triage.domain.rule_sentences import Part

__all__ = [
    "CompiledProcess",
    "Facts",
    "Route",
    "RuleTrace",
    "WhatIf",
    "compile_process",
    "compile_rules",
    "explain",
    "rises",
    "route",
    "what_would_match",
]

_NEVER: Final = float("-inf")
_MOST_WAYS: Final = 500
"""Equally small changes that are tried in search of one that leads to the rule itself."""


class Route(NamedTuple):
    """Where one mention goes and why. A tuple, because one is made for every mention, and a tuple is made fastest.

    `rule_id` is the category's id, with `.2`, `.3` … for its further alternatives. `raises` is what this mention may
    open after the relevance floor, the unscored rule and the cap for unknown sites. `reasons` are plain sentences: the
    conditions met with their values, then what became of the raise.
    """

    category: str
    queue: str
    roles: tuple[str, ...]
    actions: tuple[str, ...]
    targets: Targets
    needs_approval: str | None
    public_reply: bool
    raises: str | None
    rule_id: str
    awaiting_action: bool
    rank: int
    reasons: tuple[str, ...]
    unscored: bool


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """One rule that was asked; `failed_because` is empty exactly when it matched."""

    rule_id: str
    matched: bool
    failed_because: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The smallest change of facts with which a rule would have matched.

    `changes` are clauses that fit behind "a mention", one per question that failed. `facts` is a mention so
    changed; None when the rule contradicts itself. `taken_by` is the rule that takes it: the same rule, or an earlier
    one that the change brings into play.
    """

    rule_id: str
    changes: tuple[str, ...]
    facts: Facts | None
    taken_by: str


@dataclass(frozen=True, slots=True)
class _Rule:
    """One alternative of one category, with all that a route copies from it."""

    id: str
    condition: Condition
    parts: tuple[Part, ...]
    sayings: tuple[Callable[[Facts], str], ...]
    category: Category
    queue: Queue
    capped_raise: str | None
    relevance_floor: float


@dataclass(frozen=True, slots=True)
class _Scale:
    """For a number: `masks[i]` holds the rules that a value between `cuts[i-1]` (inclusive) and `cuts[i]` permits."""

    cuts: tuple[float, ...]
    masks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    """For a name: the rules that it permits; `otherwise` are those that do not ask."""

    by_name: Mapping[object, int]
    otherwise: int


@dataclass(frozen=True, slots=True)
class CompiledProcess:
    """A decision table ready for `route`; built once per process version, never changed, so shared freely."""

    rules: tuple[_Rule, ...]
    position: Mapping[str, tuple[int, int]]
    version_label: str
    flags: _Choice
    blocking_flags: Mapping[object, int]
    authors: _Choice
    kinds: _Choice
    tiers: _Choice
    hostile: tuple[int, int]
    sentiment: _Scale
    unscored: int
    reach: _Scale
    relevance: _Scale


def compile_process(process: Process) -> CompiledProcess:
    """Compile the decision table of a validated process."""
    return compile_rules(process.categories, process.queues, process.raise_relevance, process.version_label)


def compile_rules(
    categories: Sequence[Category], queues: Mapping[str, Queue], raise_relevance: float, version_label: str = ""
) -> CompiledProcess:
    """Compile categories in order; ValueError unless the last one takes everything that is left."""
    rules = tuple(
        _rule(category, number, queues[category.queue], raise_relevance)
        for category in categories
        for number in range(len(category.when))
    )
    if not rules or not rules[-1].condition.is_empty:
        raise ValueError("the last category must have an empty condition, so that every mention gets a category")
    asked = [rule.condition for rule in rules]
    return CompiledProcess(
        rules=rules,
        position={category.id: (queues[category.queue].rank, row) for row, category in enumerate(categories)},
        version_label=version_label,
        flags=_choice([condition.flags for condition in asked]),
        blocking_flags=_masks_by_name([condition.not_flags for condition in asked]),
        authors=_choice([condition.authors for condition in asked]),
        kinds=_choice([condition.source_kinds for condition in asked]),
        tiers=_choice([condition.source_tiers for condition in asked]),
        hostile=(
            _mask(condition.source_hostile is not True for condition in asked),
            _mask(condition.source_hostile is not False for condition in asked),
        ),
        sentiment=_scale([(condition.sentiment_below, condition.sentiment_at_least) for condition in asked]),
        unscored=_mask(condition.sentiment_at_least is None for condition in asked),
        reach=_scale([(None, condition.reach_at_least) for condition in asked]),
        relevance=_scale([(condition.relevance_below, None) for condition in asked]),
    )


def route(process: CompiledProcess, facts: Facts) -> Route:
    """Return the route of the first rule that matches; there always is one."""
    rule = _first_match(process, facts)
    category, queue = rule.category, rule.queue
    reasons = [say(facts) for say in rule.sayings]
    raises = category.raises
    if raises is not None:
        raises, note = _raise(rule, raises, facts)
        reasons.append(note)
    return Route(
        category.id,
        category.queue,
        category.roles,
        category.actions,
        category.sla,
        category.needs_approval,
        category.public_reply,
        raises,
        rule.id,
        queue.awaiting_action,
        queue.rank,
        tuple(reasons),
        not is_scored(facts.sentiment),
    )


def explain(process: CompiledProcess, facts: Facts) -> tuple[RuleTrace, ...]:
    """Return every rule up to and including the one that matches, with the reasons why the earlier ones did not."""
    chosen = _first_match(process, facts)
    traces = []
    for rule in process.rules:
        if rule is chosen:
            traces.append(RuleTrace(rule.id, matched=True, failed_because=""))
            break
        failed = "; ".join(part.unmet(facts) for part in rule.parts if not part.holds(facts))
        traces.append(RuleTrace(rule.id, matched=False, failed_because=failed))
    return tuple(traces)


def what_would_match(process: CompiledProcess, facts: Facts) -> tuple[WhatIf, ...]:
    """Return, for every rule above the one that matches, the smallest change of facts that would have made it match.

    Where several changes are equally small, one that leads to the rule itself is preferred to one that an earlier rule
    would take.
    """
    chosen = _first_match(process, facts)
    return tuple(_what_if(process, rule, facts) for rule in takewhile(lambda rule: rule is not chosen, process.rules))


def _what_if(process: CompiledProcess, rule: _Rule, facts: Facts) -> WhatIf:
    ways = [(way, _first_match(process, way)) for way in islice(nearest_facts(rule.condition, facts), _MOST_WAYS)]
    if not ways:
        return WhatIf(rule.id, (), None, "")
    changed, taker = next(((way, taker) for way, taker in ways if taker is rule), ways[0])
    # A wanted flag can be an unwanted one as well; when it goes, the question that it answered is open again.
    bare = replace(facts, flags=facts.flags.difference(rule.condition.not_flags))
    changes = tuple(part.asked for part in rule.parts if not (part.holds(facts) and part.holds(bare)))
    return WhatIf(rule.id, changes, changed, taker.id)


def rises(process: CompiledProcess, current_category: str, updated: Route) -> bool:
    """Say whether an updated mention may move by itself: only to a more urgent place, it never silently falls.

    More urgent = a queue of lower rank, or an earlier row for a queue of the same rank. A category that this version
    does not have is left to the preview of an edit (False).
    """
    current = process.position.get(current_category)
    return current is not None and process.position[updated.category] < current


def _first_match(process: CompiledProcess, facts: Facts) -> _Rule:
    """And the masks of all facts; the always-true last rule leaves at least one bit."""
    flags, blocked = process.flags.otherwise, 0
    for flag in facts.flags:
        flags |= process.flags.by_name.get(flag, 0)
        blocked |= process.blocking_flags.get(flag, 0)
    authors = process.authors.otherwise
    for kind in facts.author_kinds:
        authors |= process.authors.by_name.get(kind, 0)
    permitted = (
        flags
        & ~blocked
        & authors
        & process.kinds.by_name.get(facts.source_kind, process.kinds.otherwise)
        & process.tiers.by_name.get(facts.source_tier, process.tiers.otherwise)
        & process.hostile[facts.source_hostile]
        & process.reach.masks[bisect_right(process.reach.cuts, facts.reach)]
        & process.relevance.masks[bisect_right(process.relevance.cuts, facts.relevance)]
    )
    sentiment = facts.sentiment
    if sentiment is None or not is_scored(sentiment):
        permitted &= process.unscored
    else:
        permitted &= process.sentiment.masks[bisect_right(process.sentiment.cuts, sentiment)]
    return process.rules[(permitted & -permitted).bit_length() - 1]


def _raise(rule: _Rule, level: str, facts: Facts) -> tuple[str | None, str]:
    """Return what is left of the category's `level` for this mention, and the sentence about it."""
    if rule.condition.sentiment_below is not None and not is_scored(facts.sentiment):
        return None, f"Raises nothing instead of {level}: the text was not scored."
    if facts.relevance < rule.relevance_floor:
        return None, (
            f"Raises nothing instead of {level}: relevance {facts.relevance:.3g} is below {rule.relevance_floor:.3g}."
        )
    if not facts.source_known and rule.capped_raise != level:
        return rule.capped_raise, f"Raises {rule.capped_raise} instead of {level}: this site was never seen before."
    return level, f"Raises {level}."


def _rule(category: Category, number: int, queue: Queue, raise_relevance: float) -> _Rule:
    parts = parts_of(category.when[number])
    return _Rule(
        id=category.id if number == 0 else f"{category.id}.{number + 1}",
        condition=category.when[number],
        parts=parts,
        sayings=tuple(part.met for part in parts) or (lambda _: CATCH_ALL,),
        category=category,
        queue=queue,
        capped_raise=category.raises and min(category.raises, UNKNOWN_SITE_CAP, key=LEVELS.index),
        relevance_floor=_NEVER if category.raises_at_any_relevance else raise_relevance,
    )


def _mask(permits: Iterable[bool]) -> int:
    """Set bit i when the i-th rule is permitted."""
    return sum(1 << row for row, permitted in enumerate(permits) if permitted)


def _masks_by_name(asked: Sequence[tuple[str | int, ...]]) -> dict[object, int]:
    """Return name -> the rules that list it."""
    return {name: _mask(name in names for names in asked) for name in {name for names in asked for name in names}}


def _choice(asked: Sequence[tuple[str | int, ...]]) -> _Choice:
    """Rules that do not ask are permitted by every name, so that a single name needs one look-up only."""
    otherwise = _mask(not names for names in asked)
    return _Choice({name: mask | otherwise for name, mask in _masks_by_name(asked).items()}, otherwise)


def _scale(bounds: Sequence[tuple[Bound | None, Bound | None]]) -> _Scale:
    """Build the masks of one number from each rule's (below, at least)."""
    cuts = tuple(sorted({bound.value for pair in bounds for bound in pair if bound is not None}))
    return _Scale(
        cuts,
        tuple(
            _mask(
                (below is None or step <= cuts.index(below.value))
                and (at_least is None or step > cuts.index(at_least.value))
                for below, at_least in bounds
            )
            for step in range(len(cuts) + 1)
        ),
    )
