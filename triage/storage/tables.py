"""Which rows exist? The schema of both databases, imported only inside storage."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, mapped_column

from triage.storage.dialect import BIG_KEY, UtcDateTime, only_where

Key = Annotated[int, mapped_column(BIG_KEY, primary_key=True)]
Ref = Annotated[int, mapped_column(BIG_KEY)]
When = Annotated[datetime, mapped_column(UtcDateTime)]
Json = Annotated[Any, mapped_column(JSON)]
Digest = Annotated[str, mapped_column(String(64))]
Word = Annotated[str, mapped_column(String(64))]


class Base(DeclarativeBase):
    """Names every constraint, so that both databases can drop and alter it."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )

    @classmethod
    def columns_for(cls, record: type, *, without: tuple[str, ...] = ()) -> list[InstrumentedAttribute[Any]]:
        """Return the columns named like the fields of a dataclass, in their order."""
        return [getattr(cls, each.name) for each in fields(record) if each.name not in without]


class Brand(Base):
    """A name that is watched. `context_terms` disambiguate it; `known_myths` are phrases known to be false."""

    __tablename__ = "brand"
    id: Mapped[Key]
    slug: Mapped[Word] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(200))
    context_terms: Mapped[Json]
    known_myths: Mapped[Json]
    created_at: Mapped[When]


class Query(Base):
    """One version of a brand's query; a change adds a row and ends the one before."""

    __tablename__ = "query"
    id: Mapped[Key]
    brand_id: Mapped[Ref] = mapped_column(ForeignKey("brand.id", ondelete="CASCADE"))
    version: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[When]
    __table_args__ = (UniqueConstraint("brand_id", "version"),)


class Source(Base):
    """Where entries come from, and its polling state; `next_check_at` is the due time that the sweep reads."""

    __tablename__ = "source"
    id: Mapped[Key]
    kind: Mapped[Word]
    address: Mapped[str] = mapped_column(String(2048))
    title: Mapped[str] = mapped_column(String(500))
    medium: Mapped[Word]
    tier: Mapped[int | None]
    reach: Mapped[int | None] = mapped_column(BigInteger)
    hostile: Mapped[bool] = mapped_column(Boolean)
    language: Mapped[str | None] = mapped_column(String(16))
    owner: Mapped[str | None] = mapped_column(String(64))
    tags: Mapped[Json]
    state: Mapped[Word]
    confirmed: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[When]
    next_check_at: Mapped[When]
    nudged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_token: Mapped[str | None] = mapped_column(String(64))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    failures: Mapped[float] = mapped_column(Float, server_default=text("0"))
    last_error_kind: Mapped[str | None] = mapped_column(String(64))
    last_error: Mapped[str | None] = mapped_column(String(500))
    last_checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_success_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_entry_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cursor: Mapped[Any | None] = mapped_column(JSON)
    identity_policy: Mapped[Word]
    entries_dropped: Mapped[int] = mapped_column(server_default=text("0"))
    warning: Mapped[str | None] = mapped_column(String(500))
    moved_to: Mapped[str | None] = mapped_column(String(2048))
    moved_times: Mapped[int] = mapped_column(server_default=text("0"))
    gap_seconds: Mapped[float | None] = mapped_column(Float)
    min_interval_seconds: Mapped[int]
    max_interval_seconds: Mapped[int]
    __table_args__ = (
        UniqueConstraint("kind", "address"),
        Index("ix_source_due", "state", "next_check_at"),
        # A running poll renews its leases every few seconds.
        Index("ix_source_lease_token", "lease_token", **only_where("lease_token IS NOT NULL")),
    )


class Author(Base):
    """A person known to the organisation: journalist, known_troll, regulator, vip."""

    __tablename__ = "author"
    id: Mapped[Key]
    handle: Mapped[str] = mapped_column(String(200))
    kind: Mapped[Word]
    __table_args__ = (UniqueConstraint("handle", "kind"),)


