"""Which sources are watched, which are due, and who is polling them now?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import aliased

from triage.domain.jobs import MAX_ATTEMPTS
from triage.domain.mentions import SourceId, SourceState
from triage.storage.dialect import insert_new
from triage.storage.tables import Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select

POLL_LEASE: Final = timedelta(seconds=12)
"""Renewed while the poll lives (services/polling.py); after a kill the source is free again this soon."""
NUDGE_AGAIN_AFTER: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class NewSource:
    """A source as a person describes it. `medium` is news, blog, forum, social, review or press."""

    kind: str
    address: str
    title: str = ""
    medium: str = "blog"
    tier: int | None = None
    reach: int | None = None
    hostile: bool = False
    confirmed: bool = False
    language: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    min_interval_seconds: int = 300
    max_interval_seconds: int = 21_600
    watched_since: datetime | None = None
    """When set, what the first poll brings is news and not history (the demo's sources, an import)."""


@dataclass(frozen=True, slots=True)
class LeasedSource:
    """A source leased for one poll, with the state that the poll starts from."""

    id: SourceId
    kind: str
    address: str
    title: str
    cursor: Mapping[str, Any] | None
    identity_policy: str
    failures: float
    gap_seconds: float | None
    min_interval_seconds: int
    max_interval_seconds: int
    last_success_at: datetime | None
    last_entry_at: datetime | None
    moved_to: str | None
    moved_times: int


class Sources:
    """Adds sources, leases those that are due, records the outcome of a poll."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, sources: Sequence[NewSource], now: datetime) -> tuple[SourceId, ...]:
        """Add sources that are not watched yet; each is due at once. Return the ids added."""
        if not sources:
            return ()
        statement = insert_new(self._connection.dialect, Source.__table__, ["kind", "address"], [Source.__table__.c.id])
        rows = [
            {
                "kind": source.kind,
                "address": source.address,
                "title": source.title[:500],
                "medium": source.medium,
                "tier": source.tier,
                "reach": source.reach,
                "hostile": source.hostile,
                "confirmed": source.confirmed,
                "language": source.language,
                "owner": source.owner,
                "tags": list(source.tags),
                "state": SourceState.ACTIVE,
                "created_at": now,
                "next_check_at": now,
                "identity_policy": "guid",
                "min_interval_seconds": source.min_interval_seconds,
                "max_interval_seconds": source.max_interval_seconds,
                "last_success_at": source.watched_since,
            }
            for source in sources
        ]
        return tuple(SourceId(row[0]) for row in self._connection.execute(statement, rows))

    def due(self, now: datetime, limit: int) -> tuple[SourceId, ...]:
        """Mark and return sources that are due, free, and were not nudged a moment ago (one pending poll a source)."""
        wanted = (
            select(Source.id)
            .where(
                _due(now),
                (Source.nudged_at.is_(None)) | (Source.nudged_at <= now - NUDGE_AGAIN_AFTER),
            )
            .order_by(Source.next_check_at, Source.id)
            .limit(limit)
        )
        return self._mark(wanted, nudged_at=now)

    def lease(self, ids: Sequence[int], token: str, now: datetime) -> tuple[SourceId, ...]:
        """Lease those of `ids` that are due and free; a thousand stale nudges make one poll."""
        wanted = select(Source.id).where(Source.id.in_(ids), _due(now)).order_by(Source.id)
        return self._mark(wanted, lease_until=now + POLL_LEASE, lease_token=token, attempts=Source.attempts + 1)

    def _mark(self, wanted: Select[int], **values: Any) -> tuple[SourceId, ...]:
        """Change the rows that `wanted` finds and nobody else is changing; return their ids, in its order.

        In two statements: a locking subquery inside the UPDATE may be run once per row and exceed its own limit.
        """
        ids = self._connection.execute(wanted.with_for_update(skip_locked=True)).scalars().all()
        if ids:
            self._connection.execute(update(Source).where(Source.id.in_(ids)).values(**values))
        return tuple(map(SourceId, ids))

    def renew(self, token: str, now: datetime) -> None:
        """Extend every lease held under `token`."""
        self._connection.execute(update(Source).where(Source.lease_token == token).values(lease_until=now + POLL_LEASE))

    def load(self, ids: Sequence[SourceId]) -> tuple[LeasedSource, ...]:
        """Return leased sources."""
        columns = Source.columns_for(LeasedSource)
        statement = select(*columns).where(Source.id.in_(ids)).order_by(Source.id)
        return tuple(LeasedSource(*row) for row in self._connection.execute(statement))

    def finish(self, source_id: SourceId, token: str, values: Mapping[str, Any]) -> bool:
        """Record the outcome of a poll and end its lease; False when the lease was lost to another poll."""
        statement = (
            update(Source)
            .where(Source.id == source_id, Source.lease_token == token)
            .values(lease_until=None, lease_token=None, nudged_at=None, attempts=0, **values)
            .returning(Source.id)
        )
        return self._connection.execute(statement).one_or_none() is not None

    def policy(self, source_id: SourceId) -> str | None:
        """Return how the entries of a source are told apart, and keep it so until this transaction ends."""
        statement = select(Source.identity_policy).where(Source.id == source_id).with_for_update(read=True)
        return self._connection.execute(statement).scalar_one_or_none()

    def change_policy(self, source_id: SourceId, old: str, new: str) -> bool:
        """Tell the entries of a source apart in another way; False when another poll changed that first."""
        statement = (
            update(Source)
            .where(Source.id == source_id, Source.identity_policy == old)
            .values(identity_policy=new)
            .returning(Source.id)
        )
        return self._connection.execute(statement).one_or_none() is not None

    def readdress(self, source_id: SourceId, address: str) -> bool:
        """Give a source its new address; False when another source has it already."""
        other = aliased(Source)
        taken = select(other.id).where(other.kind == Source.kind, other.address == address).exists()
        statement = (
            update(Source)
            .where(Source.id == source_id, ~taken)
            .values(address=address, moved_to=None, moved_times=0)
            .returning(Source.id)
        )
        return self._connection.execute(statement).one_or_none() is not None

    def exhausted(self, now: datetime) -> tuple[LeasedSource, ...]:
        """Return free sources whose polls died without an outcome as often as is permitted."""
        columns = Source.columns_for(LeasedSource)
        statement = select(*columns).where(_due(now), Source.attempts >= MAX_ATTEMPTS)
        return tuple(LeasedSource(*row) for row in self._connection.execute(statement))

    def record_crash(self, source_id: SourceId, values: Mapping[str, Any]) -> bool:
        """Record that the polls of a source died; False when another process did so first."""
        statement = (
            update(Source)
            .where(Source.id == source_id, Source.attempts >= MAX_ATTEMPTS)
            .values(attempts=0, lease_until=None, lease_token=None, **values)
            .returning(Source.id)
        )
        return self._connection.execute(statement).one_or_none() is not None

    def poll_now(self, source_id: int, now: datetime) -> bool:
        """Make a source due at once; a source that was gone or paused is tried again. False if there is none."""
        statement = (
            update(Source)
            .where(Source.id == source_id)
            .values(next_check_at=now, nudged_at=None, state=SourceState.ACTIVE)
            .returning(Source.id)
        )
        return self._connection.execute(statement).one_or_none() is not None

    def count(self) -> int:
        """Return how many sources there are."""
        return int(self._connection.execute(select(func.count(Source.id))).scalar_one())


def _due(now: datetime) -> ColumnElement[bool]:
    return (
        (Source.state == SourceState.ACTIVE)
        & (Source.next_check_at <= now)
        & (Source.lease_until.is_(None) | (Source.lease_until <= now))
    )
