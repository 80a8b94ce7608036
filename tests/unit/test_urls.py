"""Which URLs are the same page, and which may be shown as a link?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.domain.urls import ascii_host, canonical_url, host_of, registrable_domain, safe_link

SAME_PAGE = [
    ("https://Example.COM", "http://example.com/"),
    ("http://example.com:80/a", "http://example.com/a"),
    ("https://example.com:443/a/", "http://example.com/a"),
    ("http://example.com:8080/a//", "http://example.com:8080/a"),
    ("http://example.com./a", "http://example.com/a"),
    ("http://example.com/a/./b/../c", "http://example.com/a/c"),
    ("http://example.com/%2e%2E/../x", "http://example.com/x"),
    ("http://example.com/a#part", "http://example.com/a"),
    ("http://example.com/#!/page", "http://example.com/#!/page"),
    ("http://example.com/a?utm_source=x&id=7&fbclid=y", "http://example.com/a?id=7"),
    ("http://example.com/a?UTM_Medium=x", "http://example.com/a"),
    ("http://example.com/a?b=2&a=1", "http://example.com/a?b=2&a=1"),
    ("http://example.com/%7euser/%c3%a9", "http://example.com/~user/%C3%A9"),
    ("http://example.com/é", "http://example.com/%C3%A9"),
    ("http://bücher.example/", "http://xn--bcher-kva.example/"),
    ("http://u:secret@example.com/a", "http://example.com/a"),
    ("  http://example.com/a\n", "http://example.com/a"),
    ("http://[2001:DB8::0:1]:80/a", "http://[2001:db8::1]/a"),
]


@pytest.mark.parametrize(("url", "form"), SAME_PAGE)
def test_a_url_has_one_identity_form(url, form):
    assert canonical_url(url) == form


@pytest.mark.parametrize(
    "url",
    ["", "/a", "example.com/a", "mailto:a@b.test", "javascript:alert(1)", "http://", "http:///a", "ftp://example.com/",
     "http://[::1", "http://[fe80::1%25eth0]/", "http://a b/", "http://exa%6dple.com/", "http://example.com:99999/",
     "http://127.0.0.1\\@example.test/", "http://a..b/", "http://" + "a" * 300 + ".test/"],
)  # fmt: skip
def test_what_is_no_web_address_has_no_identity_form(url):
    assert canonical_url(url) is None


def test_parameters_with_a_meaning_are_kept():
    url = "http://example.com/a?ref=7&source=rss&id=utm_source"
    assert canonical_url(url) == url


@given(st.text(max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_the_identity_form_of_an_identity_form_is_itself(path, query, fragment):
    form = canonical_url(f"https://Example.com/{path}?{query}#{fragment}")
    assert form is not None
    assert canonical_url(form) == form


@given(st.text())
def test_no_text_makes_the_url_rules_raise(text):
    for url in (text, "http://" + text, "https://" + text + "/"):
        canonical_url(url)
        safe_link(url)
        assert host_of(url) == host_of(url).lower()


@pytest.mark.parametrize(
    ("host", "form"),
    [
        ("WWW.Example.com.", "www.example.com"),
        ("127。0。0。1", "127.0.0.1"),
        ("①②⑦.0.0.1", "127.0.0.1"),
        ("⒈example.com", "1.example.com"),
        ("faß.de", "xn--fa-hia.de"),
        ("日本語｡jp", "xn--wgv71a119e.jp"),
        ("ΒΌΛΟς.com", "xn--nxasmm1c.com"),
        ("goo\u200bgle.com", "google.com"),
        ("my_host", "my_host"),
    ],
)
def test_a_host_has_one_spelling(host, form):
    assert ascii_host(host) == form


@pytest.mark.parametrize(
    "host", ["", ".", "-a.test", "a..b", "a b", "a/b", "ａ／ｂ", "a%41", "a" * 64 + ".test", "é" * 254]
)
def test_what_cannot_be_a_host_is_none(host):
    assert ascii_host(host) is None


@pytest.mark.parametrize("link", ["http://a.test/x", "https://a.test/x?y=1#z", "https://medium.test/@user/é"])
def test_a_web_link_may_be_shown_as_it_is(link):
    assert safe_link(f" {link} ") == link


@pytest.mark.parametrize(
    "link",
    [None, "", "javascript:alert(1)", " JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "data:text/html,hi", "/logout",
     "//evil.test/", "http:evil", "https://", "ftp://a.test/", "http://a.test/\x00", "http://a.test/\u202egpj.exe",
     "https://bank.test@evil.test/", "http://[::1", "http://a.test/" + "x" * 2048, "ht\ntp://a.test/"],
)  # fmt: skip
def test_s05_any_other_link_is_not_shown(link):
    assert safe_link(link) is None


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://News.Example.co.uk:8443/a", "news.example.co.uk"), ("http://u@a.test/", "a.test"), ("mailto:x", ""),
     ("http://[::1]:80/", "[::1]"), ("http://[", "")],
)  # fmt: skip
def test_the_host_of_a_url(url, host):
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("news.example.com", "example.com"),
        ("example.com", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("example.co.uk", "example.co.uk"),
        ("www.example.com.au", "example.com.au"),
        ("a.t.co", "t.co"),
        ("localhost", "localhost"),
        ("10.1.2.3", "10.1.2.3"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("", ""),
    ],
)
def test_the_domain_that_one_owner_registered(host, domain):
    assert registrable_domain(host) == domain
