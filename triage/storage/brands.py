"""Which names are watched, by which queries, and which authors are known?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from triage.domain.mentions import BrandId, QueryId
from triage.storage.dialect import insert_new
from triage.storage.tables import Author, Brand, Query

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class BrandRecord:
    """A watched brand with its query in force."""

    id: BrandId
    slug: str
    name: str
    context_terms: tuple[str, ...]
    known_myths: tuple[str, ...]
    query_id: QueryId
    query_version: int
    query: str


@dataclass(frozen=True, slots=True)
class NewBrand:
    """What a person says about a brand to be watched; `query` was parsed before."""

    slug: str
    name: str
    query: str
    context_terms: tuple[str, ...] = ()
    known_myths: tuple[str, ...] = ()


class Brands:
    """Reads and adds brands, queries and known authors."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def watched(self) -> tuple[BrandRecord, ...]:
        """Return every brand with its active query."""
        statement = (
            select(
                Brand.id,
                Brand.slug,
                Brand.name,
                Brand.context_terms,
                Brand.known_myths,
                Query.id.label("query_id"),
                Query.version,
                Query.text,
            )
            .join(Query, (Query.brand_id == Brand.id) & Query.active)
            .order_by(Brand.id)
        )
        return tuple(
            BrandRecord(
                BrandId(row.id),
                row.slug,
                row.name,
                tuple(row.context_terms),
                tuple(row.known_myths),
                QueryId(row.query_id),
                row.version,
                row.text,
            )
            for row in self._connection.execute(statement)
        )

    def version(self) -> tuple[int, int]:
        """Return a value that changes whenever the set of active queries changes."""
        row = self._connection.execute(select(func.count(Query.id), func.coalesce(func.max(Query.id), 0))).one()
        return row[0], row[1]

    def add(self, brand: NewBrand, now: datetime) -> BrandId | None:
        """Add a brand with the first version of its query; None when the slug is taken."""
        values = {
            "slug": brand.slug,
            "name": brand.name,
            "context_terms": list(brand.context_terms),
            "known_myths": list(brand.known_myths),
            "created_at": now,
        }
        statement = insert_new(self._connection.dialect, Brand.__table__, ["slug"], [Brand.__table__.c.id])
        brand_id = self._connection.execute(statement, [values]).scalar_one_or_none()
        if brand_id is None:
            return None
        self._add_query(brand_id, 1, brand.query, now)
        return BrandId(brand_id)

    def change_query(self, brand_id: BrandId, text: str, now: datetime) -> None:
        """Put a new version of a brand's query into force; the old one is kept."""
        ended = update(Query).where(Query.brand_id == brand_id, Query.active).values(active=False)
        self._connection.execute(ended)
        newest = select(func.coalesce(func.max(Query.version), 0)).where(Query.brand_id == brand_id)
        self._add_query(brand_id, self._connection.execute(newest).scalar_one() + 1, text, now)

    def _add_query(self, brand_id: int, version: int, text: str, now: datetime) -> None:
        values = {"brand_id": brand_id, "version": version, "text": text, "active": True, "created_at": now}
        self._connection.execute(insert(Query), [values])

    def add_authors(self, authors: Sequence[tuple[str, str]]) -> None:
        """Remember (handle, kind) pairs; known pairs are left as they are."""
        if authors:
            rows = [{"handle": handle, "kind": kind} for handle, kind in authors]
            self._connection.execute(insert_new(self._connection.dialect, Author.__table__, ["handle", "kind"]), rows)

    def author_kinds(self, handles: Sequence[str]) -> dict[str, frozenset[str]]:
        """Return what is known of each of `handles`; unknown ones are absent."""
        kinds: dict[str, set[str]] = {}
        if handles:
            statement = select(Author.handle, Author.kind).where(Author.handle.in_(sorted(set(handles))))
            for handle, kind in self._connection.execute(statement):
                kinds.setdefault(handle, set()).add(kind)
        return {handle: frozenset(found) for handle, found in kinds.items()}
