"""Which addresses may be reached? The 36 inputs of the SSRF corpus, each proved by zero connection attempts."""

from __future__ import annotations

import json
import socket
from ipaddress import ip_address

import pytest

from tests.ssrf_corpus import CORPUS, NO_DNS, PUBLIC, ScriptedResolver
from triage.domain.errors import AddressRefused, SettingsError, SourceError, SourceErrorKind
from triage.net import FetchRequest, Net
from triage.net.addresses import AllowList, is_public, place_of


@pytest.fixture
def connects(monkeypatch):
    """Records every address that anything in this process tries to connect to; each attempt is refused."""
    attempts = []

    def record(_sock, address):
        attempts.append(address)
        raise ConnectionRefusedError

    # The recorder sits on the socket itself, below every way that our code could find to connect.
    monkeypatch.setattr(socket.socket, "connect", record)
    monkeypatch.setattr(socket.socket, "connect_ex", record)
    return attempts


def net(resolver=None, allow_private=()):
    return Net(user_agent="test", resolver=resolver or ScriptedResolver(), allow_private=allow_private)


def refuse(url, answers):
    resolver = ScriptedResolver(answers)
    guarded = net(resolver)
    if answers and len(answers) > 1:
        guarded.check(url)  # as when the source was added: the first, public answer
    with pytest.raises(AddressRefused):
        guarded.get(FetchRequest(url))
    with pytest.raises(AddressRefused):
        guarded.check(url)


def test_the_corpus_holds_36_different_inputs():
    assert len({url for url, _ in CORPUS}) == 36


@pytest.mark.parametrize(("url", "answers"), CORPUS)
def test_s01_each_input_is_refused_before_any_connection(url, answers, connects):
    refuse(url, answers)
    assert connects == []


@pytest.mark.shared
def test_s01_each_input_of_the_reference_file_is_refused_before_any_connection(shared_dir, connects):
    rows = json.loads((shared_dir / "data" / "ssrf_inputs.json").read_text(encoding="utf-8"))
    assert [(row["url"], row["resolves_to"]) for row in rows] == CORPUS
    for row in rows:
        refuse(row["url"], row["resolves_to"])
    assert connects == []


@pytest.mark.parametrize(
    ("url", "answers", "expected"),
    [
        ("http://8.8.8.8/", NO_DNS, ("8.8.8.8", 80)),
        ("https://8.8.8.8/", NO_DNS, ("8.8.8.8", 443)),
        ("http://[2606:4700::1111]:8080/", NO_DNS, ("2606:4700::1111", 8080)),
        ("http://public.test/", [[PUBLIC]], (PUBLIC, 80)),
        ("http://134744072/", NO_DNS, ("8.8.8.8", 80)),
    ],
)
def test_s01_a_public_address_reaches_the_socket(url, answers, expected, connects):
    with pytest.raises(SourceError) as refusal:
        net(ScriptedResolver(answers)).get(FetchRequest(url))
    assert connects == [expected]
    assert refusal.value.kind is SourceErrorKind.UNREACHABLE


def test_s02_the_name_is_resolved_once_and_the_checked_address_is_the_connected_one(connects):
    resolver = ScriptedResolver([[PUBLIC], ["127.0.0.1"]])
    with pytest.raises(SourceError):
        net(resolver).get(FetchRequest("http://flips.test/"))
    assert resolver.asked == ["flips.test"]
    assert connects == [(PUBLIC, 80)]


def test_every_checked_address_is_tried_until_one_answers(connects):
    answers = [[PUBLIC, "2606:4700::1111", PUBLIC, "8.8.8.8", "1.1.1.1", "9.9.9.9"]]
    with pytest.raises(SourceError):
        net(ScriptedResolver(answers)).get(FetchRequest("http://many.test/"))
    assert [address for address, _ in connects] == [PUBLIC, "2606:4700::1111", "8.8.8.8", "1.1.1.1"]


def test_s01_the_refusal_is_the_same_for_every_port_and_tells_nothing_of_the_network(connects):
    words = set()
    for url in ("http://127.0.0.1:1/", "http://127.0.0.1:22/", "http://10.9.8.7/secret", "http://[::1]/"):
        with pytest.raises(AddressRefused) as refusal:
            net().get(FetchRequest(url))
        words.add(str(refusal.value))
    assert words == {"this address is not allowed"}


