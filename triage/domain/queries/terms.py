"""Where do words, phrases, prefixes and exact spellings stand in a text?"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from triage.domain.queries.documents import Document, Field, Hit, Part, Span
from triage.domain.queries.nodes import MAX_SPANS, Evidence, Node, Positional
from triage.domain.text import fold, split_words, splits_word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from triage.domain.text import Folded


@dataclass(frozen=True, slots=True, kw_only=True)
class Word(Positional):
    """One whole word; with a sigil only the hashtag, handle or cashtag."""

    word: str
    sigil: str = ""

    @property
    def shown(self) -> str:
        """The word, with its sigil if it must have one."""
        return self.sigil + self.word

    def holds(self, document: Document) -> bool:
        """Whether the word is there, which a word without sigil need not be counted for."""
        if self.sigil:
            return any(next(self.find(field), None) is not None for field in document.fields)
        return any(field.text.has(self.word) for field in document.fields)

    def find(self, field: Field) -> Iterator[Hit]:
        """Yield each place of the word."""
        for number in field.text.positions(self.word):
            if not self.sigil or field.text.sigil(number) == self.sigil:
                yield Hit(number, number, (Part(number, number, self.word),))

    def anchors(self) -> frozenset[str] | None:
        """Return the word with both its boundaries."""
        return frozenset({f" {self.word} "})

    def terms(self) -> Iterator[str]:
        """Yield the word."""
        yield self.word


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase(Positional):
    """Consecutive words in order; `sigils` has one entry per word, empty where any will do."""

    words: tuple[str, ...]
    sigils: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The words in quotes."""
        return '"' + " ".join(sigil + word for sigil, word in zip(self.sigils, self.words, strict=True)) + '"'

    @property
    def joined(self) -> str:
        """The words with one space between."""
        return " ".join(self.words)

    def find(self, field: Field) -> Iterator[Hit]:
        """Yield each place where the words follow one another."""
        text, width = field.text, len(self.words)
        if not text.has(self.joined):
            return
        # Begin at the word that is rarest in this text.
        offset = min(range(width), key=lambda place: len(text.positions(self.words[place])))
        for number in text.positions(self.words[offset]):
            first = number - offset
            if first >= 0 and tuple(text.words[first : first + width]) == self.words and self.accepts(text, first):
                last = first + width - 1
                yield Hit(first, last, (Part(first, last, self.joined),))

    def accepts(self, text: Folded, first: int) -> bool:
        """Whether the words that begin at number `first` are written as wanted."""
        return all(not sigil or text.sigil(first + place) == sigil for place, sigil in enumerate(self.sigils))

    def anchors(self) -> frozenset[str] | None:
        """Return the words as the haystack has them: one space around each."""
        return frozenset({f" {self.joined} "})

    def terms(self) -> Iterator[str]:
        """Yield the words with one space between."""
        yield self.joined


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact(Phrase):
    """Whole words in exactly this case and with these accents."""

    spellings: tuple[str, ...]
    written: str

    @property
    def shown(self) -> str:
        """The spelling in braces, as written."""
        return "{" + self.written + "}"

    def accepts(self, text: Folded, first: int) -> bool:
        """Whether each word also has this case and these accents."""
        # Zero-argument super() would look for the class that dataclass(slots=True) replaced.
        return Phrase.accepts(self, text, first) and all(
            _is_spelt(text.original[slice(*text.place(first + place, first + place))], spelling)
            for place, spelling in enumerate(self.spellings)
        )


def _is_spelt(word: str, spelling: str) -> bool:
    # No letter decomposes into more than four, and a hostile word may be long: normalise only what can be equal.
    return len(word) <= 4 * len(spelling) and composed(word) == spelling


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix(Positional):
    """Every word that begins with `stem`."""

    stem: str
    sigil: str = ""

    @property
    def shown(self) -> str:
        """The beginning with its star."""
        return f"{self.sigil}{self.stem}*"

    def find(self, field: Field) -> Iterator[Hit]:
        """Yield each word that begins so, in order."""
        for number, word in enumerate(field.text.words):
            if word.startswith(self.stem) and (not self.sigil or field.text.sigil(number) == self.sigil):
                yield Hit(number, number, (Part(number, number, self.stem),))

    def anchors(self) -> frozenset[str] | None:
        """Return the beginning with its left boundary only."""
        return frozenset({f" {self.stem}"})

    def terms(self) -> Iterator[str]:
        """Yield the beginning with its star."""
        yield self.shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw(Node):
    """An exact substring of the original; an edge that is a letter or digit must not cut a word."""

    text: str

    @property
    def shown(self) -> str:
        """The text in quotes behind raw:."""
        return f'raw:"{self.text}"'

    def holds(self, document: Document) -> bool:
        """Whether some field has the text."""
        return any(next(self._places(stream.text.original), None) is not None for stream in document.fields)

    def evidence(self, document: Document) -> Evidence:
        """Return every place of the text, up to MAX_SPANS in each field."""
        term = fold(self.text)
        spans = tuple(
            Span(stream.name, start, end, term)
            for stream in document.fields
            for start, end in islice(self._places(stream.text.original), MAX_SPANS)
        )
        return Evidence(spans, (self.shown,))

    def _places(self, original: str) -> Iterator[tuple[int, int]]:
        # Accents may be stored composed or apart; the original is not rewritten for the sake of offsets.
        for spelling in sorted({self.text, composed(self.text), unicodedata.normalize("NFD", self.text)}):
            start = original.find(spelling)
            while start >= 0:
                end = start + len(spelling)
                if not splits_word(original, start) and not splits_word(original, end):
                    yield start, end
                start = original.find(spelling, start + 1)

    def absence(self, document: Document) -> str:
        """Return that this spelling does not occur; another may."""
        del document
        return f"{self.shown} does not occur in exactly this spelling"

    def anchors(self) -> frozenset[str] | None:
        """Return its longest word, without boundaries."""
        return frozenset({max(split_words(self.text), key=len)})

    def terms(self) -> Iterator[str]:
        """Yield its words with one space between."""
        yield " ".join(split_words(self.text))


def composed(text: str) -> str:
    """Return the NFC form, under which exact spellings are compared."""
    return unicodedata.normalize("NFC", text)
