"""Does an item match a brand query, where, and why or why not?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from triage.domain.errors import QueryError
from triage.domain.queries.logic import And, Not, Or, listed, pushed, unanchored
from triage.domain.queries.parser import Parser
from triage.domain.queries.terms import Word
from triage.domain.queries.vocabulary import COMMON_WORDS, SHORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from triage.domain.queries.documents import Document, Span
    from triage.domain.queries.nodes import Evidence, Node

MANY_EXCLUSIONS: Final = 20


@dataclass(frozen=True, slots=True)
class Query:
    """A brand query that can be carried out; make it with `parse`.

    `terms` are the folded terms it looks for, to mask brand words: a phrase has one space between its words, a prefix
    ends in `*`. `anchors` are literals of which every matching document's `haystack` contains at least one.
    """

    text: str
    root: Node = field(repr=False)
    terms: frozenset[str] = field(repr=False)
    anchors: frozenset[str] = field(repr=False)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """Where and why a query matched: `spans` title first, by offset, and they may overlap; `sentence` for people."""

    spans: tuple[Span, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Miss:
    """Why a query did not match: the first clause that fails."""

    sentence: str


class Prefilter(Protocol):
    """Says quickly which of some literals occur in a text; adapters live in triage/language."""

    def present(self, haystack: str) -> Iterable[int]:
        """Return the numbers of all literals that occur (each at least once), in any order."""


def parse(text: str) -> Query:
    """Return the query that a text states; raises QueryError(code, offset, hint) and nothing else."""
    parser = Parser(text)
    root = pushed(parser.query())
    anchors = root.anchors()
    if anchors is None:
        raise QueryError(
            "needs_positive_term", unanchored(root), "say here what must occur; NOT alone would match nearly all"
        )
    warnings = (*parser.warnings, *_warnings(root))
    return Query(text, root, frozenset(root.terms()), anchors, tuple(dict.fromkeys(warnings)))


def find(query: Query, document: Document) -> Match | None:
    """Return the match, or None without looking for the reason: the form for many queries at once."""
    return _match(query.root.evidence(document)) if query.root.holds(document) else None


def evaluate(query: Query, document: Document) -> Match | Miss:
    """Return where and why the query matches the document, or why it does not."""
    return find(query, document) or Miss(query.root.absence(document))


def _match(evidence: Evidence) -> Match:
    spans = sorted(evidence.spans, key=lambda span: (span.field != "title", span.start, span.end))
    sentence = listed(evidence.because, " and ")
    if evidence.unless:
        sentence += f"; not {listed(evidence.unless)}"
    return Match(tuple(spans), sentence)


def _warnings(root: Node) -> Iterator[str]:
    for word in _lone_words(root):
        if len(word.word) <= SHORT or word.word in COMMON_WORDS:
            yield f"{word.shown} alone is a short or common word: add what else must occur, or {{exact}} spelling"
    if _exclusions(root) > MANY_EXCLUSIONS:
        yield f"more than {MANY_EXCLUSIONS} exclusions: each may hide what you look for; consider fewer, or a phrase"


def _lone_words(node: Node) -> Iterator[Word]:
    """Yield the words that suffice for a match by themselves."""
    if isinstance(node, Word):
        yield node
    elif isinstance(node, Or):
        for child in node.children:
            yield from _lone_words(child)
    elif isinstance(node, And):
        required = [child for child in node.children if not isinstance(child, Not)]
        if len(required) == 1:
            yield from _lone_words(required[0])


def _exclusions(node: Node) -> int:
    if isinstance(node, And | Or):
        return sum(_exclusions(child) for child in node.children)
    return int(isinstance(node, Not))
