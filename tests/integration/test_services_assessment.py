"""Does every mention get exactly one place or one reason (I2), whoever assesses it and however often?"""

from __future__ import annotations

import threading
from functools import partial

import pytest

from tests.fakes import DATABASES, at_once, entry, harvest, opened_works, starter
from triage.domain.errors import NotFound, Unavailable
from triage.domain.jobs import Job
from triage.domain.mentions import Disposition
from triage.services.assessment import assess
from triage.services.response import Closing, claim, close, reassign
from triage.services.watching import add_brand
from triage.storage.brands import NewBrand
from triage.storage.mentions import ASSESS_LEASE, Mentions


@pytest.fixture(params=DATABASES)
def works(request):
    with opened_works(request) as opened:
        yield opened


def places(works):
    """State, reason and category of each mention, oldest first."""
    return [
        tuple(row)
        for row in works.rows(
            "SELECT m.state, m.reason, i.category FROM mention m LEFT JOIN item i ON i.mention_id = m.id ORDER BY m.id"
        )
    ]


def assert_balanced(works):
    """I2: each mention has one item, or one reason why not; each of them one audit row."""
    ledger = works.ledger()
    assert ledger.received == 0
    assert ledger.mentions == ledger.queued + ledger.duplicates + ledger.dead
    without = works.column(
        "SELECT count(*) FROM mention m LEFT JOIN item i ON i.mention_id = m.id WHERE m.state = 'queued' AND i.id IS NULL"
    )
    assert without == [0]
    assert works.column("SELECT id FROM mention WHERE state = 'duplicate' AND reason IS NULL") == []
    assert works.one("SELECT count(*) FROM audit_event WHERE action = 'item.queue'") == ledger.items
    assert works.one("SELECT count(*) FROM audit_event WHERE action = 'mention.duplicate'") == ledger.duplicates


def received(works, *entries):
    """Poll a source that brings these entries; return the ids of their mentions, not assessed."""
    works.poll(works.watch(f"source {works.ledger().entries}", harvest(*entries)))
    return works.column("SELECT id FROM mention WHERE state = 'received' ORDER BY id")


def test_i2_every_mention_has_its_item_with_due_times_and_reasons(works):
    received(works, *(entry(number, "#complaint tone:-0.5") for number in range(5)))
    assert works.assess() == 5
    assert_balanced(works)
    (row,) = works.rows(
        "SELECT DISTINCT i.queue, i.state, i.rank, v.digest = :digest, i.ack_due_at < i.respond_due_at, "
        "i.respond_due_at < i.close_due_at, i.priority_at = i.ack_due_at FROM item i "
        "JOIN process_version v ON v.id = i.process_version_id",
        digest=works.one("SELECT digest FROM process_version WHERE active"),
    )
    assert tuple(row) == ("care", "open", 3, True, True, True, True)


def test_f15_the_same_ids_a_hundred_times_on_eight_threads_make_one_item_each(works):
    ids = received(works, *(entry(number, "#complaint" if number % 2 else "") for number in range(40)))
    turns = [partial(lambda: [assess(works.assess_tools, ids) for _ in range(12)]) for _ in range(8)]
    counts = at_once(turns)
    assert sum(sum(each) for each in counts) == 40
    assert_balanced(works)
    assert works.ledger().items == 40
    assert len(works.reader.texts) == 40


def test_f15_ids_out_of_order_and_of_rows_that_do_not_exist_do_no_harm(works):
    ids = received(works, *(entry(number) for number in range(6)))
    calls = [ids[::-1], [*ids[3:], 999_999], ids[:2], [999_999], []]
    assert sum(assess(works.assess_tools, call) for call in calls) == 6
    assert_balanced(works)


