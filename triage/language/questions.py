"""Does a sentence with a question mark ask anything?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from triage.domain.text import split_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from triage.language.passages import Passages, Sentence

MAX_SENTENCES: Final = 40
_MARKS: Final = ("?", "\uff1f", "\u061f")  # Latin, full-width, Arabic
_CLOSING: Final = "\"'\u201d\u2019»)] !"


@dataclass(frozen=True, slots=True)
class QuestionRules:
    """Sentences that end with a mark and ask nothing ("really?"), and single words that do ("when?"); folded."""

    rhetorical: tuple[str, ...] = ()
    single: frozenset[str] = frozenset()


def questions(passages: Passages, rules: QuestionRules) -> Iterator[Sentence]:
    """Yield the sentences near the brand that end with a question mark and ask something."""
    if not any(mark in passages.text for mark in _MARKS):
        return
    for number in passages.near[:MAX_SENTENCES]:
        text = passages.words_of(number).rstrip(_CLOSING)
        if text.endswith(_MARKS) and _asks(split_words(text), rules):
            yield passages.sentences[number]


def _asks(words: list[str], rules: QuestionRules) -> bool:
    if len(words) <= 1:
        return bool(words) and words[0] in rules.single
    # A rhetorical phrase makes up the whole of a short sentence, or opens it.
    spoken = " ".join(words)
    openings = (phrase for phrase in rules.rhetorical if " " in phrase)
    return spoken not in rules.rhetorical and not any(spoken.startswith(f"{phrase} ") for phrase in openings)
