"""Where does each mention wait, and who has it? Moves are guarded UPDATEs: no row back means somebody was first."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from triage.domain.mentions import (
    CLAIM_LEASE_MINUTES,
    FROM_STATES,
    BrandId,
    Disposition,
    ItemId,
    ItemMove,
    ItemState,
    MentionId,
    ProcessVersionId,
    UserId,
)
from triage.storage.dialect import insert_new
from triage.storage.tables import Item, Note, User

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection


@dataclass(frozen=True, slots=True)
class NewItem:
    """A routed mention; `route` is the explanation (roles, actions, targets, reasons …) as plain JSON."""

    mention_id: MentionId
    brand_id: BrandId
    process_version_id: ProcessVersionId
    category: str
    rule_id: str
    queue: str
    rank: int
    awaiting_action: bool
    route: Mapping[str, Any]
    raises: str | None
    ack_due_at: datetime | None
    respond_due_at: datetime | None
    close_due_at: datetime | None
    priority_at: datetime


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """The state of an item that its moves depend on."""

    id: ItemId
    mention_id: MentionId
    queue: str
    rank: int
    awaiting_action: bool
    category: str
    state: ItemState
    owner_id: UserId | None
    owner: str | None
    claimed_at: datetime | None
    claim_until: datetime | None
    disposition: str | None
    disposition_reason: str | None
    closed_at: datetime | None
    revision: int


_RECORD_FIELDS: Final = tuple(each.name for each in fields(ItemRecord))


@dataclass(frozen=True, slots=True)
class Closing:
    """How an item ends."""

    disposition: Disposition
    reason: str


class Items:
    """Adds items and moves them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, items: Sequence[NewItem], now: datetime) -> dict[MentionId, ItemId]:
        """Insert an item for each mention that has none; return those inserted here."""
        if not items:
            return {}
        columns = Item.__table__.c
        statement = insert_new(
            self._connection.dialect, Item.__table__, ["mention_id"], [columns.mention_id, columns.id]
        )
        rows = [_row(item, now) for item in items]
        return {MentionId(row[0]): ItemId(row[1]) for row in self._connection.execute(statement, rows)}

    def take(self, item_id: int) -> ItemRecord | None:
        """Return an item, or None, and keep others from moving it until this transaction ends.

        So what the audit trail says about the state before a move is what the move found.
        """
        columns = [User.name.label("owner") if each == "owner" else getattr(Item, each) for each in _RECORD_FIELDS]
        statement = (
            select(*columns)
            .outerjoin(User, User.id == Item.owner_id)
            .where(Item.id == item_id)
            .with_for_update(of=Item)
        )
        row = self._connection.execute(statement).one_or_none()
        if row is None:
            return None
        return ItemRecord(**{**row._mapping, "state": ItemState(row.state)})  # noqa: SLF001  # SQLAlchemy's public name

    def of_mentions(self, mention_ids: Sequence[MentionId]) -> dict[MentionId, tuple[ItemId, int, ItemState]]:
        """Return (id, rank, state) of the items of these mentions, by mention."""
        statement = select(Item.mention_id, Item.id, Item.rank, Item.state).where(Item.mention_id.in_(mention_ids))
        return {
            MentionId(row[0]): (ItemId(row[1]), row[2], ItemState(row[3]))
            for row in self._connection.execute(statement)
        }

    def claim(self, item_id: int, user_id: UserId, now: datetime) -> bool:
        """Give an open item, or one whose claim ran out, to a person; False when somebody else has it (I6)."""
        claimable = Item.state.in_(FROM_STATES[ItemMove.CLAIM]) | _ran_out(now)
        return self._move(
            item_id,
            claimable,
            now,
            state=ItemState.CLAIMED,
            owner_id=user_id,
            claimed_at=now,
            claim_until=now + timedelta(minutes=CLAIM_LEASE_MINUTES),
        )

    def renew_claim(self, item_id: int, user_id: UserId, now: datetime) -> bool:
        """Extend a person's own claim; activity of the owner renews the lease (U07)."""
        statement = (
            update(Item)
            .where(Item.id == item_id, Item.state == ItemState.CLAIMED, Item.owner_id == user_id)
            .values(claim_until=now + timedelta(minutes=CLAIM_LEASE_MINUTES))
            .returning(Item.id)
        )
        return self._connection.execute(statement).one_or_none() is not None

    def release(self, item_id: int, user_id: UserId, now: datetime) -> bool:
        """Give a person's own item back; False when it is not theirs."""
        mine = (Item.state == ItemState.CLAIMED) & (Item.owner_id == user_id)
        return self._move(item_id, mine, now, state=ItemState.OPEN, owner_id=None, claimed_at=None, claim_until=None)

    def close(self, item_id: int, user_id: UserId, closing: Closing, now: datetime) -> bool:
        """Close an open item or one's own; False when somebody else has it or it is closed."""
        return self._move(
            item_id,
            _mine_or_free(user_id, now),
            now,
            state=ItemState.CLOSED,
            owner_id=user_id,
            claim_until=None,
            closed_at=now,
            disposition=closing.disposition,
            disposition_reason=closing.reason or None,
        )

    def reassign(self, item_id: int, user_id: UserId, to: Mapping[str, Any], now: datetime) -> bool:
        """Hand an open item or one's own to another queue (`to`: queue, rank, awaiting_action …)."""
        return self._move(
            item_id,
            _mine_or_free(user_id, now),
            now,
            state=ItemState.OPEN,
            owner_id=None,
            claimed_at=None,
            claim_until=None,
            **to,
        )

    def raise_to(self, item_id: int, item: NewItem, now: datetime) -> bool:
        """Move an item that is not closed to a more urgent route; owner and state stay.

        A queue of the same rank may hold the more urgent category; a queue of higher rank never takes an item back
        from where a person put it.
        """
        rising = Item.state.in_(FROM_STATES[ItemMove.RAISE]) & (Item.rank >= item.rank)
        values = _row(item, now)
        for fixed in ("mention_id", "brand_id", "state", "queued_at", "updated_at"):
            del values[fixed]
        return self._move(item_id, rising, now, **values)

    def restore(self, item_id: int, expected_revision: int, before: Mapping[str, Any], now: datetime) -> bool:
        """Put back what an own move changed, if nothing happened to the item since; False otherwise."""
        return self._move(item_id, Item.revision == expected_revision, now, **before)

    def return_expired(self, now: datetime) -> tuple[tuple[ItemId, UserId], ...]:
        """Give back items whose claim ran out; return them with their former owners."""
        owned = select(Item.id, Item.owner_id).where(_ran_out(now))
        former = {row[0]: row[1] for row in self._connection.execute(owned)}
        returned = [
            item_id
            for item_id in sorted(former)
            if self._move(
                item_id,
                _ran_out(now),
                now,
                state=ItemState.OPEN,
                owner_id=None,
                claimed_at=None,
                claim_until=None,
            )
        ]
        return tuple((ItemId(item_id), UserId(former[item_id] or 0)) for item_id in returned)

    def add_note(self, item_id: int, user_id: UserId, text: str, now: datetime) -> int:
        """Add a note and return its id."""
        values = {"item_id": item_id, "user_id": user_id, "text": text, "at": now}
        return int(self._connection.execute(insert(Note).returning(Note.id), [values]).scalar_one())

    def withdraw_note(self, note_id: int, now: datetime) -> bool:
        """Withdraw a note; False when it is withdrawn already."""
        statement = (
            update(Note)
            .where(Note.id == note_id, Note.withdrawn_at.is_(None))
            .values(withdrawn_at=now)
            .returning(Note.id)
        )
        return self._connection.execute(statement).one_or_none() is not None

    def _move(self, item_id: int, guard: ColumnElement[bool], now: datetime, **values: Any) -> bool:
        statement = (
            update(Item)
            .where(Item.id == item_id, guard)
            .values(revision=Item.revision + 1, updated_at=now, **values)
            .returning(Item.id)
        )
        return self._connection.execute(statement).one_or_none() is not None


def _ran_out(now: datetime) -> ColumnElement[bool]:
    return (Item.state == ItemState.CLAIMED) & (Item.claim_until <= now)


def _mine_or_free(user_id: UserId, now: datetime) -> ColumnElement[bool]:
    own = (Item.state == ItemState.CLAIMED) & (Item.owner_id == user_id)
    return (Item.state == ItemState.OPEN) | own | _ran_out(now)


def _row(item: NewItem, now: datetime) -> dict[str, Any]:
    return {
        "mention_id": item.mention_id,
        "brand_id": item.brand_id,
        "process_version_id": item.process_version_id,
        "category": item.category,
        "rule_id": item.rule_id,
        "queue": item.queue,
        "rank": item.rank,
        "awaiting_action": item.awaiting_action,
        "route": item.route,
        "raises": item.raises,
        "state": ItemState.OPEN,
        "queued_at": now,
        "ack_due_at": item.ack_due_at,
        "respond_due_at": item.respond_due_at,
        "close_due_at": item.close_due_at,
        "priority_at": item.priority_at,
        "updated_at": now,
    }