class Entry(Base):
    """One item of a source, stored once (I1): unique by source and identity key."""

    __tablename__ = "entry"
    id: Mapped[Key]
    source_id: Mapped[Ref] = mapped_column(ForeignKey("source.id", ondelete="CASCADE"))
    entry_key: Mapped[Digest]
    content_hash: Mapped[Digest]
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    url: Mapped[str | None] = mapped_column(String(2048))
    title: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    author: Mapped[str | None] = mapped_column(String(300))
    language_hint: Mapped[str | None] = mapped_column(String(16))
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    first_seen_at: Mapped[When]
    backfill: Mapped[bool] = mapped_column(Boolean)
    __table_args__ = (UniqueConstraint("source_id", "entry_key"),)


class Story(Base):
    """The same news told once or many times; the lead is the first mention that told it."""

    __tablename__ = "story"
    id: Mapped[Key]
    brand_id: Mapped[Ref] = mapped_column(ForeignKey("brand.id", ondelete="CASCADE"))
    lead_mention_id: Mapped[Ref] = mapped_column(unique=True)
    first_seen_at: Mapped[When]


class StoryKey(Base):
    """A fingerprint by which a mention joins a story: `u:` canonical address or `t:` text hash.

    `source_id` and `backfill` are the lead's, so that joining a story reads no other table.
    """

    __tablename__ = "story_key"
    id: Mapped[Key]
    brand_id: Mapped[Ref] = mapped_column(ForeignKey("brand.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(66))
    lead_mention_id: Mapped[Ref]
    source_id: Mapped[Ref]
    backfill: Mapped[bool] = mapped_column(Boolean)
    first_seen_at: Mapped[When]
    __table_args__ = (UniqueConstraint("brand_id", "key"),)


class Mention(Base):
    """An entry that a brand's query matched, with what was read in it and why it matched."""

    __tablename__ = "mention"
    id: Mapped[Key]
    entry_id: Mapped[Ref] = mapped_column(ForeignKey("entry.id", ondelete="CASCADE"))
    brand_id: Mapped[Ref] = mapped_column(ForeignKey("brand.id", ondelete="CASCADE"))
    query_id: Mapped[Ref] = mapped_column(ForeignKey("query.id"))
    story_id: Mapped[int | None] = mapped_column(BIG_KEY, index=True)
    state: Mapped[Word]
    reason: Mapped[str | None] = mapped_column(String(300))
    match: Mapped[Json]
    received_at: Mapped[When]
    backfill: Mapped[bool] = mapped_column(Boolean)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_token: Mapped[str | None] = mapped_column(String(64))
    nudged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    language: Mapped[str | None] = mapped_column(String(16))
    sentiment: Mapped[float | None] = mapped_column(Float)
    risk_score: Mapped[float | None] = mapped_column(Float)
    risk_level: Mapped[str | None] = mapped_column(String(16))
    reading: Mapped[Any | None] = mapped_column(JSON)
    __table_args__ = (
        UniqueConstraint("entry_id", "brand_id"),
        # Small on purpose: only mentions that still await assessment are in it.
        Index(
            "ix_mention_received",
            "received_at",
            "id",
            **only_where("state = 'received'"),
        ),
    )


class ProcessVersion(Base):
    """A response process as it was put into force; kept for ever."""

    __tablename__ = "process_version"
    id: Mapped[Key]
    digest: Mapped[Digest] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(300))
    source: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(Boolean)
    put_into_force_at: Mapped[When]
    put_into_force_by: Mapped[str] = mapped_column(String(200))
    __table_args__ = (Index("uq_process_version_active", "active", unique=True, **only_where("active")),)


class User(Base):
    """A person who may log in."""

    __tablename__ = "user_account"
    id: Mapped[Key]
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Word]
    password_hash: Mapped[str] = mapped_column(String(300))
    active: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[When]