def test_a_copy_of_a_text_joins_its_story_with_a_recorded_reason(works):
    lead, copy = works.tell(entry(1)) + works.tell(
        entry(2, title="ACME  story, 1!", text="Acme did: thing 1"), address="b"
    )
    assert places(works) == [
        ("queued", None, "unclassified_negative"),
        ("duplicate", f"duplicate of mention {lead}", None),
    ]
    assert works.actions("mention", copy) == ["mention.duplicate"]
    assert works.one("SELECT count(DISTINCT story_id) FROM mention") == 1
    assert_balanced(works)


def test_a_page_told_by_two_sources_is_one_story(works):
    works.tell(entry(1, url="https://www.news.example/acme?utm_source=rss"))
    works.tell(entry(2, url="http://www.news.example/acme#top"), address="b")
    assert [state for state, *_ in places(works)] == ["queued", "duplicate"]
    assert_balanced(works)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("https://v.example/watch?v=AbC", "https://v.example/watch?v=aBc"),
        ("https://v.example/a/b", "https://v.example/a-b"),
        ("https://v.example/?p=1", "https://v.example/p/1"),
    ],
)
def test_two_pages_whose_addresses_differ_in_case_or_punctuation_are_two_stories(works, first, second):
    works.tell(entry(1, url=first))
    works.tell(entry(2, url=second), address="b")
    assert [state for state, *_ in places(works)] == ["queued", "queued"]


def test_comments_that_share_a_link_inside_one_source_are_stories_of_their_own(works):
    link = "https://news.example/article"
    works.tell(*(entry(number, url=f"{link}#comment-{number}") for number in range(3)))
    assert [state for state, *_ in places(works)] == ["queued"] * 3
    works.tell(entry(0, url=link), address="the same words elsewhere")
    assert [state for state, *_ in places(works)] == ["queued"] * 3 + ["duplicate"]


def test_copies_inside_one_batch_join_the_earliest(works):
    ids = received(
        works, entry(1, url=None), entry(2, url=None), entry(3, url=None, title="Acme story 1", text="Acme did thing 1")
    )
    assess(works.assess_tools, ids[::-1])
    assert [state for state, *_ in places(works)] == ["queued", "queued", "duplicate"]
    assert places(works)[2][1] == f"duplicate of mention {ids[0]}"


def test_a_more_urgent_copy_gets_a_place_of_its_own_and_a_milder_one_does_not(works):
    page = "https://news.example/page"
    works.tell(entry(1, "#complaint", url=page))
    works.tell(entry(2, "#fire", url=page), address="b")
    works.tell(entry(3, "tone:0.9", url=page), address="c")
    assert [(state, category) for state, _, category in places(works)] == [
        ("queued", "unhappy_customer"),
        ("queued", "safety_harm"),
        ("duplicate", None),
    ]
    assert works.one("SELECT count(DISTINCT story_id) FROM mention") == 1
    assert_balanced(works)


def test_a_more_urgent_copy_in_the_same_batch_gets_a_place_of_its_own(works):
    page = "https://news.example/page"
    works.poll(
        works.watch("a", harvest(entry(1, "#complaint", url=page))),
        works.watch("b", harvest(entry(2, "#fire", url=page))),
    )
    works.assess()
    assert {category for _, _, category in places(works)} >= {"safety_harm"}
    assert_balanced(works)


def test_a_story_older_than_seven_days_leads_again(works):
    works.tell(entry(1))
    works.clock.wind(days=6, hours=23)
    works.tell(entry(1), address="b")
    works.clock.wind(hours=2)
    works.tell(entry(1), address="c")
    works.tell(entry(1), address="d")
    assert [state for state, *_ in places(works)] == ["queued", "duplicate", "queued", "duplicate"]
    assert works.one("SELECT count(*) FROM story") == 2
    assert_balanced(works)


def test_the_first_news_of_a_story_that_only_history_told_leads_it(works):
    works.tell(entry(1, "#fire"), address="old", watched_since=None)
    works.tell(entry(1, "#fire"), address="new")
    works.tell(entry(1, "#fire"), address="newer")
    rows = works.rows("SELECT m.state, i.raises FROM mention m LEFT JOIN item i ON i.mention_id = m.id ORDER BY m.id")
    assert [tuple(row) for row in rows] == [("queued", None), ("queued", "elevated"), ("duplicate", None)]


