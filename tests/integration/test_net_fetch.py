"""How is one URL read? Against a real loopback server that lies, drips, bombs, redirects and hangs."""

from __future__ import annotations

import gzip
import threading
import tracemalloc
from datetime import UTC, datetime

import pytest

from tests.hostile_server import (
    BEHAVIOURS,
    RSS,
    Answer,
    HostileServer,
    full_backlog,
)
from tests.ssrf_corpus import CORPUS, ScriptedResolver
from triage.domain.errors import AddressRefused, SourceError, SourceErrorKind
from triage.net import FetchRequest, Net

NOW = datetime(2010, 9, 6, 0, 1, tzinfo=UTC)
MEBIBYTE = 2**20


@pytest.fixture
def server():
    with HostileServer() as running:
        yield running


@pytest.fixture
def net(server):
    return Net(user_agent="tocsin-test (+http://contact.test)", allow_private=[server.address])


def failure(net, url, **limits):
    with pytest.raises(SourceError) as raised:
        net.get(FetchRequest(url, **limits))
    return raised.value


def kind(net, url, **limits):
    return failure(net, url, **limits).kind.value


# -- the good case ---------------------------------------------------------------------------------------------------


def test_a_feed_is_read_with_what_must_be_remembered(server, net):
    headers = {"ETag": 'W/"é 1"', "Last-Modified": "yesterday-ish", "Content-Type": "application/rss+xml"}
    server.page("/feed", RSS, headers=headers | {"Cache-Control": "public, max-age=600"})
    result = net.get(FetchRequest(server.url("/feed")))
    assert (result.status, result.body, result.url) == (200, RSS, server.url("/feed"))
    assert (result.etag, result.last_modified) == ('W/"é 1"', "yesterday-ish")
    assert (result.content_type, result.floor_seconds, result.permanent_url) == ("application/rss+xml", 600.0, None)


def test_the_request_names_us_and_sends_no_credential(server, net):
    server.page("/feed?a=1", RSS)
    net.get(FetchRequest(server.url("/feed?a=1#part")))
    headers = server.requests[0].headers
    assert headers["host"] == server.address
    assert headers["user-agent"] == "tocsin-test (+http://contact.test)"
    assert headers["accept-encoding"] == "gzip"
    assert not {"authorization", "cookie", "referer", "if-none-match", "if-modified-since"} & set(headers)


def test_validators_are_sent_back_verbatim_and_kept_on_a_304(server, net):
    server.page("/feed", status=304, headers={"ETag": '"other"', "Cache-Control": "max-age=60"})
    result = net.get(FetchRequest(server.url("/feed"), etag='W/"é 1"', last_modified="yesterday-ish"))
    assert server.requests[0].headers["if-none-match"] == 'W/"é 1"'
    assert server.requests[0].headers["if-modified-since"] == "yesterday-ish"
    assert (result.status, result.body, result.etag, result.last_modified) == (304, b"", 'W/"é 1"', "yesterday-ish")
    assert result.floor_seconds == 60.0


@pytest.mark.parametrize("stored", ["1\r\nX-Evil: 1", "\x00", "日本", "x" * 1025])
def test_a_stored_validator_that_is_no_header_value_is_not_sent(server, net, stored):
    server.page("/feed", RSS)
    net.get(FetchRequest(server.url("/feed"), etag=stored, last_modified=stored))
    assert not {"if-none-match", "if-modified-since", "x-evil"} & set(server.requests[0].headers)


