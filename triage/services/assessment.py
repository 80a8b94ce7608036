"""What happens to a mention that was received? It is read, weighed, routed, and gets its place in one queue (I2)."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from triage.domain.calendars import add_working_time
from triage.domain.errors import Unavailable
from triage.domain.mentions import ItemMove, ItemState, MentionId, MentionState
from triage.domain.queries import Document, Match, Span, evaluate
from triage.domain.risk import Flag, RiskInput, assess_risk
from triage.domain.routing import Facts, Route, rises, route
from triage.domain.text import content_fingerprint, fold
from triage.domain.urls import canonical_url
from triage.language.reader import TextToRead
from triage.services.explanations import as_reading, as_route
from triage.services.typed_text import tidy_line
from triage.storage.audit import SYSTEM, AuditRecord
from triage.storage.items import NewItem
from triage.storage.mentions import Assessment
from triage.storage.stories import Telling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from triage.domain.process import Process, Targets
    from triage.domain.risk import Risk
    from triage.language.reader import Reading, TextReader
    from triage.services.processes import InForce, ProcessShelf
    from triage.services.watchlist import Watch, Watchlist
    from triage.storage.mentions import ClaimedMention
    from triage.storage.unit_of_work import Store, Transaction

_log = logging.getLogger(__name__)
_Dues: TypeAlias = "tuple[datetime | None, datetime | None, datetime | None]"
_NO_DUES: Final[_Dues] = (None, None, None)
_UNDUE: Final = timedelta(days=30)
"""Where an item without any due time stands in its queue: behind all that have one."""


_MYTH_SEVERITY: Final = 0.3


@dataclass(frozen=True, slots=True)
class AssessTools:
    """What assessment needs: rows, a reader of text, the process in force, the brands."""

    store: Store
    reader: TextReader
    shelf: ProcessShelf
    watchlist: Watchlist


@dataclass(frozen=True, slots=True)
class _Assessed:
    """A mention, read and routed but not stored."""

    mention: ClaimedMention
    reading: Reading
    risk: Risk
    route: Route


def assess(tools: AssessTools, ids: Sequence[int]) -> int:
    """Assess those of `ids` that await it and that nobody assesses now; return how many got their place.

    Fresh mentions go together; one that failed before goes alone, so that a mention that kills its process takes no
    other with it, and after three attempts is found by the sweep as a dead letter. Each goes alone once per call: what
    fails again waits for the next nudge.

    Raises:
        NotFound: no response process is in force; no attempt is counted.
    """
    context = _Context(tools.shelf.in_force(), tools.watchlist.current(), secrets.token_hex(16))
    done = _assess_leased(tools, context, tools.store.write(partial(_lease, ids, context.token, tried=False)))
    waiting = sorted(ids)
    while alone := tools.store.write(partial(_lease, waiting, context.token, tried=True)):
        waiting = [mention_id for mention_id in waiting if mention_id > alone[0].id]
        done += _assess_leased(tools, context, alone)
    return done


@dataclass(frozen=True, slots=True)
class _Context:
    """What one call assesses by, and the token that marks its leases."""

    in_force: InForce
    watch: Watch
    token: str


def _lease(ids: Sequence[int], token: str, tx: Transaction, *, tried: bool) -> tuple[ClaimedMention, ...]:
    return tx.mentions.load(tx.mentions.lease(ids, token, tx.now, tried=tried))


def _assess_leased(tools: AssessTools, context: _Context, mentions: Sequence[ClaimedMention]) -> int:
    if not mentions:
        return 0
    with tools.store.read() as tx:
        author_kinds = tx.brands.author_kinds([mention.author for mention in mentions if mention.author])
    assessed = []
    for mention in mentions:
        try:
            assessed.append(_assess_one(tools.reader, context, mention, author_kinds))
        except Exception as error:  # noqa: BLE001  # one bad mention must not stop the rest
            _log.exception("Assessing mention %s failed", mention.id)
            tools.store.write(partial(_give_back, [mention.id], context.token, _reason(error)))
    try:
        return tools.store.write(partial(_store, context, assessed)) if assessed else 0
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001  # one of them cannot be stored; alone, each shows whether it is the one
        _log.exception("Storing the assessment of %d mentions failed", len(assessed))
        failed = [each.mention.id for each in assessed]
        tools.store.write(partial(_give_back, failed, context.token, _reason(error)))
        return 0


def _reason(error: Exception) -> str:
    return tidy_line(f"{type(error).__name__}: {error}")


def _give_back(mention_ids: Sequence[MentionId], token: str, reason: str, tx: Transaction) -> None:
    for mention_id in mention_ids:
        tx.mentions.give_back(mention_id, token, reason)


def _assess_one(
    reader: TextReader, context: _Context, mention: ClaimedMention, author_kinds: Mapping[str, frozenset[str]]
) -> _Assessed:
    watch = context.watch
    kinds = author_kinds.get(mention.author or "", frozenset())
    document = Document(mention.title, mention.text)
    reading = reader.read(_text(watch, mention, document))
    if myths := _myths(watch, mention, document):
        reading = replace(reading, flags=(*reading.flags, *myths))
    risk = assess_risk(
        RiskInput(
            flags=reading.flags,
            sentiment=reading.sentiment.value,
            reach=mention.reach or 0,
            author_kinds=kinds,
            source_tier=mention.tier,
        )
    )
    facts = Facts(
        flags=frozenset(flag.name for flag in reading.flags),
        sentiment=reading.sentiment.value,
        reach=mention.reach or 0,
        relevance=reading.relevance.score,
        author_kinds=kinds,
        source_kind=mention.medium,
        source_tier=mention.tier,
        source_hostile=mention.hostile,
        source_known=mention.confirmed,
    )
    return _Assessed(mention, reading, risk, route(context.in_force.compiled, facts))


def _myths(watch: Watch, mention: ClaimedMention, document: Document) -> list[Flag]:
    """Return a flag for each thing the text says that the organisation knows to be false."""
    found = [evaluate(myth, document) for myth in watch.myths.get(mention.brand_id, ())]
    return [
        Flag("known_myth", "known_myth.brand", _MYTH_SEVERITY, match.spans[0].start, match.spans[0].end, match.sentence)
        for match in found
        if isinstance(match, Match)
    ]


def _text(watch: Watch, mention: ClaimedMention, document: Document) -> TextToRead:
    brand = watch.by_brand.get(mention.brand_id)
    query = watch.parsed.get(brand.query_id) if brand else None
    return TextToRead(
        title=mention.title,
        body=mention.text,
        spans=tuple(Span(*span) for span in mention.match["spans"]),
        language_hint=mention.language_hint or mention.source_language,
        brand_terms=query.terms if query else frozenset(),
        context_terms=frozenset(fold(term) for term in brand.context_terms) if brand else frozenset(),
        document=document,
    )


def _store(context: _Context, read: Sequence[_Assessed], tx: Transaction) -> int:
    in_force, held = context.in_force, tx.mentions.hold([each.mention.id for each in read], context.token)
    assessed = [each for each in read if each.mention.id in held]
    if not assessed:
        return 0
    leads = _leads(assessed, tx)
    stories = tx.stories.of_leads(list(leads.values()))
    existing = tx.items.of_mentions([each.mention.id for each in assessed] + list(leads.values()))
    ranks = {mention_id: rank for mention_id, (_, rank, _) in existing.items()}
    ranks |= {each.mention.id: each.route.rank for each in assessed if leads[each.mention.id] == each.mention.id}
    own_place = [each for each in assessed if _needs_place(each, leads, ranks, existing)]
    _queue(in_force, [each for each in own_place if each.mention.id not in existing], tx)
    _raise(in_force, [each for each in own_place if each.mention.id in existing], existing, tx)
    placed = {each.mention.id for each in own_place}
    duplicates = [each for each in assessed if each.mention.id not in placed]
    _record_duplicates(duplicates, leads, tx)
    tx.mentions.finish(
        [
            _assessment(each, stories.get(leads[each.mention.id]), None if each.mention.id in placed else leads)
            for each in assessed
        ]
    )
    return len(assessed)


def _leads(assessed: Sequence[_Assessed], tx: Transaction) -> dict[MentionId, MentionId]:
    """Return the mention that told each one's story first (itself, for news)."""
    leads: dict[MentionId, MentionId] = {}
    for brand_id in sorted({each.mention.brand_id for each in assessed}):
        told = {each.mention.id: _telling(each.mention) for each in assessed if each.mention.brand_id == brand_id}
        found = tx.stories.join(brand_id, told, tx.now)
        tx.stories.open(brand_id, list(found.values()), tx.now)
        leads |= found
    return leads


