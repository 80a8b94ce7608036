"""When two entries of one source are the same: the ladder, its policies, and what must never change a key."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.domain.entries import ParsedEntry
from triage.domain.identity import IdentityPolicy, identify

GUID, GUID_LINK, LINK = IdentityPolicy.GUID, IdentityPolicy.GUID_LINK, IdentityPolicy.LINK
DAY = datetime(2026, 3, 1, tzinfo=UTC)

few_texts = st.sampled_from(["", "a", "b", "outage"])
entries = st.builds(
    ParsedEntry,
    native_id=st.sampled_from([None, "1", "2", "3"]),
    url=st.sampled_from(
        [None, "http://feed.test/1", "https://feed.test/1/", "http://feed.test/2", "http://feed.test/"]
    ),
    title=few_texts,
    text=few_texts,
    author=st.sampled_from([None, "Ann"]),
    published_at=st.sampled_from([None, DAY, DAY + timedelta(days=1)]),
    updated_at=st.sampled_from([None, DAY + timedelta(days=2)]),
)
documents = st.lists(entries, max_size=8)
policies = st.sampled_from(IdentityPolicy)


def keys(document: list[ParsedEntry], policy: IdentityPolicy = GUID) -> list[str]:
    return [found.key for found in identify(7, document, policy)[0]]


def test_the_ladder_takes_the_first_rung_that_an_entry_has():
    linked = ParsedEntry(url="http://feed.test/1", title="t", published_at=DAY)
    document = [
        replace(linked, native_id="1"),
        linked,
        replace(linked, url=None),
        ParsedEntry(title="t", text="no date"),
    ]
    found, policy = identify(7, document, GUID)
    assert [item.rung for item in found] == ["guid", "link", "title_published", "content"]
    assert policy is GUID


def test_a_key_belongs_to_its_source():
    entry = ParsedEntry(native_id="1")
    assert identify(1, [entry], GUID)[0][0].key != identify(2, [entry], GUID)[0][0].key


def test_rungs_with_equal_values_have_different_keys():
    address = "http://feed.test/1"
    assert keys([ParsedEntry(native_id=address)]) != keys([ParsedEntry(url=address)])


@pytest.mark.parametrize("change", [{"author": "Somebody"}, {"html": "<p>x</p>"}, {"language": "fr"}, {"text": "new"}])
def test_author_text_and_language_never_change_the_key_of_an_entry_with_an_id_link_or_date(change):
    for entry in (
        ParsedEntry(native_id="1", title="t"),
        ParsedEntry(url="http://feed.test/1", title="t"),
        ParsedEntry(title="t", published_at=DAY),
    ):
        assert keys([entry]) == keys([replace(entry, **change)])


def test_a_revision_has_the_same_key_and_another_content_hash():
    entry = ParsedEntry(native_id="1", title="Outage", text="We look into it")
    (before,), _ = identify(7, [entry], GUID)
    (after,), _ = identify(7, [replace(entry, text="Solved")], GUID)
    assert before.key == after.key
    assert before.content_hash != after.content_hash


def test_tracking_parameters_and_https_do_not_make_another_link():
    assert keys([ParsedEntry(url="http://feed.test/1")]) == keys(
        [ParsedEntry(url="https://FEED.test/1/?utm_source=rss")]
    )


def test_an_id_that_repeats_for_different_links_stores_both_and_records_the_policy():
    document = [
        ParsedEntry(native_id="1", url="http://feed.test/1", title="one"),
        ParsedEntry(native_id="1", url="http://feed.test/2", title="two"),
    ]
    found, policy = identify(7, document, GUID)
    assert [item.entry.title for item in found] == ["one", "two"]
    assert policy is GUID_LINK


def test_an_id_that_repeats_without_links_stores_entries_of_different_content():
    found, policy = identify(7, [ParsedEntry(native_id="1", title="a"), ParsedEntry(native_id="1", title="b")], GUID)
    assert len(found) == 2
    assert policy is GUID_LINK


def test_a_policy_never_flips_back_when_the_ids_look_good_again():
    good = [ParsedEntry(native_id="1", url="http://feed.test/1"), ParsedEntry(native_id="2", url="http://feed.test/2")]
    assert identify(7, good, GUID_LINK)[1] is GUID_LINK
    assert identify(7, good, LINK)[1] is LINK


def test_ids_that_change_for_the_same_page_give_way_to_the_link():
    document = [
        ParsedEntry(native_id="1", url="http://feed.test/1", title="same"),
        ParsedEntry(native_id="2", url="http://feed.test/1", title="same"),
    ]
    found, policy = identify(7, document, GUID_LINK)
    assert len(found) == 1
    assert policy is LINK


def test_ids_stay_when_the_link_is_shared_by_different_entries():
    home = "http://feed.test/"
    document = [ParsedEntry(native_id=str(number), url=home, title=str(number)) for number in range(3)]
    assert identify(7, document, GUID_LINK)[1] is GUID_LINK
    assert len(keys(document, GUID_LINK)) == 3


def test_entries_without_id_that_all_link_to_the_home_page_are_all_stored():
    document = [ParsedEntry(url="http://feed.test/", title=str(number), published_at=DAY) for number in range(3)]
    assert len(set(keys(document))) == 3


def test_of_two_versions_in_one_document_the_newer_is_kept():
    old = ParsedEntry(native_id="1", url="http://feed.test/1", title="old", updated_at=DAY)
    new = replace(old, title="new", updated_at=DAY + timedelta(hours=1))
    for document in ([old, new], [new, old]):
        found, _ = identify(7, document, GUID)
        assert [item.entry.title for item in found] == ["new"]


def test_h08a_the_same_item_seventy_thousand_times_is_stored_once():
    same = ParsedEntry(native_id="1", url="http://a.test/b", title="x")
    assert len(keys([same] * 2_000)) == 1


def test_h26_an_item_that_appears_later_with_an_older_date_is_new():
    first = [ParsedEntry(url=f"http://feed.test/{day}", published_at=DAY + timedelta(days=day)) for day in range(3)]
    late = ParsedEntry(url="http://feed.test/late", published_at=DAY - timedelta(days=30))
    assert set(keys([*first, late])) - set(keys(first)) == set(keys([late]))


def test_h27_an_item_without_date_has_the_same_key_at_each_poll():
    undated = ParsedEntry(title="n", text="no date, no id, no link")
    assert keys([undated]) == keys([replace(undated)]) == keys([replace(undated, author="Ann")])


@given(documents, policies)
def test_identifying_twice_gives_the_same_keys(document, policy):
    found, after = identify(7, document, policy)
    again, final = identify(7, document, after)
    assert again == found
    assert final is after


@given(documents, policies)
def test_keys_are_unique_and_the_policy_never_rises(document, policy):
    found, after = identify(7, document, policy)
    assert len({item.key for item in found}) == len(found)
    assert list(IdentityPolicy).index(after) >= list(IdentityPolicy).index(policy)


@given(documents, st.randoms(use_true_random=False))
def test_the_order_of_a_document_does_not_change_its_keys(document, random):
    shuffled = list(document)
    random.shuffle(shuffled)
    assert set(keys(shuffled)) == set(keys(document))


@given(documents)
def test_no_page_is_lost_to_a_repeated_id(document):
    found, _ = identify(7, document, GUID)
    assert {page(item.entry) for item in found} >= {page(entry) for entry in document}


def page(entry: ParsedEntry) -> str | None:
    return entry.url and entry.url.replace("https", "http").removesuffix("/")
