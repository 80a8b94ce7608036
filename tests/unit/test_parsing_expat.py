"""The fast reader against the parser of record: whatever it accepts, feedparser reads in the same way."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.hostile_bodies import item, rss
from triage.sources.parsing_expat import read_with_expat
from triage.sources.parsing_feedparser import read_with_feedparser

CONTENT = ' xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'

words = st.sampled_from(
    ["", " ", "word", " two words\n", "AT&T", "a < b", "<p>html</p>", "&amp;", "&#233;", "é", "Ã©", "漢字", "\x96", "//", "a@b.test",
     "http://feed.test/1", "http:///feed.test", "?a=1&b=2", "?a=1&b;=2", "tag:feed.test,2026:1", "<!--x-->", "]]"]
)  # fmt: skip
texts = st.lists(words, max_size=3).map("".join)
dates = st.sampled_from(
    ["Mon, 06 Sep 2010 00:01:00 +0000", "6 Sep 2010 00:01:00 GMT", "06 Sep 2010 00:01:00 EST", "2010-09-06T00:01:00Z",
     "2010-09-06T00:01:00.5+02:00", "2010-09-06", "", "never", "Mon, 31 Feb 2010 00:01:00 +0000"]
)  # fmt: skip
rss_names = st.sampled_from(
    ["title", "link", "guid", "description", "author", "category", "comments", "content:encoded", "dc:creator", "unknown",
     "summary", "source"]
)  # fmt: skip
attributes = st.sampled_from(
    ["", "", "", "", ' isPermaLink="false"', ' isPermaLink="true"', ' type="html"', ' type="text"', ' xml:lang="fr"',
     ' xml:base="http://base.test/"', ' rdf="x"', ' rel="self"']
)  # fmt: skip
atom_names = st.sampled_from(["id", "title", "summary", "content", "category", "rights", "unknown"])
links = st.tuples(
    st.sampled_from(["", ' rel="alternate"', ' rel="ALTERNATE"', ' rel="self"', ' rel="enclosure"', ' title="x"']),
    st.sampled_from(["", ' type="text/html"', ' type="TEXT/HTML"', ' type="application/json"']),
    texts,
)


def element(name: str, attribute: str, text: str, cdata: bool) -> str:
    inner = f"<![CDATA[{text.replace(']]>', '')}]]>" if cdata else escape(text)
    return f"<{name}{attribute}>{inner}</{name}>"


rss_children = st.one_of(
    st.builds(element, rss_names, attributes, texts, st.booleans()),
    st.builds(element, st.sampled_from(["pubDate", "dc:date"]), st.just(""), dates, st.just(False)),
)
rss_items = st.lists(rss_children, max_size=6).map(lambda parts: f"<item>{''.join(parts)}</item>")
channel_children = st.one_of(
    rss_items,
    rss_items,
    st.builds(
        element,
        st.sampled_from(["title", "language", "ttl", "link", "description", "odd"]),
        attributes,
        texts,
        st.booleans(),
    ),
    st.just("<image><title>logo</title><url>http://feed.test/i</url><link>http://feed.test/</link></image>"),
)
atom_children = st.one_of(
    st.builds(element, atom_names, attributes, texts, st.booleans()),
    st.builds(element, st.sampled_from(["updated", "published"]), st.just(""), dates, st.just(False)),
    links.map(lambda link: f"<link{link[0]}{link[1]} href={quoteattr(link[2])}/>"),
    st.builds(lambda name, uri: f"<author><name>{escape(name)}</name><uri>{escape(uri)}</uri></author>", texts, texts),
    st.just("<author><email>a@b.test</email></author>"),
)
entries = st.lists(atom_children, max_size=6).map(lambda parts: f"<entry>{''.join(parts)}</entry>")


def atom(parts: list[str], attribute: str = "") -> bytes:
    return f'<feed xmlns="http://www.w3.org/2005/Atom"{attribute}>{"".join(parts)}</feed>'.encode()


def agree(body: bytes) -> bool:
    fast = read_with_expat(body)
    if fast is not None:
        assert fast == read_with_feedparser(body, None)
    return fast is not None


@given(st.lists(channel_children, max_size=5))
@example(["<item><guid>http://feed.test/1</guid><link></link></item>"])
@example(["<item><link>http://feed.test/1</link><guid>p=1</guid></item>", "<title>late</title>"])
@example(["<item><content:encoded>a</content:encoded><description>b</description></item>"])
@example(["<item><content:encoded></content:encoded><description>b</description></item>"])
def test_rss_is_read_as_feedparser_reads_it_or_left_to_it(parts):
    agree(rss("".join(parts), root=CONTENT))


@given(st.lists(st.one_of(entries, entries, atom_children), max_size=5), st.sampled_from(["", ' xml:lang="en_GB"']))
def test_atom_is_read_as_feedparser_reads_it_or_left_to_it(parts, attribute):
    agree(atom(parts, attribute))


@given(
    st.datetimes(datetime(1900, 1, 2), datetime(2200, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(["822", "3339", "fraction"]),
)
def test_dates_are_read_as_feedparser_reads_them(moment, minutes, form):
    moment = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    text = {
        "822": format_datetime(moment),
        "3339": moment.isoformat(),
        "fraction": moment.isoformat(timespec="milliseconds"),
    }
    assert agree(rss(f"<item><title>t</title><pubDate>{text[form]}</pubDate></item>"))


@pytest.mark.parametrize("count", [1, 50])
def test_the_usual_feed_is_accepted(count):
    assert agree(rss("".join(item(f"n{number}", "&lt;p&gt;x&lt;/p&gt;", number) for number in range(count))))
    atom_feed = (
        "<title>T</title><id>urn:1</id><updated>2026-03-01T00:00:00Z</updated>"
        '<entry><title type="html">t</title><id>urn:2</id><updated>2026-03-01T00:00:00Z</updated>'
        '<link href="http://feed.test/1"/><author><name>Ann</name></author><content type="html">x</content></entry>'
    )
    assert agree(atom([atom_feed]))


@pytest.mark.parametrize(
    "body",
    [
        rss(item("AT&T")),
        rss(item(), doctype="<!DOCTYPE rss>"),
        rss(item(), doctype="<!DOCTYPE rss [<!ENTITY x 'y'>]>"),
        rss(item("é")).decode().encode("latin-1"),
        rss(item()).replace(b"utf-8", b"iso-8859-1"),
        rss(item()).decode().encode("utf-16"),
        rss(item("<b>x</b>")),
        rss("<item><title>a</title><title>b</title></item>"),
        rss('<item xml:base="http://base.test/"><title>a</title></item>'),
        rss("<item><pubDate>yesterday</pubDate></item>"),
        rss(
            "<item><itunes:title>x</itunes:title></item>",
            root=' xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"',
        ),
        rss(""),
        b"<html/>",
        b"",
    ],
)
def test_what_it_does_not_surely_know_is_left_to_feedparser(body):
    assert read_with_expat(body) is None
