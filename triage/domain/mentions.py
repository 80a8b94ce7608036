"""What is a mention, and what may become of it and of its place in a queue?"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NewType

BrandId = NewType("BrandId", int)
QueryId = NewType("QueryId", int)
SourceId = NewType("SourceId", int)
EntryId = NewType("EntryId", int)
MentionId = NewType("MentionId", int)
StoryId = NewType("StoryId", int)
ItemId = NewType("ItemId", int)
UserId = NewType("UserId", int)
ProcessVersionId = NewType("ProcessVersionId", int)


class SourceState(StrEnum):
    """A source is polled while active; it is never dropped silently."""

    ACTIVE = "active"
    PAUSED = "paused"
    GONE = "gone"


class MentionState(StrEnum):
    """A stored mention is queued (it has one item) or carries one recorded reason why not (I2)."""

    RECEIVED = "received"
    QUEUED = "queued"
    DUPLICATE = "duplicate"
    DEAD = "dead"


class ItemState(StrEnum):
    """The life of a mention's place in a queue."""

    OPEN = "open"
    CLAIMED = "claimed"
    CLOSED = "closed"


class Disposition(StrEnum):
    """How an item ended; chosen by a person."""

    ANSWERED = "answered"
    HANDLED_ELSEWHERE = "handled_elsewhere"
    NOT_WORTHWHILE = "not_worthwhile"
    NOT_ABOUT_US = "not_about_us"
    DUPLICATE = "duplicate"
    SPAM = "spam"


DISMISSALS: Final[frozenset[Disposition]] = frozenset(Disposition) - {Disposition.ANSWERED}
"""Dispositions offered by key 3; `answered` is the one that claims an outcome."""


class ItemMove(StrEnum):
    """A permitted move of an item, as stored in the audit trail."""

    QUEUE = "item.queue"
    RAISE = "item.raise"
    CLAIM = "item.claim"
    RELEASE = "item.release"
    CLOSE = "item.close"
    REASSIGN = "item.reassign"
    NOTE = "item.note"
    UNDO = "item.undo"


FROM_STATES: Final[dict[ItemMove, frozenset[ItemState]]] = {
    ItemMove.CLAIM: frozenset({ItemState.OPEN}),
    ItemMove.RELEASE: frozenset({ItemState.CLAIMED}),
    ItemMove.CLOSE: frozenset({ItemState.OPEN, ItemState.CLAIMED}),
    ItemMove.REASSIGN: frozenset({ItemState.OPEN, ItemState.CLAIMED}),
    ItemMove.RAISE: frozenset({ItemState.OPEN, ItemState.CLAIMED}),
}

CLAIM_LEASE_MINUTES: Final = 15


class Role(StrEnum):
    """What a person may do in Tocsin."""

    COMMUNITY_MANAGER = "community_manager"
    ONCALL = "oncall"
    MANAGER = "manager"
    ADMIN = "admin"
