"""Does https go to the checked address, and only when the certificate is right? Against a real TLS server on loopback."""

from __future__ import annotations

import pytest

from tests.hostile_server import RSS, TLS_CERTIFICATE, HostileServer
from tests.ssrf_corpus import ScriptedResolver
from triage.domain.errors import SourceError, SourceErrorKind
from triage.net import FetchRequest, Net


def failure(net, url):
    with pytest.raises(SourceError) as raised:
        net.get(FetchRequest(url))
    return raised.value


@pytest.fixture
def secure():
    with HostileServer(tls=True) as running:
        running.page("/feed", RSS)
        yield running


def to_loopback(server):
    return Net(user_agent="test", allow_private=[server.address], resolver=ScriptedResolver([["127.0.0.1"]]))


@pytest.fixture
def trusted(monkeypatch, tmp_path):
    authority = tmp_path / "authority.pem"
    authority.write_text(TLS_CERTIFICATE)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))


def test_s02_https_goes_to_the_checked_address_with_the_original_name(secure, trusted):
    result = to_loopback(secure).get(FetchRequest(secure.url("/feed", host="Feeds.Example.test")))
    assert result.body == RSS
    assert secure.server_names == ["feeds.example.test"]
    assert secure.requests[0].headers["host"] == f"feeds.example.test:{secure.port}"


def test_https_works_for_a_name_outside_ascii(secure, trusted):
    assert to_loopback(secure).get(FetchRequest(secure.url("/feed", host="bücher.example"))).body == RSS
    assert secure.server_names == ["xn--bcher-kva.example"]


def test_a_certificate_for_another_name_is_not_accepted(secure, trusted):
    error = failure(to_loopback(secure), secure.url("/feed", host="other.example.test"))
    assert error.kind is SourceErrorKind.UNREACHABLE
    assert "certificate was not accepted" in str(error)
    assert secure.count() == 0


def test_a_certificate_of_an_unknown_authority_is_not_accepted(secure):
    error = failure(to_loopback(secure), secure.url("/feed", host="feeds.example.test"))
    assert error.kind is SourceErrorKind.UNREACHABLE
    assert "certificate was not accepted" in str(error)
    assert secure.count() == 0


def test_a_server_that_speaks_no_tls_is_unreachable():
    with HostileServer(greeting=b"220 mail.example.test ESMTP\r\n") as mail:
        guarded = Net(user_agent="test", allow_private=[mail.address])
        error = failure(guarded, mail.url("/", scheme="https"))
    assert (error.kind.value, str(error)) == ("unreachable", "no secure connection to the server could be made")


def test_s03_a_redirect_from_https_to_http_is_followed_as_nothing_secret_is_sent(secure, trusted):
    with HostileServer() as plain:
        plain.page("/feed", b"plain")
        secure.redirect("/down", plain.url("/feed"))
        guarded = Net(
            user_agent="test",
            allow_private=[secure.address, plain.address],
            resolver=ScriptedResolver([["127.0.0.1"]]),
        )
        assert guarded.get(FetchRequest(secure.url("/down", host="feeds.example.test"))).body == b"plain"
        assert not {"authorization", "cookie", "referer"} & set(plain.requests[0].headers)
