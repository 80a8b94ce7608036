"""Do the feeds of the demo arrive as written, on loopback, and the same after a restart?"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import urlsplit

import feedparser
import psutil
import pytest

from config.sample import FeedFault, FeedFormat, read_sample
from workers.demo_feeds import DemoFeeds

STARTED = datetime(2026, 11, 25, 10, 0, 0, 654_321, tzinfo=UTC)
START = STARTED.replace(microsecond=0)


class Clock:
    """A clock that the test moves."""

    def __init__(self, seconds=0):
        self.seconds = seconds

    def __call__(self):
        return START + timedelta(seconds=self.seconds)


@pytest.fixture(scope="module")
def sample():
    return read_sample()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def server(sample, clock):
    with DemoFeeds(sample, started_at=STARTED, clock=clock) as running:
        yield running


def get(server, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(server.base_url).port, timeout=10)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def source(sample, slug):
    return next(each for each in sample.sources if each.slug == slug)


def read_entries(server, sample, slug):
    """The entries of one feed as (guid, title, text, published, link)."""
    status, body, headers = get(server, source(sample, slug).path)
    assert status == 200
    if source(sample, slug).format is FeedFormat.JSON:
        assert headers["Content-Type"] == "application/feed+json; charset=utf-8"
        rows = json.loads(body)["items"]
        return [(r["id"], r["title"], text_of(r["content_html"]), r["date_published"], r["url"]) for r in rows]
    parsed = feedparser.parse(body, sanitize_html=False, resolve_relative_uris=False)
    return [
        (e.get("id"), e.get("title", ""), text_of(e.get("summary", "")), e.get("published") or e.get("updated"), e.link)
        for e in parsed.entries
    ]


def text_of(markup):
    return "\n".join(unescape(part) for part in re.findall(r"<p>(.*?)</p>", markup, re.DOTALL))


def test_every_item_arrives_once_with_its_words_in_every_format(server, sample, clock):
    clock.seconds = 600
    for each in sample.sources:
        if each.fault in {FeedFault.ERROR_500, FeedFault.HTML_PAGE, FeedFault.UNESCAPED_AMPERSAND}:
            continue
        written = {
            (item.revision.title, item.revision.body) if item.revision else (item.title, item.body)
            for item in sample.items_of(each.slug)
        }
        entries = read_entries(server, sample, each.slug)
        assert len(entries) == len(sample.items_of(each.slug)), each.slug
        assert {(title, text) for _, title, text, _, _ in entries} == written, each.slug


def test_only_the_two_deliberate_documents_are_not_well_formed(server, sample):
    broken = set()
    for each in sample.sources:
        if each.fault is not FeedFault.ERROR_500 and each.format is not FeedFormat.JSON:
            parsed = feedparser.parse(get(server, each.path)[1])
            if parsed.bozo:
                broken.add(each.slug)
            assert parsed.entries or each.fault is FeedFault.HTML_PAGE
    assert broken == {"signal-bars", "larder-fans"}


def test_formats_are_what_the_organisation_says(server, sample):
    versions = {FeedFormat.RSS1: "rss10", FeedFormat.RSS2: "rss20", FeedFormat.ATOM: "atom10"}
    for each in sample.sources:
        if each.fault is FeedFault.NONE and each.format in versions:
            assert feedparser.parse(get(server, each.path)[1]).version == versions[each.format]


def test_the_bare_ampersand_reaches_the_reader_and_loses_no_entry(server, sample):
    body = get(server, "/feeds/signal-bars.xml")[1]
    assert b"AT&T," in body
    assert len(feedparser.parse(body).entries) == len(sample.items_of("signal-bars"))


def test_one_feed_answers_500_and_one_is_a_page(server):
    status, _, headers = get(server, "/feeds/radio-estuaire.xml")
    assert status == 500
    assert headers["ETag"] is None
    status, body, headers = get(server, "/feeds/larder-fans.xml")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert feedparser.parse(body).version == ""


def test_hostile_characters_arrive_as_written(server, sample):
    titles = [title for _, title, _, _, _ in read_entries(server, sample, "gadget-porch")]
    assert 'Cables <3 & other "feelings": a drawer tour' in titles
    page = get(server, "/item/gp-cables")[1].decode()
    assert "Cables &lt;3 &amp; other &quot;feelings&quot;" in page
    assert "x &lt; y &amp;&amp; y &gt; z" in page


def test_items_appear_when_their_second_has_come(server, sample, clock):
    def ids():
        return {guid.rsplit(":", 1)[-1] for guid, *_ in read_entries(server, sample, "warm-house-forum")}

    clock.seconds = 14
    assert "wh-caught-fire" not in ids()
    assert get(server, "/item/wh-caught-fire")[0] == 404
    clock.seconds = 15
    assert "wh-caught-fire" in ids()
    assert get(server, "/item/wh-caught-fire")[0] == 200


def test_dates_are_counted_from_the_start(server, sample, clock):
    clock.seconds = 200
    for each in read_entries(server, sample, "warm-house-forum"):
        item = next(item for item in sample.items if item.guid == each[0])
        if item.undated:
            assert each[3] is None
        else:
            assert feedparser.datetimes._parse_date(each[3])[:6] == item.published_at(START).timetuple()[:6]


def test_a_back_dated_item_appears_late_and_below_newer_ones(server, sample, clock):
    clock.seconds = 99
    before = [guid for guid, *_ in read_entries(server, sample, "warm-house-forum")]
    clock.seconds = 100
    after = [guid for guid, *_ in read_entries(server, sample, "warm-house-forum")]
    assert set(after) - set(before) == {"tocsin-demo:warm-house-forum:wh-backdated"}
    assert after[-1] == "tocsin-demo:warm-house-forum:wh-backdated"


def test_an_item_is_revised_under_the_same_guid_and_date(server, sample, clock):
    def article():
        [entry] = [e for e in read_entries(server, sample, "morning-ledger") if e[0].endswith(":ml-looking-into")]
        return entry

    clock.seconds = 129
    before = article()
    clock.seconds = 130
    after = article()
    assert (before[0], before[3], before[4]) == (after[0], after[3], after[4])
    assert before[1].startswith("Caldrenne looks into")
    assert after[1].startswith("Caldrenne recalls")


def test_an_item_without_guid_has_none_in_its_feed(server):
    body = get(server, "/feeds/forum-chaleur.xml")[1].decode()
    [row] = [row for row in body.split("<item>") if "/item/fc-sans-guid<" in row]
    assert "<guid" not in row


def test_unchanged_feeds_answer_304_until_something_appears(server, clock):
    path = "/feeds/chirrup.xml"
    status, _, headers = get(server, path)
    assert status == 200
    again = get(server, path, If_None_Match=headers["ETag"])
    assert (again[0], again[1], again[2]["ETag"]) == (304, b"", headers["ETag"])
    assert get(server, path, If_None_Match=f'"other", W/{headers["ETag"]}')[0] == 304
    assert get(server, path, If_Modified_Since=headers["Last-Modified"])[0] == 304
    assert get(server, path, If_None_Match='"old"', If_Modified_Since=headers["Last-Modified"])[0] == 200
    assert get(server, path, If_Modified_Since="the day before yesterday")[0] == 200
    clock.seconds = 28
    assert get(server, path, If_None_Match=headers["ETag"])[0] == 200
    assert get(server, path, If_Modified_Since=headers["Last-Modified"])[0] == 200


def test_a_head_request_has_the_headers_and_no_body(server):
    status, body, headers = get(server, "/feeds/chirrup.xml", method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 1000


def test_every_link_of_every_feed_opens_an_article(server, sample, clock):
    clock.seconds = 600
    for each in sample.sources:
        if each.fault is FeedFault.NONE:
            for *_, link in read_entries(server, sample, each.slug):
                assert link.startswith(server.base_url + "/item/")
                parts = urlsplit(link)
                status, body, _ = get(server, f"{parts.path}?{parts.query}")
                assert status == 200
                assert b"<script" not in body


def test_pages_carry_a_strict_policy(server):
    for path in ("/", "/item/ml-masts", "/item/none", "/nowhere"):
        headers = get(server, path)[2]
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/item/", "/item/../etc/passwd", "/item/%00", "/feeds/", "/feeds/none.xml", "/item"])
def test_unknown_paths_are_not_found(server, path):
    assert get(server, path)[0] == 404


def test_a_restart_serves_the_same_bytes(sample, clock):
    clock.seconds = 90
    with DemoFeeds(sample, started_at=STARTED, clock=clock) as first:
        before = {each.path: get(first, each.path) for each in sample.sources}
    port = urlsplit(first.base_url).port
    with DemoFeeds(read_sample(), started_at=STARTED, port=port, clock=clock) as second:
        for each in sample.sources:
            status, body, headers = get(second, each.path)
            assert (status, body, headers["ETag"]) == (
                before[each.path][0],
                before[each.path][1],
                before[each.path][2]["ETag"],
            )


def test_a_restart_a_day_later_keeps_guids_and_dates(sample):
    later = Clock(86_400)
    early = Clock(600)
    with (
        DemoFeeds(sample, started_at=STARTED, clock=early) as one,
        DemoFeeds(sample, started_at=STARTED, clock=later) as two,
    ):
        for each in sample.sources:
            if each.fault is FeedFault.NONE:
                first = [entry[:4] for entry in read_entries(one, sample, each.slug) if entry[0]]
                second = [entry[:4] for entry in read_entries(two, sample, each.slug) if entry[0]]
                guids = [entry for entry in first if entry[0].startswith("tocsin-demo:")]
                assert guids == [entry for entry in second if entry[0].startswith("tocsin-demo:")]


def test_a_start_ahead_shows_the_backlog_and_no_live_item(sample):
    with DemoFeeds(sample, started_at=STARTED, clock=Clock(-30)) as server:
        for each in sample.sources:
            if each.fault is FeedFault.NONE:
                backlog = [item for item in sample.items_of(each.slug) if item.appears_after_seconds is None]
                assert len(read_entries(server, sample, each.slug)) == len(backlog)


def test_the_server_listens_on_loopback_only(server):
    port = urlsplit(server.base_url).port
    assert server.base_url == f"http://127.0.0.1:{port}"
    listening = [c.laddr for c in psutil.Process().net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    assert [address.ip for address in listening if address.port == port] == ["127.0.0.1"]


def test_a_taken_port_is_refused_and_a_stopped_server_frees_it(sample, server):
    port = urlsplit(server.base_url).port
    with pytest.raises(OSError, match="in use"):
        DemoFeeds(sample, started_at=STARTED, port=port).start()
    server.stop()
    server.stop()
    with DemoFeeds(sample, started_at=STARTED, port=port) as next_one:
        assert get(next_one, "/")[0] == 200


def test_a_start_without_a_time_zone_is_refused(sample):
    with pytest.raises(ValueError, match="time zone"):
        DemoFeeds(sample, started_at=datetime(2026, 11, 25))


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_as_its_own_process_and_ends_on_a_signal(number):
    command = [sys.executable, "-m", "workers.demo_feeds", "--started-at", "2026-11-25T10:00:00+00:00"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().strip()
            connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
            connection.request("GET", "/feeds/chirrup.xml")
            answer = connection.getresponse()
            assert answer.status == 200
            answer.read()
            connection.close()
            os.kill(process.pid, number)
            assert process.wait(timeout=10) == 0
        finally:
            process.kill()


def test_a_start_time_without_zone_is_explained_on_the_command_line():
    command = [sys.executable, "-m", "workers.demo_feeds", "--started-at", "2026-11-25T10:00:00"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert "has no time zone" in ended.stderr