@pytest.mark.parametrize(
    "url",
    ["", "example.com", "//example.com/", "http:/example.com", "http://", "http:///x", "HTTP://", "http://exa mple.com/",
     "http://example.com/a b", "http://example.com/\r\nHost: x", "http://example.com/\x7f", "http://example.com/\u2028",
     "http://u:p@example.com/", "http://@example.com/", "http://example.com:0/", "http://example.com:65536/",
     "http://example.com:8o/", "http://[fe80::1%25lo]/", "http://[::1", "http://%31%32%37.0.0.1/", "http://a..b/",
     "http://ex\uff0fample.com/", "http://a\uff20127.0.0.1/", "javascript:alert(1)", "http://a.test/" + "x" * 2048],
)  # fmt: skip
def test_a_url_that_readers_could_disagree_about_is_refused(url):
    with pytest.raises(AddressRefused):
        place_of(url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://u:p@example.com/", "leave out the part before the @"),
        ("ftp://example.com/", "http:// or https://"),
        ("http://example.com/a b", "a space"),
        ("http://a..b/", "no valid host name"),
        ("http://" + "x" * 2048, "2,048 characters"),
    ],
)
def test_the_refusal_of_a_url_says_what_to_change_and_repeats_no_secret(url, words):
    with pytest.raises(AddressRefused, match=words) as refusal:
        place_of(url)
    assert "u:p" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTP://Example.COM:80", "http://example.com/"),
        ("https://example.com:443/a#part", "https://example.com/a"),
        ("http://bücher.example:8080/é?q=ü", "http://xn--bcher-kva.example:8080/%C3%A9?q=%C3%BC"),
        ("http://[2606:4700:0:0::1111]/%7ea?b=%20", "http://[2606:4700::1111]/%7ea?b=%20"),
        ("http://example.com./?a=[1]&b", "http://example.com/?a=[1]&b"),
    ],
)
def test_the_check_at_add_time_returns_the_normal_form(url, normal, connects):
    assert net(ScriptedResolver([[PUBLIC]])).check(url) == normal
    assert connects == []


def test_an_unknown_name_is_unreachable_and_not_refused(connects):
    def nobody(host, port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for resolver in (nobody, ScriptedResolver([[]])):
        with pytest.raises(SourceError) as failure:
            net(resolver).check("http://nowhere.test/")
        assert failure.value.kind is SourceErrorKind.UNREACHABLE
        assert str(failure.value) == "the name of the server could not be found"


PRIVATE = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.0.8", "192.0.0.9",
    "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:100.64.0.1",
    "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::",
    "3fff::1", "4000::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_outside_the_public_internet_is_not_public(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "192.0.1.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"]
)
def test_an_address_of_the_public_internet_is_public(address):
    assert is_public(ip_address(address))


def test_an_allowed_pair_opens_that_port_of_that_address_and_nothing_else():
    allowed = AllowList(["127.0.0.1:8901", "[::1]:8901"])
    assert allowed.permits(ip_address("127.0.0.1"), 8901)
    assert allowed.permits(ip_address("::1"), 8901)
    for address, port in (("127.0.0.1", 8902), ("127.0.0.2", 8901), ("::ffff:127.0.0.1", 8901), ("10.0.0.1", 8901)):
        assert not allowed.permits(ip_address(address), port)


def test_an_allowed_network_opens_its_addresses_at_every_port(connects):
    guarded = net(allow_private=["10.1.0.0/16", "fd00:1::/32"])
    for url in ("http://10.1.2.3:8080/", "http://[fd00:1::5]/"):
        with pytest.raises(SourceError) as failure:
            guarded.get(FetchRequest(url))
        assert failure.value.kind is SourceErrorKind.UNREACHABLE
    with pytest.raises(AddressRefused):
        guarded.get(FetchRequest("http://10.2.0.1/"))
    assert connects == [("10.1.2.3", 8080), ("fd00:1::5", 80)]


@pytest.mark.parametrize(
    "entry", ["localhost:8901", "10.0.0.5/8", "feeds.example", "127.0.0.1:", "127.0.0.1:99999", "", "http://10.0.0.1/"]
)
def test_an_allowed_entry_that_is_no_network_and_no_pair_is_a_settings_error(entry):
    with pytest.raises(SettingsError, match=r"10\.0\.0\.0/8"):
        Net(user_agent="test", allow_private=[entry])


@pytest.mark.parametrize("agent", ["a\r\nX: y", "café"])
def test_a_user_agent_that_could_break_a_request_is_a_settings_error(agent):
    with pytest.raises(SettingsError):
        Net(user_agent=agent)
