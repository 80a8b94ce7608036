"""What tone does an English text take towards the brand?

VADER rates the sentences near the brand one by one, and their mean over those that carry tone is the value. Before
that, everything that only names something is masked: brand words, handles, hashtags, addresses (VADER rates
"united" as praise), and phrases whose words carry no tone where they stand ("kill … plan", "would like"). The work is
bounded whatever the text: 40 sentences, 300 words, 50 emojis, the sentences that hold the brand first.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Protocol

from triage.domain.sentiment import NEUTRAL_BELOW, ScoredSentence, Sentiment, mean_tone, not_scored
from triage.language import vader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from triage.language.passages import Passages

MAX_SENTENCES: Final = 40
MAX_WORDS: Final = 300
MAX_EMOJIS: Final = 50
MAX_CHARACTERS: Final = 2_000  # of one sentence; a run without spaces has no other bound
POST_CHARACTERS: Final = 280
MAX_SHOWN: Final = 6  # words named in the note

# VADER must not know it, and it must not change how its neighbours are read.
_NEUTRAL: Final = "it"
_NAMES: Final = re.compile(r"https?://\S+|www\.\S+|[@#]\w+")
# Marks that NFKC leaves as they are. A dash without spaces would glue two words together.
_PUNCTUATION: Final = str.maketrans("\u2018\u2019\u201c\u201d«»\u2014\u2013", '\'\'"""" -')

_CLAUSE_END: Final = re.compile(
    r"[,;:]\s|\s[-\u2013\u2014]+\s"
    r"|\s(?=(?:but|while|although|though|whereas|because|when|after|before|since|as|who|which)\s)",
    re.IGNORECASE,
)
_NAME: Final = re.compile(r"[A-Z@]\w")
_TITLE_CASE: Final = 0.5  # a headline capitalises more of its words than this: capitals then name nobody
_LONGEST_PERIOD: Final = 4


class Scorer(Protocol):
    """Rates the words of one sentence."""

    def __call__(self, words: Sequence[str], *, exclamations: int = 0, questions: int = 0) -> vader.Tone:
        """Return compound and the words that counted."""
        ...


@dataclass(frozen=True, slots=True)
class WordPair:
    """Words of `first` are masked when one of `then` follows with fewer than `within` words between."""

    first: frozenset[str]
    then: frozenset[str]
    within: int


@dataclass(frozen=True, slots=True)
class ToneRules:
    """Phrases of a language whose words carry no tone where they stand (lexicon section `tone`)."""

    phrases: tuple[str, ...] = ()
    pairs: tuple[WordPair, ...] = ()


class ToneReader:
    """Reads the tone of English texts; one instance per process, without state between texts."""

    def __init__(self, rules: ToneRules | None = None, scorer: Scorer = vader.score) -> None:
        rules = rules or ToneRules()
        self._phrases: Final = _by_first_word(rules.phrases)
        self._pairs: Final = {word: pair for pair in rules.pairs for word in pair.first}
        self._scorer: Final = scorer

    def read(self, passages: Passages, brand_terms: frozenset[str]) -> Sentiment:
        """Return the tone; not scored when there is no word near the brand."""
        task = _Task(passages, _names(brand_terms))
        first, rest = _reading_order(passages)
        self._rate(first, task)
        if not any(abs(sentence.value) >= NEUTRAL_BELOW for sentence in task.scored):
            self._rate(rest, task)
        if not task.scored:
            return not_scored("there is nothing to read")
        task.scored.sort(key=lambda sentence: sentence.start)
        value = mean_tone(sentence.value for sentence in task.scored)
        return Sentiment(value, vader.SCORER, tuple(task.scored), _note(task.counted))

    def _rate(self, numbers: Iterable[int], task: _Task) -> None:
        """Rate sentences until one of the limits is reached."""
        for number in numbers:
            if task.words_left <= 0 or len(task.scored) == MAX_SENTENCES:
                return
            start, end = _clause(task.passages, number)
            words, marks = self._prepare(task.passages.text[start:end][:MAX_CHARACTERS], task)
            tone = self._scorer(words, exclamations=marks.count("!"), questions=marks.count("?"))
            task.scored.append(ScoredSentence(task.passages.text[start:end], tone.compound, start, end))
            task.counted.extend(tone.counted)

    def _prepare(self, text: str, task: _Task) -> tuple[list[str], str]:
        """Return the masked words of a sentence and the text whose marks count."""
        if not text.isascii():
            text = unicodedata.normalize("NFKC", text.replace("…", "... ")).translate(_PUNCTUATION)
            text, emojis = vader.describe_emojis(text, at_most=task.emojis_left)
            task.emojis_left -= emojis
        if "@" in text or "#" in text or "://" in text or "www." in text:
            text = _NAMES.sub(lambda match: _neutral_like(match[0]), text)
        words = vader.split_words(text)
        lower = [word.lower() for word in words]
        distinct = set(lower)
        for i in task.names.places(lower, distinct) | self._toneless(lower, distinct):
            words[i] = _neutral_like(words[i])
        if len(distinct) * 10 <= len(lower) * 7:  # else too few words come twice for any of it
            words = say_once(words)
        words = words[: task.words_left]
        task.words_left -= len(words)
        return words, text

    def _toneless(self, lower: list[str], distinct: set[str]) -> set[int]:
        places = _phrase_places(lower, distinct, self._phrases)
        for word in self._pairs.keys() & distinct:
            pair = self._pairs[word]
            for i in (i for i, other in enumerate(lower) if other == word):
                if not pair.then.isdisjoint(lower[i + 1 : i + 1 + pair.within]):
                    places.add(i)
        return places