def _telling(mention: ClaimedMention) -> Telling:
    page = canonical_url(mention.url) if mention.url else None
    return Telling(
        mention.source_id,
        text_key=f"t:{content_fingerprint(mention.title, mention.text)}",
        # Not the fingerprint of texts, which folds case: …?v=Ab and …?v=aB are two pages.
        page_key=f"u:{sha256(page.encode()).hexdigest()}" if page else None,
        backfill=mention.backfill,
    )


def _needs_place(
    each: _Assessed,
    leads: Mapping[MentionId, MentionId],
    ranks: Mapping[MentionId, int],
    existing: Mapping[MentionId, object],
) -> bool:
    """A copy joins its lead's item, unless it is more urgent than its lead or has a place already."""
    lead = leads[each.mention.id]
    return (
        lead == each.mention.id or each.mention.id in existing or each.route.rank < ranks.get(lead, each.route.rank + 1)
    )


def _queue(in_force: InForce, assessed: Sequence[_Assessed], tx: Transaction) -> None:
    dues = _DueTimes(in_force.process, tx.now)
    items = [_new_item(in_force, each, dues) for each in assessed]
    added = tx.items.add(items, tx.now)
    by_mention = {item.mention_id: item for item in items}
    records = [
        AuditRecord(
            ItemMove.QUEUE,
            "item",
            item_id,
            {"queue": by_mention[mention_id].queue, "category": by_mention[mention_id].category},
        )
        for mention_id, item_id in added.items()
    ]
    tx.audit.append(tx.now, SYSTEM, records)