@pytest.mark.parametrize("size", [0, 1, 15, 4096, 100_000])
def test_a_body_in_chunks_arrives_whole(server, net, size):
    body = bytes(range(256)) * (size // 256 + 1)

    def chunked(exchange):
        exchange.head(200, ("Transfer-Encoding", "Chunked"))
        for at in range(0, len(body), size or len(body)):
            piece = body[at : at + (size or len(body))]
            exchange.send(b"%X;ext=1\r\n" % len(piece) + piece + b"\r\n")
        exchange.send(b"0\r\nTrailer: x\r\n\r\n")

    server.on("/feed", chunked)
    assert net.get(FetchRequest(server.url("/feed"))).body == body


def test_a_body_that_ends_with_the_connection_arrives_whole(server, net):
    server.on("/feed", lambda exchange: exchange.send(b"HTTP/1.0 200\n\n" + RSS))
    assert net.get(FetchRequest(server.url("/feed"))).body == RSS


def test_interim_answers_are_passed_over(server, net):
    answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    server.on("/feed", lambda exchange: exchange.send(answer))
    assert net.get(FetchRequest(server.url("/feed"))).body == b"ok"


def test_lines_that_are_no_headers_are_passed_over(server, net):
    answer = b"HTTP/1.1 200 OK\r\n<junk>\r\n folded: 1\r\nETag: a\x00b\r\nContent-Length: 2, 2\r\nX: \xff\r\n\r\nok"
    server.on("/feed", lambda exchange: exchange.send(answer))
    result = net.get(FetchRequest(server.url("/feed")))
    assert (result.body, result.etag) == (b"ok", None)


@pytest.mark.parametrize("status", [204, 205])
def test_an_answer_without_content_is_empty(server, net, status):
    server.on("/feed", lambda exchange: exchange.head(status))
    result = net.get(FetchRequest(server.url("/feed")))
    assert (result.status, result.body) == (status, b"")


def test_one_net_serves_many_threads(server, net):
    server.page("/feed", RSS)
    bodies = []
    threads = [
        threading.Thread(target=lambda: bodies.append(net.get(FetchRequest(server.url("/feed"))).body))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies == [RSS] * 8


# -- F12: sizes and encodings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/H01", "too_large"),
        ("/H02", "encoding_refused"),
        ("/H03/br", "encoding_refused"),
        ("/H03/zstd", "encoding_refused"),
        ("/H03/deflate", "encoding_refused"),
        ("/H03/foo", "encoding_refused"),
        ("/H04c", "incomplete"),
        ("/H05a", "too_large"),
        ("/H05b", "http_error"),
        ("/H05c", "incomplete"),
        ("/H34a", "http_error"),
        ("/H34b", "http_error"),
        ("/H34c", "http_error"),
        ("/H35", "incomplete"),
    ],
)
def test_f12_a_hostile_body_or_head_gets_its_kind_within_16_mib(server, net, path, expected):
    assert "/" + path.split("/")[1] in BEHAVIOURS  # a 404 would be an http_error too
    tracemalloc.start()
    try:
        assert kind(net, server.url(path)) == expected
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MEBIBYTE + (10_000_000 if path == "/H05b" else 0)  # the server itself holds those


def test_h04a_every_member_of_a_gzip_is_decoded(server, net):
    assert net.get(FetchRequest(server.url("/H04a"))).body == RSS


def test_h04b_gzip_bytes_that_are_not_announced_stay_as_they_are(server, net):
    assert net.get(FetchRequest(server.url("/H04b"))).body[:2] == b"\x1f\x8b"


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZip", "identity", ""])
def test_plain_and_one_gzip_are_accepted(server, net, encoding):
    body = gzip.compress(RSS) if "zip" in encoding.lower() else RSS
    server.page("/feed", body, headers={"Content-Encoding": encoding})
    assert net.get(FetchRequest(server.url("/feed"))).body == RSS


@pytest.mark.parametrize("coding", ["gzip, chunked", "br"])
def test_h03_a_transfer_coding_other_than_chunked_is_refused(server, net, coding):
    server.page("/feed", RSS, headers={"Transfer-Encoding": coding})
    assert kind(net, server.url("/feed")) == "encoding_refused"


@pytest.mark.parametrize("packed", [True, False])
def test_the_limit_itself_is_still_allowed_and_one_byte_more_is_not(server, net, packed):
    for size, fits in ((5000, True), (5001, False)):
        body = bytes(size)
        server.page(
            "/feed", gzip.compress(body) if packed else body, headers={"Content-Encoding": "gzip"} if packed else {}
        )
        request = FetchRequest(server.url("/feed"), max_bytes=5000)
        if fits:
            assert net.get(request).body == body
        else:
            assert kind(net, request.url, max_bytes=5000) == "too_large"


def test_the_words_for_a_large_answer_name_the_limit(server, net):
    server.page("/feed", bytes(5 * MEBIBYTE + 1))
    assert str(failure(net, server.url("/feed"))) == "the answer is larger than 5 MiB"


