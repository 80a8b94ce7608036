"""Which words stand near which?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from triage.domain.queries.documents import Document, Field, Hit
from triage.domain.queries.nodes import Positional, cheapest_anchors, union_of_anchors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_PAIRS: Final = 20_000  # that one NEAR weighs in one field, so that a hostile text cannot buy time (S13)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf(Positional):
    """An OR-group beside NEAR."""

    children: tuple[Positional, ...]

    @property
    def shown(self) -> str:
        """The alternatives in brackets."""
        return "(" + " OR ".join(child.shown for child in self.children) + ")"

    def find(self, field: Field) -> Iterator[Hit]:
        """Yield what any alternative finds, each run of words once."""
        seen: set[tuple[int, int]] = set()
        for hit in chain.from_iterable(child.find(field) for child in self.children):
            if (hit.first, hit.last) not in seen:
                seen.add((hit.first, hit.last))
                yield hit

    def anchors(self) -> frozenset[str] | None:
        """Return the literals of all alternatives."""
        return union_of_anchors(self.children)

    def terms(self) -> Iterator[str]:
        """Yield the terms of all alternatives."""
        return chain.from_iterable(child.terms() for child in self.children)


@dataclass(frozen=True, slots=True, kw_only=True)
class Near(Positional):
    """Two runs that do not overlap, with at most `distance` words between; `ordered` wants `left` first.

    A hit spans both, and all pairs are kept: the nearest alone would lose matches in chains.
    """

    left: Positional
    right: Positional
    distance: int
    ordered: bool = False

    @property
    def shown(self) -> str:
        """Both operands with the operator between."""
        return f"{_operand(self.left)} {self._operator} {_operand(self.right)}"

    @property
    def _operator(self) -> str:
        return f"{'O' if self.ordered else ''}NEAR/{self.distance}"

    def find(self, field: Field) -> Iterator[Hit]:
        """Yield the runs from one operand to the other, each extent once."""
        seen: set[tuple[int, int]] = set()
        for first, second in islice(self._pairs(field), MAX_PAIRS):
            outer = (first.first, second.last)
            if outer not in seen:
                seen.add(outer)
                yield Hit(*outer, first.parts + second.parts, second.first - first.last - 1)

    def _pairs(self, field: Field) -> Iterator[tuple[Hit, Hit]]:
        right = field.hits(self.right)
        if not right:
            return
        for hit in field.hits(self.left):
            for behind in right.after(hit, self.distance):
                yield hit, behind
            if not self.ordered:
                for front in right.before(hit, self.distance):
                    yield front, hit

    def reason(self, hits: Sequence[Hit]) -> str:
        """Return the clause with the distance at which it was met."""
        return f"{self.shown} ({min(hit.gap for hit in hits)} apart)"

    def absence(self, document: Document) -> str:
        """Return which operand is missing, or how far apart the nearest two are."""
        for side in (self.left, self.right):
            if not any(stream.hits(side) for stream in document.fields):
                return side.absence(document)
        gaps = [self._nearest(stream) for stream in document.fields]
        nearest = min((gap for gap in gaps if gap is not None), default=None)
        if nearest is not None:
            return f"{self.shown}: closest {nearest} apart"
        return f"{self.shown}: both occur, but not {'in this order' if self.ordered else 'as two places'} in one field"

    def _nearest(self, stream: Field) -> int | None:
        right = stream.hits(self.right)
        gaps = (right.nearest(hit, ordered=self.ordered) for hit in stream.hits(self.left))
        return min((gap for gap in gaps if gap is not None), default=None)

    def anchors(self) -> frozenset[str] | None:
        """Return the literals of the rarer operand: both must occur."""
        return cheapest_anchors((self.left, self.right))

    def terms(self) -> Iterator[str]:
        """Yield the terms of both operands."""
        return chain(self.left.terms(), self.right.terms())


def _operand(clause: Positional) -> str:
    return f"({clause.shown})" if isinstance(clause, Near) else clause.shown
