"""Which entries are stored? Each once, by source and identity key (I1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.orm import aliased

from triage.domain.mentions import EntryId, SourceId
from triage.storage.dialect import insert_new
from triage.storage.tables import Entry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from triage.domain.entries import ParsedEntry
    from triage.domain.identity import Identified


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """An entry that is stored already."""

    id: EntryId
    key: str
    content_hash: str
    revision: int
    url: str | None


class Entries:
    """Adds entries in batches and finds the known ones."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def known(self, source_id: SourceId, keys: Sequence[str]) -> dict[str, KnownEntry]:
        """Return the stored entries among `keys`, by key."""
        statement = select(Entry.entry_key, Entry.id, Entry.content_hash, Entry.revision, Entry.url).where(
            Entry.source_id == source_id, Entry.entry_key.in_(keys)
        )
        return {
            row.entry_key: KnownEntry(EntryId(row.id), row.entry_key, row.content_hash, row.revision, row.url)
            for row in self._connection.execute(statement)
        }

    def add(
        self, source_id: SourceId, identified: Sequence[Identified], now: datetime, *, backfill: bool
    ) -> dict[str, EntryId]:
        """Insert the entries that are not stored yet; return the ids of those inserted here, by key."""
        if not identified:
            return {}
        columns = Entry.__table__.c
        statement = insert_new(
            self._connection.dialect, Entry.__table__, ["source_id", "entry_key"], [columns.entry_key, columns.id]
        )
        rows = [_row(source_id, each, now, backfill=backfill) for each in identified]
        return {key: EntryId(entry_id) for key, entry_id in self._connection.execute(statement, rows)}

    def revise(self, known: KnownEntry, identified: Identified) -> bool:
        """Store a new text under the same key; False when another process revised it first."""
        entry = identified.entry
        statement = (
            update(Entry)
            .where(Entry.id == known.id, Entry.revision == known.revision)
            .values(
                content_hash=identified.content_hash,
                revision=known.revision + 1,
                title=entry.title,
                text=entry.text,
                html=entry.html,
                url=entry.url,
                author=_author(entry),
            )
            .returning(Entry.id)
        )
        return self._connection.execute(statement).one_or_none() is not None

    def rekey(self, entry_id: EntryId, identified: Identified) -> bool:
        """Give a stored entry the key that it has under its source's new policy; False when another holds that key."""
        other = aliased(Entry)
        taken = select(other.id).where(other.source_id == Entry.source_id, other.entry_key == identified.key).exists()
        statement = (
            update(Entry).where(Entry.id == entry_id, ~taken).values(entry_key=identified.key).returning(Entry.id)
        )
        return self._connection.execute(statement).one_or_none() is not None


def _row(source_id: SourceId, identified: Identified, now: datetime, *, backfill: bool) -> dict[str, object]:
    entry = identified.entry
    return {
        "source_id": source_id,
        "entry_key": identified.key,
        "content_hash": identified.content_hash,
        "url": entry.url,
        "title": entry.title,
        "text": entry.text,
        "html": entry.html,
        "author": _author(entry),
        "language_hint": entry.language[:16] if entry.language else None,
        "published_at": entry.published_at,
        "first_seen_at": now,
        "backfill": backfill,
    }


def _author(entry: ParsedEntry) -> str | None:
    return entry.author[:300] if entry.author else None
