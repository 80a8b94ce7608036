"""How do clauses combine, and how is their combination explained?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

from triage.domain.queries.distance import Near
from triage.domain.queries.nodes import Evidence, Node, Positional, cheapest_anchors, union_of_anchors
from triage.domain.queries.terms import Raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from triage.domain.queries.documents import Document

MAX_LISTED: Final = 6  # clauses named in one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class And(Node):
    """Every clause holds."""

    children: tuple[Node, ...]

    @property
    def shown(self) -> str:
        """The clauses, with an OR among them in brackets."""
        return " AND ".join(f"({child.shown})" if isinstance(child, Or) else child.shown for child in self.children)

    def holds(self, document: Document) -> bool:
        """Whether every clause holds."""
        return all(child.holds(document) for child in self.children)

    def evidence(self, document: Document) -> Evidence:
        """Return the evidence of all clauses together."""
        return _together(child.evidence(document) for child in self.children)

    def absence(self, document: Document) -> str:
        """Return why the first failing clause fails."""
        return next(child.absence(document) for child in self.children if not child.holds(document))

    def anchors(self) -> frozenset[str] | None:
        """Return the literals of the clause that lets the fewest texts through."""
        return cheapest_anchors(self.children)

    def terms(self) -> Iterator[str]:
        """Yield the terms of all clauses."""
        return chain.from_iterable(child.terms() for child in self.children)


@dataclass(frozen=True, slots=True, kw_only=True)
class Or(Node):
    """At least one clause holds; all that hold are reported."""

    children: tuple[Node, ...]

    @property
    def shown(self) -> str:
        """The clauses, with an AND among them in brackets."""
        return " OR ".join(f"({child.shown})" if isinstance(child, And) else child.shown for child in self.children)

    def holds(self, document: Document) -> bool:
        """Whether one clause holds."""
        return any(child.holds(document) for child in self.children)

    def evidence(self, document: Document) -> Evidence:
        """Return the evidence of every clause that holds."""
        return _together(child.evidence(document) for child in self.children if child.holds(document))

    def absence(self, document: Document) -> str:
        """Return why each clause fails, shortly where they are all plain terms."""
        if all(isinstance(child, Positional | Raw) and not isinstance(child, Near) for child in self.children):
            return f"none of {listed(child.shown for child in self.children)} occurs"
        return listed((child.absence(document) for child in self.children), "; ")

    def anchors(self) -> frozenset[str] | None:
        """Return the literals of all clauses."""
        return union_of_anchors(self.children)

    def terms(self) -> Iterator[str]:
        """Yield the terms of all clauses."""
        return chain.from_iterable(child.terms() for child in self.children)


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(Node):
    """The clause holds nowhere in the item."""

    child: Node

    @property
    def shown(self) -> str:
        """The excluded clause behind NOT."""
        return f"NOT ({self.child.shown})" if isinstance(self.child, And | Or | Near) else f"NOT {self.child.shown}"

    def holds(self, document: Document) -> bool:
        """Whether the clause is absent."""
        return not self.child.holds(document)

    def evidence(self, document: Document) -> Evidence:
        """Return that the clause is absent, which has no place."""
        del document
        return Evidence(unless=(self.child.shown,))

    def absence(self, document: Document) -> str:
        """Return which clause occurs although it is excluded."""
        del document
        return f"{self.child.shown} occurs, and the query excludes it"

    def anchors(self) -> frozenset[str] | None:
        """Return None: an absent clause can be found nowhere."""
        return None

    def terms(self) -> Iterator[str]:
        """Yield nothing: an excluded term is not looked for."""
        return iter(())


def pushed(node: Node, *, negated: bool = False, at: int = 0) -> Node:
    """Return the same condition with NOT only above single clauses (De Morgan), so that each is explained alone.

    `at` is the offset of the NOT that is being pushed down.
    """
    if isinstance(node, Not):
        return pushed(node.child, negated=not negated, at=node.start)
    if isinstance(node, And | Or):
        kind = type(node) if not negated else (Or if isinstance(node, And) else And)
        children = tuple(pushed(child, negated=negated, at=at) for child in node.children)
        return kind(children=children, start=children[0].start, end=node.end)
    return Not(child=node, start=at, end=node.end) if negated else node


def unanchored(node: Node) -> int:
    """Return the offset of the first clause that lets a text through although nothing has to occur in it."""
    if isinstance(node, And):
        return unanchored(node.children[0])
    if isinstance(node, Or):
        return unanchored(next(child for child in node.children if child.anchors() is None))
    return node.start


def listed(clauses: Iterable[str], separator: str = ", ") -> str:
    """Return clauses in one line: the first few, and how many more there are."""
    named = list(dict.fromkeys(clauses))
    more = len(named) - MAX_LISTED
    return separator.join(named[:MAX_LISTED]) + (f"{separator}and {more} more" if more > 0 else "")


def _together(parts: Iterable[Evidence]) -> Evidence:
    parts = list(parts)
    return Evidence(
        tuple(dict.fromkeys(span for part in parts for span in part.spans)),
        tuple(dict.fromkeys(reason for part in parts for reason in part.because)),
        tuple(dict.fromkeys(reason for part in parts for reason in part.unless)),
    )
