"""What happens when sources are due? Each is leased, fetched outside any transaction, and ingested on its own (I9)."""

from __future__ import annotations

import logging
import random
import secrets
import threading
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from triage.domain.cadence import (
    MOVES_BEFORE_REWRITE,
    Pace,
    backoff_seconds,
    failures_after,
    gap_after,
    interval_seconds,
)
from triage.domain.errors import SourceError, SourceErrorKind, TocsinError, Unavailable
from triage.domain.mentions import SourceState
from triage.services.ingest import Batch, ingest_batches
from triage.services.typed_text import tidy_line
from triage.storage.audit import SYSTEM, AuditRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from triage.services.watchlist import Watchlist
    from triage.sources.base import Harvest, Source
    from triage.storage.sources import LeasedSource
    from triage.storage.unit_of_work import Store, Transaction

_log = logging.getLogger(__name__)

MOST_FETCHES_AT_ONCE: Final = 32
_RENEW_EVERY_SECONDS: Final = 4.0
LANE_SIGN: Final = "lane:collect"


@dataclass(frozen=True, slots=True)
class PollTools:
    """What a poll needs: where rows are, how each kind of source is read, which queries are in force."""

    store: Store
    sources: Mapping[str, Source]
    watchlist: Watchlist


@dataclass(frozen=True, slots=True)
class PollReport:
    """What a batch of polls did."""

    polled: int = 0
    unchanged: int = 0
    failed: int = 0
    new_entries: int = 0


def poll(tools: PollTools, ids: Sequence[int]) -> PollReport:
    """Poll those of `ids` that are due and that nobody polls now; a source that fails delays no other."""
    token = secrets.token_hex(16)
    leased = tools.store.write(partial(_lease, ids, token))
    if not leased:
        return PollReport()
    with _LeaseKeeper(tools.store, token), ThreadPoolExecutor(min(MOST_FETCHES_AT_ONCE, len(leased))) as threads:
        fetches = {threads.submit(_fetch, tools.sources, source): source for source in leased}
        outcomes = [_settle(tools, fetches[fetch], token, fetch) for fetch in as_completed(fetches)]
    return PollReport(
        polled=len(outcomes),
        unchanged=outcomes.count("unchanged"),
        failed=outcomes.count("failed"),
        new_entries=sum(outcome for outcome in outcomes if isinstance(outcome, int)),
    )


class _LeaseKeeper:
    """Renews the leases of a running poll, so that they may be short: after a kill the sources are free in seconds."""

    def __init__(self, store: Store, token: str) -> None:
        self._store = store
        self._token = token
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease-keeper", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._done.wait(_RENEW_EVERY_SECONDS):
            try:
                self._store.write(self._renew)
            except TocsinError as error:
                _log.warning("A poll's leases could not be renewed (%s); another worker may poll its sources.", error)

    def _renew(self, tx: Transaction) -> None:
        tx.sources.renew(self._token, tx.now)
        tx.ticks.beat(LANE_SIGN, tx.now, None, {"busy": True})


def _lease(ids: Sequence[int], token: str, tx: Transaction) -> tuple[LeasedSource, ...]:
    return tx.sources.load(tx.sources.lease(ids, token, tx.now))


def _fetch(sources: Mapping[str, Source], source: LeasedSource) -> Harvest:
    reader = sources.get(source.kind)
    if reader is None:
        raise SourceError(
            SourceErrorKind.PARSE_ERROR, f"There is no reader for sources of kind {source.kind}.", permanent=True
        )
    return reader.fetch(source.address, source.cursor)


def _settle(tools: PollTools, source: LeasedSource, token: str, fetch: Future[Harvest]) -> int | str:
    """Store the outcome of one fetch; return the number of new entries, "unchanged" or "failed"."""
    try:
        return _succeed(tools, source, token, fetch.result())
    except SourceError as error:
        tools.store.write(partial(_fail, source, token, error))
    except Unavailable:
        raise  # no other source can be stored now either; the leases run out and the sweep finds all of them
    except Exception:  # noqa: BLE001  # one bad source must not stop the rest
        # Anything else is our fault, not the publisher's; it must not stop the other sources (I9).
        _log.exception("Polling source %s failed unexpectedly", source.id)
        crash = SourceError(SourceErrorKind.CRASHED, "Tocsin failed while reading this source; it will be tried again.")
        tools.store.write(partial(_fail, source, token, crash))
    return "failed"


