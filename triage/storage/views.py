"""What do pages show? Read-only queries shaped for them; every list is keyset-paged and bounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, case, func, literal, select, tuple_
from sqlalchemy.orm import aliased

from triage.domain.mentions import ItemState, MentionState, SourceState
from triage.storage.dialect import UtcDateTime
from triage.storage.mentions import AWAITS_ASSESSMENT
from triage.storage.tables import (
    AuditEvent,
    Brand,
    DeadLetter,
    Entry,
    Item,
    Mention,
    Note,
    ProcessVersion,
    Source,
    User,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Select

PAGE_ROWS: Final = 50
_COPY: Final = aliased(Mention)
_WAITING: Final = Item.closed_at.is_(None)
"""Open or claimed; said in the words of the index that holds only such items."""
_SNIPPET_CHARACTERS: Final = 280


@dataclass(frozen=True, slots=True)
class QueueCount:
    """How much waits in a queue; `oldest_at` is None when nothing is open."""

    queue: str
    open: int
    claimed: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One row of a queue list; all text is plain and must be escaped."""

    id: int
    title: str
    snippet: str
    source: str
    medium: str
    reach: int | None
    brand: str
    author: str | None
    category: str
    queue: str
    state: str
    owner_id: int | None
    owner: str | None
    claimed_at: datetime | None
    published_at: datetime | None
    queued_at: datetime
    ack_due_at: datetime | None
    respond_due_at: datetime | None
    close_due_at: datetime | None
    priority_at: datetime
    closed_at: datetime | None
    disposition: str | None
    language: str | None
    sentiment: float | None
    risk_score: float | None
    risk_level: str | None
    raises: str | None
    copies: int
    revision: int


@dataclass(frozen=True, slots=True)
class ItemPage:
    """A page of a list; `next_cursor` is (priority_at, id) of its last row, or None at the end."""

    rows: tuple[ItemRow, ...]
    next_cursor: tuple[datetime, int] | None


@dataclass(frozen=True, slots=True)
class ItemDetail:
    """All that the item page shows; `html` was cleaned by nh3 at ingestion, everything else is plain text."""

    row: ItemRow
    url: str | None
    text: str
    html: str
    match: Mapping[str, Any]
    reading: Mapping[str, Any]
    route: Mapping[str, Any]
    rule_id: str
    process_name: str
    process_digest: str
    disposition_reason: str | None
    first_seen_at: datetime
    backfill: bool
    entry_revision: int
    copies: tuple[CopyRow, ...]
    notes: tuple[NoteRow, ...]
    history: tuple[HistoryRow, ...]


@dataclass(frozen=True, slots=True)
class CopyRow:
    """Another place that told the same story."""

    source: str
    url: str | None
    published_at: datetime | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A colleague's note."""

    author: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One audit event of an item."""

    at: datetime
    actor: str
    action: str
    details: Mapping[str, Any]
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source and its health."""

    id: int
    kind: str
    address: str
    title: str
    medium: str
    tier: int | None
    state: str
    last_checked_at: datetime | None
    last_success_at: datetime | None
    last_entry_at: datetime | None
    next_check_at: datetime
    failures: float
    last_error_kind: str | None
    last_error: str | None
    warning: str | None
    entries_dropped: int
    entries: int


@dataclass(frozen=True, slots=True)
class Health:
    """The line under a queue: is anything watched, and when was it last looked at?"""

    sources: int
    failing: int
    last_poll_at: datetime | None
    last_item_at: datetime | None
    awaiting_assessment: int
    dead_letters: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """I2 in numbers: mentions = queued + duplicates + dead + still received; queued has one item each."""

    entries: int
    mentions: int
    received: int
    queued: int
    duplicates: int
    dead: int
    items: int


