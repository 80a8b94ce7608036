"""Which mentions tell the same story? Fingerprints are unique per brand; the first mention to hold one leads."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select

from triage.domain.mentions import BrandId, MentionId, StoryId
from triage.storage.dialect import insert_new
from triage.storage.tables import Story, StoryKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

STORY_WINDOW: Final = timedelta(days=7)
"""A repeat later than this is news again (collection.md §6)."""


class Stories:
    """Joins mentions to stories by their fingerprints."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def join(
        self, brand_id: BrandId, keys_by_mention: Mapping[MentionId, Sequence[str]], now: datetime
    ) -> dict[MentionId, MentionId]:
        """Return the lead of each mention: itself, or the earliest one that shares a fingerprint with it.

        Safe to run twice and from two processes at once: a fingerprint belongs to whoever inserted it.
        """
        keys = sorted({key for own in keys_by_mention.values() for key in own})
        self._free_old(brand_id, keys, now)
        holders = self._holders(brand_id, keys)
        for mention in sorted(keys_by_mention):
            lead = _earliest(mention, keys_by_mention[mention], holders)
            for key in keys_by_mention[mention]:
                holders.setdefault(key, lead)
        self._offer(brand_id, holders, now)
        settled = self._holders(brand_id, keys)  # another process may have been first
        return {mention: _earliest(mention, own, settled) for mention, own in keys_by_mention.items()}

    def open(self, brand_id: BrandId, leads: Sequence[MentionId], now: datetime) -> None:
        """Make sure that each lead has its story."""
        rows = [{"brand_id": brand_id, "lead_mention_id": lead, "first_seen_at": now} for lead in sorted(set(leads))]
        if rows:
            self._connection.execute(insert_new(self._connection.dialect, Story.__table__, ["lead_mention_id"]), rows)

    def of_leads(self, leads: Sequence[MentionId]) -> dict[MentionId, StoryId]:
        """Return the story of each lead."""
        statement = select(Story.lead_mention_id, Story.id).where(Story.lead_mention_id.in_(sorted(set(leads))))
        return {MentionId(row[0]): StoryId(row[1]) for row in self._connection.execute(statement)}

    def _offer(self, brand_id: BrandId, holders: Mapping[str, MentionId], now: datetime) -> None:
        rows = [
            {"brand_id": brand_id, "key": key, "lead_mention_id": lead, "first_seen_at": now}
            for key, lead in sorted(holders.items())  # one order for all, so that two processes cannot deadlock
        ]
        if rows:
            self._connection.execute(
                insert_new(self._connection.dialect, StoryKey.__table__, ["brand_id", "key"]), rows
            )

    def _holders(self, brand_id: BrandId, keys: Sequence[str]) -> dict[str, MentionId]:
        statement = select(StoryKey.key, StoryKey.lead_mention_id).where(
            StoryKey.brand_id == brand_id, StoryKey.key.in_(keys)
        )
        return {row[0]: MentionId(row[1]) for row in self._connection.execute(statement)}

    def _free_old(self, brand_id: BrandId, keys: Sequence[str], now: datetime) -> None:
        """Free the fingerprints that are older than the window, so that the next mention leads a new story."""
        self._connection.execute(
            delete(StoryKey).where(
                StoryKey.brand_id == brand_id, StoryKey.key.in_(keys), StoryKey.first_seen_at < now - STORY_WINDOW
            )
        )


def _earliest(mention: MentionId, keys: Sequence[str], holders: Mapping[str, MentionId]) -> MentionId:
    return min((holders[key] for key in keys if key in holders), default=mention)
