"""Hostile documents against the real parse child: a typed outcome each, and the next document is read (F13, S03-S05)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests import hostile_bodies as hostile
from triage.domain.entries import MAX_ENTRIES, MAX_TITLE, ParsedFeed
from triage.domain.errors import SourceError, SourceErrorKind
from triage.domain.identity import IdentityPolicy, identify
from triage.sources.child import ParserChild
from triage.sources.parsing import MAX_TTL_SECONDS, parse_document
from triage.sources.wire import Request, encode_request

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.processes
GOOD = hostile.rss(hostile.item("good"))


@pytest.fixture(scope="module")
def child():
    with ParserChild() as child:
        yield child


@pytest.fixture
def strict_child():
    """A child that gives up soon: for documents that are meant to reach the limit."""
    with ParserChild(limit_seconds=1.0) as child:
        yield child


def read(child: ParserChild, body: bytes, content_type: str | None = None) -> ParsedFeed:
    return child.parse(body, content_type=content_type, base_url="http://feed.test/rss/all.xml")


def refusal(child: ParserChild, body: bytes) -> SourceErrorKind:
    with pytest.raises(SourceError) as caught:
        read(child, body)
    assert len(read(child, GOOD).entries) == 1, "the next document is read"
    return caught.value.kind


def stored(feed: ParsedFeed) -> int:
    return len(identify(1, feed.entries, IdentityPolicy.GUID)[0])


# --- size and number ------------------------------------------------------------------------------------------------


def test_h04a_all_members_of_a_gzip_are_read(child):
    assert len(read(child, hostile.h04a_two_gzip_members()).entries) == 10


def test_h04b_gzip_without_its_header_is_decoded_once(child):
    assert len(read(child, hostile.h04b_gzip_without_header()).entries) == 1


def test_h04c_half_a_gzip_is_incomplete(child):
    assert refusal(child, hostile.h04c_half_a_gzip()) is SourceErrorKind.INCOMPLETE


def test_h04d_a_gzip_bomb_is_too_large(child):
    assert refusal(child, hostile.h04d_gzip_bomb()) is SourceErrorKind.TOO_LARGE


def test_h06_twenty_megabytes_of_text_are_too_large(child):
    assert refusal(child, hostile.h06_one_huge_text()) is SourceErrorKind.TOO_LARGE


def test_h08a_the_same_item_many_times_is_stored_once_and_the_rest_counted(child):
    feed = read(child, hostile.h08a_same_item())
    assert len(feed.entries) + feed.entries_dropped == 70_000
    assert stored(feed) == 1


def test_h08b_the_same_title_many_times_is_stored_once(child):
    feed = read(child, hostile.h08b_same_title(50_000))
    assert len(feed.entries) + feed.entries_dropped == 50_000
    assert stored(feed) == 1


def test_h09_the_oldest_of_2001_items_is_left_out_and_counted(child):
    feed = read(child, hostile.h09_many_items())
    assert (len(feed.entries), feed.entries_dropped) == (MAX_ENTRIES, 1)
    assert [entry.title for entry in feed.entries[:2]] == ["n1", "n2"]


# --- what makes parsers slow ----------------------------------------------------------------------------------------


def test_h10_many_attributes_are_refused_before_parsing(child):
    assert refusal(child, hostile.h10_many_attributes()) is SourceErrorKind.TAG_TOO_LONG


def test_h10b_many_attributes_in_disguise_end_at_the_time_limit(strict_child):
    started = time.monotonic()
    assert refusal(strict_child, hostile.h10_many_attributes(value=">")) is SourceErrorKind.PARSE_TIMEOUT
    assert time.monotonic() - started < 10, "the limit of one second, a new child and one good document"


def test_h11_many_namespaces_are_refused_before_parsing(child):
    assert refusal(child, hostile.h11_many_namespaces()) is SourceErrorKind.TAG_TOO_LONG


def test_h12a_a_title_of_open_tags_is_cut(child):
    (entry,) = read(child, hostile.h12a_open_tags_in_title()).entries
    assert len(entry.title) <= MAX_TITLE


def test_h12b_deep_nesting_does_no_harm(child):
    assert len(read(child, hostile.h12b_deep_nesting()).entries) == 1


def test_h13_nested_markup_is_read(child):
    assert len(read(child, hostile.h13_nested_markup()).entries) == 1


def test_h13_eighty_entries_of_nested_markup_end_at_the_time_limit(strict_child):
    assert refusal(strict_child, hostile.h13_nested_markup(40, 8_000)) is SourceErrorKind.PARSE_TIMEOUT


def test_h14_a_billion_laughs_are_not_expanded(child):
    (entry,) = read(child, hostile.h14_billion_laughs()).entries
    assert entry.title == "&a9;"


@pytest.mark.parametrize("body", [hostile.h15a_one_entity_often, hostile.h15b_large_entity])
def test_h15_large_entities_are_not_expanded(child, body):
    (entry,) = read(child, body()).entries
    assert "AA" not in entry.title


# --- what makes parsers reach out -----------------------------------------------------------------------------------


def test_h16_the_file_of_an_entity_is_not_read(child, tmp_path):
    canary = tmp_path / "canary.txt"
    canary.write_text("CANARY")
    assert "CANARY" not in repr(read(child, hostile.h16_file_entity(str(canary))))


def test_h17_the_dtd_of_another_server_is_not_asked_for(child):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/evil.dtd"
        assert len(read(child, hostile.h17_remote_dtd(address)).entries) == 1
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_s04_a_document_that_is_a_path_or_an_address_is_not_opened(child, tmp_path):
    feed_file = tmp_path / "feed.xml"
    feed_file.write_bytes(GOOD)
    assert refusal(child, str(feed_file).encode()) is SourceErrorKind.NOT_A_FEED
    assert refusal(child, feed_file.as_uri().encode()) is SourceErrorKind.NOT_A_FEED


# --- damage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", "abce")
def test_h18_long_runs_of_markup_characters_end(child, name):
    body = dict(hostile.h18_runs())[name]
    kinds: set[SourceErrorKind] = set()
    try:
        read(child, body)
    except SourceError as error:
        kinds.add(error.kind)
    assert kinds <= {SourceErrorKind.NOT_A_FEED}
    assert len(read(child, GOOD).entries) == 1


def test_h18d_a_feed_that_is_one_open_comment_is_no_feed(child):
    assert refusal(child, dict(hostile.h18_runs())["d"]) is SourceErrorKind.NOT_A_FEED


def test_h19_an_absurd_date_is_none_and_never_now(child):
    (entry,) = read(child, hostile.h19_date_of_nines()).entries
    assert entry.published_at is None


@pytest.mark.parametrize("date", ["Mon, 06 Sep 1910 00:01:00 GMT", "2210-01-01T00:00:00Z", "yesterday", "0"])
def test_a_date_before_1990_after_2100_or_unreadable_is_none(child, date):
    (entry,) = read(child, hostile.rss(f"<item><title>t</title><pubDate>{date}</pubDate></item>")).entries
    assert entry.published_at is None


def test_h20_a_huge_style_is_removed(child):
    (entry,) = read(child, hostile.h20_huge_style()).entries
    assert "style" not in entry.html


def test_h21_controls_are_removed_and_both_items_are_read(child):
    assert [entry.title for entry in read(child, hostile.h21_controls()).entries] == ["abc", "good"]


def test_h22_the_whole_entries_of_a_cut_document_are_read_with_a_warning(child):
    feed = read(child, hostile.h22_cut_off())
    whole = hostile.h22_cut_off().count(b"</item>")
    assert [entry.title for entry in feed.entries][:whole] == [f"title {number}" for number in range(whole)]
    assert "not well-formed" in (feed.warning or "")


def test_h22_a_last_entry_that_is_cut_before_it_has_an_identity_is_left_out(child):
    body = hostile.rss(hostile.item() + "<item><title>half")
    assert [entry.title for entry in read(child, body[: body.index(b"half") + 4]).entries] == ["t"]


def test_h23_a_bare_ampersand_is_read_as_it_was_meant(child):
    feed = read(child, hostile.h23_bare_ampersand())
    assert [entry.title for entry in feed.entries] == ["AT&T outage", "good"]
    assert feed.entries[0].text == "AT&T says R&D is hit"


@pytest.mark.parametrize("name", hostile.H24_NO_FEEDS)
def test_h24_what_is_no_feed_is_said_to_be_none(child, name):
    assert refusal(child, hostile.H24_NO_FEEDS[name]) is SourceErrorKind.NOT_A_FEED


@pytest.mark.parametrize("name", hostile.H25_ENCODINGS)
def test_h25_text_in_another_encoding_than_declared_is_right(child, name):
    (entry,) = read(child, hostile.H25_ENCODINGS[name]).entries
    assert entry.title == "café"


def test_h43_a_feed_served_as_html_or_with_a_wrong_charset_is_read(child):
    body = hostile.rss(hostile.item("café"))
    for content_type in ("text/html", "text/xml", "text/html; charset=iso-8859-1", "nonsense"):
        assert read(child, body, content_type).entries[0].title == "café"
    latin = body.replace(b"utf-8", b"x-none").decode().encode("latin-1")
    assert read(child, latin, "text/xml; charset=iso-8859-1").entries[0].title == "café"


# --- over time ------------------------------------------------------------------------------------------------------


def test_h26_an_older_item_that_appears_later_is_kept(child):
    first, second = (read(child, body) for body in hostile.h26_back_dated())
    assert stored(second) == stored(first) + 1


def test_h27_an_undated_item_has_one_identity_over_three_polls(child):
    polls = [read(child, hostile.h27_undated()) for _ in range(3)]
    keys = {found.key for poll in polls for found in identify(1, poll.entries, IdentityPolicy.GUID)[0]}
    assert len(keys) == 1
    assert polls[0].entries[0].published_at is None


# --- markup and links -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", hostile.MARKUP)
def test_h50_to_h70_markup_anywhere_in_an_entry_is_harmless(child, name):
    feed = read(child, hostile.markup_everywhere(hostile.MARKUP[name]))
    assert len(feed.entries) == 4
    for entry in feed.entries:
        assert entry.title in {"", "x"}
        assert entry.text in {"", "x"}
        assert not any(word in entry.html for word in ("script", "evil", "onerror", "style", "<img", "logout", "form"))


@pytest.mark.parametrize("name", hostile.LINKS)
def test_h64_to_h66_a_link_that_is_no_web_address_is_dropped(child, name):
    (entry,) = read(child, hostile.entry_link(hostile.LINKS[name])).entries
    assert entry.url is None


@pytest.mark.parametrize(
    "link, url",
    [
        ("/2026/1", "http://feed.test/2026/1"),
        ("item?id=1", "http://feed.test/rss/item?id=1"),
        ("//cdn.test/1", "http://cdn.test/1"),
        (" https://other.test/a ", "https://other.test/a"),
        ("http://[::1", None),
    ],
)
def test_links_become_absolute_against_the_address_of_the_document(child, link, url):
    (entry,) = read(child, hostile.entry_link(link)).entries
    assert entry.url == url


def test_xml_base_goes_before_the_address_of_the_document(child):
    body = """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="{}"><title>T</title>
      <entry xml:base="{}"><id>1</id><title>t</title><link href="a.html"/></entry></feed>"""

    def link(feed_base: str, entry_base: str) -> str | None:
        return read(child, body.format(feed_base, entry_base).encode()).entries[0].url

    assert link("http://blog.test/x/", "2026/") == "http://blog.test/x/2026/a.html"
    assert link("/blog/", "") == "http://feed.test/blog/a.html"
    assert link("", "http://blog.test/y/") == "http://blog.test/y/a.html"


def test_an_id_is_kept_as_it_stands_also_where_it_is_a_relative_address(child):
    (entry,) = read(child, hostile.rss("<item><guid>p=12</guid><title>t</title></item>")).entries
    assert (entry.native_id, entry.url) == ("p=12", "http://feed.test/rss/p=12")


def test_two_very_long_ids_that_begin_alike_stay_different(child):
    ids = ["x" * 3_000 + end for end in "ab"]
    feed = read(child, hostile.rss("".join(f"<item><guid>{one}</guid><title>t</title></item>" for one in ids)))
    first, second = (entry.native_id for entry in feed.entries)
    assert first != second
    assert all(len(entry.native_id or "") <= 2_048 for entry in feed.entries)


@pytest.mark.parametrize(
    "channel, seconds",
    [
        ("<ttl>60</ttl>", 3_600.0),
        ("<ttl>999999</ttl>", MAX_TTL_SECONDS),
        ("<ttl>-5</ttl>", 0.0),
        ("<ttl>soon</ttl>", 0.0),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>", 1_800.0),
        ("<sy:updatePeriod> daily </sy:updatePeriod>", MAX_TTL_SECONDS),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", 3_600.0),
        ("", 0.0),
    ],
)
def test_the_publishers_wish_to_wait_is_read_and_bounded(child, channel, seconds):
    body = hostile.rss(channel + hostile.item(), root=' xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"')
    assert read(child, body).ttl_seconds == seconds


# --- the child itself -----------------------------------------------------------------------------------------------


def slow_body() -> bytes:
    return hostile.h10_many_attributes(value=">")


def test_f13_a_child_killed_in_mid_document_is_a_typed_error_and_the_next_document_is_read(child):
    read(child, GOOD)
    pid = child.pid
    killer = threading.Thread(target=lambda: (wait_until_busy(pid), os.kill(pid, signal.SIGKILL)))
    killer.start()
    assert refusal(child, slow_body()) is SourceErrorKind.CRASHED
    killer.join()
    assert child.pid != pid


def wait_until_busy(pid: int) -> None:
    process = psutil.Process(pid)
    start = process.cpu_times().user
    wait_until(lambda: process.cpu_times().user - start > 0.1)


def wait_until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        pause.wait(0.01)


def test_a_child_killed_between_documents_is_replaced_unnoticed(child):
    read(child, GOOD)
    process = psutil.Process(child.pid)
    process.kill()
    wait_until(lambda: process.status() == psutil.STATUS_ZOMBIE)
    assert len(read(child, GOOD).entries) == 1


def test_f13_a_document_that_needs_too_much_memory_is_a_typed_error():
    with ParserChild(memory_mib=64) as small:
        assert refusal(small, b'{"items": [' + b"{}," * 1_400_000 + b"{}]}") is SourceErrorKind.PARSE_MEMORY


def test_the_kernel_ends_a_document_when_no_parent_watches_the_clock():
    request = encode_request(Request(slow_body(), None, "", 0.1))
    command = [sys.executable, "-m", "triage.sources.parser_child", "256"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as alone:
        with suppress(BrokenPipeError):
            alone.stdin.write(request)
        assert alone.wait(60) == -signal.SIGXCPU


def test_a_stop_of_the_whole_group_leaves_the_child_to_its_parent(child):
    read(child, GOOD)
    pid = child.pid
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, number)
        assert len(read(child, GOOD).entries) == 1
    assert child.pid == pid


def test_threads_share_one_child_and_get_their_own_answers(child):
    answers: dict[int, str] = {}

    def work(number: int) -> None:
        answers[number] = read(child, hostile.rss(hostile.item(f"n{number}"))).entries[0].title

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: f"n{number}" for number in range(12)}


def test_closing_ends_the_process_and_a_later_document_starts_another():
    child = ParserChild()
    assert child.pid is None
    read(child, GOOD)
    pid = child.pid
    child.close()
    assert not psutil.pid_exists(pid)
    assert len(read(child, GOOD).entries) == 1
    child.close()
    child.close()


def test_a_child_ends_when_its_parent_dies():
    script = (
        "import os, signal\n"
        "from triage.sources.child import ParserChild\n"
        "child = ParserChild()\n"
        f"child.parse({GOOD!r}, content_type=None, base_url='')\n"
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    pid = int(subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=False).stdout)
    _, alive = psutil.wait_procs([process for process in psutil.process_iter() if process.pid == pid], timeout=10)
    assert not alive


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # the fork is the subject
def test_a_forked_copy_starts_a_child_of_its_own(child):
    read(child, GOOD)
    pid = child.pid
    reader, writer = os.pipe()
    fork = os.fork()
    if fork == 0:
        code = 1
        try:
            read(child, GOOD)
            os.write(writer, str(child.pid).encode())
            child.close()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(fork, 0)[1] == 0
    os.close(writer)
    with os.fdopen(reader) as answer:
        assert int(answer.read()) != pid
    assert child.pid == pid
    assert len(read(child, GOOD).entries) == 1


def test_the_child_is_small_and_knows_neither_database_nor_network_of_ours(child):
    read(child, GOOD)
    maps = Path(f"/proc/{child.pid}/maps").read_text()
    assert "sqlalchemy" not in maps
    assert psutil.Process(child.pid).memory_info().rss < 60 << 20


def test_the_child_gives_what_the_parser_gives(child):
    body = hostile.rss("".join(hostile.item(f"n{number}", "<![CDATA[<p>a<br>b</p>]]>", number) for number in range(3)))
    assert read(child, body) == parse_document(body, content_type=None, base_url="http://feed.test/rss/all.xml")