def test_f12_a_flood_of_chunk_marks_is_too_large(server, net):
    def flood(exchange):
        exchange.head(200, ("Transfer-Encoding", "chunked"))
        for _ in range(1000):
            exchange.send((b"1;" + b"x" * 900 + b"\r\nx\r\n") * 8)

    server.on("/feed", flood)
    assert kind(net, server.url("/feed"), max_bytes=MEBIBYTE) == "too_large"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"\x00" * 100_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 302 Found\r\n\r\n",
        b"HTTP/1.1 300 Choices\r\nLocation: /x\r\n\r\n",
    ],
)
def test_h34_an_answer_that_is_no_sound_http_is_an_http_error(server, net, answer):
    server.on("/feed", lambda exchange: exchange.send(answer))
    assert kind(net, server.url("/feed")) == "http_error"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 O",
        b"HTTP/1.1 200 OK\r\nA: b\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
def test_an_answer_that_breaks_off_is_incomplete(server, net, answer):
    server.on("/feed", lambda exchange: exchange.send(answer))
    assert kind(net, server.url("/feed")) == "incomplete"


# -- F11: time -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/H30", "/H31", "/H33"])
def test_f11_one_time_limit_holds_over_the_whole_fetch(server, net, path):
    error = failure(net, server.url(path), total_seconds=0.3)
    assert error.kind is SourceErrorKind.TIMEOUT
    assert not error.permanent
    assert str(error) == "the server did not answer completely within 0.3 seconds"


def test_f11_the_time_limit_is_shared_by_all_hops(server, net):
    def slow_hop(exchange):
        if exchange.wait(0.1):
            exchange.answer(Answer(status=302, headers=(("Location", "/slow"),)))

    server.on("/slow", slow_hop)
    assert kind(net, server.url("/slow"), total_seconds=0.3) == "timeout"
    assert server.count("/slow") <= 3


def test_h31_a_connection_that_nobody_accepts_ends_in_a_timeout():
    with full_backlog() as address:
        guarded = Net(user_agent="test", allow_private=[address])
        assert kind(guarded, f"http://{address}/", total_seconds=0.3) == "timeout"


def test_h32_a_handshake_that_never_ends_is_a_timeout(server, net):
    assert kind(net, server.url("/", scheme="https"), total_seconds=0.3) == "timeout"
    assert server.connections == 1


def test_a_resolver_that_never_answers_is_a_timeout():
    release = threading.Event()

    def silent(host, port):
        release.wait(10)
        return []

    guarded = Net(user_agent="test", resolver=silent)
    try:
        assert kind(guarded, "http://slow.test/", total_seconds=0.2) == "timeout"
    finally:
        release.set()


def test_no_time_at_all_is_a_timeout_without_a_connection(server, net):
    assert kind(net, server.url("/H43a"), total_seconds=0.0) == "timeout"
    assert server.connections == 0


# -- F14: redirects and statuses -------------------------------------------------------------------------------------


def test_h38_five_hops_are_followed_and_six_are_not(server, net):
    assert net.get(FetchRequest(server.url("/H38/5"))).url == server.url("/H38/0")
    assert kind(net, server.url("/H38/6")) == "too_many_redirects"


@pytest.mark.parametrize("path", ["/H36a", "/H36b"])
def test_h36_a_redirect_loop_ends_after_five_hops(server, net, path):
    assert kind(net, server.url(path)) == "too_many_redirects"
    assert server.count() == 6


@pytest.mark.parametrize("path", ["/H37a", "/H37b", "/H37c"])
def test_h37_a_redirect_to_a_place_that_is_not_allowed_opens_no_second_socket(server, net, path):
    with pytest.raises(AddressRefused):
        net.get(FetchRequest(server.url(path)))
    assert server.connections == 1


@pytest.mark.parametrize(("url", "answers"), CORPUS)
def test_s01_each_input_is_refused_as_the_target_of_a_redirect(server, url, answers):
    guarded = Net(user_agent="test", allow_private=[server.address], resolver=ScriptedResolver((answers or [])[-1:]))
    server.redirect("/feed", url.encode().decode("latin-1"), status=301)
    with pytest.raises(AddressRefused):
        guarded.get(FetchRequest(server.url("/feed")))
    assert server.connections == 1


@pytest.mark.parametrize(
    "location", ["http:\\\\127.0.0.1/", "http://[", "http://a b/", "javascript:alert(1)", "//10.0.0.1/x"]
)
def test_s03_a_location_that_is_no_plain_address_is_refused(server, net, location):
    server.redirect("/feed", location, status=301)
    with pytest.raises(AddressRefused):
        net.get(FetchRequest(server.url("/feed")))
    assert server.connections == 1


