"""Which mentions tell the same story? Fingerprints are unique per brand; the first mention to hold one leads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from sqlalchemy import delete, select

from triage.domain.mentions import BrandId, MentionId, SourceId, StoryId
from triage.storage.dialect import insert_new
from triage.storage.tables import Entry, Mention, Story, StoryKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

STORY_WINDOW: Final = timedelta(days=7)
"""A repeat later than this is news again (collection.md §6)."""

_Held: TypeAlias = "dict[str, tuple[MentionId, SourceId]]"
"""The lead of the story that each fingerprint belongs to, and the lead's source."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How a mention tells its story: the fingerprint of its text, and that of its page if it has one.

    One page in two sources is one story. In one source, entries with one link are different entries (the identity
    ladder has said so): the comments on an article, the posts of a thread. They share a story only by their text.
    """

    source_id: SourceId
    text_key: str
    page_key: str | None

    @property
    def keys(self) -> tuple[str, ...]:
        """The fingerprints, as stored."""
        return (self.text_key,) if self.page_key is None else (self.text_key, self.page_key)


class Stories:
    """Joins mentions to stories by their fingerprints."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def join(self, brand_id: BrandId, told: Mapping[MentionId, Telling], now: datetime) -> dict[MentionId, MentionId]:
        """Return the lead of each mention: itself, or the earliest one that shares a fingerprint with it.

        Safe to run twice and from two processes at once: a fingerprint belongs to whoever inserted it.
        """
        keys = sorted({key for telling in told.values() for key in telling.keys})
        self._free_old(brand_id, keys, now)
        held = self._holders(brand_id, keys)
        for mention in sorted(told):
            lead = _earliest(mention, told[mention], held)
            for key in told[mention].keys:
                held.setdefault(key, (lead, told[mention].source_id))
        self._offer(brand_id, held, now)
        settled = self._holders(brand_id, keys)  # another process may have been first
        return {mention: _earliest(mention, telling, settled) for mention, telling in told.items()}

    def open(self, brand_id: BrandId, leads: Sequence[MentionId], now: datetime) -> None:
        """Make sure that each lead has its story."""
        rows = [{"brand_id": brand_id, "lead_mention_id": lead, "first_seen_at": now} for lead in sorted(set(leads))]
        if rows:
            self._connection.execute(insert_new(self._connection.dialect, Story.__table__, ["lead_mention_id"]), rows)

    def of_leads(self, leads: Sequence[MentionId]) -> dict[MentionId, StoryId]:
        """Return the story of each lead."""
        statement = select(Story.lead_mention_id, Story.id).where(Story.lead_mention_id.in_(sorted(set(leads))))
        return {MentionId(row[0]): StoryId(row[1]) for row in self._connection.execute(statement)}

    def _offer(self, brand_id: BrandId, held: _Held, now: datetime) -> None:
        rows = [
            {"brand_id": brand_id, "key": key, "lead_mention_id": lead, "first_seen_at": now}
            for key, (lead, _) in sorted(held.items())  # one order for all, so that two processes cannot deadlock
        ]
        if rows:
            self._connection.execute(
                insert_new(self._connection.dialect, StoryKey.__table__, ["brand_id", "key"]), rows
            )

    def _holders(self, brand_id: BrandId, keys: Sequence[str]) -> _Held:
        """Return who leads the story of each key, and the source that told it first."""
        statement = (
            select(StoryKey.key, StoryKey.lead_mention_id, Entry.source_id)
            .join(Mention, Mention.id == StoryKey.lead_mention_id)
            .join(Entry, Entry.id == Mention.entry_id)
            .where(StoryKey.brand_id == brand_id, StoryKey.key.in_(keys))
        )
        return {row[0]: (MentionId(row[1]), SourceId(row[2])) for row in self._connection.execute(statement)}

    def _free_old(self, brand_id: BrandId, keys: Sequence[str], now: datetime) -> None:
        """Free the fingerprints that are older than the window, so that the next mention leads a new story."""
        self._connection.execute(
            delete(StoryKey).where(
                StoryKey.brand_id == brand_id, StoryKey.key.in_(keys), StoryKey.first_seen_at < now - STORY_WINDOW
            )
        )


def _earliest(mention: MentionId, telling: Telling, held: _Held) -> MentionId:
    found = [(key, *held[key]) for key in telling.keys if key in held]
    return min(
        (lead for key, lead, source_id in found if key == telling.text_key or source_id != telling.source_id),
        default=mention,
    )
