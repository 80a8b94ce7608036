"""What every kind of source promises, run against each of them; then what each kind promises beyond that."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from tests.hostile_bodies import h26_back_dated, item, rss
from triage.domain.errors import AddressRefused, SourceError, SourceErrorKind
from triage.net import FetchRequest, FetchResult
from triage.sources.base import MAX_CURSOR_BYTES, Source, cursor_of
from triage.sources.kinds.feed import FeedSource
from triage.sources.kinds.file import FileSource
from triage.sources.parsing import parse_document
from triage.sources.registry import build_sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from triage.domain.entries import ParsedFeed

ADDRESS = "http://feed.test/rss"
ONE = rss(item("one"))
TWO = rss(item("one") + item("two", number=2))


class DirectParser:
    """The parser of the child without the child: these documents are ours."""

    def __init__(self) -> None:
        self.calls = 0

    def parse(self, body: bytes, *, content_type: str | None, base_url: str) -> ParsedFeed:
        self.calls += 1
        return parse_document(body, content_type=content_type, base_url=base_url)


@dataclass
class FakeServer:
    """A server that knows validators, and the net in front of it."""

    body: bytes = ONE
    etag: str | None = None
    answer: dict[str, object] = field(default_factory=dict)
    requests: list[FetchRequest] = field(default_factory=list)

    def get(self, request: FetchRequest) -> FetchResult:
        self.requests.append(request)
        unchanged = self.etag is not None and request.etag == self.etag
        result = FetchResult(
            status=304 if unchanged else 200,
            url=request.url,
            permanent_url=None,
            body=b"" if unchanged else self.body,
            content_type="application/rss+xml",
            etag=self.etag,
            last_modified=request.last_modified,
            floor_seconds=0.0,
        )
        return replace(result, **self.answer)


@dataclass
class Bench:
    """One kind under test: its source, the address, and how to change what is there."""

    source: Source
    address: str
    publish: Callable[[bytes], None]
    parser: DirectParser


@pytest.fixture(params=["feed", "feed with validators", "file"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    parser = DirectParser()
    if request.param == "file":
        path = tmp_path / "feed.xml"
        path.write_bytes(ONE)
        return Bench(
            build_sources(FakeServer(), parser)["file"], str(path), lambda body: none(path.write_bytes(body)), parser
        )
    server = FakeServer(etag='"1"' if request.param == "feed with validators" else None)

    def publish(body: bytes) -> None:
        server.body = body
        server.etag = f'"{len(body)}"' if server.etag else None

    return Bench(build_sources(server, parser)["feed"], ADDRESS, publish, parser)


def none(_: object) -> None:
    return None


def titles(feed: ParsedFeed | None) -> list[str]:
    assert feed is not None
    return [entry.title for entry in feed.entries]


def test_the_first_call_brings_the_entries_and_a_small_versioned_cursor(bench):
    harvest = bench.source.fetch(bench.address, None)
    assert titles(harvest.feed) == ["one"]
    assert harvest.cursor["v"] == 1
    assert len(json.dumps(harvest.cursor)) <= MAX_CURSOR_BYTES


def test_an_unchanged_source_brings_nothing_and_is_not_parsed_again(bench):
    first = bench.source.fetch(bench.address, None)
    again = bench.source.fetch(bench.address, first.cursor)
    assert again.feed is None
    assert again.cursor == first.cursor
    assert bench.parser.calls == 1


def test_a_cursor_survives_json(bench):
    cursor = json.loads(json.dumps(bench.source.fetch(bench.address, None).cursor))
    assert bench.source.fetch(bench.address, cursor).feed is None


def test_the_same_cursor_given_again_brings_the_same_entries(bench):
    cursor = bench.source.fetch(bench.address, None).cursor
    bench.publish(TWO)
    # The process died after the fetch and before the commit: the old cursor is all that there is.
    assert titles(bench.source.fetch(bench.address, cursor).feed) == ["one", "two"]
    assert titles(bench.source.fetch(bench.address, cursor).feed) == ["one", "two"]


def test_h26_an_older_entry_that_appears_later_is_brought(bench):
    first, second = h26_back_dated()
    bench.publish(first)
    cursor = bench.source.fetch(bench.address, None).cursor
    bench.publish(second)
    assert titles(bench.source.fetch(bench.address, cursor).feed)[-1] == "n9"


@pytest.mark.parametrize(
    "cursor", [{}, {"v": 0}, {"v": 2, "body_hash": "x", "etag": '"1"'}, {"v": 1, "etag": 5, "body_hash": []}]
)
def test_a_cursor_of_another_version_or_shape_counts_as_none(bench, cursor):
    assert titles(bench.source.fetch(bench.address, cursor).feed) == ["one"]


def test_what_is_no_feed_is_a_typed_error(bench):
    bench.publish(b"<!DOCTYPE html><html><body>Hello</body></html>")
    with pytest.raises(SourceError) as caught:
        bench.source.fetch(bench.address, None)
    assert caught.value.kind is SourceErrorKind.NOT_A_FEED
    assert not caught.value.permanent


# --- feed -----------------------------------------------------------------------------------------------------------


def feed_source(server: FakeServer) -> FeedSource:
    return FeedSource(server, DirectParser())


def test_validators_are_sent_back_verbatim():
    server = FakeServer(answer={"etag": 'W/"a b"', "last_modified": "Mon, 06 Sep 2010 00:01:00 GMT"})
    source = feed_source(server)
    source.fetch(ADDRESS, source.fetch(ADDRESS, None).cursor)
    first, second = server.requests
    assert (first.etag, first.last_modified) == (None, None)
    assert (second.etag, second.last_modified) == ('W/"a b"', "Mon, 06 Sep 2010 00:01:00 GMT")


def test_a_validator_that_no_cursor_can_hold_is_left_out():
    server = FakeServer(answer={"etag": "x" * 5_000})
    cursor = feed_source(server).fetch(ADDRESS, None).cursor
    assert "etag" not in cursor
    assert "body_hash" in cursor


def test_h41_a_304_that_nobody_asked_for_makes_the_next_request_a_full_one():
    server = FakeServer(answer={"status": 304, "body": b"ignored"})
    harvest = feed_source(server).fetch(ADDRESS, None)
    assert harvest.feed is None
    assert not harvest.cursor.keys() & {"etag", "last_modified", "body_hash"}


def test_a_200_with_the_same_body_takes_over_the_new_validators():
    server = FakeServer(etag='"1"')
    source = feed_source(server)
    cursor = source.fetch(ADDRESS, None).cursor
    server.etag = '"2"'
    harvest = source.fetch(ADDRESS, cursor)
    assert harvest.feed is None
    assert harvest.cursor["etag"] == '"2"'


@pytest.mark.parametrize("server_floor, ttl, floor", [(0.0, 30, 1_800.0), (3_600.0, 30, 3_600.0), (60.0, 0, 60.0)])
def test_the_earliest_next_call_is_the_later_of_what_server_and_feed_ask_for(server_floor, ttl, floor):
    server = FakeServer(rss(f"<ttl>{ttl}</ttl>" + item()), etag='"1"', answer={"floor_seconds": server_floor})
    source = feed_source(server)
    first = source.fetch(ADDRESS, None)
    assert first.floor_seconds == floor
    assert source.fetch(ADDRESS, first.cursor).floor_seconds == floor, "also when a 304 does not repeat the feed's wish"


@pytest.mark.parametrize("permanent, moved", [("http://new.test/", "http://new.test/"), (ADDRESS, None), (None, None)])
def test_a_permanent_redirect_is_reported(permanent, moved):
    server = FakeServer(answer={"permanent_url": permanent})
    assert feed_source(server).fetch(ADDRESS, None).moved_to == moved


def test_links_are_resolved_against_the_address_that_answered():
    server = FakeServer(rss("<item><link>/1</link></item>"), answer={"url": "https://new.test/feed"})
    harvest = feed_source(server).fetch(ADDRESS, None)
    assert harvest.feed is not None
    assert harvest.feed.entries[0].url == "https://new.test/1"


# --- file -----------------------------------------------------------------------------------------------------------


def file_source(root: Path | None = None) -> FileSource:
    return FileSource(DirectParser(), root)


def kind_of_error(source: FileSource, address: str) -> SourceErrorKind:
    with pytest.raises(SourceError) as caught:
        source.fetch(address, None)
    return caught.value.kind


def test_a_file_url_is_read(tmp_path):
    path = tmp_path / "a feed.xml"
    path.write_bytes(ONE)
    assert titles(file_source().fetch(path.as_uri(), None).feed) == ["one"]


def test_what_is_no_file_is_a_typed_error(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert kind_of_error(file_source(), str(tmp_path / "absent.xml")) is SourceErrorKind.UNREACHABLE
    assert kind_of_error(file_source(), str(tmp_path)) is SourceErrorKind.NOT_A_FEED
    assert kind_of_error(file_source(), str(tmp_path / "pipe")) is SourceErrorKind.NOT_A_FEED
    assert kind_of_error(file_source(), "/dev/zero") is SourceErrorKind.NOT_A_FEED
    assert kind_of_error(file_source(), "nul\0byte") is SourceErrorKind.UNREACHABLE


def test_a_file_that_is_too_large_is_a_typed_error(tmp_path):
    path = tmp_path / "large.xml"
    with path.open("wb") as file:
        file.truncate(6 << 20)
    assert kind_of_error(file_source(), str(path)) is SourceErrorKind.TOO_LARGE


def test_with_a_root_only_files_under_it_are_read(tmp_path):
    root = tmp_path / "feeds"
    root.mkdir()
    (root / "in.xml").write_bytes(ONE)
    (tmp_path / "out.xml").write_bytes(ONE)
    (root / "link.xml").symlink_to(tmp_path / "out.xml")
    source = file_source(root)
    assert titles(source.fetch("in.xml", None).feed) == ["one"]
    assert titles(source.fetch(str(root / "in.xml"), None).feed) == ["one"]
    for address in (
        "../out.xml",
        str(tmp_path / "out.xml"),
        "link.xml",
        (tmp_path / "out.xml").as_uri(),
        "/etc/passwd",
    ):
        with pytest.raises(AddressRefused):
            source.fetch(address, None)


# --- cursors --------------------------------------------------------------------------------------------------------


def test_a_cursor_holds_what_is_set_within_its_limit():
    assert cursor_of(etag=None, ttl_seconds=0.0, body_hash="x") == {"v": 1, "body_hash": "x"}
    assert cursor_of(first="a", long="b" * MAX_CURSOR_BYTES, last="c") == {"v": 1, "first": "a", "last": "c"}


def test_every_kind_is_registered_by_the_name_that_the_database_stores():
    assert set(build_sources(FakeServer(), DirectParser())) == {"feed", "file"}
