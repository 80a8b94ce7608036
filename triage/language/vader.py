"""How does VADER rate one English sentence, in linear time?

The rules, constants and lexicon are those of vaderSentiment 3.3.2 (C. J. Hutto, E. E. Gilbert, ICWSM 2014; MIT): for
every text the compound equals that of `SentimentIntensityAnalyzer.polarity_scores`, which a property test asserts. Only
the way there differs: the original lower-cases the whole word list for every word (17 s for 20,000 words); here each
word is lower-cased once, and a word that is not in the lexicon costs one look-up. The package is read on first use.
"""

from __future__ import annotations

import math
import string
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SCORER: Final = "vader 3.3.2"

_CAPITALS: Final = 0.733  # C_INCR
_FLIP: Final = -0.74  # N_SCALAR
_NORMAL: Final = 15.0  # alpha of the normalisation
_NEVER_SO: Final = 1.25
_BUT_BEFORE, _BUT_AFTER = 0.5, 1.5
_DAMPED: Final = (1.0, 0.95, 0.9)  # a booster one, two, three words away
_EVERYWHERE: Final = frozenset({"the", "to", "for", "of", "bad", "just"})  # words of idioms that give none away
_SHORTEST_WORD: Final = 2  # VADER keeps the punctuation of what may be an emoticon


@dataclass(frozen=True, slots=True)
class Tone:
    """The compound of one sentence, in [-1, 1], and the words that gave it with their valences."""

    compound: float
    counted: tuple[tuple[str, float], ...]


_TONELESS: Final = Tone(0.0, ())


@dataclass(frozen=True, slots=True)
class _Tables:
    lexicon: Mapping[str, float]
    rated: frozenset[str]  # lexicon words that are not boosters
    emojis: Mapping[str, str]
    boosters: Mapping[str, float]
    negations: frozenset[str]
    flipping: frozenset[str]  # words that make the negation check do anything, short of "…n't"
    idioms: Mapping[str, float]
    idiom_words: frozenset[str]  # an idiom or a booster of several words contains one of these


class _Analyzer(Protocol):
    lexicon: Mapping[str, float]
    emojis: Mapping[str, str]


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    # Imported here: reading 7,500 lexicon lines is not wanted in processes that read no text.
    from vaderSentiment import vaderSentiment as original  # noqa: N813, PLC0415  # their name; lazy, see above

    analyzer: _Analyzer = original.SentimentIntensityAnalyzer()
    return _Tables(
        lexicon=analyzer.lexicon,
        rated=frozenset(analyzer.lexicon.keys() - original.BOOSTER_DICT.keys()),
        emojis=analyzer.emojis,
        boosters=original.BOOSTER_DICT,
        negations=frozenset(original.NEGATE),
        flipping=frozenset({*original.NEGATE, "so", "this"}),
        idioms=original.SPECIAL_CASES,
        idiom_words=frozenset(
            max(set(phrase.split()) - _EVERYWHERE, key=len)
            for phrase in (*original.SPECIAL_CASES, *original.BOOSTER_DICT)
            if " " in phrase
        ),
    )


def warm() -> None:
    """Read the lexicon now."""
    _tables()


def words_with_tone(words: Iterable[str]) -> dict[str, float]:
    """Return those of `words` (a brand's names) that the lexicon takes for praise or blame, with their valence."""
    lexicon = _tables().lexicon
    return {word: lexicon[word.lower()] for word in words if word.lower() in lexicon}


def describe_emojis(text: str, *, at_most: int) -> tuple[str, int]:
    """Replace emojis by their descriptions as VADER does; drop those beyond `at_most`. Return text and emojis used."""
    emojis = _tables().emojis
    if text.isascii() or emojis.keys().isdisjoint(text):
        return text, 0
    parts: list[str] = []
    used, space_before = 0, True
    for character in text:
        description = emojis.get(character)
        if description is None:
            parts.append(character)
            space_before = character == " "
        elif used < at_most:
            parts.append(description if space_before else " " + description)
            used, space_before = used + 1, False
    return "".join(parts), used


def split_words(text: str) -> list[str]:
    """Return the words of a sentence as VADER sees them: without outer punctuation, emoticons kept."""
    return [
        token if len(stripped := token.strip(string.punctuation)) <= _SHORTEST_WORD else stripped
        for token in text.split()
    ]


def score(words: Sequence[str], *, exclamations: int = 0, questions: int = 0) -> Tone:
    """Rate one sentence given as `split_words` gives it; the marks are those of its text."""
    sentence = _Sentence(words, _tables())
    valences = [0.0] * len(words)
    for i in sentence.places():
        valences[i] = sentence.valence(i)
    counted = tuple((words[i], valence) for i, valence in enumerate(valences) if valence)
    if not counted:
        return _TONELESS
    if "but" in sentence.lower:
        _weigh_but(valences, sentence.lower.index("but"))
    total = sum(valences)
    emphasis = _emphasis(exclamations, questions)
    if total > 0:
        total += emphasis
    elif total < 0:
        total -= emphasis
    compound = total / math.sqrt(total * total + _NORMAL)
    return Tone(round(max(-1.0, min(1.0, compound)), 4), counted)


