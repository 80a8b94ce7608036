"""Does a source that fails delay no other (I9), and is every outcome of a poll recorded once and for the right reason?"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tests.fakes import DATABASES, UNCHANGED, at_once, entry, harvest, opened_works
from triage.domain.entries import ParsedFeed
from triage.domain.errors import NotFound, SourceError, SourceErrorKind, Unavailable
from triage.domain.jobs import Job
from triage.services import polling
from triage.services.polling import PollReport
from triage.services.sources_admin import poll_now
from triage.sources.base import Harvest
from triage.storage.sources import POLL_LEASE
from triage.storage.unit_of_work import Store

TIMEOUT = SourceError(SourceErrorKind.TIMEOUT, "It did not answer within 20 seconds.")
NOT_FOUND = SourceError(SourceErrorKind.HTTP_ERROR, "It answers 404.", permanent=True)
GONE = SourceError(SourceErrorKind.GONE, "It answers 410: gone for good.", permanent=True)


@pytest.fixture(params=DATABASES)
def works(request):
    with opened_works(request) as opened:
        yield opened


def source(works, source_id):
    """One row of the table of sources, times as aware UTC."""
    (row,) = works.rows("SELECT * FROM source WHERE id = :id", id=source_id)
    values = dict(row._mapping)
    for name, value in values.items():
        if name.endswith(("_at", "_until")) and value is not None:
            at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            values[name] = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return values


def waits(works, source_id):
    """Seconds until the next poll of a source."""
    return (source(works, source_id)["next_check_at"] - works.clock.now).total_seconds()


def test_i9_a_source_that_fails_or_breaks_our_code_delays_no_other(works):
    broken = works.watch("broken", RuntimeError("our own mistake"))
    slow = works.watch("slow", TIMEOUT)
    good = [works.watch(f"good{number}", harvest(entry(number))) for number in range(5)]
    report = works.poll()
    assert report == PollReport(polled=7, unchanged=0, failed=2, new_entries=5)
    assert source(works, broken)["last_error_kind"] == "crashed"
    assert "our own mistake" not in source(works, broken)["last_error"]
    assert source(works, slow)["last_error_kind"] == "timeout"
    assert all(source(works, each)["last_error_kind"] is None for each in good)


def test_i9_a_document_that_cannot_be_stored_delays_no_other(works):
    bad = works.watch("bad", harvest(entry(1), cursor={"v": object()}))
    good = works.watch("good", harvest(entry(2)))
    assert works.poll().failed == 1
    assert source(works, bad)["last_error_kind"] == "crashed"
    assert source(works, good)["last_error_kind"] is None


def test_a_kind_that_has_no_reader_says_so(works):
    feed = works.watch("a", UNCHANGED)
    works.change("UPDATE source SET kind = 'carrier pigeon'")
    works.poll()
    assert source(works, feed)["last_error"] == "There is no reader for sources of kind carrier pigeon."


def test_the_reason_of_a_failure_is_typed_and_told_in_the_sources_own_words(works):
    hostile = SourceError(
        SourceErrorKind.HTTP_ERROR, "It answers 599 NUL\x00 and\r\nbreaks " + "x" * 600, permanent=True
    )
    feed = works.watch("a", hostile)
    works.poll()
    row = source(works, feed)
    assert row["last_error_kind"] == "http_error"
    assert row["last_error"].startswith("It answers 599 NUL and breaks xxx")
    assert len(row["last_error"]) == 500
    assert works.actions("source", feed) == ["source.add", "source.fail"]


def test_backoff_is_linear_soft_failures_count_half_and_it_never_stops(works):
    soft, hard = works.watch("soft", TIMEOUT), works.watch("hard", NOT_FOUND)
    waited = {soft: [], hard: []}
    for _ in range(15):
        works.repoll()
        for feed, seconds in waited.items():
            seconds.append(waits(works, feed) / 300)
    assert [source(works, soft)["failures"], source(works, hard)["failures"]] == [7.5, 15.0]
    for feed, step in ((soft, 0.5), (hard, 1.0)):
        expected = [min(max(step * number, 1), 12) for number in range(1, 16)]
        assert all(0.9 * want <= got <= 1.1 * want for want, got in zip(expected, waited[feed], strict=True))
        assert source(works, feed)["state"] == "active"
        assert works.actions("source", feed) == ["source.add", "source.fail"]


def test_a_success_ends_the_backoff_and_leaves_its_mark_in_the_trail(works):
    feed = works.watch("a", NOT_FOUND, NOT_FOUND, harvest(entry(1)), NOT_FOUND)
    for _ in range(3):
        works.repoll()
    row = source(works, feed)
    assert (row["failures"], row["last_error_kind"], row["last_error"]) == (0, None, None)
    assert waits(works, feed) <= 330
    works.repoll()
    assert works.actions("source", feed) == ["source.add", "source.fail", "source.recover", "source.fail"]


def test_retry_after_is_honoured_beyond_every_interval(works):
    wish = SourceError(SourceErrorKind.RATE_LIMITED, "It asks us to wait.", retry_after_seconds=80_000)
    feed = works.watch("a", wish)
    works.poll()
    assert waits(works, feed) == 80_000
    assert works.poll(feed).polled == 0


def test_a_publishers_wish_is_a_floor_up_to_six_hours(works):
    modest = works.watch("modest", harvest(entry(1), floor_seconds=4_000.0))
    greedy = works.watch("greedy", harvest(entry(2), floor_seconds=500_000.0))
    works.poll()
    assert (waits(works, modest), waits(works, greedy)) == (4_000, 21_600)


def test_410_stops_a_source_with_a_notice_and_poll_now_revives_it(works):
    ana = works.person()
    feed = works.watch("a", GONE, harvest(entry(1)))
    works.poll()
    row = source(works, feed)
    assert (row["state"], row["last_error_kind"]) == ("gone", "gone")
    assert works.repoll(feed).polled == 0
    assert works.sweep().polls == 0
    poll_now(works.store, feed, ana)
    assert works.nudges(Job.POLL)[-1] == feed
    assert works.poll(feed).new_entries == 1
    assert source(works, feed)["state"] == "active"
    assert works.actions("source", feed) == ["source.add", "source.fail", "source.poll_now", "source.recover"]


def test_a_source_that_is_paused_while_it_is_polled_stays_paused(works):
    feed = works.watch("a", TIMEOUT)
    works.source.before = lambda _: works.change("UPDATE source SET state = 'paused'")
    works.poll()
    assert source(works, feed)["state"] == "paused"


def test_poll_now_of_a_source_that_does_not_exist_is_refused(works):
    with pytest.raises(NotFound):
        poll_now(works.store, 999_999, works.person())


def test_poll_now_makes_a_source_due_however_long_it_should_have_waited(works):
    feed = works.watch("a", harvest(entry(1), floor_seconds=20_000.0), UNCHANGED)
    works.poll()
    assert works.poll(feed).polled == 0
    poll_now(works.store, feed, works.person())
    assert works.poll(feed) == PollReport(polled=1, unchanged=1)


def test_the_first_poll_is_history_without_clocks_or_raises_and_the_second_is_news(works):
    fire = "#fire tone:-0.9"
    feed = works.watch("a", harvest(entry(1, fire)), harvest(entry(1, fire), entry(2, fire)), watched_since=None)
    works.poll()
    works.assess()
    history = "SELECT category, raises, ack_due_at, respond_due_at, close_due_at FROM item"
    assert [tuple(row) for row in works.rows(history)] == [("safety_harm", None, None, None, None)]
    works.repoll(feed)
    works.assess()
    (news,) = works.rows(
        "SELECT i.raises, i.ack_due_at FROM item i JOIN mention m ON m.id = i.mention_id WHERE NOT m.backfill"
    )
    assert news[0] == "elevated"
    assert news[1] is not None


def test_watched_since_makes_the_first_poll_news(works):
    works.poll(works.watch("a", harvest(entry(1, "#fire")), watched_since=works.clock.now))
    works.assess()
    (item,) = works.rows("SELECT raises, ack_due_at FROM item")
    assert item[0] == "elevated"
    assert item[1] is not None


def test_a_first_poll_that_found_nothing_new_still_makes_the_next_one_news(works):
    feed = works.watch("a", UNCHANGED, harvest(entry(1, "#fire")), watched_since=None)
    works.poll()
    works.repoll(feed)
    works.assess()
    assert works.column("SELECT raises FROM item") == ["elevated"]


def test_the_cursor_moves_only_after_the_entries_are_stored(works, monkeypatch):
    feed = works.watch("a", harvest(entry(1), cursor={"v": 1, "etag": "x"}))

    def die(*_):
        raise Unavailable("the database went away")

    with monkeypatch.context() as dying:
        dying.setattr("triage.services.polling.ingest_batches", die)
        with pytest.raises(Unavailable):
            works.poll()
    assert source(works, feed)["cursor"] in (None, "null")
    assert source(works, feed)["last_error_kind"] is None
    works.clock.wind(seconds=13)
    assert works.poll().new_entries == 1
    assert [cursor for _, cursor in works.source.calls] == [None, None]
    works.repoll()
    assert works.source.calls[-1] == ("a", {"v": 1, "etag": "x"})


def moved(to, **about):
    return harvest(entry(1), moved_to=to, **about)


def test_a_source_that_moved_three_times_in_a_row_to_one_place_is_rewritten_once(works):
    feed = works.watch("http://old.example/", moved("https://new.example/"))
    works.source.answers["https://new.example/"] = [harvest(entry(1))]
    for polls in range(1, 3):
        works.repoll()
        assert (source(works, feed)["address"], source(works, feed)["moved_times"]) == ("http://old.example/", polls)
    works.repoll()
    row = source(works, feed)
    assert (row["address"], row["moved_to"], row["moved_times"]) == ("https://new.example/", None, 0)
    works.repoll()
    assert works.source.calls[-1][0] == "https://new.example/"
    assert works.actions("source", feed) == ["source.add", "source.move"]


def test_moves_to_different_places_or_with_a_visit_between_do_not_count_together(works):
    feed = works.watch(
        "old", moved("x"), moved("x"), moved("y"), moved("x"), moved("x"), harvest(entry(1)), moved("x"), moved("x")
    )
    for _ in range(8):
        works.repoll()
    row = source(works, feed)
    assert (row["address"], row["moved_to"], row["moved_times"]) == ("old", "x", 2)


def test_a_source_does_not_take_the_address_of_another(works):
    other = works.watch("new", UNCHANGED)
    feed = works.watch("old", moved("new"))
    for _ in range(5):
        works.repoll()
    assert source(works, feed)["address"] == "old"
    assert source(works, feed)["last_error_kind"] is None
    assert source(works, other)["address"] == "new"


def test_a_thousand_stale_nudges_make_one_poll(works):
    feed = works.watch("a", harvest(entry(1)))
    counts = at_once([partial(works.poll, feed)] * 8)
    assert sum(report.polled for report in counts) == 1
    assert sum(works.poll(feed, feed, feed).polled for _ in range(100)) == 0
    assert len(works.source.calls) == 1


def test_a_lease_is_renewed_while_its_poll_lives(works, monkeypatch):
    monkeypatch.setattr(polling, "_RENEW_EVERY_SECONDS", 0.005)
    feed = works.watch("a", harvest(entry(1)))
    renewed = threading.Event()

    def wait_for_renewal(_address):
        works.clock.wind(seconds=8)
        for _ in range(2_000):
            if source(works, feed)["lease_until"] == works.clock.now + POLL_LEASE:
                renewed.set()
                return
            threading.Event().wait(0.005)

    works.source.before = wait_for_renewal
    assert works.poll().new_entries == 1
    assert renewed.is_set()
    assert source(works, feed)["lease_until"] is None


def test_a_poll_whose_lease_ran_out_and_was_taken_stores_nothing_twice_and_decides_nothing(works):
    newer = harvest(entry(1), entry(2), cursor={"v": 1, "etag": "newer"})
    feed = works.watch("a", newer, harvest(entry(1), cursor={"v": 1, "etag": "late"}))

    def overtake(_address):
        if len(works.source.calls) == 1:
            works.clock.wind(seconds=13)
            assert works.poll(feed).new_entries == 2

    works.source.before = overtake
    assert works.poll(feed).new_entries == 0
    row = source(works, feed)
    assert "newer" in str(row["cursor"])
    assert (row["lease_token"], row["lease_until"], row["attempts"]) == (None, None, 0)
    assert works.ledger().entries == works.ledger().mentions == 2


def test_a_late_failure_does_not_overwrite_the_outcome_of_the_poll_that_overtook_it(works):
    feed = works.watch("a", harvest(entry(1)), GONE)

    def overtake(_address):
        if len(works.source.calls) == 1:
            works.clock.wind(seconds=13)
            works.poll(feed)

    works.source.before = overtake
    assert works.poll(feed).failed == 1
    row = source(works, feed)
    assert (row["state"], row["failures"], row["last_error_kind"]) == ("active", 0, None)
    assert works.actions("source", feed) == ["source.add"]


def test_a_poll_that_died_frees_its_source_within_seconds(works):
    feed = works.watch("a", harvest(entry(1)))
    works.store.write(lambda tx: tx.sources.lease([feed], "a dead worker", tx.now))
    assert works.poll(feed).polled == 0
    works.clock.wind(seconds=POLL_LEASE.total_seconds())
    assert works.poll(feed).new_entries == 1


def test_the_interval_follows_how_often_a_source_publishes(works):
    feed = works.watch("a", *(harvest(*(entry(number) for number in range(polls))) for polls in range(1, 30)))
    for _ in range(25):
        works.clock.wind(hours=2)
        works.poll()
    assert source(works, feed)["gap_seconds"] == pytest.approx(7_200, rel=0.2)
    assert waits(works, feed) == pytest.approx(3_600, rel=0.3)


def test_what_the_document_says_about_itself_is_kept_within_its_columns(works):
    told = ParsedFeed("T" * 600, entries=(entry(1),), warning="W" * 600, entries_dropped=3)
    feed = works.watch("a", Harvest(told, {"v": 1}))
    works.poll()
    row = source(works, feed)
    assert (len(row["title"]), len(row["warning"]), row["entries_dropped"]) == (500, 500, 3)
    assert row["last_error_kind"] is None


def test_when_the_database_goes_away_no_source_is_blamed(works, monkeypatch):
    feeds = [works.watch(f"a{number}", harvest(entry(number))) for number in range(3)]
    writes = []
    write = Store.write

    def fails_once_after_the_lease(store, use_case):
        writes.append(use_case)
        if len(writes) == 2:
            raise Unavailable("the database went away")
        return write(store, use_case)

    with monkeypatch.context() as away:
        away.setattr(Store, "write", fails_once_after_the_lease)
        with pytest.raises(Unavailable):
            works.poll()
    assert [source(works, feed)["last_error_kind"] for feed in feeds] == [None] * 3
    works.clock.wind(seconds=13)
    assert works.poll().new_entries == 3


def test_polls_of_a_batch_run_at_the_same_time(works):
    gate = threading.Barrier(4)
    for number in range(4):
        works.watch(f"a{number}", harvest(entry(number)))
    works.source.before = lambda _: gate.wait(timeout=20)
    assert works.poll().new_entries == 4


def test_a_source_is_due_again_only_after_its_time(works):
    feed = works.watch("a", harvest(entry(1)), UNCHANGED)
    works.poll()
    works.clock.now += timedelta(seconds=waits(works, feed) - 1)
    assert works.poll().polled == 0
    works.clock.wind(seconds=1)
    assert works.poll().polled == 1