@dataclass(slots=True)
class _Task:
    """One text while it is read: what was found, and what may still be spent."""

    passages: Passages
    names: _Names
    words_left: int = MAX_WORDS
    emojis_left: int = MAX_EMOJIS
    scored: list[ScoredSentence] = field(default_factory=list)
    counted: list[tuple[str, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Names:
    """The words that name the brand, as folded words, prefixes, and phrases by their first word."""

    words: frozenset[str]
    prefixes: tuple[str, ...]
    phrases: Mapping[str, tuple[tuple[str, ...], ...]]

    def places(self, lower: list[str], distinct: set[str]) -> set[int]:
        """Return the numbers of the words that name the brand; `distinct` are all words of `lower`."""
        places = _phrase_places(lower, distinct, self.phrases)
        if not self.words.isdisjoint(distinct):
            places.update(i for i, word in enumerate(lower) if word in self.words)
        if self.prefixes:
            places.update(i for i, word in enumerate(lower) if word.startswith(self.prefixes))
        return places


@lru_cache(maxsize=256)
def _names(brand_terms: frozenset[str]) -> _Names:
    """Sort brand terms as `Query.terms` writes them: a phrase has spaces, a prefix ends in *."""
    return _Names(
        words=frozenset(term for term in brand_terms if " " not in term and not term.endswith("*")),
        prefixes=tuple(sorted(term[:-1] for term in brand_terms if term.endswith("*"))),
        phrases=_by_first_word(term for term in brand_terms if " " in term),
    )


def _by_first_word(phrases: Iterable[str]) -> dict[str, tuple[tuple[str, ...], ...]]:
    index: dict[str, list[tuple[str, ...]]] = {}
    for phrase in phrases:
        words = tuple(phrase.lower().split())
        index.setdefault(words[0], []).append(words)
    return {first: tuple(phrases) for first, phrases in index.items()}


def _phrase_places(
    lower: list[str], distinct: set[str], phrases: Mapping[str, tuple[tuple[str, ...], ...]]
) -> set[int]:
    places: set[int] = set()
    firsts = phrases.keys() & distinct
    if not firsts:
        return places
    for i, word in enumerate(lower):
        if word in firsts:
            for phrase in phrases[word]:
                if tuple(lower[i : i + len(phrase)]) == phrase:
                    places.update(range(i, i + len(phrase)))
    return places


def _neutral_like(word: str) -> str:
    """Return the neutral word, in capitals if `word` was: VADER compares capitals within a sentence."""
    return _NEUTRAL.upper() if word.isupper() else _NEUTRAL


def say_once(words: list[str]) -> list[str]:
    """Return the words without immediate repetitions of up to four words: saying a thing ten times is saying it once.

    A repetition may end in its middle. One word must stand three times ("very very good" is emphasis), several twice.
    """
    lower = [word.lower() for word in words]
    kept: list[str] = []
    i = 0
    while i < len(words):
        period, end = _repetition(lower, i)
        kept.extend(words[i : i + period])
        i = end
    return kept


def _repetition(lower: list[str], i: int) -> tuple[int, int]:
    """Return the length of what is repeated from `i` on, and where the repetition ends (1 and i + 1 if nothing is)."""
    for period in range(1, _LONGEST_PERIOD + 1):
        end = i + period
        while end < len(lower) and lower[end] == lower[end - period]:
            end += 1
        if end - i >= (3 if period == 1 else 2 * period):
            return period, end
    return 1, i + 1


def _reading_order(passages: Passages) -> tuple[Sequence[int], Sequence[int]]:
    """Return the sentences to rate, and those to rate besides if none of the first carries tone.

    A post is about the brand as a whole, above all when it addresses it; in a longer text the sentences that hold the
    brand speak of it, and their neighbours only for want of anything there.
    """
    near = passages.near
    if not passages.holding or len(passages.text) <= POST_CHARACTERS or _is_addressed(passages):
        return near, ()
    return near[: len(passages.holding)], near[len(passages.holding) :]


def _is_addressed(passages: Passages) -> bool:
    return any(passages.text[start - 1 : start] == "@" for start, _ in passages.spans)


def _clause(passages: Passages, number: int) -> tuple[int, int]:
    """Return the sentence or, where it names several parties, the clauses that hold the brand."""
    start, end = passages.sentences[number]
    if number not in passages.holding or _is_addressed(passages):
        return start, end
    text = passages.text[start:end]
    ends = [match.end() for match in _CLAUSE_END.finditer(text)] if _names_others(passages, number, text) else ()
    if not ends:
        return start, end
    bounds = [0, *ends, len(text)]
    spans = [(first - start, last - start) for first, last in passages.spans_in(number)]
    clauses = [(begin, stop) for begin, stop in pairwise(bounds) if any(begin <= first < stop for first, _ in spans)]
    return start + clauses[0][0], start + clauses[-1][1]


def _names_others(passages: Passages, number: int, text: str) -> bool:
    """Whether a sentence names somebody besides the brand, as far as capitals and handles tell."""
    names = [at for match in _NAME.finditer(text) if (at := match.start()) and not text[at - 1].isalnum()]
    if not names or len(names) > _TITLE_CASE * len(text.split()):
        return False
    start = passages.sentences[number].start
    spans = [(first - start, last - start) for first, last in passages.spans_in(number)]
    return any(not any(first - 1 <= place < last for first, last in spans) for place in names)


def _note(counted: list[tuple[str, float]]) -> str:
    if not counted:
        return "no word carries tone"
    strongest = sorted(dict(counted).items(), key=lambda word: -abs(word[1]))[:MAX_SHOWN]
    return "counted: " + ", ".join(f"{word} {valence:+.1f}" for word, valence in strongest)