def test_history_and_news_of_one_story_in_one_batch_are_led_by_the_news(works):
    works.poll(works.watch("old", harvest(entry(1, "#fire")), watched_since=None))
    works.poll(works.watch("new", harvest(entry(1, "#fire"))))
    works.assess()
    rows = works.rows(
        "SELECT m.backfill, m.state, i.raises FROM mention m LEFT JOIN item i ON i.mention_id = m.id ORDER BY m.id"
    )
    assert [(bool(row[0]), *row[1:]) for row in rows] == [(True, "duplicate", None), (False, "queued", "elevated")]


def test_two_brands_in_one_entry_are_two_mentions_with_a_place_each(works):
    add_brand(works.store, NewBrand("zenith", "Zenith", "zenith"))
    works.tell(entry(1, "Zenith and"))
    assert [state for state, *_ in places(works)] == ["queued", "queued"]
    assert works.one("SELECT count(DISTINCT brand_id) FROM item") == 2


def test_stories_that_two_workers_join_at_once_have_one_lead(works):
    for number in range(8):
        received(works, *(entry(f"{number}-{each}", url=None, title=f"Acme {each}", text="Acme") for each in range(10)))
    ids = works.column("SELECT id FROM mention ORDER BY id")
    at_once([partial(assess, works.assess_tools, ids[worker::8]) for worker in range(8)])
    works.clock.wind(seconds=16)
    works.assess()
    ledger = works.ledger()
    assert (ledger.items, ledger.duplicates) == (10, 70)
    assert_balanced(works)


def test_semantics_7_a_revised_text_lets_its_item_rise_with_new_due_times_and_keeps_owner_and_state(works):
    ana = works.person()
    (mention,) = works.tell(entry(1, "tone:0.9"))
    item = works.item_of(mention)
    works.tell(entry(1, "#complaint tone:-0.5"))
    claim(works.store, item, ana)
    works.tell(entry(1, "#fire tone:-0.5"))
    (row,) = works.rows("SELECT category, queue, rank, state, owner_id, raises, ack_due_at FROM item")
    assert tuple(row)[:6] == ("safety_harm", "emergency", 0, "claimed", ana.id, "elevated")
    assert row[6] is not None
    assert works.actions("item", item) == ["item.queue", "item.raise", "item.claim", "item.raise"]
    assert places(works) == [("queued", None, "safety_harm")]


def test_semantics_7_an_item_rises_inside_its_queue_to_the_more_urgent_category(works):
    (mention,) = works.tell(entry(1, "#fire"))
    works.tell(entry(1, "#threat_violence"))
    (row,) = works.rows("SELECT category, queue, raises FROM item")
    assert tuple(row) == ("threat_to_life", "emergency", "severe")
    assert works.actions("item", works.item_of(mention)) == ["item.queue", "item.raise"]


def test_semantics_7_a_revised_text_never_lets_its_item_fall(works):
    (mention,) = works.tell(entry(1, "#fire"))
    before = works.rows("SELECT category, queue, rank, priority_at, revision FROM item")
    works.tell(entry(1, "tone:0.9 all is well"))
    assert works.rows("SELECT category, queue, rank, priority_at, revision FROM item") == before
    assert works.one("SELECT sentiment FROM mention") == 0.9
    assert works.actions("item", works.item_of(mention)) == ["item.queue"]


def test_semantics_7_a_closed_item_stays_closed_and_as_it_was(works):
    (mention,) = works.tell(entry(1, "#complaint"))
    close(works.store, works.item_of(mention), works.person(), Closing(Disposition.ANSWERED, ""))
    works.tell(entry(1, "#fire"))
    assert [tuple(row) for row in works.rows("SELECT state, category FROM item")] == [("closed", "unhappy_customer")]
    assert places(works)[0][0] == "queued"


