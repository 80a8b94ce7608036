"""Does one mention's whole way hold together? Real HTTP on loopback, a real parser child, both databases, no broker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from benchmarks.feed_server import BenchFeeds
from config.bootstrap import Container
from config.sample import read_sample
from config.settings import load_settings
from triage.services.watching import add_brand, add_sources
from triage.storage.brands import NewBrand
from triage.storage.sources import NewSource
from triage.storage.views import Views
from workers import demo
from workers.commands.context import InlineDispatcher
from workers.commands.once import run_all
from workers.commands.process import STARTER
from workers.demo_feeds import DemoFeeds
from workers.installation import put_process_into_force


@pytest.fixture
def installation(database_url, tmp_path, clock):
    """A function that gives a container on the test's database which may fetch from one loopback address."""
    opened = []

    def install(address):
        settings = load_settings(home=tmp_path, DATABASE_URL=database_url, allow_private=(address,))
        container = Container(settings, InlineDispatcher(), clock)
        put_process_into_force(container.store, STARTER)
        opened.append(container)
        return container

    yield install
    for container in opened:
        container.close()


def watch(container, urls, **about):
    add_brand(container.store, NewBrand("acme", "Acme", "acme"))
    add_sources(container.store, container.net.check, [NewSource("feed", url, confirmed=True, **about) for url in urls])


def run_when_due(container, clock):
    """Wind the clock to when every source is due again, and run."""
    clock.wind(hours=7)
    return run_all(container)


def source_errors(container):
    with container.store.read() as tx:
        return {row.address.rsplit("/", 1)[1]: row.last_error_kind for row in Views(tx.connection).sources()}


def test_i1_i2_every_item_served_is_stored_once_and_has_one_place(installation):
    with BenchFeeds(feeds=4, items=30) as site:
        container = installation(f"127.0.0.1:{site.port}")
        watch(container, site.urls)
        ledger = run_all(container).ledger
    assert (ledger["entries"], ledger["mentions"], ledger["received"], ledger["dead"]) == (120, 120, 0, 0)
    assert ledger["queued"] == ledger["items"]
    assert ledger["queued"] + ledger["duplicates"] == 120


def test_a_second_poll_of_unchanged_feeds_gets_304_and_stores_nothing(installation, clock):
    with BenchFeeds(feeds=3, items=10) as site:
        container = installation(f"127.0.0.1:{site.port}")
        watch(container, site.urls)
        run_all(container)
        again = run_when_due(container, clock)
        assert site.answers[304] == 3
    assert (again.polled, again.unchanged, again.new_entries, again.ledger["entries"]) == (3, 3, 0, 30)


def test_h23_an_unescaped_ampersand_harms_neither_its_feed_nor_the_others(installation):
    with BenchFeeds(feeds=2, items=10, modes={"malformed": [0]}) as site:
        container = installation(f"127.0.0.1:{site.port}")
        watch(container, site.urls)
        ledger = run_all(container).ledger
        with container.store.read() as tx:
            titles = tx.connection.execute(text("SELECT title FROM entry WHERE title LIKE '%AT&T %'")).scalars().all()
    assert ledger["entries"] == 20
    assert len(titles) == 1


def test_i9_a_500_on_the_first_feed_of_a_list_delays_no_other_and_backs_off(installation, clock):
    with BenchFeeds(feeds=3, items=10, modes={"error": [0]}) as site:
        container = installation(f"127.0.0.1:{site.port}")
        watch(container, site.urls)
        report = run_all(container)
        assert (report.failed, report.ledger["entries"]) == (1, 20)
        assert source_errors(container) == {"0": "http_error", "1": None, "2": None}
        with container.store.read() as tx:
            failing = next(row for row in Views(tx.connection).sources() if row.last_error_kind)
        assert failing.next_check_at > clock.now
        assert "500" in failing.last_error


def test_h26_an_item_that_appears_later_with_an_older_date_is_kept(installation, clock):
    with BenchFeeds(feeds=1, items=10, modes={"backdated": [0]}) as site:
        container = installation(f"127.0.0.1:{site.port}")
        watch(container, site.urls)
        assert run_all(container).ledger["entries"] == 10
        again = run_when_due(container, clock)
    assert (again.new_entries, again.ledger["entries"], again.ledger["items"]) == (1, 11, 11)


def test_h27_items_without_a_date_are_stored_once_however_often_they_are_polled(installation, clock):
    with BenchFeeds(feeds=1, items=10, modes={"undated": [0]}) as site:
        container = installation(f"127.0.0.1:{site.port}")
        watch(container, site.urls)
        run_all(container)
        container.store.write(lambda tx: tx.connection.execute(text("UPDATE source SET cursor = NULL")))
        again = run_when_due(container, clock)
        assert site.answers[200] == 2
    assert (again.new_entries, again.ledger["entries"]) == (0, 10)


def test_i1_a_guid_that_repeats_inside_one_document_loses_no_item(installation, clock):
    with BenchFeeds(feeds=1, items=10, modes={"dupguid": [0]}) as site:
        container = installation(f"127.0.0.1:{site.port}")
        watch(container, site.urls)
        assert run_all(container).ledger["entries"] == 10
        container.store.write(lambda tx: tx.connection.execute(text("UPDATE source SET cursor = NULL")))
        assert run_when_due(container, clock).ledger["entries"] == 10


def test_the_first_poll_is_history_it_raises_nothing_and_starts_no_clock(installation):
    with BenchFeeds(feeds=1, items=20) as site:
        container = installation(f"127.0.0.1:{site.port}")
        watch(container, site.urls)
        run_all(container)
        with container.store.read() as tx:
            dues = tx.connection.execute(text("SELECT count(ack_due_at), count(raises), count(*) FROM item")).one()
    assert tuple(dues) == (0, 0, 20)


def test_the_sample_organisation_lands_where_its_authors_expect(installation, clock, tmp_path):
    organisation = read_sample()
    clock.now = datetime.now(UTC)
    with DemoFeeds(organisation, started_at=clock.now - timedelta(seconds=100)) as feeds:
        container = installation(feeds.base_url.removeprefix("http://"))
        demo.install(container, demo.DemoState(clock.now.isoformat(), int(feeds.base_url.rsplit(":", 1)[1]), "x" * 20))
        report = run_all(container)
    assert report.ledger["received"] == report.ledger["dead"] == 0
    placed = categories_by_text(container)
    names = {source.slug: source.name for source in organisation.sources}
    wrong = {
        item.id: (placed[key], item.expect)
        for item in organisation.items
        if (key := (names[item.source], item.title.strip(), *ends_of(item.body))) in placed
        and placed[key] not in {item.expect, "duplicate"}
    }
    assert wrong == {}
    assert len(placed) > 120


def categories_by_text(container):
    statement = text(
        "SELECT s.title, e.title, e.text, i.category FROM mention m JOIN entry e ON e.id = m.entry_id "
        "JOIN source s ON s.id = e.source_id LEFT JOIN item i ON i.mention_id = m.id"
    )
    with container.store.read() as tx:
        return {
            (source, title, *ends_of(body)): category or "duplicate"
            for source, title, body, category in tx.connection.execute(statement)
        }


def ends_of(body):
    words = body.split()
    return words[0], words[-1]