class Item(Base):
    """A mention's place in exactly one queue (I2), with the route that put it there."""

    __tablename__ = "item"
    id: Mapped[Key]
    mention_id: Mapped[Ref] = mapped_column(ForeignKey("mention.id", ondelete="CASCADE"), unique=True)
    brand_id: Mapped[Ref] = mapped_column(ForeignKey("brand.id", ondelete="CASCADE"))
    process_version_id: Mapped[Ref] = mapped_column(ForeignKey("process_version.id"))
    category: Mapped[Word]
    rule_id: Mapped[Word]
    queue: Mapped[Word]
    rank: Mapped[int]
    awaiting_action: Mapped[bool] = mapped_column(Boolean)
    route: Mapped[Json]
    raises: Mapped[str | None] = mapped_column(String(16))
    state: Mapped[Word]
    owner_id: Mapped[int | None] = mapped_column(BIG_KEY, ForeignKey("user_account.id"))
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    claim_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    queued_at: Mapped[When]
    ack_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    respond_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    close_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    priority_at: Mapped[When]
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    disposition: Mapped[str | None] = mapped_column(String(32))
    disposition_reason: Mapped[str | None] = mapped_column(String(500))
    revision: Mapped[int] = mapped_column(server_default=text("1"))
    updated_at: Mapped[When]
    __table_args__ = (
        CheckConstraint("(state = 'claimed') = (owner_id IS NOT NULL AND closed_at IS NULL)", name="claimed_has_owner"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_has_time"),
        # The order of a queue's page; holds what counts and ETags read, so that they touch no row of the table.
        Index(
            "ix_item_waiting",
            *("queue", "priority_at", "id", "state", "queued_at", "revision"),
            **only_where("closed_at IS NULL"),
        ),
        Index("ix_item_closed", "closed_at", "id", **only_where("closed_at IS NOT NULL")),
        Index("ix_item_owner", "owner_id", "state", "priority_at", "id"),
        Index("ix_item_claim_until", "claim_until", **only_where("claim_until IS NOT NULL")),
    )


class Note(Base):
    """What a person wrote about an item for colleagues."""

    __tablename__ = "note"
    id: Mapped[Key]
    item_id: Mapped[Ref] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[Ref] = mapped_column(ForeignKey("user_account.id"))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[When]
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AuditEvent(Base):
    """One state change, written in the transaction that made it (I7)."""

    __tablename__ = "audit_event"
    id: Mapped[Key]
    at: Mapped[When]
    actor_id: Mapped[int | None] = mapped_column(BIG_KEY)
    actor: Mapped[str] = mapped_column(String(200))
    action: Mapped[Word]
    subject: Mapped[Word]
    subject_id: Mapped[Ref]
    details: Mapped[Json]
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    __table_args__ = (
        Index("ix_audit_event_subject", "subject", "subject_id", "id"),
        Index("ix_audit_event_actor", "actor_id", "id"),
    )


class Session(Base):
    """A login of one browser; only the SHA-256 of its token is stored (S08, S12)."""

    __tablename__ = "session"
    id: Mapped[Key]
    token_digest: Mapped[Digest] = mapped_column(unique=True)
    user_id: Mapped[Ref] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[When]
    seen_at: Mapped[When]
    expires_at: Mapped[When]


class LoginAttempt(Base):
    """A failed login by account or by address: the rate limit counts these rows (S09)."""

    __tablename__ = "login_attempt"
    id: Mapped[Key]
    subject: Mapped[str] = mapped_column(String(340))
    at: Mapped[When]
    __table_args__ = (Index("ix_login_attempt_subject", "subject", "at"),)


class Lease(Base):
    """A tick that one process at a time may run: `due_at` makes a doubled scheduler harmless (F04)."""

    __tablename__ = "lease"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    due_at: Mapped[When]
    holder: Mapped[str | None] = mapped_column(String(200))


class Heartbeat(Base):
    """The last sign of life of a queue's consumer or of a process; `busy_until` excuses silence."""

    __tablename__ = "heartbeat"
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    seen_at: Mapped[When]
    busy_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    details: Mapped[Any | None] = mapped_column(JSON)


class DeadLetter(Base):
    """Work that failed for good: what, why, how often; a person replays or discards it (O5)."""

    __tablename__ = "dead_letter"
    id: Mapped[Key]
    job: Mapped[Word]
    subject: Mapped[Word]
    subject_id: Mapped[Ref]
    reason: Mapped[str] = mapped_column(String(500))
    attempts: Mapped[int]
    at: Mapped[When]
    state: Mapped[Word]
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_by: Mapped[str | None] = mapped_column(String(200))
    __table_args__ = (Index("ix_dead_letter_state", "state", "at"),)