def _succeed(tools: PollTools, source: LeasedSource, token: str, harvest: Harvest) -> int | str:
    if harvest.feed is None:
        tools.store.write(partial(_finish, source, token, _Polled(harvest)))
        return "unchanged"
    batch = Batch(source, harvest.feed)
    new_entries = ingest_batches(tools.store, tools.watchlist, batch)
    tools.store.write(partial(_finish, source, token, _Polled(harvest, new_entries)))
    return new_entries


@dataclass(frozen=True, slots=True)
class _Polled:
    """What a successful poll brought."""

    harvest: Harvest
    new_entries: int = 0


def _finish(source: LeasedSource, token: str, polled: _Polled, tx: Transaction) -> None:
    """Move the cursor; it moves only here, after the entries it covers were committed."""
    now, harvest, new_entries = tx.now, polled.harvest, polled.new_entries
    gap = gap_after(source.gap_seconds, source.last_entry_at, now, new_entries)
    ttl_seconds = harvest.feed.ttl_seconds if harvest.feed else 0.0
    seconds = interval_seconds(
        _pace(source, gap), floor_seconds=max(harvest.floor_seconds, ttl_seconds), jitter=_jitter()
    )
    values: dict[str, object] = {
        "cursor": dict(harvest.cursor),
        "next_check_at": now + timedelta(seconds=seconds),
        "failures": 0,
        "last_error_kind": None,
        "last_error": None,
        "last_checked_at": now,
        "last_success_at": now,
        "gap_seconds": gap,
    }
    if new_entries:
        values["last_entry_at"] = now
    if harvest.feed is not None:
        values |= {
            "warning": (harvest.feed.warning or "")[:500] or None,
            "entries_dropped": harvest.feed.entries_dropped,
        }
        values |= {"title": source.title or harvest.feed.title[:500] or source.address[:500]}
    values |= _moved(source, harvest)
    if not tx.sources.finish(source.id, token, values):
        return
    if source.failures:
        tx.audit.append(now, SYSTEM, [AuditRecord("source.recover", "source", source.id)])
    _rewrite_address(source, values, tx)


def _moved(source: LeasedSource, harvest: Harvest) -> dict[str, object]:
    if harvest.moved_to is None:
        return {"moved_to": None, "moved_times": 0} if source.moved_to else {}
    same = harvest.moved_to == source.moved_to
    return {"moved_to": harvest.moved_to[:2048], "moved_times": source.moved_times + 1 if same else 1}


def _rewrite_address(source: LeasedSource, values: Mapping[str, object], tx: Transaction) -> None:
    """Follow a publisher who moved for good: three times in a row to the same place."""
    moved_to, times = values.get("moved_to"), values.get("moved_times", 0)
    if isinstance(moved_to, str) and times == MOVES_BEFORE_REWRITE and tx.sources.readdress(source.id, moved_to):
        details = {"from": source.address, "to": moved_to}
        tx.audit.append(tx.now, SYSTEM, [AuditRecord("source.move", "source", source.id, details)])


def _fail(source: LeasedSource, token: str, error: SourceError, tx: Transaction) -> None:
    gone = error.kind is SourceErrorKind.GONE
    values = failure_values(source, error, tx)
    if not tx.sources.finish(source.id, token, values):
        return
    if source.failures == 0 or gone:
        details = {"kind": error.kind, "message": values["last_error"]}
        tx.audit.append(tx.now, SYSTEM, [AuditRecord("source.fail", "source", source.id, details)])


def failure_values(source: LeasedSource, error: SourceError, tx: Transaction) -> dict[str, object]:
    """Return what a failed poll changes in a source's row: typed reason, back-off, and nothing of its entries."""
    failures = failures_after(source.failures, permanent=error.permanent)
    seconds = backoff_seconds(
        _pace(source, source.gap_seconds),
        failures=failures,
        retry_after_seconds=error.retry_after_seconds,
        jitter=_jitter(),
    )
    values: dict[str, object] = {
        "failures": failures,
        "next_check_at": tx.now + timedelta(seconds=seconds),
        "last_error_kind": error.kind,
        "last_error": tidy_line(str(error))[:500],
        "last_checked_at": tx.now,
    }
    return values | ({"state": SourceState.GONE} if error.kind is SourceErrorKind.GONE else {})


def _pace(source: LeasedSource, gap_seconds: float | None) -> Pace:
    return Pace(source.min_interval_seconds, source.max_interval_seconds, gap_seconds)


def _jitter() -> float:
    return random.uniform(-1, 1)  # noqa: S311  # spreads polls; needs no secrecy
