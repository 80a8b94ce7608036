"""When do two spellings count as the same text, and where do its words stand?

`fold` is the normal form under which brand queries, lexicons, identities and duplicates compare text. `Folded` finds
the words of one text lazily: asking whether a word occurs costs a table look-up, and offsets into the original are
worked out only for texts that matched. Rules: query-language.md §1.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SIGILS: Final = frozenset("#@$")

# Letters that NFKD leaves whole although people type them without; and the modifier letters that are typed apostrophes.
_SPELT_OUT: Final = (
    ("œ", "oe"), ("æ", "ae"), ("ø", "o"), ("ł", "l"), ("đ", "d"), ("\u0131", "i"), ("\u02bc", "'"), ("\u02bb", "'"),
)  # fmt: skip

# ASCII to its words: capitals lowered, every separator a space. A string indexed by code point, as str.translate wants.
_ASCII_WORDS: Final = "".join(
    chr(code).lower() if chr(code).isalnum() or code == ord("_") else " " for code in range(128)
)
_ASCII_TOKEN: Final = re.compile(r"[a-z0-9_]+")
_ASCII_TOP: Final = "\x7f"

# Scripts written without spaces, where each character is a token: Han, kana, Thai, Lao, Burmese, Khmer.
_UNSPACED: Final = (
    r"\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff\u0e00-\u0eff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff"
)
_UNSPACED_LETTER: Final = re.compile(rf"(?=\w)[{_UNSPACED}]")

# Drawn as nothing, so that the reader sees one word: soft hyphen, joiners, direction marks, variation selectors.
_INVISIBLE: Final = r"\u00ad\u034f\u061c\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"

# An address ends at a space, a quote or bracket, or where a script without spaces (or its punctuation) begins.
_ADDRESS: Final = re.compile(
    rf"\b(?:[a-z][a-z0-9+.-]{{1,15}}://|www\.)[^\s<>\"{_UNSPACED}\u3000-\u303f\uff00-\uff65]*", re.IGNORECASE
)

_SHORT_TEXT: Final = 200  # words up to which looking through them beats indexing them all

_MAX_MARKS: Final = 30  # on one letter; UAX 15 calls text that stays below stream-safe

_KANA_VOICING: Final = 8  # canonical combining classes, UAX 44 table 15
_FIRST_FIXED_POINT, _LAST_FIXED_POINT = 10, 36  # points of Hebrew, Arabic and Syriac
_FIRST_ACCENT: Final = 200


def _is_dropped(character: str) -> bool:
    """Whether a combining mark is an accent or point rather than a letter of its script (kana voicing, Thai vowels)."""
    order = unicodedata.combining(character)
    return 0 < order < _KANA_VOICING or _FIRST_FIXED_POINT <= order <= _LAST_FIXED_POINT or order >= _FIRST_ACCENT


class _Patterns(NamedTuple):
    """Regular expressions made from the Unicode tables of this Python."""

    dropped: re.Pattern[str]  # what `fold` removes
    token: re.Pattern[str]  # one token of folded text
    separator: re.Pattern[str]  # one character that is neither ASCII nor part of a token
    piled: re.Pattern[str]  # a run so long that normalising it would take time quadratic in its length


@cache
def _patterns() -> _Patterns:
    """Build them at the first text that is not ASCII (about 15 ms, once per process).

    Marks beyond the basic plane belong to historic and rare scripts; naming them would slow every emoji down.
    """
    marks = [chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code)).startswith("M")]
    dropped = "".join(mark for mark in marks if _is_dropped(mark))
    kept = "".join(mark for mark in marks if not _is_dropped(mark) and not re.match(f"[{_INVISIBLE}]", mark))
    pile = f"[{''.join(marks)}{_INVISIBLE}\U00010000-\U0010ffff]"
    # A pattern that begins with a plain class lets the matcher skip to the next candidate: each is written so.
    return _Patterns(
        dropped=re.compile(f"[{dropped}{_INVISIBLE}]"),
        token=re.compile(rf"(?:[^\W{_UNSPACED}]+[{kept}]*)+|(?=\w)[{_UNSPACED}][{kept}]*"),
        separator=re.compile(rf"[^\x00-\x7f](?<![\w{kept}])"),
        piled=re.compile(f"{pile}{pile}{{{_MAX_MARKS},}}"),
    )


def stream_safe(text: str) -> str:
    """Return a text of the same length in which no letter carries more than 30 marks (the rest become soft hyphens).

    Call it before `unicodedata.normalize` on text from outside: sorting n marks on one letter takes n² steps.
    """
    if text.isascii():
        return text
    return _patterns().piled.sub(lambda run: "".join(map(_calmed, run[0])), text)


def _calmed(character: str) -> str:
    return "\u00ad" if unicodedata.combining(character) else character


def fold(text: str) -> str:
    """Return the spelling under which text is compared: no case, no accents, no compatibility forms.

    Casefold, NFKD, accents and points dropped, œ æ ø ł đ and the dotless i spelt out. Idempotent.
    Punctuation stays, and separates.
    """
    return text.lower() if text.isascii() else _fold_safe(stream_safe(text))


def _fold_safe(text: str) -> str:
    if text.isascii():
        return text.lower()
    cased = text.casefold()
    plain = _patterns().dropped.sub("", unicodedata.normalize("NFKD", cased))
    if plain != cased:
        # Compatibility forms unpack to capitals (℡ is TEL), and what was dropped may have stood between two marks.
        plain = unicodedata.normalize("NFKD", plain.casefold())
    for letter, spelling in _SPELT_OUT:
        if letter in plain:
            plain = plain.replace(letter, spelling)
    return plain


@lru_cache(maxsize=4096)
def _folded_length(character: str) -> int:
    return len(fold(character))


def _blank_separators(folded: str) -> str:
    """Put a space for every separator that is not ASCII, in place: most texts are then ASCII and quick to split."""
    return folded if folded.isascii() else _patterns().separator.sub(" ", folded)


def split_words(text: str) -> list[str]:
    """Return the folded words of a text, in order, without their places; here addresses are words too."""
    # ASCII needs no folding first: splitting lowers capitals too.
    return _split(text if text.isascii() else _blank_separators(fold(text)))


def _split(blanked: str) -> list[str]:
    if blanked.isascii():
        return blanked.translate(_ASCII_WORDS).split()
    return _patterns().token.findall(blanked)


def _without_addresses(text: str) -> str:
    """Blank out URLs, which are not words, keeping every other character in its place."""
    return _ADDRESS.sub(lambda match: " " * len(match[0]), text) if _may_have_address(text) else text


def _may_have_address(text: str) -> bool:
    return "://" in text or "ww." in text or "WW." in text


@dataclass(frozen=True, slots=True)
class Token:
    """One word: `text` is folded, `start` and `end` are offsets into the original, `sigil` is "", "#", "@" or "$"."""

    text: str
    start: int
    end: int
    sigil: str


class Folded:
    """One text with its words; each view is computed when first asked for, and kept.

    Word numbers count from 0. URLs are blank here: they are not words.
    """

    __slots__ = (
        "_bounds",
        "_folded",
        "_index",
        "_origins",
        "_positions",
        "_source",
        "_spaced",
        "_unread",
        "_words",
        "original",
    )

    def __init__(self, original: str) -> None:
        self.original: Final = original
        self._source = stream_safe(_without_addresses(original))
        self._folded: str | None = None
        self._words: list[str] | None = None
        self._spaced: str | None = None
        self._positions: dict[str, Sequence[int]] = {}
        self._index: dict[str, list[int]] | None = None
        self._bounds: list[tuple[int, int]] = []
        self._unread: Iterator[re.Match[str]] | None = None
        self._origins: Sequence[int] | None = None

    @property
    def folded(self) -> str:
        """The folded text; separators that are not ASCII are spaces."""
        if self._folded is None:
            self._folded = _blank_separators(_fold_safe(self._source))
        return self._folded

    @property
    def words(self) -> Sequence[str]:
        """The folded words in order."""
        if self._words is None:
            self._words = _split(self._source if self._source.isascii() else self.folded)
        return self._words

    @property
    def spaced(self) -> str:
        """The words with one space before, between and after."""
        if self._spaced is None:
            self._spaced = f" {' '.join(self.words)} "
        return self._spaced

    def has(self, words: str) -> bool:
        """Whether folded words, given with one space between, follow one another somewhere."""
        return f" {words} " in self.spaced

    @property
    def addresses(self) -> Sequence[str]:
        """The URLs that are not among the words."""
        return _ADDRESS.findall(self.original) if _may_have_address(self.original) else ()

    def positions(self, word: str) -> Sequence[int]:
        """Return the numbers of a folded word, ascending."""
        if word not in self._positions:
            self._positions[word] = self._search(word)
        return self._positions[word]

    def _search(self, word: str) -> Sequence[int]:
        if not self.has(word):
            return ()
        if len(self.words) <= _SHORT_TEXT:
            return [number for number, each in enumerate(self.words) if each == word]
        if self._index is None:
            self._index = {}
            for number, each in enumerate(self.words):
                self._index.setdefault(each, []).append(number)
        return self._index[word]

    def sigil(self, number: int) -> str:
        """Return the #, @ or $ just before a word, or an empty string."""
        start, _end = self._bound(number)
        before = self.folded[start - 1] if start else ""
        return before if before in SIGILS else ""

    def place(self, first: int, last: int) -> tuple[int, int]:
        """Return start and end in the original of the words `first` to `last`, both included."""
        if self._origins is None:
            self._origins = _origins(self._source)
        start = self._origins[self._bound(first)[0]]
        stop = self._origins[self._bound(last)[1] - 1] + 1
        # The accents that folding dropped belong to the word.
        return start, stop + sum(1 for _ in takewhile(unicodedata.combining, self.original[stop : stop + _MAX_MARKS]))

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Every token with its place in the original."""
        return tuple(
            Token(word, *self.place(number, number), self.sigil(number)) for number, word in enumerate(self.words)
        )

    def _bound(self, number: int) -> tuple[int, int]:
        """Return start and end of a word in the folded text, reading no further than needed."""
        missing = number + 1 - len(self._bounds)
        if missing > 0:
            if self._unread is None:
                pattern = _ASCII_TOKEN if self.folded.isascii() else _patterns().token
                self._unread = pattern.finditer(self.folded)
            self._bounds += [match.span() for match in islice(self._unread, missing)]
        return self._bounds[number]


def _origins(text: str) -> Sequence[int]:
    """Return for each character of the folded text the offset of the one it came from."""
    if text.isascii():
        return range(len(text))
    changing = {mark for mark in set(text) if mark > _ASCII_TOP and _folded_length(mark) != 1}
    if not changing:
        return range(len(text))
    origins: list[int] = []
    for offset, character in enumerate(text):
        if character in changing:
            origins.extend([offset] * _folded_length(character))
        else:
            origins.append(offset)
    return origins


def tokenise(text: str) -> tuple[Token, ...]:
    """Return the words of a text with their offsets in it; URLs are not words."""
    return Folded(text).tokens


def has_unspaced(text: str) -> bool:
    """Whether a text has letters of a script that writes no spaces, where each character is a token."""
    return not text.isascii() and _UNSPACED_LETTER.search(fold(text)) is not None


def splits_word(text: str, offset: int) -> bool:
    """Whether a cut before the character at `offset` goes through a word rather than between two."""
    if not 0 < offset < len(text):
        return False
    before, after = text[offset - 1], text[offset]
    if not (_is_of_word(before) and _is_of_word(after)):
        return False
    return unicodedata.category(after).startswith("M") or not (has_unspaced(before) or has_unspaced(after))


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character == "_" or unicodedata.category(character).startswith("M")


def content_fingerprint(title: str, text: str) -> str:
    """Return the SHA-256 (64 hex digits) that two items share when they say exactly the same.

    Case, accents, spacing and punctuation do not count; words, addresses and emoji do. A text of nothing but
    punctuation counts as it stands.
    """
    return hashlib.sha256("\0".join((_essence(title), _essence(text))).encode()).hexdigest()


def _essence(text: str) -> str:
    words = " ".join(split_words(text))
    symbols = "" if text.isascii() else _symbols(text)
    return f"{words}\n{symbols}" if words or symbols else repr(text.strip())


def _symbols(text: str) -> str:
    symbols = {mark for mark in set(text) if mark > _ASCII_TOP and unicodedata.category(mark) == "So"}
    return "".join(mark for mark in text if mark in symbols) if symbols else ""