def test_semantics_7_what_a_person_handed_to_a_more_urgent_queue_is_not_taken_back(works):
    (mention,) = works.tell(entry(1, "tone:0.9"))
    reassign(works.store, works.item_of(mention), works.person(), "emergency", starter().process)
    works.tell(entry(1, "#complaint"))
    assert works.column("SELECT queue FROM item") == ["emergency"]


def test_a_duplicate_that_is_revised_to_something_more_urgent_gets_a_place(works):
    page = "https://news.example/page"
    works.tell(entry(1, "#complaint", url=page))
    works.tell(entry(2, "#complaint", url=page), address="b")
    assert places(works)[1][0] == "duplicate"
    works.tell(entry(2, "#fire", url=page), address="b")
    assert places(works)[1] == ("queued", None, "safety_harm")


def test_a_revision_while_the_old_text_is_read_is_not_lost(works):
    ids = received(works, entry(1, "tone:0.9"))
    feed = works.one("SELECT id FROM source WHERE kind = 'script'")

    def revise(_text):
        works.reader.before = lambda _text: None
        works.source.answers[works.source.calls[-1][0]] = [harvest(entry(1, "#fire"))]
        works.repoll(feed)

    works.reader.before = revise
    assert assess(works.assess_tools, ids) == 0
    assert works.ledger().received == 1
    assert assess(works.assess_tools, ids) == 1
    assert places(works) == [("queued", None, "safety_harm")]


def test_i7_a_lease_that_ran_out_and_was_taken_leaves_one_item_and_one_audit_row(works):
    works.tell(entry(1, url=None))
    ids = received(works, entry(2, "#complaint"), entry(3, url=None, title="Acme story 1", text="Acme did thing 1"))

    def overtake(_text):
        works.reader.before = lambda _text: None
        works.clock.wind(seconds=ASSESS_LEASE.total_seconds())
        assert assess(works.assess_tools, ids) == 1
        assert assess(works.assess_tools, ids) == 1

    works.reader.before = overtake
    assert assess(works.assess_tools, ids) == 0
    assert_balanced(works)


def test_f23_a_mention_that_cannot_be_read_harms_no_other_and_is_retried_alone(works):
    ids = received(works, entry(1), entry(2, "poison"), entry(3))
    assert assess(works.assess_tools, ids) == 2
    assert [state for state, *_ in places(works)] == ["queued", "received", "queued"]
    assert works.one("SELECT reason FROM mention WHERE id = :id", id=ids[1]) == "ValueError: poison in the text"
    attempts = works.one("SELECT attempts FROM mention WHERE id = :id", id=ids[1])
    assert attempts == 2


def test_f23_each_mention_that_failed_goes_alone_and_one_does_not_keep_the_others_waiting(works):
    ids = received(works, entry(1, "poison"), entry(2, "poison"), entry(3, "poison"))
    alone = []
    works.reader.before = alone.append
    assert assess(works.assess_tools, ids) == 0
    assert len(alone) == 6
    works.reader.healed = True
    assert assess(works.assess_tools, ids) == 3
    assert_balanced(works)


def test_f23_a_reading_that_no_database_takes_harms_no_other(works):
    ids = received(works, entry(1), entry(2, "unstorable"), entry(3))
    assert assess(works.assess_tools, ids) == 2
    assert [state for state, *_ in places(works)] == ["queued", "received", "queued"]
    assert "TypeError" in works.one("SELECT reason FROM mention WHERE id = :id", id=ids[1])


def test_a_process_that_dies_while_it_reads_leaves_its_mentions_to_the_next_one_at_a_time(works):
    ids = received(works, entry(1), entry(2), entry(3))

    def die(_text):
        raise SystemExit

    works.reader.before = die
    with pytest.raises(SystemExit):
        assess(works.assess_tools, ids)
    works.reader.before = lambda _text: None
    assert assess(works.assess_tools, ids) == 0
    works.clock.wind(seconds=ASSESS_LEASE.total_seconds())
    leased = works.store.write(lambda tx: tx.mentions.lease(ids, "next", tx.now, tried=True))
    assert len(leased) == 1


