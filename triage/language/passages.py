"""Which sentences of a text are about the brand?

Title and body are cut into sentences (very long ones by force), and those that hold a brand match or stand within two
sentences of one are near. Offsets are into `Passages.text`: the title, a line break, the body; the body alone when
there is no title.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from triage.domain.queries import Span

MAX_TOKENS: Final = 60  # a longer sentence is cut, because VADER sums and so saturates
NEAR_SENTENCES: Final = 2

# End marks with closing quotes, or a line break; a Latin mark ends a sentence only before white space.
# The escapes are the full-width marks of Chinese and Japanese, and curly closing quotes.
_MARKS: Final = re.compile("[.!?…。\uff01\uff1f\n]+[\"'\u201d\u2019»)\\]]*")
_ENDS_ANYWHERE: Final = frozenset("…。\uff01\uff1f\n")
_PIECE: Final = re.compile(rf"(?:\S+\s*){{1,{MAX_TOKENS}}}")
_ABBREVIATIONS: Final = frozenset(
    "mr mrs ms dr st vs no inc ltd co corp jr sr prof gen rep sen gov etc eg ie approx dept est fig".split()  # noqa: SIM905  # a list of words
) | frozenset("m mm mme mlle av bd art p pp cf env tel".split())  # noqa: SIM905  # the French ones


class Sentence(NamedTuple):
    """A sentence from `start` to `end`."""

    start: int
    end: int


class Passages:
    """One text cut into sentences; `near` lists those about the brand, the ones that hold a match first."""

    __slots__ = ("_body_at", "_near_set", "_starts", "holding", "near", "sentences", "spans", "text")

    def __init__(self, title: str, body: str, spans: Sequence[Span] = ()) -> None:
        self.text: Final = f"{title}\n{body}" if title else body
        self._body_at: Final = len(title) + 1 if title else 0
        self.sentences: Final = _sentences(self.text)
        self._starts: Final = [sentence.start for sentence in self.sentences]
        self.spans: Final = sorted(
            (self.offset(span.field, span.start), self.offset(span.field, span.end)) for span in spans
        )
        holding = dict.fromkeys(self.index_at(start) for start, _ in self.spans) if self.sentences else {}
        self.holding: Final = frozenset(holding)
        self.near: Final = self._near_to(list(holding))
        self._near_set: Final = frozenset(self.near)

    def offset(self, field: str, position: int) -> int:
        """Return where a position in the title or the body stands in `text`."""
        return position + self._body_at if field == "body" else position

    def index_at(self, offset: int) -> int:
        """Return the number of the sentence at an offset; white space belongs to the sentence before it."""
        return max(0, bisect_right(self._starts, offset) - 1)

    def is_near(self, offset: int) -> bool:
        """Whether the sentence at an offset is about the brand (all are when no match was given)."""
        return self.index_at(offset) in self._near_set

    def words_of(self, number: int) -> str:
        """Return the text of a sentence."""
        start, end = self.sentences[number]
        return self.text[start:end]

    def spans_in(self, number: int) -> list[tuple[int, int]]:
        """Return the brand matches inside a sentence."""
        start, end = self.sentences[number]
        return [span for span in self.spans if start <= span[0] < end]

    def _near_to(self, holding: list[int]) -> tuple[int, ...]:
        if not holding:
            return tuple(range(len(self.sentences)))
        order = dict.fromkeys(holding)
        for number in holding:
            for neighbour in range(number - NEAR_SENTENCES, number + NEAR_SENTENCES + 1):
                if 0 <= neighbour < len(self.sentences):
                    order.setdefault(neighbour)
        return tuple(order)


def _sentences(text: str) -> list[Sentence]:
    found: list[Sentence] = []
    start = 0
    for match in _MARKS.finditer(text):
        end, marks = match.end(), match[0]
        followed = end == len(text) or text[end].isspace() or not _ENDS_ANYWHERE.isdisjoint(marks)
        if followed and not (marks == "." and _abbreviates(text, match.start())):
            found.extend(_pieces(text, start, end))
            start = end
    found.extend(_pieces(text, start, len(text)))
    return found


def _abbreviates(text: str, dot: int) -> bool:
    """Whether the word before a full stop is an initial or a known abbreviation."""
    word = text[max(0, dot - 7) : dot].rpartition(" ")[2].lower()
    return (
        word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word != "i") or word in {"u.s", "e.g", "i.e"}
    )


def _pieces(text: str, start: int, end: int) -> Iterator[Sentence]:
    """Yield the sentence without outer white space, in pieces of at most MAX_TOKENS tokens; nothing if it is empty."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    if start == end:
        return
    if end - start < 2 * MAX_TOKENS or len(text[start:end].split()) <= MAX_TOKENS:
        yield Sentence(start, end)
        return
    for match in _PIECE.finditer(text, start, end):
        yield Sentence(match.start(), match.start() + len(match[0].rstrip()))
