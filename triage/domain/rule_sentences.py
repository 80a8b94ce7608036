"""How do we say in plain English what a condition asks, and which conditions a mention met or did not?

A condition is taken apart once, into one `Part` per question that it asks; each part then makes its own sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from triage.domain.process import Bound, Condition, Facts

CATCH_ALL: Final = "No earlier rule applied."


@dataclass(frozen=True, slots=True)
class Part:
    """One question of a condition: how is it asked, does it hold, and how is that said?

    `asked` is a clause that fits behind "a mention"; `met` makes a sentence, `unmet` a clause.
    """

    asked: str
    holds: Callable[[Facts], bool]
    met: Callable[[Facts], str]
    unmet: Callable[[Facts], str]


def parts_of(condition: Condition) -> tuple[Part, ...]:
    """Return the questions that a condition asks, in the order of its fields; none for an empty condition."""
    hostile = condition.source_hostile
    return (
        *_named(_any_flag, condition.flags),
        *_named(_no_flag, condition.not_flags),
        *_named(_author, condition.authors),
        *_named(_kind, condition.source_kinds),
        *((_tier(condition.source_tiers),) if condition.source_tiers else ()),
        *(() if hostile is None else (_hostile(wanted=hostile),)),
        *_bounded(_sentiment_below, condition.sentiment_below),
        *_bounded(_sentiment_at_least, condition.sentiment_at_least),
        *_bounded(_reach, condition.reach_at_least),
        *_bounded(_relevance, condition.relevance_below),
    )


def asked_by(condition: Condition) -> str:
    """Return what a condition asks, as it fits behind "a mention": `flagged fire, with sentiment below -0.25`."""
    return ", ".join(part.asked for part in parts_of(condition)) or "of any kind"


def is_scored(sentiment: float | None) -> bool:
    """Say whether there is a score; NaN is none either, and is the one float that differs from itself."""
    return sentiment is not None and sentiment == sentiment  # noqa: PLR0124 - the test for NaN


def _named(part: Callable[[tuple[str, ...]], Part], names: tuple[str, ...]) -> tuple[Part, ...]:
    return (part(names),) if names else ()


def _bounded(part: Callable[[Bound], Part], bound: Bound | None) -> tuple[Part, ...]:
    return () if bound is None else (part(bound),)


def _any_flag(names: tuple[str, ...]) -> Part:
    wanted = _either(names)
    return Part(
        f"flagged {wanted}",
        lambda facts: not facts.flags.isdisjoint(names),
        lambda facts: f"Flagged {_both(name for name in names if name in facts.flags)}.",
        lambda _: f"not flagged {wanted}",
    )


def _no_flag(names: tuple[str, ...]) -> Part:
    unwanted = _either(names)
    return Part(
        f"not flagged {unwanted}",
        lambda facts: facts.flags.isdisjoint(names),
        lambda _: f"Not flagged {unwanted}.",
        lambda facts: f"flagged {_both(name for name in names if name in facts.flags)}",
    )


def _author(names: tuple[str, ...]) -> Part:
    wanted = _either(names)
    return Part(
        f"by an author marked {wanted}",
        lambda facts: not facts.author_kinds.isdisjoint(names),
        lambda facts: f"The author is marked {_both(name for name in names if name in facts.author_kinds)}.",
        lambda _: f"the author is not marked {wanted}",
    )


def _kind(names: tuple[str, ...]) -> Part:
    wanted = _either(names)
    return Part(
        f"from a source of kind {wanted}",
        lambda facts: facts.source_kind in names,
        lambda facts: f"The source is of kind {facts.source_kind}.",
        lambda facts: f"the source is of kind {facts.source_kind}, not {wanted}",
    )


def _tier(tiers: tuple[int, ...]) -> Part:
    wanted = _either(map(str, tiers))
    return Part(
        f"from a source of tier {wanted}",
        lambda facts: facts.source_tier in tiers,
        lambda facts: f"The source is tier {facts.source_tier}.",
        lambda facts: (
            f"the source has no tier, not {wanted}"
            if facts.source_tier is None
            else f"the source is tier {facts.source_tier}, not {wanted}"
        ),
    )


def _hostile(*, wanted: bool) -> Part:
    is_so, is_not = ("marked", "not marked") if wanted else ("not marked", "marked")
    return Part(
        f"from a source {is_so} hostile",
        lambda facts: facts.source_hostile is wanted,
        lambda _: f"The source is {is_so} hostile.",
        lambda _: f"the source is {is_not} hostile",
    )


def _sentiment_below(bound: Bound) -> Part:
    value, said = bound.value, _bound(bound, "+.6g")

    def met(facts: Facts) -> str:
        if facts.sentiment is None or not is_scored(facts.sentiment):
            return f"The text was not scored, which counts as below {said}."
        return f"Sentiment {facts.sentiment:+.6g} is below {said}."

    return Part(
        f"with sentiment below {said}",
        lambda facts: facts.sentiment is None or not facts.sentiment >= value,
        met,
        lambda facts: f"sentiment {facts.sentiment:+.6g} is not below {said}",
    )


def _sentiment_at_least(bound: Bound) -> Part:
    value, said = bound.value, _bound(bound, "+.6g")

    def unmet(facts: Facts) -> str:
        if facts.sentiment is None or not is_scored(facts.sentiment):
            return f"the text was not scored, so it is not at least {said}"
        return f"sentiment {facts.sentiment:+.6g} is not at least {said}"

    return Part(
        f"with sentiment of at least {said}",
        lambda facts: facts.sentiment is not None and facts.sentiment >= value,
        lambda facts: f"Sentiment {facts.sentiment:+.6g} is at least {said}.",
        unmet,
    )


def _reach(bound: Bound) -> Part:
    value, said = bound.value, _bound(bound, ",.0f")
    return Part(
        f"with a reach of at least {said}",
        lambda facts: facts.reach >= value,
        lambda facts: f"Reach {facts.reach:,} is at least {said}.",
        lambda facts: f"reach {facts.reach:,} is not at least {said}",
    )


def _relevance(bound: Bound) -> Part:
    value, said = bound.value, _bound(bound, ".6g")
    return Part(
        f"with relevance below {said}",
        lambda facts: facts.relevance < value,
        lambda facts: f"Relevance {facts.relevance:.6g} is below {said}.",
        lambda facts: f"relevance {facts.relevance:.6g} is not below {said}",
    )


def _bound(bound: Bound, form: str) -> str:
    number = format(bound.value, form)
    return f"{number} ({bound.name})" if bound.name else number


def _either(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _both(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