class Views:
    """Queries for pages; open one per request on a read transaction's connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def queue_counts(self) -> dict[str, QueueCount]:
        """Return the open work of each queue that holds any, by queue."""
        statement = (
            select(
                Item.queue,
                func.sum(case((Item.state == ItemState.OPEN, 1), else_=0)),
                func.sum(case((Item.state == ItemState.CLAIMED, 1), else_=0)),
                func.min(Item.queued_at),
            )
            .where(_WAITING)
            .group_by(Item.queue)
        )
        return {row[0]: QueueCount(*row) for row in self._connection.execute(statement)}

    def queue_page(self, queue: str, after: tuple[datetime, int] | None = None) -> ItemPage:
        """Return one page of the items that wait in a queue, most urgent due time first."""
        return self._page((Item.queue == queue) & _WAITING, after)

    def owner_page(self, user_id: int, after: tuple[datetime, int] | None = None) -> ItemPage:
        """Return one page of the items that a person has claimed."""
        return self._page((Item.owner_id == user_id) & (Item.state == ItemState.CLAIMED), after)

    def closed_page(self) -> tuple[ItemRow, ...]:
        """Return the items closed last, newest first."""
        newest_first = (Item.closed_at.desc(), Item.id.desc())
        statement = _rows().where(Item.closed_at.is_not(None)).order_by(*newest_first).limit(PAGE_ROWS)
        return tuple(ItemRow(*row) for row in self._connection.execute(statement))

    def queue_state(self, queue: str) -> tuple[tuple[int, int], ...]:
        """Return (id, revision) of the first page of a queue: what an ETag is made of."""
        statement = (
            select(Item.id, Item.revision)
            .where(Item.queue == queue, _WAITING)
            .order_by(Item.priority_at, Item.id)
            .limit(PAGE_ROWS + 1)
        )
        return tuple((row[0], row[1]) for row in self._connection.execute(statement))

    def item(self, item_id: int) -> ItemDetail | None:
        """Return everything about one item, or None."""
        row = self._connection.execute(_rows().where(Item.id == item_id)).one_or_none()
        if row is None:
            return None
        detail = self._connection.execute(_details(item_id)).mappings().one()
        return ItemDetail(
            row=ItemRow(*row),
            copies=self._copies(detail["story_id"], detail["mention_id"]),
            notes=self._notes(item_id),
            history=self._history(item_id),
            **{name: value for name, value in detail.items() if name not in {"story_id", "mention_id"}},
        )

    def sources(self, limit: int = 500) -> tuple[SourceRow, ...]:
        """Return sources, failing and silent ones first."""
        entries = select(func.count(Entry.id)).where(Entry.source_id == Source.id).scalar_subquery()
        columns = [*Source.columns_for(SourceRow, without=("entries",)), entries]
        troubled = case((Source.state == SourceState.GONE, 0), (Source.failures > 0, 1), else_=2)
        statement = select(*columns).order_by(troubled, Source.title, Source.id).limit(limit)
        return tuple(SourceRow(*row) for row in self._connection.execute(statement))

    def health(self) -> Health:
        """Return the health line's figures."""
        sources, failing, last_poll = self._connection.execute(
            select(
                func.count(Source.id),
                func.coalesce(func.sum(case((Source.last_error_kind.is_not(None), 1), else_=0)), 0),
                func.max(Source.last_checked_at),
            )
        ).one()
        waiting = select(func.count(Mention.id)).where(AWAITS_ASSESSMENT)
        dead = select(func.count(DeadLetter.id)).where(DeadLetter.state == "open")
        last_item = select(Item.queued_at).where(Item.id == select(func.max(Item.id)).scalar_subquery())
        return Health(
            sources,
            int(failing),
            last_poll,
            self._connection.execute(last_item).scalar_one_or_none(),
            self._connection.execute(waiting).scalar_one(),
            self._connection.execute(dead).scalar_one(),
        )

    def ledger(self) -> Ledger:
        """Return the counts that must balance (I2)."""
        by_state = select(Mention.state, func.count(Mention.id)).group_by(Mention.state)
        states = {row[0]: row[1] for row in self._connection.execute(by_state)}
        return Ledger(
            entries=self._connection.execute(select(func.count(Entry.id))).scalar_one(),
            mentions=sum(states.values()),
            received=states.get(MentionState.RECEIVED, 0),
            queued=states.get(MentionState.QUEUED, 0),
            duplicates=states.get(MentionState.DUPLICATE, 0),
            dead=states.get(MentionState.DEAD, 0),
            items=self._connection.execute(select(func.count(Item.id))).scalar_one(),
        )

    def _page(self, condition: ColumnElement[bool], after: tuple[datetime, int] | None) -> ItemPage:
        statement = _rows().where(condition).order_by(Item.priority_at, Item.id).limit(PAGE_ROWS + 1)
        if after is not None:
            statement = statement.where(
                tuple_(Item.priority_at, Item.id) > tuple_(literal(after[0], UtcDateTime()), literal(after[1]))
            )
        rows = tuple(ItemRow(*row) for row in self._connection.execute(statement))
        page = rows[:PAGE_ROWS]
        return ItemPage(page, (page[-1].priority_at, page[-1].id) if len(rows) > PAGE_ROWS else None)

    def _copies(self, story_id: int | None, mention_id: int) -> tuple[CopyRow, ...]:
        if story_id is None:
            return ()
        statement = (
            select(Source.title, Entry.url, Entry.published_at, Mention.received_at)
            .join(Entry, Entry.id == Mention.entry_id)
            .join(Source, Source.id == Entry.source_id)
            .where(Mention.story_id == story_id, Mention.id != mention_id)
            .order_by(Mention.id)
            .limit(PAGE_ROWS)
        )
        return tuple(CopyRow(*row) for row in self._connection.execute(statement))

    def _notes(self, item_id: int) -> tuple[NoteRow, ...]:
        statement = (
            select(User.name, Note.text, Note.at)
            .join(User, User.id == Note.user_id)
            .where(Note.item_id == item_id, Note.withdrawn_at.is_(None))
            .order_by(Note.id)
        )
        return tuple(NoteRow(*row) for row in self._connection.execute(statement))

    def _history(self, item_id: int) -> tuple[HistoryRow, ...]:
        statement = (
            select(AuditEvent.at, AuditEvent.actor, AuditEvent.action, AuditEvent.details, AuditEvent.undone_at)
            .where(AuditEvent.subject == "item", AuditEvent.subject_id == item_id)
            .order_by(AuditEvent.id.desc())
            .limit(PAGE_ROWS)
        )
        return tuple(HistoryRow(*row) for row in self._connection.execute(statement))


