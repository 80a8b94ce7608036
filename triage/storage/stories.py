"""Which mentions tell the same story? Fingerprints are unique per brand; the first mention to hold one leads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import delete, select

from triage.domain.mentions import BrandId, MentionId, SourceId, StoryId
from triage.storage.dialect import insert_new
from triage.storage.tables import Story, StoryKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

STORY_WINDOW: Final = timedelta(days=7)
"""A repeat later than this is news again (collection.md §6)."""


class _Holder(NamedTuple):
    """Who leads the story that a fingerprint belongs to."""

    lead: MentionId
    source_id: SourceId
    backfill: bool


@dataclass(frozen=True, slots=True)
class Telling:
    """How a mention tells its story: the fingerprint of its text, and that of its page if it has one.

    One page in two sources is one story. In one source, entries with one link are different entries (the identity
    ladder has said so): the comments on an article, the posts of a thread. They share a story only by their text.
    """

    source_id: SourceId
    text_key: str
    page_key: str | None
    backfill: bool = False
    """A source's first document tells history; it never leads a story that is news elsewhere."""

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
        self._free_history(brand_id, told, held)
        for mention in sorted(told, key=lambda each: (told[each].backfill, each)):
            telling = told[mention]
            lead = _earliest(mention, telling, held)
            for key in telling.keys:
                held.setdefault(key, _Holder(lead, telling.source_id, telling.backfill))
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

    def _offer(self, brand_id: BrandId, held: Mapping[str, _Holder], now: datetime) -> None:
        rows = [
            {
                "brand_id": brand_id,
                "key": key,
                "lead_mention_id": holder.lead,
                "source_id": holder.source_id,
                "backfill": holder.backfill,
                "first_seen_at": now,
            }
            for key, holder in sorted(held.items())  # one order for all, so that two processes cannot deadlock
        ]
        if rows:
            self._connection.execute(
                insert_new(self._connection.dialect, StoryKey.__table__, ["brand_id", "key"]), rows
            )

    def _holders(self, brand_id: BrandId, keys: Sequence[str]) -> dict[str, _Holder]:
        statement = select(StoryKey.key, StoryKey.lead_mention_id, StoryKey.source_id, StoryKey.backfill).where(
            StoryKey.brand_id == brand_id, StoryKey.key.in_(keys)
        )
        return {
            row.key: _Holder(MentionId(row.lead_mention_id), SourceId(row.source_id), row.backfill)
            for row in self._connection.execute(statement)
        }

    def _free_old(self, brand_id: BrandId, keys: Sequence[str], now: datetime) -> None:
        """Free the fingerprints that are older than the window, so that the next mention leads a new story."""
        self._connection.execute(
            delete(StoryKey).where(
                StoryKey.brand_id == brand_id, StoryKey.key.in_(keys), StoryKey.first_seen_at < now - STORY_WINDOW
            )
        )

    def _free_history(self, brand_id: BrandId, told: Mapping[MentionId, Telling], held: dict[str, _Holder]) -> None:
        """Free what only history holds: it started no clock and raised nothing, so the first news of it must lead."""
        news = {key for telling in told.values() if not telling.backfill for key in telling.keys}
        if freed := [key for key in sorted(news) if key in held and held[key].backfill]:
            self._connection.execute(delete(StoryKey).where(StoryKey.brand_id == brand_id, StoryKey.key.in_(freed)))
            for key in freed:
                del held[key]


def _earliest(mention: MentionId, telling: Telling, held: Mapping[str, _Holder]) -> MentionId:
    found = [(key, held[key]) for key in telling.keys if key in held]
    return min(
        (by.lead for key, by in found if key == telling.text_key or by.source_id != telling.source_id), default=mention
    )
