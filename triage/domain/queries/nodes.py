"""What must every clause of a query be able to say?

A clause says whether it holds (`holds`), then where and why (`evidence`) or why not (`absence`); which literals every
text that it accepts must contain (`anchors`); and how it is written (`shown`). A new form of the language is a new
class and a line in the parser.

Node
├── Positional      found as runs of words, so it may stand beside NEAR
│   ├── Word  Phrase  Exact  Prefix      terms.py
│   └── AnyOf  Near                      distance.py
├── Raw             an exact substring of the original (terms.py)
└── And  Or  Not    logic.py
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from triage.domain.queries.vocabulary import anchor_cost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from triage.domain.queries.documents import Document, Field, Hit, Span

MAX_SPANS: Final = 100  # per clause and field: enough to highlight, whatever a hostile text repeats


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a clause holds: the places, the clauses that are there, and the clauses that had to be absent and are."""

    spans: tuple[Span, ...] = ()
    because: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node(ABC):
    """A clause; `start` and `end` are offsets into the query and do not tell two clauses apart."""

    start: int = field(compare=False)
    end: int = field(compare=False)

    @property
    @abstractmethod
    def shown(self) -> str:
        """The clause as a person would write it."""

    @abstractmethod
    def holds(self, document: Document) -> bool:
        """Whether the document satisfies the clause."""

    @abstractmethod
    def evidence(self, document: Document) -> Evidence:
        """Return where and why a clause holds that does."""

    @abstractmethod
    def absence(self, document: Document) -> str:
        """Return in words why a clause fails that does not hold."""

    @abstractmethod
    def anchors(self) -> frozenset[str] | None:
        """Return literals of which every accepted document's haystack contains one; None when nothing must occur."""

    @abstractmethod
    def terms(self) -> Iterator[str]:
        """Yield the folded terms the clause looks for; a phrase has one space between its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Positional(Node):
    """A clause that is found as runs of words in a field."""

    @abstractmethod
    def find(self, field: Field) -> Iterator[Hit]:
        """Yield every hit in one field."""

    def reason(self, hits: Sequence[Hit]) -> str:
        """Return how the sentence names the clause, given some of its hits."""
        del hits
        return self.shown

    def holds(self, document: Document) -> bool:
        """Whether some field has a hit."""
        return any(next(self.find(stream), None) is not None for stream in document.fields)

    def evidence(self, document: Document) -> Evidence:
        """Return every place of the clause in title and body, up to MAX_SPANS hits in each."""
        spans: dict[Span, None] = {}
        found: list[Hit] = []
        for stream in document.fields:
            hits = list(islice(self.find(stream), MAX_SPANS))
            found += hits
            spans.update((stream.span(part), None) for hit in hits for part in hit.parts)
        return Evidence(tuple(spans), (self.reason(found),))

    def absence(self, document: Document) -> str:
        """Return that the clause does not occur."""
        del document
        return f"{self.shown} does not occur"


def union_of_anchors(children: Iterable[Node]) -> frozenset[str] | None:
    """Return what one of several clauses needs: all their literals, or nothing if one of them needs nothing."""
    collected: set[str] = set()
    for child in children:
        anchors = child.anchors()
        if anchors is None:
            return None
        collected |= anchors
    return frozenset(collected)


def cheapest_anchors(children: Iterable[Node]) -> frozenset[str] | None:
    """Return what several clauses together need: the literals of the one that will let the fewest texts through."""
    known = (anchors for child in children if (anchors := child.anchors()) is not None)
    return min(known, key=anchor_cost, default=None)