@pytest.mark.parametrize("tried", [False, True])
def test_a_lease_takes_no_more_than_it_asked_for_and_never_twice(works, tried):
    ids = received(works, *(entry(number) for number in range(30)))
    if tried:
        works.change("UPDATE mention SET attempts = 1")
    leases = at_once(
        [
            partial(works.store.write, lambda tx, token=str(number): tx.mentions.lease(ids, token, tx.now, tried=tried))
            for number in range(8)
        ]
    )
    taken = [mention for lease in leases for mention in lease]
    assert len(set(taken)) == len(taken)
    assert all(len(lease) <= 1 for lease in leases) if tried else len(taken) == 30


def test_without_a_process_nothing_is_leased_and_no_attempt_is_counted(works):
    ids = received(works, entry(1))
    works.change("UPDATE process_version SET active = false")
    with pytest.raises(NotFound, match="No response process is in force"):
        assess(works.assess_tools, ids)
    assert works.column("SELECT attempts FROM mention") == [0]


def test_when_the_database_goes_away_nothing_is_half_stored(works, monkeypatch):
    ids = received(works, entry(1), entry(2))

    def die(*_):
        raise Unavailable("the database went away")

    with monkeypatch.context() as away:
        away.setattr(Mentions, "finish", die)
        with pytest.raises(Unavailable):
            assess(works.assess_tools, ids)
    assert works.ledger().items == 0
    assert works.one("SELECT count(*) FROM audit_event WHERE subject = 'item'") == 0
    assert works.one("SELECT count(*) FROM story") == 0
    works.clock.wind(seconds=ASSESS_LEASE.total_seconds())
    assert assess(works.assess_tools, ids) == 2
    assert_balanced(works)


def test_the_words_of_an_ambiguous_brand_count_however_they_are_written(works):
    add_brand(works.store, NewBrand("orange", "Orange", "orange", context_terms=("Télécom", "Mobile Phone")))
    seen = []
    works.reader.read = lambda given, read=works.reader.read: (seen.append(given.context_terms), read(given))[1]
    works.tell(entry(1, title="Orange", text="Orange"))
    assert seen == [frozenset({"telecom", "mobile phone"})]


def test_what_is_known_to_be_false_about_a_brand_flags_the_mention(works):
    add_brand(works.store, NewBrand("zenith", "Zenith", "zenith", known_myths=("secret ingredient",)))
    works.tell(entry(1, title="Zenith", text="They use a Secret Ingredient, Zenith does"))
    assert [category for *_, category in places(works)] == ["misguided"]


def test_a_stored_query_that_can_no_longer_be_read_stops_no_other_brand(works, caplog):
    works.change(
        "INSERT INTO brand (slug, name, context_terms, known_myths, created_at) VALUES ('x', 'X', '[]', '[\"?!\"]', '2026-01-01 00:00:00.000000')"
    )
    works.change(
        "INSERT INTO query (brand_id, version, text, active, created_at) "
        "SELECT id, 1, 'NOT NOT (', true, '2026-01-01 00:00:00.000000' FROM brand WHERE slug = 'x'"
    )
    works.tell(entry(1))
    assert [state for state, *_ in places(works)] == ["queued"]
    assert "A query of the brand x cannot be read" in caplog.text


def test_the_reader_is_called_outside_every_transaction(works):
    ids = received(works, entry(1))
    free = []

    def write_from_elsewhere(_text):
        thread = threading.Thread(target=lambda: free.append(works.person("Eve")))
        thread.start()
        thread.join(timeout=4)

    works.reader.before = write_from_elsewhere
    assess(works.assess_tools, ids)
    assert len(free) == 1


def test_assessing_sends_no_nudge_of_its_own(works):
    ids = received(works, entry(1))
    works.nudges(Job.ASSESS)
    assess(works.assess_tools, ids)
    assert works.nudges(Job.ASSESS) == []