def _rows() -> Select[Any]:
    copies = (
        select(func.count())
        .where(_COPY.story_id == Mention.story_id, _COPY.id != Mention.id)
        .correlate(Mention)
        .scalar_subquery()
    )
    special: dict[str, Any] = {
        "title": Entry.title,
        "snippet": func.substr(Entry.text, 1, _SNIPPET_CHARACTERS),
        "source": Source.title,
        "medium": Source.medium,
        "reach": Source.reach,
        "brand": Brand.name,
        "author": Entry.author,
        "owner": User.name,
        "published_at": Entry.published_at,
        "language": Mention.language,
        "sentiment": Mention.sentiment,
        "risk_score": Mention.risk_score,
        "risk_level": Mention.risk_level,
        "copies": copies,
    }
    columns: list[Any] = [special.get(name, getattr(Item, name, None)) for name in ItemRow.__dataclass_fields__]
    return (
        select(*columns)
        .join(Mention, Mention.id == Item.mention_id)
        .join(Entry, Entry.id == Mention.entry_id)
        .join(Source, Source.id == Entry.source_id)
        .join(Brand, Brand.id == Item.brand_id)
        .outerjoin(User, User.id == Item.owner_id)
    )


def _details(item_id: int) -> Select[Any]:
    return (
        select(
            Entry.url,
            Entry.text,
            Entry.html,
            Mention.match,
            Mention.reading,
            Item.route,
            Item.rule_id,
            ProcessVersion.name.label("process_name"),
            ProcessVersion.digest.label("process_digest"),
            Item.disposition_reason,
            Entry.first_seen_at,
            Mention.backfill,
            Entry.revision.label("entry_revision"),
            Mention.story_id,
            Mention.id.label("mention_id"),
        )
        .join(Mention, Mention.id == Item.mention_id)
        .join(Entry, Entry.id == Mention.entry_id)
        .join(ProcessVersion, ProcessVersion.id == Item.process_version_id)
        .where(Item.id == item_id)
    )
