"""What happens when a person acts on an item? Claim, release, close, hand over, note, undo.

Each function is one transaction with its audit event. A refusal says who has the item (I6); running a move twice has
one effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from triage.domain.errors import AlreadyClaimed, NotFound, NotPermitted
from triage.domain.mentions import CLAIM_LEASE_MINUTES, Disposition, ItemMove, ItemState, UserId
from triage.services.typed_text import tidy
from triage.storage.audit import SYSTEM, Actor, AuditRecord
from triage.storage.items import Closing, ItemRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import RowMapping

    from triage.domain.process import Process
    from triage.storage.unit_of_work import Store, Transaction

UNDOABLE: Final = (ItemMove.CLAIM, ItemMove.RELEASE, ItemMove.CLOSE, ItemMove.REASSIGN, ItemMove.NOTE)
_MOVES: Final = (*UNDOABLE[:-1], ItemMove.RAISE)
_MAX_TEXT: Final = 4_000
_MAX_REASON: Final = 500
_TIMES: Final = frozenset({"claimed_at", "claim_until", "closed_at"})


@dataclass(frozen=True, slots=True)
class Person:
    """The person who acts."""

    id: UserId
    name: str

    @property
    def actor(self) -> Actor:
        """The person as the audit trail names them."""
        return Actor(self.id, self.name)


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo put back."""

    item_id: int
    action: str


def claim(store: Store, item_id: int, person: Person) -> None:
    """Give the item to `person`; claiming one's own item renews the claim.

    Raises:
        AlreadyClaimed: somebody else has it.
        NotPermitted: it is closed.
        NotFound: there is no such item.
    """
    store.write(partial(_claim, item_id, person))


def release(store: Store, item_id: int, person: Person) -> None:
    """Give the item back to its queue. Raises AlreadyClaimed, NotPermitted, NotFound."""
    store.write(partial(_release, item_id, person))


def close(store: Store, item_id: int, person: Person, closing: Closing) -> None:
    """Close an open item or one's own; the reason holds at most 500 characters.

    Raises AlreadyClaimed, NotPermitted, NotFound.
    """
    reason = tidy(closing.reason)
    if len(reason) > _MAX_REASON:
        raise NotPermitted(f"A reason holds at most {_MAX_REASON} characters; this one has {len(reason):,}.")
    store.write(partial(_close, item_id, person, Closing(closing.disposition, reason)))


def reassign(store: Store, item_id: int, person: Person, to_queue: str, process: Process) -> None:
    """Hand an open item or one's own to another queue of `process`, where it is open again.

    Raises:
        NotPermitted: the queue does not exist, or the item is closed.
        AlreadyClaimed: somebody else has it.
        NotFound: there is no such item.
    """
    queue = process.queues.get(to_queue)
    if queue is None:
        raise NotPermitted(f"There is no queue named {to_queue}; choose one of {', '.join(sorted(process.queues))}.")
    to = {"queue": queue.name, "rank": queue.rank, "awaiting_action": queue.awaiting_action}
    store.write(partial(_reassign, item_id, person, to))


def add_note(store: Store, item_id: int, person: Person, text: str) -> None:
    """Write a note for colleagues, 1 to 4,000 characters. Raises NotPermitted, NotFound."""
    note = tidy(text)
    if not note:
        raise NotPermitted("A note needs some text.")
    if len(note) > _MAX_TEXT:
        raise NotPermitted(f"A note holds at most {_MAX_TEXT:,} characters; this one has {len(note):,}.")
    store.write(partial(_add_note, item_id, person, note))


def undo(store: Store, person: Person) -> Undone:
    """Put back the newest own step that was not undone.

    Raises:
        NotPermitted: there is none, or the item has changed since.
    """
    return store.write(partial(_undo, person))


def return_expired_claims(store: Store) -> int:
    """Give back items whose claim ran out (15 minutes without activity); return how many."""
    return store.write(_return_expired)


def _claim(item_id: int, person: Person, tx: Transaction) -> None:
    before = _existing(tx, item_id)
    if (
        before.owner_id == person.id
        and before.state is ItemState.CLAIMED
        and tx.items.renew_claim(item_id, person.id, tx.now)
    ):
        return
    if not tx.items.claim(item_id, person.id, tx.now):
        raise _refusal(tx, item_id)
    _record(tx, person.actor, ItemMove.CLAIM, before)


def _release(item_id: int, person: Person, tx: Transaction) -> None:
    before = _existing(tx, item_id)
    if before.state is ItemState.OPEN:
        return
    if not tx.items.release(item_id, person.id, tx.now):
        raise _refusal(tx, item_id)
    _record(tx, person.actor, ItemMove.RELEASE, before)


def _close(item_id: int, person: Person, closing: Closing, tx: Transaction) -> None:
    before = _existing(tx, item_id)
    if _was_closed_alike(before, person, closing):
        return
    if not tx.items.close(item_id, person.id, closing, tx.now):
        raise _refusal(tx, item_id)
    details = {"disposition": closing.disposition, "reason": closing.reason}
    _record(tx, person.actor, ItemMove.CLOSE, before, details)


