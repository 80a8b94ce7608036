"""Is this text about our brand at all?

A name that means one thing only is always relevant. An ambiguous name (Orange, Apple, Delta) has context words, and a
text with none of them is probably about something else. Spam and job advertisements are not worth anybody's time.
Danger is not weighed here: threats pass through routing whatever the relevance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

CERTAIN: Final = 1.0
IN_CONTEXT: Final = 0.9
OUT_OF_CONTEXT: Final = 0.2
NOISE: Final = 0.1

NOISE_FLAGS: Final = {"spam": "reads like spam", "job_ad": "reads like a job advertisement"}


@dataclass(frozen=True, slots=True)
class Relevance:
    """A score in [0, 1] and its reasons in plain words."""

    score: float
    reasons: tuple[str, ...] = ()


def judge_relevance(words: Collection[str], context_terms: frozenset[str], flags: Collection[str]) -> Relevance:
    """Weigh a text given as folded words (in order, for terms of several words), and the names of its flags.

    `context_terms` are folded; empty means that the brand's name is not ambiguous. Terms of several words must stand
    together. The lowest of the answers counts.
    """
    score, reasons = CERTAIN, []
    if context_terms:
        found = _terms_found(words, context_terms)
        score = IN_CONTEXT if found else OUT_OF_CONTEXT
        reasons.append(f"context: {', '.join(found)}" if found else "the name is ambiguous and no context word occurs")
    for flag, reason in NOISE_FLAGS.items():
        if flag in flags:
            score = min(score, NOISE)
            reasons.append(reason)
    return Relevance(score, tuple(reasons))


def _terms_found(words: Collection[str], terms: frozenset[str]) -> list[str]:
    present = set(words)
    single = {term for term in terms if term in present}
    several = {term for term in terms if " " in term}
    if several:
        text = f" {' '.join(words)} "
        single |= {term for term in several if f" {term} " in text}
    return sorted(single)