def _raise(
    in_force: InForce,
    assessed: Sequence[_Assessed],
    existing: Mapping[MentionId, tuple[Any, int, ItemState]],
    tx: Transaction,
) -> None:
    """Let the item of a revised mention rise to a more urgent place; it never falls by itself."""
    for each in assessed:
        item_id, _, state = existing[each.mention.id]
        current = None if state is ItemState.CLOSED else tx.items.take(item_id)
        if current is None or not rises(in_force.compiled, current.category, each.route):
            continue
        if tx.items.raise_to(item_id, _new_item(in_force, each, _DueTimes(in_force.process, tx.now)), tx.now):
            details = {"from": current.category, "to": each.route.category, "queue": each.route.queue}
            tx.audit.append(tx.now, SYSTEM, [AuditRecord(ItemMove.RAISE, "item", item_id, details)])


def _record_duplicates(duplicates: Sequence[_Assessed], leads: Mapping[MentionId, MentionId], tx: Transaction) -> None:
    records = [
        AuditRecord("mention.duplicate", "mention", each.mention.id, {"of": leads[each.mention.id]})
        for each in duplicates
    ]
    tx.audit.append(tx.now, SYSTEM, records)


def _assessment(
    each: _Assessed, story_id: int | None, duplicate_of: Mapping[MentionId, MentionId] | None
) -> Assessment:
    duplicate = duplicate_of is not None
    return Assessment(
        mention_id=each.mention.id,
        state=MentionState.DUPLICATE if duplicate else MentionState.QUEUED,
        reason=f"duplicate of mention {duplicate_of[each.mention.id]}" if duplicate_of is not None else None,
        story_id=story_id,
        language=each.reading.language,
        sentiment=each.reading.sentiment.value,
        risk_score=each.risk.score,
        risk_level=each.risk.level,
        reading=as_reading(each.reading, each.risk),
    )


def _new_item(in_force: InForce, each: _Assessed, dues: _DueTimes) -> NewItem:
    chosen = each.route
    ack_due_at, respond_due_at, close_due_at = _NO_DUES if each.mention.backfill else dues.of(chosen)
    present = [due for due in (ack_due_at, respond_due_at, close_due_at) if due is not None]
    return NewItem(
        mention_id=each.mention.id,
        brand_id=each.mention.brand_id,
        process_version_id=in_force.version_id,
        category=chosen.category,
        rule_id=chosen.rule_id,
        queue=chosen.queue,
        rank=chosen.rank,
        awaiting_action=chosen.awaiting_action,
        route=as_route(chosen),
        raises=None if each.mention.backfill else chosen.raises,
        ack_due_at=ack_due_at,
        respond_due_at=respond_due_at,
        close_due_at=close_due_at,
        priority_at=min(present, default=dues.now + _UNDUE),
    )


class _DueTimes:
    """Due times for routes chosen at one instant: the same targets on the same calendar are worked out once."""

    def __init__(self, process: Process, now: datetime) -> None:
        self.now = now
        self._process = process
        self._known: dict[tuple[str, Targets], _Dues] = {}

    def of(self, chosen: Route) -> _Dues:
        """Return when acknowledging, responding and closing are due; None where the category sets no target."""
        key = (chosen.queue, chosen.targets)
        if key not in self._known:
            targets = chosen.targets
            self._known[key] = (
                self._due(chosen.queue, targets.ack_seconds),
                self._due(chosen.queue, targets.respond_seconds),
                self._due(chosen.queue, targets.close_seconds),
            )
        return self._known[key]

    def _due(self, queue: str, seconds: int | None) -> datetime | None:
        if seconds is None:
            return None
        return add_working_time(self._process.calendar_of(queue), self.now, seconds)
