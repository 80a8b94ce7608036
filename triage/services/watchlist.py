"""Which brand queries are in force? Compiled once per change, shared by every poll of a process."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from triage.domain.errors import QueryError
from triage.domain.queries import Query, parse
from triage.domain.text import split_words
from triage.language.term_index import QuerySet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from triage.storage.brands import BrandRecord
    from triage.storage.unit_of_work import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """The queries in force: `match` finds candidates, the maps tell whose they are (by query id and by brand id)."""

    version: tuple[int, int]
    queries: QuerySet
    parsed: Mapping[int, Query]
    by_query: Mapping[int, BrandRecord]
    by_brand: Mapping[int, BrandRecord]
    myths: Mapping[int, tuple[Query, ...]]
    """What is known to be false about a brand, as phrases, by brand id."""
    contexts: Mapping[int, frozenset[str]]
    """Words of which one shows that an ambiguous name means the brand, folded, by brand id."""


class Watchlist:
    """Gives the queries in force; asks the database whether they changed, compiles only when they did."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watch: Watch | None = None

    def current(self) -> Watch:
        """Return the queries in force."""
        with self._store.read() as tx:
            version = tx.brands.version()
            if self._watch is not None and self._watch.version == version:
                return self._watch
            brands = tx.brands.watched()
        parsed = {int(brand.query_id): query for brand in brands if (query := _parsed(brand.slug, brand.query))}
        self._watch = Watch(
            version,
            QuerySet(parsed),
            parsed,
            {int(brand.query_id): brand for brand in brands},
            {int(brand.id): brand for brand in brands},
            {int(brand.id): tuple(_myths(brand)) for brand in brands},
            {int(brand.id): frozenset(map(_folded, brand.context_terms)) for brand in brands},
        )
        return self._watch


def _parsed(slug: str, text: str) -> Query | None:
    """Return a stored query, or None: one that this version cannot read must not stop the other brands."""
    try:
        return parse(text)
    except QueryError as error:
        _log.error("A query of the brand %s cannot be read and finds nothing: %s", slug, error)
        return None


def _myths(brand: BrandRecord) -> Iterator[Query]:
    for myth in brand.known_myths:
        if query := _parsed(brand.slug, phrase(myth)):
            yield query


def _folded(term: str) -> str:
    return " ".join(split_words(term))


def phrase(words: str) -> str:
    """Return the query that finds these words in this order."""
    return '"' + words.replace('"', " ") + '"'
