"""What does a query look at, and where did it find something?"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from triage.domain.text import Folded, split_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# Distances are measured between at most this many hits of an operand in one field. A text that says one word more often
# is not read to its end for NEAR; it keeps a hostile text within S13's 50 ms.
MAX_HITS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Span:
    """A place that made a query true: `start` and `end` are offsets into the original `field` ("title" or "body").

    `term` is the folded term found there; a phrase is its words with one space between.
    """

    field: str
    start: int
    end: int
    term: str


class Part(NamedTuple):
    """One term inside a hit: the numbers of its first and last word, both included."""

    first: int
    last: int
    term: str


class Hit(NamedTuple):
    """A run of words that satisfies a positional clause: from `first` to `last`, both included.

    `parts` are the terms that make it up; `gap` counts the words between the two operands of the outermost NEAR.
    """

    first: int
    last: int
    parts: tuple[Part, ...]
    gap: int = 0


class Finder(Protocol):
    """A clause that finds runs of words; equal clauses of different queries share what they found."""

    def find(self, field: Field) -> Iterator[Hit]:
        """Yield every hit in one field."""


class Hits:
    """The hits of one clause in one field, ready for questions about distance."""

    __slots__ = ("_by_first", "_by_last", "_firsts", "_lasts")

    def __init__(self, hits: Iterable[Hit]) -> None:
        self._by_first: Final = sorted(hits, key=lambda hit: hit.first)
        self._by_last: Final = sorted(self._by_first, key=lambda hit: hit.last)
        self._firsts: Final = [hit.first for hit in self._by_first]
        self._lasts: Final = [hit.last for hit in self._by_last]

    def __iter__(self) -> Iterator[Hit]:
        return iter(self._by_first)

    def __len__(self) -> int:
        return len(self._by_first)

    def after(self, hit: Hit, distance: int) -> Sequence[Hit]:
        """Return the hits that begin behind `hit` with at most `distance` words between."""
        start = bisect_right(self._firsts, hit.last)
        return self._by_first[start : bisect_right(self._firsts, hit.last + distance + 1, start)]

    def before(self, hit: Hit, distance: int) -> Sequence[Hit]:
        """Return the hits that end in front of `hit` with at most `distance` words between."""
        end = bisect_left(self._lasts, hit.first)
        return self._by_last[bisect_left(self._lasts, hit.first - distance - 1, 0, end) : end]

    def nearest(self, hit: Hit, *, ordered: bool) -> int | None:
        """Return the fewest words between `hit` and one of these behind it (or, unless ordered, in front of it)."""
        gaps: list[int] = []
        behind = bisect_right(self._firsts, hit.last)
        if behind < len(self._firsts):
            gaps.append(self._firsts[behind] - hit.last - 1)
        front = bisect_left(self._lasts, hit.first)
        if front and not ordered:
            gaps.append(hit.first - self._lasts[front - 1] - 1)
        return min(gaps, default=None)


class Field:
    """One stream of words of an item; distance and order never leave it."""

    __slots__ = ("_found", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name: Final = name
        self.text: Final = Folded(text)
        self._found: dict[Finder, Hits] = {}

    def hits(self, finder: Finder) -> Hits:
        """Return what a clause finds here, at most MAX_HITS hits, and remember it for the next query."""
        if finder not in self._found:
            self._found[finder] = Hits(islice(finder.find(self), MAX_HITS))
        return self._found[finder]

    def span(self, part: Part) -> Span:
        """Return where a term stands in the original."""
        return Span(self.name, *self.text.place(part.first, part.last), part.term)


class Document:
    """One item as queries see it: built once per item; its words are found when first needed."""

    __slots__ = ("_haystack", "fields")

    def __init__(self, title: str, body: str) -> None:
        self.fields: Final = (Field("title", title), Field("body", body))
        self._haystack: str | None = None

    @property
    def haystack(self) -> str:
        """The words of all fields as one string, for the literals of `Query.anchors`; no literal crosses a field.

        Words inside addresses stand at the end without spaces around them: only what asks for the exact original,
        not for a word, can meet them.
        """
        if self._haystack is None:
            parts = [field.text.spaced for field in self.fields]
            addresses = (address for field in self.fields for address in field.text.addresses)
            parts += ("\0".join(split_words(address)) for address in addresses)
            self._haystack = "\n".join(parts)
        return self._haystack
