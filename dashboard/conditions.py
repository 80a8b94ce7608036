"""What does a rule of the response process ask, in plain words?

Each question becomes a clause of its key and its values; the sentence around it stands in the template.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from triage.domain.process import Bound, Condition


class Clause(NamedTuple):
    """One question: `asks` names it (flags, not_flags, tone_below …); `names` or `number` is the answer sought.

    `threshold` is the name of the number in the file, or empty.
    """

    asks: str
    names: tuple[str, ...] = ()
    number: float = 0.0
    threshold: str = ""


def clauses(condition: Condition) -> tuple[Clause, ...]:
    """Return the questions of a condition, all of which must hold; none for the rule that takes everything."""
    return tuple(_clauses(condition))


def _clauses(condition: Condition) -> Iterator[Clause]:
    lists = {
        "flags": condition.flags,
        "not_flags": condition.not_flags,
        "authors": condition.authors,
        "kinds": condition.source_kinds,
        "tiers": tuple(map(str, condition.source_tiers)),
    }
    yield from (Clause(asks, names) for asks, names in lists.items() if names)
    if condition.source_hostile is not None:
        yield Clause("hostile" if condition.source_hostile else "not_hostile")
    bounds = {
        "tone_below": condition.sentiment_below,
        "tone_at_least": condition.sentiment_at_least,
        "reach_at_least": condition.reach_at_least,
        "relevance_below": condition.relevance_below,
    }
    yield from (_bounded(asks, bound) for asks, bound in bounds.items() if bound is not None)


def _bounded(asks: str, bound: Bound) -> Clause:
    return Clause(asks, number=bound.value, threshold=bound.name)
