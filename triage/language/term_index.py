"""Which of thousands of queries can match this text at all?

One Aho-Corasick automaton holds the literals of all queries; a text is read once, and only the queries that it points
at are evaluated (query-language.md §8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ahocorasick_rs import BytesAhoCorasick, Implementation

from triage.domain.queries import Match, Prefilter, Query, find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from triage.domain.queries import Document


class TermIndex:
    """The Prefilter of many literals; reads bytes, since only the literal's number matters and not its place."""

    def __init__(self, literals: Sequence[str]) -> None:
        encoded = [literal.encode() for literal in literals]
        self._automaton: Final = BytesAhoCorasick(encoded, implementation=Implementation.ContiguousNFA)

    def present(self, haystack: str) -> set[int]:
        """Return the numbers of all literals that occur in the text."""
        hits = self._automaton.find_matches_as_indexes(haystack.encode(), overlapping=True)
        return {number for number, _start, _end in hits}


class QuerySet:
    """Many queries compiled once; build a new one when a query changes."""

    def __init__(self, queries: Mapping[int, Query]) -> None:
        self._queries: Final = dict(queries)
        wanted: dict[str, list[int]] = {}
        for key, query in self._queries.items():
            for anchor in query.anchors:
                wanted.setdefault(anchor, []).append(key)
        self._wanted: Final = list(wanted.values())
        self._prefilter: Final[Prefilter] = TermIndex(list(wanted))

    def __len__(self) -> int:
        return len(self._queries)

    def match(self, document: Document) -> dict[int, Match]:
        """Return the matches of all queries, by key ascending."""
        candidates = {key for number in self._prefilter.present(document.haystack) for key in self._wanted[number]}
        matches: dict[int, Match] = {}
        for key in sorted(candidates):
            match = find(self._queries[key], document)
            if match is not None:
                matches[key] = match
        return matches