def test_s03_the_allowed_pair_does_not_open_another_port_to_a_redirect(server, net):
    with HostileServer() as other:
        other.page("/secret", b"secret")
        server.redirect("/feed", other.url("/secret"))
        with pytest.raises(AddressRefused):
            net.get(FetchRequest(server.url("/feed")))
        assert other.connections == 0


def test_s02_a_name_that_changes_between_two_hops_is_refused_at_the_second(server):
    flips = ScriptedResolver([["127.0.0.1"], ["127.0.0.2"]])
    guarded = Net(user_agent="test", allow_private=[server.address], resolver=flips)
    server.redirect("/feed", "/other")
    with pytest.raises(AddressRefused):
        guarded.get(FetchRequest(server.url("/feed", host="flips.test")))
    assert server.requests[0].headers["host"] == f"flips.test:{server.port}"
    assert server.connections == 1


@pytest.mark.parametrize(
    ("first", "second", "moved"), [(301, 308, True), (301, 302, False), (307, 301, False), (303, 303, False)]
)
def test_only_a_chain_of_permanent_redirects_moves_a_source(server, net, first, second, moved):
    server.redirect("/a", "/b", status=first)
    server.redirect("/b", server.url("/c d \xc3\xa9"), status=second)
    server.page("/c%20d%20%C3%A9", RSS)
    result = net.get(FetchRequest(server.url("/a"), etag='"1"'))
    assert result.url == server.url("/c%20d%20%C3%A9")
    assert result.permanent_url == (result.url if moved else None)
    assert server.requests[-1].headers["if-none-match"] == '"1"'


def test_h39_a_410_is_gone_for_good(server, net):
    error = failure(net, server.url("/H39"))
    assert (error.kind.value, error.permanent) == ("gone", True)


@pytest.mark.parametrize(
    ("path", "wish"), [("/H40a", 120.0), ("/H40b", 240.0), ("/H40c", None), ("/H40d", 24 * 3600.0)]
)
def test_h40_a_429_carries_the_wish_of_the_server_within_reason(server, net, path, wish):
    error = failure(net, server.url(path))
    assert (error.kind.value, error.permanent, error.retry_after_seconds) == ("rate_limited", False, wish)


@pytest.mark.parametrize("path", ["/H41a", "/H41b"])
def test_h41_a_304_without_validators_or_with_a_body_is_empty(server, net, path):
    result = net.get(FetchRequest(server.url(path)))
    assert (result.status, result.body, result.etag, result.last_modified) == (304, b"", None, None)


def test_h42_errors_and_good_answers_may_alternate(server, net):
    server.pages("/feed", Answer(status=500), Answer(status=503, headers=(("Retry-After", "60"),)), Answer(RSS))
    first, second = failure(net, server.url("/feed")), failure(net, server.url("/feed"))
    assert (first.kind.value, first.retry_after_seconds) == ("http_error", None)
    assert (second.kind.value, second.retry_after_seconds) == ("http_error", 60.0)
    assert net.get(FetchRequest(server.url("/feed"))).body == RSS


@pytest.mark.parametrize(
    ("status", "text"), [(404, "the server answered 404 (Not Found)"), (499, "the server answered 499")]
)
def test_h69_an_error_is_named_in_our_words_and_not_in_the_servers(server, net, status, text):
    server.on("/feed", lambda exchange: exchange.send(b"HTTP/1.1 %d <script>alert(1)</script>\r\n\r\n" % status))
    assert str(failure(net, server.url("/feed"))) == text


@pytest.mark.parametrize("path", ["/H43a", "/H43b"])
def test_h43_the_body_is_passed_on_whatever_its_content_type_says(server, net, path):
    assert net.get(FetchRequest(server.url(path))).body == RSS


def test_a_closed_port_that_is_allowed_is_unreachable():
    with HostileServer() as gone:
        address = gone.address
    error = failure(Net(user_agent="test", allow_private=[address]), f"http://{address}/")
    assert (error.kind.value, str(error)) == ("unreachable", "the server could not be reached")


def test_a_proxy_of_the_environment_is_not_used(server, net, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.page("/feed", RSS)
    assert net.get(FetchRequest(server.url("/feed"))).body == RSS
