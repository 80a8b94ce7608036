"""How large may a body become, and when does a server wish to be asked again? The pure parts of reading an answer."""

from __future__ import annotations

import gzip
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile_server import zeros_gz
from triage.domain.errors import SourceError, SourceErrorKind
from triage.net.decoding import decoder, gunzip
from triage.net.hints import floor_seconds, http_date, retry_after_seconds
from triage.net.http1 import body_pieces, read_head
from triage.net.wire import Deadline, Wire

NOW = datetime(2010, 9, 6, 0, 1, tzinfo=UTC)
MEBIBYTE = 2**20


@given(st.binary(max_size=2000), st.lists(st.integers(1, 300), max_size=20), st.integers(1, 3))
def test_a_gzip_decodes_the_same_however_it_is_cut(body, cuts, members):
    packed = gzip.compress(body) * members + b"\0" * 3
    pieces, rest = [], packed
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    assert gunzip([*pieces, rest], 10_000) == body * members


@pytest.mark.parametrize("data", [b"plain", gzip.compress(b"a") * 1001, gzip.compress(b"a") + b"\x1fjunk"])
def test_bytes_that_are_no_reasonable_gzip_are_refused(data):
    with pytest.raises(SourceError) as raised:
        gunzip([data], 10_000)
    assert raised.value.kind is SourceErrorKind.ENCODING_REFUSED


def test_junk_after_a_gzip_is_ignored():
    assert gunzip([gzip.compress(b"a") + b"junk", b"\x1fmore"], 10) == b"a"
    assert gunzip([], 10) == b""


def test_the_bomb_of_the_corpus_really_is_one():
    unpack = zlib.decompressobj(31)
    assert sum(len(unpack.decompress(zeros_gz(3)[:-8][at : at + 512])) for at in range(0, 4096, 512)) == 3 * MEBIBYTE
    assert len(zeros_gz(1000)) < 1_100_000
    assert zlib.decompress(zeros_gz(1000, 2), 31) == zeros_gz(1000)
    assert len(zeros_gz(1000, 2)) < 10_000


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0.0),
        ({"cache-control": "max-age=300"}, 300.0),
        ({"cache-control": 'public, Max-Age = "300"'}, 300.0),
        ({"cache-control": "s-maxage=300"}, 0.0),
        ({"cache-control": "max-age=-1"}, 0.0),
        ({"cache-control": "max-age=" + "9" * 5000}, 6 * 3600.0),
        ({"expires": "Mon, 06 Sep 2010 00:11:00 GMT"}, 600.0),
        ({"expires": "Mon, 06 Sep 2010 00:11:00 GMT", "date": "Mon, 06 Sep 2010 00:10:00 GMT"}, 60.0),
        ({"expires": "Monday, 06-Sep-2010 00:11:00 GMT", "cache-control": "max-age=60"}, 600.0),
        ({"expires": "Mon, 06 Sep 2010 00:00:00 GMT"}, 0.0),
        ({"expires": "0"}, 0.0),
        ({"expires": "Mon, 06 Sep 9999 00:00:00 GMT"}, 6 * 3600.0),
    ],
)  # fmt: skip
def test_the_floor_is_what_the_caching_headers_ask_up_to_six_hours(headers, seconds):
    assert floor_seconds(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("Mon, 06 Sep 2010 00:03:00 GMT", 120.0),
        ("Mon, 06 Sep 2010 00:00:00 GMT", None),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("abc", None),
        ("", None),
        ("9" * 12, 24 * 3600.0),
        ("Mon, 06 Sep 2020 00:00:00 GMT", 24 * 3600.0),
        ("Mon, 31 Feb 2010 00:00:00 GMT", None),
    ],
)
def test_h40_the_wish_to_be_left_alone_is_read_within_reason(value, seconds):
    assert retry_after_seconds({"retry-after": value}, NOW) == seconds


@given(st.text(), st.integers(), st.integers(), st.integers())
def test_no_date_makes_the_reader_of_hints_raise(text, day, year, hour):
    for value in (text, f"Mon, {day:02} Sep {year:04} {hour:02}:00:00 GMT"):
        http_date(value)
        retry_after_seconds({"retry-after": value}, NOW)
        floor_seconds({"cache-control": value, "expires": value, "date": value}, NOW)


class Played:
    """A connection that plays back pieces of bytes."""

    def __init__(self, pieces):
        self._pieces = [piece for piece in pieces if piece]

    def settimeout(self, seconds):
        assert seconds > 0

    def recv(self, most):
        if not self._pieces:
            return b""
        piece, self._pieces[0] = self._pieces[0][:most], self._pieces[0][most:]
        if not self._pieces[0]:
            del self._pieces[0]
        return piece


LINES = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [b"Transfer-Encoding: chunked", b"Content-Encoding: gzip", b"Content-Length: 3", b"5", b"0", b"a", b""]
    ),
)


@given(
    st.lists(LINES, max_size=20),
    st.sampled_from([b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 103\n", b""]),
    st.binary(max_size=50),
)
def test_h34_whatever_a_server_sends_is_read_within_the_limit_or_refused(lines, status, tail):
    wire = Wire(Played([status, *(line + b"\r\n" for line in lines), tail]), Deadline(60), 100)
    try:
        head = read_head(wire)
        body = decoder(head.headers.get("content-encoding"))(body_pieces(wire, head), 100)
    except SourceError:
        return
    assert 200 <= head.status <= 999
    assert len(body) <= 100


@given(st.lists(st.integers(1, 40), max_size=30))
def test_a_head_and_chunks_read_the_same_however_they_arrive(cuts):
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\nA: c\r\n\r\n4\r\nabcd\r\n0A\r\n0123456789\r\n0\r\n\r\n"
    pieces = []
    for cut in cuts:
        pieces.append(answer[:cut])
        answer = answer[cut:]
    wire = Wire(Played([*pieces, answer]), Deadline(60), 100)
    head = read_head(wire)
    assert head.headers["a"] == "b, c"
    assert b"".join(body_pieces(wire, head)) == b"abcd0123456789"


@pytest.mark.parametrize(
    ("count", "line", "read"),
    [(255, b"A: b", True), (257, b"A: b", False), (100, b"A: " + b"b" * 600, True), (100, b"A: " + b"b" * 700, False)],
)
def test_h34_a_head_has_at_most_256_lines_and_64_kib(count, line, read):
    wire = Wire(Played([b"HTTP/1.1 200 OK\r\n", *[line + b"\r\n"] * count, b"\r\n"]), Deadline(60), MEBIBYTE)
    if read:
        assert read_head(wire).status == 200
    else:
        with pytest.raises(SourceError, match="not valid HTTP"):
            read_head(wire)
