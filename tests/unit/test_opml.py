"""OPML import: what is taken over, and what refuses the whole file (S04)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.domain.errors import InvalidFile
from triage.sources.opml import MAX_FEEDS, MAX_OPML_BYTES, OpmlFeed, read_opml


def opml(outlines: str) -> bytes:
    return f'<?xml version="1.0"?><opml version="2.0"><head/><body>{outlines}</body></opml>'.encode()


def feed(number: int, extra: str = "") -> str:
    return f'<outline type="rss" text="n{number}" xmlUrl="http://feed.test/{number}" {extra}/>'


def refusal(data: bytes) -> str:
    with pytest.raises(InvalidFile) as caught:
        read_opml(data)
    (fault,) = caught.value.faults
    return fault.message


def test_feeds_are_read_in_order_with_the_folders_around_them_as_tags():
    data = opml(
        f'{feed(1)}<outline text="News"><outline title="Local">{feed(2)}</outline>{feed(3)}</outline>'
        + feed(4, 'category="/Tech/Web, blogs"')
    )
    assert read_opml(data) == (
        OpmlFeed("http://feed.test/1", "n1", ()),
        OpmlFeed("http://feed.test/2", "n2", ("News", "Local")),
        OpmlFeed("http://feed.test/3", "n3", ("News",)),
        OpmlFeed("http://feed.test/4", "n4", ("Tech/Web", "blogs")),
    )


def test_a_feed_that_is_listed_twice_is_taken_once():
    data = opml(feed(1) + '<outline text="again" xmlUrl="https://FEED.test/1/"/>')
    assert [found.title for found in read_opml(data)] == ["n1"]


def test_a_feed_without_title_is_called_by_its_address():
    assert read_opml(opml('<outline xmlUrl="http://feed.test/1"/>'))[0].title == "http://feed.test/1"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "file:///etc/passwd", "/feed", "", "http://u:p@feed.test/"])
def test_an_outline_without_a_web_address_is_left_out(address):
    assert read_opml(opml(f'<outline text="x" xmlUrl="{address}"/>{feed(1)}')) == read_opml(opml(feed(1)))


def test_ten_thousand_levels_of_folders_are_read_without_harm():
    depth = 10_000
    (found,) = read_opml(opml('<outline text="a">' * depth + feed(1) + "</outline>" * depth))
    assert found.tags == ("a",)


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE opml [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>',
        f'<!DOCTYPE opml [<!ENTITY a "{"A" * 200_000}">]>',
        '<!DOCTYPE opml SYSTEM "http://127.0.0.1:9/evil.dtd">',
        "<!DOCTYPE opml>",
    ],
    ids=["file entity", "laughs", "large entity", "remote DTD", "bare"],
)
def test_s04_a_document_type_refuses_the_file(doctype):
    assert "document type" in refusal(f"{doctype}<opml><body>{feed(1)}</body></opml>".encode())


def test_a_file_that_is_too_large_is_refused():
    assert refusal(b" " * (MAX_OPML_BYTES + 1)) == "the file is larger than 2 MiB"


def test_a_file_with_too_many_feeds_is_refused():
    assert "10,000 feeds" in refusal(opml("".join(map(feed, range(MAX_FEEDS + 1)))))


def test_broken_xml_is_refused_with_its_place():
    with pytest.raises(InvalidFile) as caught:
        read_opml(b"<opml>\n  <body><outline></body>\n</opml>")
    (fault,) = caught.value.faults
    assert (fault.line, fault.column) == (2, 20)
    assert str(caught.value) == "opml:2:20: this is not well-formed XML — export the file again"


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "not well-formed"),
        (b"<rss/>", "not OPML"),
        (b"<opml><head/></opml>", "no list of feeds"),
        (b'<?xml version="1.0" encoding="x-nope"?><opml/>', "character encoding"),
        (b"\x00\x01", "not well-formed"),
    ],
)
def test_what_is_no_opml_is_refused_in_plain_words(data, reason):
    assert reason in refusal(data)


@given(st.binary(max_size=200) | st.text(max_size=200).map(opml))
def test_any_bytes_are_read_or_refused(data):
    try:
        found = read_opml(data)
    except InvalidFile:
        return
    assert all(one.url.startswith("http") for one in found)
