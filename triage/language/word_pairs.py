"""Where do words of two lists stand near one another, found quickly?

`("worst" OR "poor" …) NEAR/3 (service OR support …)` has hundreds of pairs, and most texts hold some word of one list.
This finds the same hits as the query language's NEAR (a test compares them) by set operations on the text's word index.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Final

from triage.domain.queries.distance import AnyOf, Near
from triage.domain.queries.terms import Word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from triage.domain.queries.documents import Field
    from triage.domain.queries.nodes import Positional


class Stream:
    """One field of a document while rules look at it."""

    def __init__(self, field: Field) -> None:
        self.field: Final = field

    @cached_property
    def index(self) -> dict[str, list[int]]:
        """The numbers of each distinct word, ascending."""
        index: dict[str, list[int]] = {}
        for number, word in enumerate(self.field.text.words):
            if word in index:
                index[word].append(number)
            else:
                index[word] = [number]
        return index


@dataclass(frozen=True, slots=True)
class _Operand:
    """One side of a NEAR: plain words, and whatever else has to be looked for one by one."""

    words: frozenset[str]
    others: tuple[Positional, ...]

    def runs(self, stream: Stream) -> list[tuple[int, int]]:
        """Return the first and last word number of every occurrence, in order."""
        index = stream.index
        found = [(number, number) for word in self.words & index.keys() for number in index[word]]
        for other in self.others:
            found.extend((hit.first, hit.last) for hit in other.find(stream.field))
        found.sort()
        return found


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds one alternative of a pattern as runs of words."""

    clause: Positional
    sides: tuple[_Operand, _Operand] | None = None

    def runs(self, stream: Stream) -> Iterator[tuple[int, int]]:
        """Yield the number of the first and the last word of every find, each once."""
        if self.sides is None or not isinstance(self.clause, Near):
            yield from ((hit.first, hit.last) for hit in self.clause.find(stream.field))
            return
        left = self.sides[0].runs(stream)
        right = self.sides[1].runs(stream) if left else []
        if right:
            pairs = _following(left, right, self.clause.distance)
            if not self.clause.ordered:
                pairs = chain(pairs, _following(right, left, self.clause.distance))
            seen: set[tuple[int, int]] = set()
            for run in pairs:  # one by one: the caller stops early
                if run not in seen:
                    seen.add(run)
                    yield run


def _following(before: list[tuple[int, int]], after: list[tuple[int, int]], distance: int) -> Iterator[tuple[int, int]]:
    """Yield the run from `before` to `after` where the latter begins at most `distance` words behind the former."""
    firsts = [first for first, _ in after]
    for start, end in before:
        for _, last in after[bisect_left(firsts, end + 1) : bisect_right(firsts, end + 1 + distance)]:
            yield start, last


def finder(clause: Positional) -> Finder:
    """Return the quickest way to find a clause."""
    if isinstance(clause, Near):
        return Finder(clause, (_operand(clause.left), _operand(clause.right)))
    return Finder(clause)


def _operand(clause: Positional) -> _Operand:
    members = clause.children if isinstance(clause, AnyOf) else (clause,)
    words = frozenset(member.word for member in members if isinstance(member, Word) and not member.sigil)
    return _Operand(words, tuple(member for member in members if not (isinstance(member, Word) and not member.sigil)))
