"""How is a mention's tone stated, and how do the tones of its sentences add up?

A tone is a number in [-1, 1] or `None`. `None` means "not scored" (no scorer for the language, or no words to score);
it is never 0, enters no average, and the response process treats it by a rule of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

# VADER's own line between neutral and not; below it a sentence says nothing about tone.
NEUTRAL_BELOW: Final = 0.05

NOT_SCORED: Final = "none"


@dataclass(frozen=True, slots=True)
class ScoredSentence:
    """One sentence that was rated: its words, its value in [-1, 1], its offsets in the text that was read."""

    text: str
    value: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sentiment:
    """The tone of a mention: `value` in [-1, 1], or None for "not scored".

    `scorer` names the scorer and its version ("none" if there was none); `note` says in plain words why the text was
    not scored, or which words counted most.
    """

    value: float | None
    scorer: str
    sentences: tuple[ScoredSentence, ...] = ()
    note: str = ""

    @property
    def scored(self) -> bool:
        """Tell "scored as 0" from "not scored"."""
        return self.value is not None


def not_scored(reason: str) -> Sentiment:
    """Return the sentiment of a text that nothing could rate."""
    return Sentiment(None, NOT_SCORED, (), reason)


def mean_tone(values: Iterable[float]) -> float:
    """Return the mean over the sentences that carry tone (|value| >= 0.05), 0.0 if none does.

    Neutral sentences do not dampen, and length does not saturate (a sum, as VADER takes over a whole text, does both).
    """
    toned = [value for value in values if abs(value) >= NEUTRAL_BELOW]
    return round(sum(toned) / len(toned), 4) if toned else 0.0
