"""Which mentions exist, and which still await assessment?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, literal_column, select, update

from triage.domain.jobs import MAX_ATTEMPTS
from triage.domain.mentions import BrandId, EntryId, MentionId, MentionState, QueryId, SourceId
from triage.storage.dialect import insert_new
from triage.storage.tables import Entry, Mention, Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select

ASSESS_LEASE: Final = timedelta(seconds=15)
NUDGE_AGAIN_AFTER: Final = timedelta(seconds=8)
AWAITS_ASSESSMENT: Final = Mention.state == literal_column(f"'{MentionState.RECEIVED}'")
"""Written out and not bound: an index of such rows only is used when the statement says so itself."""
_DIED: Final = "the worker died while assessing it"
_NO_LONGER_NAMED: Final = "the revised text no longer matches the query"


@dataclass(frozen=True, slots=True)
class NewMention:
    """An entry that a query matched; `match` is the explanation (query version, spans, sentence) as plain JSON."""

    entry_id: EntryId
    brand_id: BrandId
    query_id: QueryId
    match: Mapping[str, Any]
    backfill: bool


@dataclass(frozen=True, slots=True)
class ClaimedMention:
    """A mention leased for assessment, with all that reading and routing need."""

    id: MentionId
    brand_id: BrandId
    attempts: int
    backfill: bool
    match: Mapping[str, Any]
    title: str
    text: str
    url: str | None
    author: str | None
    language_hint: str | None
    source_id: SourceId
    medium: str
    tier: int | None
    reach: int | None
    hostile: bool
    confirmed: bool
    source_language: str | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """What assessment found; `reading` is plain JSON. `state` is queued or duplicate."""

    mention_id: MentionId
    state: MentionState
    reason: str | None
    story_id: int | None
    language: str | None
    sentiment: float | None
    risk_score: float
    risk_level: str
    reading: Mapping[str, Any]


class Mentions:
    """Adds mentions, leases them for assessment, records what was found."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, mentions: Sequence[NewMention], now: datetime) -> tuple[MentionId, ...]:
        """Insert those that do not exist yet (entry and brand); return the ids inserted here."""
        if not mentions:
            return ()
        statement = insert_new(
            self._connection.dialect, Mention.__table__, ["entry_id", "brand_id"], [Mention.__table__.c.id]
        )
        rows = [
            {
                "entry_id": mention.entry_id,
                "brand_id": mention.brand_id,
                "query_id": mention.query_id,
                "match": mention.match,
                "state": MentionState.RECEIVED,
                "received_at": now,
                "nudged_at": now,
                "backfill": mention.backfill,
            }
            for mention in mentions
        ]
        return tuple(MentionId(row[0]) for row in self._connection.execute(statement, rows))

    def receive_again(
        self, entry_id: EntryId, found: Mapping[BrandId, NewMention], now: datetime
    ) -> tuple[MentionId, ...]:
        """Send the mentions of a revised entry through assessment again; their items keep their state.

        `found` are the matches in the new text, by brand; a mention whose brand it no longer names keeps its place
        and loses its spans, which were offsets into the old text. Whoever assesses the old text now loses its lease.
        """
        owned = select(Mention.id, Mention.brand_id, Mention.query_id, Mention.match).where(
            Mention.entry_id == entry_id
        )
        again = []
        for row in self._connection.execute(owned.order_by(Mention.id)).all():
            new = found.get(BrandId(row.brand_id))
            values = {
                "query_id": new.query_id if new else row.query_id,
                "match": new.match if new else {**row.match, "spans": [], "sentence": _NO_LONGER_NAMED},
                "state": MentionState.RECEIVED,
                "attempts": 0,
                "lease_until": None,
                "lease_token": None,
                "nudged_at": now,
            }
            self._connection.execute(update(Mention).where(Mention.id == row.id).values(values))
            again.append(MentionId(row.id))
        return tuple(again)

    def lease(self, ids: Sequence[int], token: str, now: datetime, *, tried: bool) -> tuple[MentionId, ...]:
        """Lease those of `ids` that await assessment and nobody holds; adds one to their attempts.

        `tried` chooses between mentions that failed before and fresh ones: a mention that kills its process
        must not take the rest of a batch with it, so failed ones are leased one at a time.
        """
        wanted = (
            select(Mention.id)
            .where(
                Mention.id.in_(ids),
                AWAITS_ASSESSMENT,
                _free(now),
                Mention.attempts > 0 if tried else Mention.attempts == 0,
                Mention.attempts < MAX_ATTEMPTS,
            )
            .order_by(Mention.id)
            .limit(1 if tried else len(ids))
        )
        return self._mark(wanted, lease_until=now + ASSESS_LEASE, lease_token=token, attempts=Mention.attempts + 1)

    def hold(self, ids: Sequence[MentionId], token: str) -> frozenset[MentionId]:
        """Return those of `ids` that are still leased under `token`, and keep them so until this transaction ends.

        The others ran out and were leased again, or their text was revised: somebody else will record them.
        """
        statement = (
            select(Mention.id)
            .where(Mention.id.in_(ids), AWAITS_ASSESSMENT, Mention.lease_token == token)
            .order_by(Mention.id)
            .with_for_update()
        )
        return frozenset(MentionId(row[0]) for row in self._connection.execute(statement))

    def load(self, ids: Sequence[MentionId]) -> tuple[ClaimedMention, ...]:
        """Return leased mentions with their entry and source, oldest first."""
        statement = (
            select(
                Mention.id,
                Mention.brand_id,
                Mention.attempts,
                Mention.backfill,
                Mention.match,
                Entry.title,
                Entry.text,
                Entry.url,
                Entry.author,
                Entry.language_hint,
                Entry.source_id,
                Source.medium,
                Source.tier,
                Source.reach,
                Source.hostile,
                Source.confirmed,
                Source.language.label("source_language"),
            )
            .join(Entry, Entry.id == Mention.entry_id)
            .join(Source, Source.id == Entry.source_id)
            .where(Mention.id.in_(ids))
            .order_by(Mention.id)
        )
        return tuple(ClaimedMention(*row) for row in self._connection.execute(statement))

    def finish(self, assessments: Sequence[Assessment]) -> None:
        """Record what assessment found and end the leases.

        The caller holds the leases (`hold`); a mention that left `received` meanwhile is not touched.
        """
        if not assessments:
            return
        statement = (
            update(Mention)
            .where(Mention.id == bindparam("b_id"), AWAITS_ASSESSMENT)
            .values(
                state=bindparam("b_state"),
                reason=bindparam("b_reason"),
                story_id=bindparam("b_story"),
                language=bindparam("b_language"),
                sentiment=bindparam("b_sentiment"),
                risk_score=bindparam("b_score"),
                risk_level=bindparam("b_level"),
                reading=bindparam("b_reading", type_=Mention.reading.type),
                lease_until=None,
                lease_token=None,
            )
        )
        self._connection.execute(
            statement,
            [
                {
                    "b_id": each.mention_id,
                    "b_state": each.state,
                    "b_reason": each.reason,
                    "b_story": each.story_id,
                    "b_language": each.language,
                    "b_sentiment": each.sentiment,
                    "b_score": each.risk_score,
                    "b_level": each.risk_level,
                    "b_reading": each.reading,
                }
                for each in assessments
            ],
        )

    def give_back(self, mention_id: MentionId, token: str, reason: str) -> None:
        """End the lease of a mention whose assessment failed; the sweep will find it again."""
        self._connection.execute(
            update(Mention)
            .where(Mention.id == mention_id, AWAITS_ASSESSMENT, Mention.lease_token == token)
            .values(lease_until=None, lease_token=None, reason=reason[:300])
        )

    def due(self, now: datetime, limit: int) -> tuple[MentionId, ...]:
        """Mark and return mentions that await assessment, that nobody holds and whose nudge was lost or is old."""
        wanted = (
            select(Mention.id)
            .where(
                AWAITS_ASSESSMENT,
                Mention.attempts < MAX_ATTEMPTS,
                _free(now),
                (Mention.nudged_at.is_(None)) | (Mention.nudged_at <= now - NUDGE_AGAIN_AFTER),
            )
            .order_by(Mention.received_at, Mention.id)
            .limit(limit)
        )
        return self._mark(wanted, nudged_at=now)

    def bury(self, now: datetime) -> tuple[tuple[MentionId, str], ...]:
        """Move mentions whose attempts are used up to `dead`; return them with the reason (I2)."""
        statement = (
            update(Mention)
            .where(AWAITS_ASSESSMENT, Mention.attempts >= MAX_ATTEMPTS, _free(now))
            .values(
                state=MentionState.DEAD,
                reason=func.coalesce(Mention.reason, _DIED),
                lease_until=None,
                lease_token=None,
            )
            .returning(Mention.id, Mention.reason)
        )
        return tuple((MentionId(row[0]), row[1] or _DIED) for row in self._connection.execute(statement))

    def revive(self, mention_id: MentionId, now: datetime) -> bool:
        """Give a dead mention its attempts back; False when it is not dead."""
        statement = (
            update(Mention)
            .where(Mention.id == mention_id, Mention.state == MentionState.DEAD)
            .values(state=MentionState.RECEIVED, attempts=0, nudged_at=now)
            .returning(Mention.id)
        )
        return self._connection.execute(statement).one_or_none() is not None

    def _mark(self, wanted: Select[int], **values: Any) -> tuple[MentionId, ...]:
        """Change the rows that `wanted` finds and nobody else is changing; return their ids, in its order.

        In two statements: a locking subquery inside the UPDATE may be run once per row and exceed its own limit.
        """
        ids = self._connection.execute(wanted.with_for_update(skip_locked=True)).scalars().all()
        if ids:
            self._connection.execute(update(Mention).where(Mention.id.in_(ids)).values(**values))
        return tuple(map(MentionId, ids))


def _free(now: datetime) -> ColumnElement[bool]:
    return Mention.lease_until.is_(None) | (Mention.lease_until <= now)
