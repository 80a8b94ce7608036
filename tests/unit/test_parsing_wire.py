"""The frames between parent and parse child: what a child that went wrong sends is never believed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.domain.entries import MAX_ENTRIES, MAX_TITLE, ParsedEntry, ParsedFeed
from triage.domain.errors import SourceError, SourceErrorKind
from triage.sources.wire import (
    Request,
    decode_reply,
    decode_request,
    encode_error,
    encode_feed,
    encode_request,
    frame,
    frame_length,
)

ROW = ["id", "http://feed.test/1", "title", "text", "", None, 1_283_731_260, None, "en"]
FEED = {"title": "T", "language": None, "dropped": 0, "warning": None, "ttl": 0.0, "entries": [ROW]}

moments = st.datetimes(datetime(1990, 1, 1), datetime(2099, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))
clean = st.text(max_size=20)
entries = st.builds(
    ParsedEntry,
    native_id=st.none() | clean,
    url=st.none() | clean.map("https://feed.test/{}".format),
    title=clean,
    text=clean,
    html=clean,
    author=st.none() | clean,
    published_at=st.none() | moments,
    updated_at=st.none() | moments,
    language=st.none() | st.just("en-GB"),
)
feeds = st.builds(
    ParsedFeed,
    title=clean,
    language=st.none() | st.just("fr"),
    entries=st.lists(entries, max_size=3).map(tuple),
    entries_dropped=st.integers(0, 99_999),
    warning=st.none() | clean,
    ttl_seconds=st.floats(0, 21_600),
)


def refused(reply: bytes) -> bool:
    with pytest.raises(SourceError) as caught:
        decode_reply(reply)
    return caught.value.kind is SourceErrorKind.CRASHED


@given(feeds)
def test_a_feed_arrives_as_it_was_sent(feed):
    assert decode_reply(encode_feed(feed)) == feed


def test_an_error_arrives_with_its_kind_and_message():
    with pytest.raises(SourceError) as caught:
        decode_reply(encode_error(SourceError(SourceErrorKind.NOT_A_FEED, "no feed here", permanent=True)))
    assert (caught.value.kind, str(caught.value), caught.value.permanent) == (
        SourceErrorKind.NOT_A_FEED,
        "no feed here",
        True,
    )


def test_a_request_arrives_as_it_was_sent():
    request = Request(b"\0body", "text/xml", "http://feed.test/", 2.5)
    sent = encode_request(request)
    about = sent[4 : 4 + frame_length(sent[:4])]
    assert sent[4 + len(about) :] == frame(b"\0body")
    assert decode_request(about, b"\0body") == request


@pytest.mark.parametrize(
    "place, value",
    [(0, 5), (1, "javascript:alert(1)"), (1, "http://x/" + "a" * 3_000), (2, None), (2, "t" * (MAX_TITLE + 1)), (3, ["text"]),
     (4, "h" * 70_000), (5, {}), (6, "2010"), (6, True), (6, 10**20), (7, 1.5), (8, "e" * 40)],
)  # fmt: skip
def test_an_entry_with_a_value_of_the_wrong_type_or_size_is_refused(place, value):
    row = [value if position == place else good for position, good in enumerate(ROW)]
    assert refused(json.dumps(FEED | {"entries": [row]}).encode())


@pytest.mark.parametrize(
    "change",
    [{"entries": None}, {"entries": [[]]}, {"entries": ["row"]}, {"entries": [ROW] * (MAX_ENTRIES + 1)}, {"dropped": -1},
     {"dropped": None}, {"ttl": "x"}, {"title": None}, {"error": "x"}, {"error": ["no_such_kind", "x", False]}],
)  # fmt: skip
def test_a_feed_of_another_shape_is_refused(change):
    assert refused(json.dumps(FEED | change).encode())


@given(st.binary(max_size=60))
def test_any_bytes_are_refused(reply):
    assert refused(reply)


@pytest.mark.parametrize("reply", [b"[]", b"5", b"{}", b'"error"', b"[" * 100_000])
def test_any_other_json_is_refused(reply):
    assert refused(reply)
