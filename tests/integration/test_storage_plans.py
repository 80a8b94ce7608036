"""Does what pages and sweeps ask of the database go through an index when there are 20,000 rows?"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, text

from tests.fakes import DATABASES, opened_works
from triage.storage.stories import Telling
from triage.storage.unit_of_work import Transaction
from triage.storage.views import Views

if TYPE_CHECKING:
    from datetime import datetime

ROWS = 20_000
WAITING = 400
"""Of the items, the mentions and the sources; the rest is done, as on a real installation."""

FILL = (
    """
    INSERT INTO source (kind, address, title, medium, hostile, tags, state, confirmed, created_at, next_check_at,
                        identity_policy, min_interval_seconds, max_interval_seconds)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)
    SELECT 'script', 'address ' || i, 'title', 'blog', false, '[]', 'active', true, :now,
           CASE WHEN i <= :waiting THEN :past ELSE :future END, 'guid', 300, 21600 FROM n
    """,
    """
    INSERT INTO entry (source_id, entry_key, content_hash, title, text, html, first_seen_at, backfill)
    SELECT id, 'key', 'hash', 'title', 'text of some length', '', :now, false FROM source
    """,
    """
    INSERT INTO mention (entry_id, brand_id, query_id, state, match, received_at, backfill)
    SELECT e.id, b.id, q.id, CASE WHEN e.source_id % 50 = 0 THEN 'received' ELSE 'queued' END, '{"spans": []}', :past, false
    FROM entry e, brand b, query q
    """,
    """
    INSERT INTO item (mention_id, brand_id, process_version_id, category, rule_id, queue, rank, awaiting_action, route,
                      state, owner_id, claim_until, queued_at, priority_at, closed_at, updated_at)
    SELECT m.id, m.brand_id, p.id, 'question', 'question', CASE WHEN m.id % 4 = 0 THEN 'care' ELSE 'review' END, 3, true,
           '{}', CASE WHEN m.id % 50 = 0 THEN 'open' WHEN m.id % 50 = 1 THEN 'claimed' ELSE 'closed' END,
           CASE WHEN m.id % 50 = 0 THEN NULL ELSE u.id END, CASE WHEN m.id % 50 = 1 THEN :past END, :past, :now,
           CASE WHEN m.id % 50 > 1 THEN :now END, :now
    FROM mention m, process_version p, user_account u
    """,
    """
    INSERT INTO audit_event (at, actor_id, actor, action, subject, subject_id, details)
    SELECT :now, u.id, u.name, 'item.claim', 'item', i.id, '{}' FROM item i, user_account u
    """,
    """
    INSERT INTO story_key (brand_id, key, lead_mention_id, source_id, backfill, first_seen_at)
    SELECT m.brand_id, 't:' || m.id, m.id, e.source_id, false, :now FROM mention m JOIN entry e ON e.id = m.entry_id
    """,
)
TABLES = "item|mention|source|entry|audit_event|story_key"


@pytest.fixture(scope="module", params=DATABASES)
def works(request):
    with opened_works(request) as opened:
        fill(opened)
        yield opened


def fill(works):
    works.ana = works.person()
    now = works.clock.now
    times = {"now": now, "past": now.replace(day=20), "future": now.replace(day=30)}
    if works.store.engine.dialect.name == "sqlite":
        times = {name: at.replace(tzinfo=None).isoformat(" ") + ".000000" for name, at in times.items()}
    values = {"rows": ROWS, "waiting": WAITING, **times}
    with works.store.engine.begin() as connection:
        for statement in FILL:
            wanted = {name: values[name] for name in re.findall(r":(\w+)", statement) if name in values}
            connection.execute(text(statement), wanted)
    if works.store.engine.dialect.name == "postgresql":
        # Autovacuum does this by itself; nobody does it for SQLite, so that its plans are judged without statistics.
        with works.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


@contextmanager
def recorded(engine):
    """Collect the statements that are executed, with their parameters."""
    found = []

    def note(_connection, _cursor, statement, parameters, _context, executemany):
        found.append((statement, parameters[0] if executemany else parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def plans(works, use_case):
    """Return the plan of each statement that `use_case` executes; nothing that it changes is kept."""
    engine = works.store.engine
    rows = rows_of(works)
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with engine.connect() as connection, connection.begin() as transaction:
        with recorded(engine) as statements:
            use_case(Transaction(connection, works.clock), rows)
        transaction.rollback()
    found = []
    with engine.connect() as connection:
        for statement, parameters in statements:
            rows = connection.exec_driver_sql(explain + statement, parameters)
            found.append("\n".join(str(row[-1]) for row in rows))
    assert found
    return found


def scans(plan):
    """The full scans of a plan: of a table, not of an index."""
    return re.findall(rf"SCAN (?:{TABLES})(?! USING)\b.*|Seq Scan on (?:{TABLES})\b.*", plan)


@dataclass(frozen=True)
class Rows:
    """What the questions are about."""

    ana: int
    brand: int
    sources: list[int]
    mentions: list[int]
    item: int
    last_of_page: tuple[datetime, int] | None


def rows_of(works):
    with works.store.read() as tx:
        last = Views(tx.connection).queue_page("care").next_cursor
    return Rows(
        works.ana.id,
        works.one("SELECT id FROM brand"),
        works.column("SELECT id FROM source ORDER BY id LIMIT 50"),
        works.column("SELECT id FROM mention ORDER BY id LIMIT 200"),
        works.one("SELECT max(id) FROM item"),
        last,
    )


def tellings(rows):
    # Not of a full batch: its 400 keys are 2 % of this table, and PostgreSQL then rightly reads the whole of it.
    return {each: Telling(rows.sources[0], f"t:{each}", f"u:{each}") for each in rows.mentions[:40]}


def views(tx):
    return Views(tx.connection)


ASKED = {
    "the first page of a queue": lambda tx, _: views(tx).queue_page("care"),
    "the next page of a queue": lambda tx, rows: views(tx).queue_page("care", rows.last_of_page),
    "the ETag of a queue": lambda tx, _: views(tx).queue_state("care"),
    "the counts of all queues": lambda tx, _: views(tx).queue_counts(),
    "what a person has claimed": lambda tx, rows: views(tx).owner_page(rows.ana),
    "what was closed last": lambda tx, _: views(tx).closed_page(),
    "one item": lambda tx, rows: views(tx).item(rows.item),
    "sources that are due": lambda tx, _: tx.sources.due(tx.now, 500),
    "the lease of sources": lambda tx, rows: tx.sources.lease(rows.sources, "t", tx.now),
    "the renewal of leases": lambda tx, _: tx.sources.renew("t", tx.now),
    "sources that kill workers": lambda tx, _: tx.sources.exhausted(tx.now),
    "mentions that await assessment": lambda tx, _: tx.mentions.due(tx.now, 2_000),
    "the lease of mentions": lambda tx, rows: tx.mentions.lease(rows.mentions, "t", tx.now, tried=False),
    "the lease of one mention": lambda tx, rows: tx.mentions.lease(rows.mentions, "t", tx.now, tried=True),
    "mentions still held": lambda tx, rows: tx.mentions.hold(rows.mentions, "t"),
    "mentions to bury": lambda tx, _: tx.mentions.bury(tx.now),
    "claims that ran out": lambda tx, _: tx.items.return_expired(tx.now.replace(day=19)),
    "one item to move": lambda tx, rows: tx.items.take(rows.item),
    "items of mentions": lambda tx, rows: tx.items.of_mentions(rows.mentions),
    "the stories of a batch": lambda tx, rows: tx.stories.join(rows.brand, tellings(rows), tx.now),
    "known entries": lambda tx, rows: tx.entries.known(rows.sources[0], ["key"] * 100),
    "the step to undo": lambda tx, rows: tx.audit.last_undoable(rows.ana, ["item.claim"]),
    "the newest move of an item": lambda tx, rows: tx.audit.newest_move(rows.item, ["item.claim"]),
}


@pytest.mark.parametrize("asked", ASKED)
def test_no_question_of_a_page_or_a_sweep_reads_a_whole_table(works, asked):
    found = plans(works, ASKED[asked])
    assert [scan for plan in found for scan in scans(plan)] == []


@pytest.mark.parametrize("asked", ["the first page of a queue", "the next page of a queue", "the ETag of a queue"])
def test_a_page_of_a_queue_is_read_in_its_order_and_not_sorted(works, asked):
    for plan in plans(works, ASKED[asked]):
        assert not re.search(r"USE TEMP B-TREE|\bSort\b", plan), plan
        assert "ix_item_waiting" in plan


@pytest.mark.parametrize("asked", ["mentions that await assessment", "the lease of mentions", "mentions to bury"])
def test_the_condition_of_the_small_index_is_written_out_so_that_a_prepared_plan_may_use_it(works, asked):
    with works.store.engine.connect() as connection, recorded(works.store.engine) as statements:
        ASKED[asked](Transaction(connection, works.clock), rows_of(works))
    touched = [statement for statement, _ in statements if "lease_until" in statement and "WHERE" in statement]
    assert any("mention.state = 'received'" in statement for statement in touched)


def test_the_health_line_counts_waiting_mentions_by_their_own_index(works):
    found = plans(works, lambda tx, _: Views(tx.connection).health())
    assert [scan for plan in found for scan in scans(plan) if "mention" in scan or "item" in scan] == []


def test_this_test_sees_a_scan(works):
    (plan,) = plans(works, lambda tx, _: tx.connection.execute(text("SELECT * FROM item WHERE disposition = 'x'")))
    assert scans(plan)
