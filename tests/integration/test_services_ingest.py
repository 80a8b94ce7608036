"""Is every entry that a source serves stored exactly once (I1), however often and by whomever it is read?"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from tests.fakes import DATABASES, UNCHANGED, at_once, entry, harvest, opened_works
from triage.domain.entries import ParsedFeed
from triage.domain.jobs import Job
from triage.services.ingest import Batch, ingest_batches
from triage.storage.entries import Entries


@pytest.fixture(params=DATABASES)
def works(request):
    with opened_works(request) as opened:
        yield opened


def leased(works, source_id):
    with works.store.read() as tx:
        (source,) = tx.sources.load([source_id])
    return source


def ingest(works, source_id, *entries):
    """Ingest a document for a source as a poll that starts now would."""
    return ingest_batches(
        works.store, works.watchlist, Batch(leased(works, source_id), ParsedFeed("", entries=entries))
    )


def titles(works):
    return works.column("SELECT title FROM entry ORDER BY title")


def test_i1_served_is_stored_once_with_a_mention_and_one_nudge_for_each(works):
    source = works.watch("a", harvest(*(entry(number) for number in range(450))))
    works.nudges(Job.POLL)
    assert works.poll().new_entries == 450
    mentions = works.column("SELECT id FROM mention ORDER BY id")
    assert len(mentions) == len(titles(works)) == 450
    assert sorted(works.nudges(Job.ASSESS)) == mentions
    assert works.repoll(source).new_entries == 0
    assert len(titles(works)) == 450
    assert works.nudges(Job.ASSESS) == []


def test_i1_the_same_batch_ingested_twice_stores_nothing_new(works):
    source = works.watch("a", UNCHANGED)
    batch = Batch(leased(works, source), ParsedFeed("", entries=tuple(entry(number) for number in range(30))))
    assert [ingest_batches(works.store, works.watchlist, batch) for _ in range(2)] == [30, 0]
    assert works.one("SELECT count(*) FROM mention") == 30


def test_i1_the_same_batch_from_two_threads_at_once_is_stored_once(works):
    source = works.watch("a", UNCHANGED)
    feed = ParsedFeed("", entries=tuple(entry(number) for number in range(300)))
    batches = [Batch(leased(works, source), feed) for _ in range(2)]
    counts = at_once([partial(ingest_batches, works.store, works.watchlist, batch) for batch in batches])
    assert sum(counts) == 300
    assert works.one("SELECT count(*) FROM entry") == works.one("SELECT count(*) FROM mention") == 300


def test_one_id_is_two_entries_in_two_sources(works):
    for address in ("a", "b"):
        ingest(works, works.watch(address, UNCHANGED), entry(1))
    assert len(titles(works)) == 2


def test_h26_an_entry_that_appears_later_with_an_older_date_is_kept(works):
    source = works.watch("a", UNCHANGED)
    new, old = works.clock.now, works.clock.now.replace(year=2020)
    ingest(works, source, entry(1, published_at=new))
    assert ingest(works, source, entry(1, published_at=new), entry(2, published_at=old)) == 1
    assert works.ledger().mentions == 2


def test_h27_entries_without_a_date_are_stored_once_and_keep_no_date(works):
    source = works.watch("a", UNCHANGED)
    undated = [entry(number, native_id=None, url=None, published_at=None) for number in range(3)]
    counts = []
    for _ in range(3):
        counts.append(ingest(works, source, *undated))
        works.clock.wind(hours=1)
    assert counts == [3, 0, 0]
    assert works.column("SELECT published_at FROM entry") == [None] * 3


def shared_id(number, **changes):
    return entry(number, native_id="the one id", **changes)


def test_i1_an_id_that_repeats_inside_one_document_loses_no_entry_and_the_policy_stays(works):
    source = works.watch("a", UNCHANGED)
    document = [shared_id(number) for number in range(5)]
    assert ingest(works, source, *document) == 5
    assert leased(works, source).identity_policy == "guid_link"
    # Alone in its document, the id no longer repeats; the policy must not return by itself.
    assert ingest(works, source, document[3]) == 0
    assert ingest(works, source, shared_id(6)) == 1
    assert leased(works, source).identity_policy == "guid_link"
    assert len(titles(works)) == 6


def test_i1_a_policy_that_changes_makes_no_known_entry_look_new(works):
    source = works.watch("a", UNCHANGED)
    known = [shared_id(1), *(entry(number) for number in range(10, 13))]
    assert ingest(works, source, *known) == 4
    keys = works.column("SELECT entry_key FROM entry")
    assert ingest(works, source, *known, shared_id(2)) == 1
    assert leased(works, source).identity_policy == "guid_link"
    assert len(titles(works)) == 5
    assert not set(keys) & set(works.column("SELECT entry_key FROM entry"))
    assert ingest(works, source, *known, shared_id(2)) == 0
    assert works.actions("source", source) == ["source.add", "source.identity"]
    assert works.ledger().mentions == 5


def test_i1_a_known_entry_with_a_new_text_is_still_known_when_the_policy_changes(works):
    source = works.watch("a", UNCHANGED)
    ingest(works, source, shared_id(1))
    assert ingest(works, source, shared_id(1, text="Acme corrected this."), shared_id(2)) == 1
    assert works.column("SELECT text FROM entry ORDER BY title") == ["Acme corrected this.", "Acme did thing 2"]


def test_i1_a_poll_that_dies_after_the_policy_changed_leaves_keys_and_policy_that_fit(works, monkeypatch):
    source = works.watch("a", UNCHANGED)
    ingest(works, source, shared_id(1))

    def die(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr("triage.services.ingest._ingest", die)
        with pytest.raises(KeyboardInterrupt):
            ingest(works, source, shared_id(1), shared_id(2))
    # The next document shows only one of the two, so nothing in it tells that the id repeats.
    assert ingest(works, source, shared_id(1)) == 0
    assert ingest(works, source, shared_id(2)) == 1


def test_i1_a_poll_that_was_overtaken_by_a_change_of_policy_stores_nothing(works):
    source = works.watch("a", UNCHANGED)
    late = Batch(leased(works, source), ParsedFeed("", entries=(shared_id(1),)))
    ingest(works, source, shared_id(1), shared_id(2))
    assert ingest_batches(works.store, works.watchlist, late) == 0
    assert len(titles(works)) == 2


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 1, 0)])
def test_i1_two_polls_that_read_different_documents_at_once_agree_on_the_entries(works, order):
    source = works.watch("a", UNCHANGED)
    documents = [(shared_id(1),), (shared_id(1), shared_id(2)), (shared_id(2), shared_id(3))]
    batches = [Batch(leased(works, source), ParsedFeed("", entries=documents[which])) for which in order]
    at_once([partial(ingest_batches, works.store, works.watchlist, batch) for batch in batches])
    for document in documents:
        ingest(works, source, *document)
    assert titles(works) == ["Acme story 1", "Acme story 2", "Acme story 3"]


def test_a_large_document_is_stored_in_transactions_of_at_most_two_hundred_rows(works):
    sizes = []
    add = Entries.add

    def counts(self, source_id, identified, now, *, backfill):
        sizes.append(len(identified))
        return add(self, source_id, identified, now, backfill=backfill)

    source = works.watch("a", UNCHANGED)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Entries, "add", counts)
        assert ingest(works, source, *(entry(number) for number in range(501))) == 501
    assert sizes == [200, 200, 101]
    assert [len(ids) for job, ids in works.dispatcher.sent if job is Job.ASSESS] == [200, 200, 101]


def test_what_matches_no_query_is_stored_and_is_no_mention(works):
    source = works.watch("a", UNCHANGED)
    assert ingest(works, source, replace(entry(1), title="Other", text="Nothing about us")) == 1
    assert works.ledger().entries == 1
    assert works.ledger().mentions == 0


def test_a_revision_changes_the_entry_and_keeps_its_mention(works):
    source = works.watch("a", UNCHANGED)
    ingest(works, source, entry(1, author="Ana"))
    (mention,) = works.column("SELECT id FROM mention")
    works.assess()
    assert ingest(works, source, entry(1, "Corrected:", author="Ben", html="<p>Acme</p>")) == 0
    (row,) = works.rows("SELECT text, author, html, revision FROM entry")
    assert tuple(row) == ("Corrected: Acme did thing 1", "Ben", "<p>Acme</p>", 2)
    assert works.column("SELECT id FROM mention WHERE state = 'received'") == [mention]
    assert works.nudges(Job.ASSESS)[-1] == mention
    (entry_id,) = works.column("SELECT id FROM entry")
    assert works.actions("entry", entry_id) == ["entry.revise"]


def test_a_revision_renews_the_places_of_the_match(works):
    source = works.watch("a", UNCHANGED)
    ingest(works, source, entry(1, title="x" * 50, text="About Acme"))
    ingest(works, source, entry(1, title="Acme", text="Now in the title"))
    with works.store.read() as tx:
        (loaded,) = tx.mentions.load(works.column("SELECT id FROM mention"))
    assert loaded.match["spans"] == [["title", 0, 4, "acme"]]


def test_a_revision_that_no_longer_names_the_brand_keeps_its_mention_without_places(works):
    source = works.watch("a", UNCHANGED)
    (mention,) = (ingest(works, source, entry(1)), *works.column("SELECT id FROM mention"))[1:]
    works.assess()
    item = works.item_of(mention)
    ingest(works, source, entry(1, title="Gone", text="Removed"))
    assert works.assess() == 1
    with works.store.read() as tx:
        (loaded,) = tx.mentions.load([mention])
    assert loaded.match["spans"] == []
    assert "no longer" in loaded.match["sentence"]
    assert works.item_of(mention) == item
    assert works.ledger().queued == 1


def test_a_revision_that_names_the_brand_for_the_first_time_becomes_a_mention(works):
    source = works.watch("a", UNCHANGED)
    ingest(works, source, entry(1, title="Other", text="Nothing"))
    ingest(works, source, entry(1, title="Other", text="Acme after all"))
    assert works.assess() == 1
    assert works.ledger().items == 1


def test_two_polls_that_bring_the_same_revision_at_once_revise_it_once(works):
    source = works.watch("a", UNCHANGED)
    ingest(works, source, entry(1))
    at_once([partial(ingest, works, source, entry(1, "Corrected:"))] * 4)
    assert works.one("SELECT revision FROM entry") == 2
    assert works.one("SELECT count(*) FROM audit_event WHERE action = 'entry.revise'") == 1


def test_what_a_database_would_cut_or_refuse_is_cut_before(works):
    source = works.watch("a", UNCHANGED)
    long = entry(
        1, author="A" * 400, language="x" * 40, title="Acme " + "t" * 5_000, url="https://e.example/" + "p" * 2_000
    )
    assert ingest(works, source, long) == 1
    assert works.assess() == 1


@pytest.mark.parametrize("field", ["title", "text"])
def test_a_brand_is_found_by_its_folded_name_in_each_field(works, field):
    told = {"title": "x", "text": "y"} | {field: "The ÁCME® affair"}
    ingest(works, works.watch("a", UNCHANGED), entry(1, **told))
    assert works.ledger().mentions == 1