def _weigh_but(valences: list[float], but: int) -> None:
    """Halve what stands before "but" and raise what follows, in place.

    As in the original, a value that occurs twice is changed at its first place, each time.
    """
    for i in range(len(valences)):
        if valences[i]:
            first = valences.index(valences[i])
            if first != but:
                valences[first] *= _BUT_BEFORE if first < but else _BUT_AFTER


def _emphasis(exclamations: int, questions: int) -> float:
    doubt = 0.0
    if questions > 1:
        doubt = questions * 0.18 if questions <= 3 else 0.96  # noqa: PLR2004  # VADER's own steps
    return min(exclamations, 4) * 0.292 + doubt


class _Sentence:
    """One sentence while it is rated; methods follow the original's checks.

    `_padded` is the lower-case words with three empty ones before and two behind: word `i` is `_padded[i + 3]`, and its
    neighbours always exist.
    """

    __slots__ = ("_flipping", "_has_idiom", "_mixed_capitals", "_padded", "_tables", "_words", "lower")

    def __init__(self, words: Sequence[str], tables: _Tables) -> None:
        self._words = words
        self._tables = tables
        self.lower = [word.lower() for word in words]
        self._padded = ["", "", "", *self.lower, "", ""]
        self._mixed_capitals: bool | None = None
        contracted = [word for word in self.lower if "n't" in word]
        self._flipping = tables.flipping.union(contracted) if contracted else tables.flipping
        self._has_idiom = not tables.idiom_words.isdisjoint(self.lower)

    def places(self) -> list[int]:
        """Return the numbers of the words that the lexicon rates."""
        rated = self._tables.rated
        found = [i for i, word in enumerate(self.lower) if word in rated]
        return [i for i in found if self.lower[i] != "kind" or self._padded[i + 4] != "of"]

    def valence(self, i: int) -> float:
        """Rate word `i` in its surroundings."""
        lexicon = self._tables.lexicon
        value = self._with_no(i, lexicon[self.lower[i]])
        if self._words[i].isupper() and self._capitals_differ():
            value += _CAPITALS if value > 0 else -_CAPITALS
        may_flip = not self._flipping.isdisjoint(self._padded[i : i + 3])
        for distance in range(min(i, 3)):
            before = self.lower[i - distance - 1]
            if before in lexicon:
                continue
            if before in self._tables.boosters:
                value += self._boost(i - distance - 1, value) * _DAMPED[distance]
            if may_flip:
                value = self._negate(i, distance, value)
            if distance == 2 and self._has_idiom:  # noqa: PLR2004  # the original looks for idioms only here
                value = self._idioms(i, value)
        return self._least(i, value)

    def _capitals_differ(self) -> bool:
        if self._mixed_capitals is None:
            capitals = sum(word.isupper() for word in self._words)
            self._mixed_capitals = 0 < capitals < len(self._words)
        return self._mixed_capitals

    def _with_no(self, i: int, value: float) -> float:
        three, two, one, word, after = self._padded[i : i + 5]
        if "no" in (one, two) or (three == "no" and one in ("or", "nor")):
            return value * _FLIP
        return 0.0 if word == "no" and after in self._tables.lexicon else value

    def _boost(self, i: int, value: float) -> float:
        boost = self._tables.boosters[self.lower[i]]
        if value < 0:
            boost = -boost
        if self._words[i].isupper() and self._capitals_differ():
            boost += _CAPITALS if value > 0 else -_CAPITALS
        return boost

    def _negate(self, i: int, distance: int, value: float) -> float:
        three, two, one = self._padded[i : i + 3]
        if distance == 1:
            if two == "never" and one in ("so", "this"):
                return value * _NEVER_SO
            if two == "without" and one == "doubt":
                return value
        elif distance == 2:  # noqa: PLR2004
            if one in ("so", "this") or (three == "never" and two in ("so", "this")):
                return value * _NEVER_SO
            if three == "without" and "doubt" in (two, one):
                return value
        word = self.lower[i - distance - 1]
        return value * _FLIP if word in self._tables.negations or "n't" in word else value

    def _idioms(self, i: int, value: float) -> float:
        three, two, one, zero = self._padded[i : i + 4]
        idioms, boosters = self._tables.idioms, self._tables.boosters
        before = (f"{one} {zero}", f"{two} {one} {zero}", f"{two} {one}", f"{three} {two} {one}", f"{three} {two}")
        value = next((idioms[phrase] for phrase in before if phrase in idioms), value)
        for length in (2, 3):
            if i + length <= len(self.lower):
                value = idioms.get(" ".join(self.lower[i : i + length]), value)
        for phrase in (f"{three} {two} {one}", f"{three} {two}", f"{two} {one}"):
            value += boosters.get(phrase, 0.0)
        return value

    def _least(self, i: int, value: float) -> float:
        if self._padded[i + 2] != "least":
            return value
        return value if self._padded[i + 1] in ("at", "very") else value * _FLIP
