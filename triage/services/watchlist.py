"""Which brand queries are in force? Compiled once per change, shared by every poll of a process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from triage.domain.queries import Query, parse
from triage.language.term_index import QuerySet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from triage.storage.brands import BrandRecord
    from triage.storage.unit_of_work import Store


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
        parsed = {int(brand.query_id): parse(brand.query) for brand in brands}
        self._watch = Watch(
            version,
            QuerySet(parsed),
            parsed,
            {int(brand.query_id): brand for brand in brands},
            {int(brand.id): brand for brand in brands},
            {int(brand.id): tuple(parse(_phrase(myth)) for myth in brand.known_myths) for brand in brands},
        )
        return self._watch


def _phrase(words: str) -> str:
    return '"' + words.replace('"', " ") + '"'