def _was_closed_alike(item: ItemRecord, person: Person, closing: Closing) -> bool:
    said = (item.disposition, item.disposition_reason or "")
    return (
        item.state is ItemState.CLOSED and item.owner_id == person.id and said == (closing.disposition, closing.reason)
    )


def _reassign(item_id: int, person: Person, to: Mapping[str, Any], tx: Transaction) -> None:
    before = _existing(tx, item_id)
    if before.state is ItemState.OPEN and before.queue == to["queue"]:
        return
    if not tx.items.reassign(item_id, person.id, to, tx.now):
        raise _refusal(tx, item_id)
    _record(tx, person.actor, ItemMove.REASSIGN, before, {"from": before.queue, "to": to["queue"]})


def _add_note(item_id: int, person: Person, text: str, tx: Transaction) -> None:
    _existing(tx, item_id)
    note_id = tx.items.add_note(item_id, person.id, text, tx.now)
    tx.items.renew_claim(item_id, person.id, tx.now)
    tx.audit.append(tx.now, person.actor, [AuditRecord(ItemMove.NOTE, "item", item_id, {"note_id": note_id})])


def _undo(person: Person, tx: Transaction) -> Undone:
    event = tx.audit.last_undoable(person.id, UNDOABLE)
    if event is None:
        raise NotPermitted("There is nothing to undo.")
    restored = _withdraw_note(tx, event) if event["action"] == ItemMove.NOTE else _put_back(tx, event)
    if not (restored and tx.audit.mark_undone(event["id"], tx.now)):
        raise NotPermitted("The item has changed since; this step can no longer be undone.")
    undone = Undone(event["subject_id"], event["action"])
    details = {"undid": undone.action, "event_id": event["id"]}
    tx.audit.append(tx.now, person.actor, [AuditRecord(ItemMove.UNDO, "item", undone.item_id, details)])
    return undone


def _withdraw_note(tx: Transaction, event: RowMapping) -> bool:
    return tx.items.withdraw_note(event["details"]["note_id"], tx.now)


def _put_back(tx: Transaction, event: RowMapping) -> bool:
    item = _existing(tx, event["subject_id"])  # taken before the trail is read, so that no move comes between
    if tx.audit.newest_move(item.id, _MOVES) != event["id"]:
        return False
    before = {
        name: datetime.fromisoformat(value) if name in _TIMES and value else value
        for name, value in event["details"]["before"].items()
    }
    if before["state"] == ItemState.CLAIMED and before["owner_id"] == event["actor_id"]:
        # To undo is to act: one's own claim comes back whole, not with the minutes it had left.
        before["claim_until"] = tx.now + timedelta(minutes=CLAIM_LEASE_MINUTES)
    return tx.items.restore(item.id, item.revision, before, tx.now)


def _return_expired(tx: Transaction) -> int:
    returned = tx.items.return_expired(tx.now)
    records = [
        AuditRecord(ItemMove.RELEASE, "item", item_id, {"reason": "claim ran out", "owner_id": owner_id})
        for item_id, owner_id in returned
    ]
    tx.audit.append(tx.now, SYSTEM, records)
    return len(returned)


def _existing(tx: Transaction, item_id: int) -> ItemRecord:
    item = tx.items.take(item_id)
    if item is None:
        raise NotFound("There is no such item.")
    return item


def _refusal(tx: Transaction, item_id: int) -> AlreadyClaimed | NotPermitted:
    item = _existing(tx, item_id)
    if item.state is ItemState.CLAIMED and item.owner is not None:
        return AlreadyClaimed(item.owner, item.claimed_at)
    if item.state is ItemState.CLOSED:
        return NotPermitted(f"{item.owner or 'Somebody'} has closed this item as {item.disposition}.")
    return NotPermitted("The item has changed meanwhile. Load it again.")


def _record(
    tx: Transaction, actor: Actor, move: ItemMove, before: ItemRecord, details: Mapping[str, Any] | None = None
) -> None:
    tx.audit.append(
        tx.now, actor, [AuditRecord(move, "item", before.id, {**(details or {}), "before": _snapshot(before)})]
    )


def _snapshot(item: ItemRecord) -> dict[str, Any]:
    return {
        "state": item.state,
        "owner_id": item.owner_id,
        "claimed_at": item.claimed_at and item.claimed_at.isoformat(),
        "claim_until": item.claim_until and item.claim_until.isoformat(),
        "queue": item.queue,
        "rank": item.rank,
        "awaiting_action": item.awaiting_action,
        "disposition": item.disposition,
        "disposition_reason": item.disposition_reason,
        "closed_at": item.closed_at and item.closed_at.isoformat(),
    }


__all__ = [
    "UNDOABLE",
    "Closing",
    "Disposition",
    "Person",
    "Undone",
    "add_note",
    "claim",
    "close",
    "reassign",
    "release",
    "return_expired_claims",
    "undo",
]
