"""What happens to the entries of a document? Identity, match, one insert per batch; nothing slow in a transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final, TypeVar

from triage.domain.identity import IdentityPolicy, identify
from triage.domain.jobs import ASSESS_BATCH, Job
from triage.domain.queries import Document
from triage.storage.audit import SYSTEM, AuditRecord
from triage.storage.mentions import NewMention

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from triage.domain.entries import ParsedFeed
    from triage.domain.identity import Identified
    from triage.domain.mentions import EntryId, MentionId
    from triage.domain.queries import Match
    from triage.services.watchlist import Watch, Watchlist
    from triage.storage.entries import KnownEntry
    from triage.storage.sources import LeasedSource
    from triage.storage.unit_of_work import Store, Transaction

T = TypeVar("T")
BATCH_ROWS: Final = 200


@dataclass(slots=True)
class Batch:
    """A document of a source on its way into the store; `policy` is what identity settled on."""

    source: LeasedSource
    feed: ParsedFeed
    policy: IdentityPolicy = field(init=False)

    def __post_init__(self) -> None:
        self.policy = IdentityPolicy(self.source.identity_policy)

    @property
    def backfill(self) -> bool:
        """A source's first document is history: read and routed, but it raises nothing and starts no clock."""
        return self.source.last_success_at is None


@dataclass(frozen=True, slots=True)
class _Matched:
    """An entry and the queries that it matches, by query id."""

    identified: Identified
    matches: Mapping[int, Match]


@dataclass(frozen=True, slots=True)
class _Found:
    """What a part of a document holds that is not stored as it is: new, with another text, under another key."""

    fresh: Sequence[_Matched]
    revised: Sequence[tuple[KnownEntry, _Matched]]
    rekeyed: Sequence[tuple[KnownEntry, Identified]]


def ingest_batches(store: Store, watchlist: Watchlist, batch: Batch) -> int:
    """Store what is new or revised in a document; return the number of new entries.

    Safe to run twice. When another poll has meanwhile changed how this source's entries are told apart, this one is
    out of date: it stores nothing more, because its keys would make known entries look new.
    """
    identified, policy = identify(batch.source.id, batch.feed.entries, batch.policy)
    if policy is not batch.policy:
        store.write(partial(_change_policy, batch, policy))
        batch.policy = policy
    watch = watchlist.current()
    return sum(_ingest(store, watch, batch, rows) for rows in _batched(identified, BATCH_ROWS))


def _change_policy(batch: Batch, policy: IdentityPolicy, tx: Transaction) -> None:
    """Store the new policy before the first entry gets a key by it: after a crash the next poll goes on with it."""
    if tx.sources.change_policy(batch.source.id, batch.policy, policy):
        details = {"from": batch.policy, "to": policy}
        tx.audit.append(tx.now, SYSTEM, [AuditRecord("source.identity", "source", batch.source.id, details)])


def _ingest(store: Store, watch: Watch, batch: Batch, rows: Sequence[Identified]) -> int:
    with store.read() as tx:
        known = tx.entries.known(batch.source.id, [each.key for each in rows])
        known |= _known_before(batch, [each for each in rows if each.key not in known], tx)
    found = _Found(
        fresh=[_matched(watch, each) for each in rows if each.key not in known],
        revised=[
            (known[each.key], _matched(watch, each))
            for each in rows
            if each.key in known and known[each.key].content_hash != each.content_hash
        ],
        rekeyed=[(known[each.key], each) for each in rows if each.key in known and known[each.key].key != each.key],
    )
    return store.write(partial(_store, watch, batch, found)) if found.fresh or found.revised or found.rekeyed else 0


def _known_before(batch: Batch, rows: Sequence[Identified], tx: Transaction) -> dict[str, KnownEntry]:
    """Return the entries that are stored under a key of an earlier policy of their source, by their key of today.

    Without this every change of policy would store the entries of the window a second time (I1).
    """
    found: dict[str, KnownEntry] = {}
    for policy in takewhile(lambda each: each is not batch.policy, IdentityPolicy):
        old = {each.key: _key_by(policy, batch, each) for each in rows if each.key not in found}
        stored = tx.entries.known(batch.source.id, list(old.values()))
        for each in rows:
            known = stored.get(old.get(each.key, ""))
            if known and _is_stored_as(known, each):
                found[each.key] = stored.pop(known.key)
    return found


def _key_by(policy: IdentityPolicy, batch: Batch, identified: Identified) -> str:
    """Return an entry's key under another policy; a document of one entry never changes the policy."""
    (alone,), _ = identify(batch.source.id, [identified.entry], policy)
    return alone.key


def _is_stored_as(known: KnownEntry, identified: Identified) -> bool:
    """Say whether a row is this entry, and not another one to which the publisher gave the same id."""
    same_link = known.url is not None and known.url == identified.entry.url
    return same_link or known.content_hash == identified.content_hash


def _matched(watch: Watch, identified: Identified) -> _Matched:
    entry = identified.entry
    return _Matched(identified, watch.queries.match(Document(entry.title, entry.text)))


def _store(watch: Watch, batch: Batch, found: _Found, tx: Transaction) -> int:
    if tx.sources.policy(batch.source.id) != batch.policy:
        return 0
    ids = tx.entries.add(batch.source.id, [each.identified for each in found.fresh], tx.now, backfill=batch.backfill)
    new = [
        mention
        for each in found.fresh
        if each.identified.key in ids
        for mention in _mentions(watch, each, ids[each.identified.key], backfill=batch.backfill)
    ]
    to_assess = [*tx.mentions.add(new, tx.now)]
    for known, identified in found.rekeyed:
        tx.entries.rekey(known.id, identified)
    for known, each in found.revised:
        to_assess += _revise(watch, known, each, tx)
    for chunk in _batched(to_assess, ASSESS_BATCH):
        tx.after_commit(Job.ASSESS, chunk)
    return len(ids)


def _revise(watch: Watch, known: KnownEntry, revised: _Matched, tx: Transaction) -> Sequence[MentionId]:
    """Store a changed text; its mentions are read again, and their items may rise but never fall (semantics 7)."""
    if not tx.entries.revise(known, revised.identified):
        return ()
    details = {"revision": known.revision + 1}
    tx.audit.append(tx.now, SYSTEM, [AuditRecord("entry.revise", "entry", known.id, details)])
    mentions = _mentions(watch, revised, known.id, backfill=False)
    again = tx.mentions.receive_again(known.id, {each.brand_id: each for each in mentions}, tx.now)
    return [*again, *tx.mentions.add(mentions, tx.now)]


def _mentions(watch: Watch, matched: _Matched, entry_id: EntryId, *, backfill: bool) -> list[NewMention]:
    mentions = []
    for query_id, match in matched.matches.items():
        brand = watch.by_query[query_id]
        explanation = {
            "query": brand.query,
            "query_version": brand.query_version,
            "sentence": match.sentence,
            "spans": [[span.field, span.start, span.end, span.term] for span in match.spans],
        }
        mentions.append(NewMention(entry_id, brand.id, brand.query_id, explanation, backfill))
    return mentions


def _batched(rows: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """Yield `rows` in tuples of at most `size` (itertools.batched is younger than Python 3.11)."""
    remaining = iter(rows)
    while chunk := tuple(islice(remaining, size)):
        yield chunk
