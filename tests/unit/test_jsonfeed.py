"""JSON Feed 1 and 1.1: what is read, what is skipped, what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.domain.errors import SourceError, SourceErrorKind
from triage.sources.jsonfeed import looks_like_json, read_json_feed

VERSION = "https://jsonfeed.org/version/1.1"
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    *("id", "url", "external_url", "title", "content_html", "content_text", "summary", "date_published"),
    *("date_modified", "author", "authors", "language"),
]


def read(*items: object, **feed: object):
    return read_json_feed(json.dumps({"version": VERSION, "items": list(items)} | feed).encode())


def test_all_fields_of_an_item_are_read():
    feed = read(
        {
            "id": "a",
            "url": "http://feed.test/1",
            "title": "T",
            "content_html": "<p>x</p>",
            "content_text": "x",
            "date_published": "2026-03-01T12:00:00+01:00",
            "date_modified": "2026-03-01T12:00:01Z",
            "authors": [{"name": "Ann"}, {"name": "Bo"}],
            "language": "fr",
        },
        title="Feed",
        language="en",
    )
    (draft,) = feed.entries
    assert (feed.title, feed.language) == ("Feed", "en")
    assert (draft.native_id, draft.link, draft.title) == ("a", "http://feed.test/1", "T")
    assert (draft.body, draft.body_markup) == ("<p>x</p>", True)
    assert (draft.published, draft.updated) == (1772362800, 1772366401)
    assert (draft.author, draft.language) == ("Ann, Bo", "fr")


def test_text_is_used_where_there_is_no_html_and_the_summary_where_there_is_neither():
    text, summary = read({"id": "1", "content_text": "a < b"}, {"id": "2", "summary": "s"}).entries
    assert (text.body, text.body_markup) == ("a < b", False)
    assert (summary.body, summary.body_markup) == ("s", False)


@pytest.mark.parametrize("identifier, native_id", [(7, "7"), (3.5, "3.5"), ("", None), (True, None), ([], None)])
def test_a_number_as_id_becomes_text_and_anything_else_is_no_id(identifier, native_id):
    assert read({"id": identifier}).entries[0].native_id == native_id


def test_the_external_link_stands_in_for_a_missing_one():
    assert read({"id": "1", "external_url": "http://other.test/"}).entries[0].link == "http://other.test/"


def test_the_author_of_version_1_is_read():
    assert read({"id": "1", "author": {"name": "Ann"}}).entries[0].author == "Ann"


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("wrong", [1.5, True, None, [], {}, [[]], {"name": []}, ["x"]])
def test_a_field_of_the_wrong_type_never_costs_the_item(field, wrong):
    assert len(read({"id": "1"} | {field: wrong}, {"id": "2"}).entries) == 2


def test_items_that_are_no_objects_are_skipped_with_a_warning():
    feed = read({"id": "1"}, "text", 5, None)
    assert len(feed.entries) == 1
    assert feed.warning == "3 items of the JSON Feed are not objects and were skipped."


@pytest.mark.parametrize("date", ["not a date", "", "9" * 500, "2026-02-30"])
def test_a_date_that_cannot_be_read_is_none(date):
    assert read({"id": "1", "date_published": date}).entries[0].published is None


def test_text_after_the_feed_is_ignored_with_a_warning():
    feed = read_json_feed(json.dumps({"version": VERSION, "items": [{"id": "1"}]}).encode() + b"\n\n-- debug --")
    assert len(feed.entries) == 1
    assert feed.warning == "Other text follows the JSON Feed; it was ignored."


def test_a_byte_order_mark_and_utf_16_are_read():
    text = json.dumps({"version": VERSION, "items": [{"id": "1", "title": "é"}]}, ensure_ascii=False)
    for data in (text.encode("utf-8-sig"), text.encode("utf-16")):
        assert read_json_feed(data).entries[0].title == "é"


def test_h24c_json_that_is_no_feed_is_said_to_be_none():
    with pytest.raises(SourceError) as caught:
        read_json_feed(b'{"error": "not found"}')
    assert caught.value.kind is SourceErrorKind.NOT_A_FEED


@pytest.mark.parametrize(
    "data", [b"{", b'{"version": ', b'{"a":' * 50_000, b"{'a': 1}", b'{"a": ' + b"9" * 6_000 + b"}"]
)
def test_broken_json_is_a_parse_error(data):
    with pytest.raises(SourceError) as caught:
        read_json_feed(data)
    assert caught.value.kind is SourceErrorKind.PARSE_ERROR


@pytest.mark.parametrize("start, answer", [(b'  {"', True), (b"\xef\xbb\xbf{", True), (b"<?xml", False), (b"[", False)])
def test_json_is_known_by_its_brace(start, answer):
    assert looks_like_json(start) is answer


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), json_values) | json_values, max_size=5))
def test_no_item_of_whatever_shape_breaks_the_reader(items):
    objects = [item for item in items if isinstance(item, dict)]
    assert len(read(*items).entries) == len(objects)
