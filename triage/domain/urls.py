"""WHICH URLS ARE THE SAME PAGE, AND WHICH MAY BE SHOWN AS A LINK? Pure functions of the text; nothing is requested.

Rules: `canonical_url` and its list of tracking parameters are the identity form of a mention; `safe_link` is what a
template may put into `href`; `ascii_host` is the one spelling of a host that the rest of the product compares.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote, urlsplit

MAX_URL_CHARS: Final = 2048
_MAX_HOST_CHARS: Final = 253

# Parameters that say how a reader came to a page and never which page it is. Names that some sites give a meaning of
# their own ("ref", "source", "id") stay.
_TRACKING_PREFIXES: Final = ("utm_", "mtm_", "pk_", "hsa_", "ga_", "at_custom")
_TRACKING: Final = frozenset(
    """
    _branch_match_id _ga _gl _hsenc _hsmi _ke _openstat action_object_map action_ref_map action_type_map at_campaign
    at_medium campaign_id cmpid cvid dclid ef_id epik fb_action_ids fb_action_types fb_comment_id fb_ref fb_source
    fbclid gad_campaignid gad_source gbraid gclid gclsrc guccounter guce_referrer guce_referrer_sig hsctatracking icid
    igsh igshid irclickid li_fat_id mc_cid mc_eid mc_tc mkt_tok ml_subscriber ml_subscriber_hash msclkid ns_campaign
    ns_mchannel ns_source oly_anon_id oly_enc_id rb_clickid s_cid sc_cid sref srsltid ttclid twclid vero_conv vero_id
    wbraid wickedid xtor yclid ysclid
    """.split()  # noqa: SIM905 - sixty quoted names would hide the list behind its punctuation
)

_ASCII_HOST: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_HOST_AND_PORT: Final = re.compile(r"(?P<host>\[[^\[\]]*\]|[^\[\]:@]+)(?::(?P<port>[0-9]{0,5}))?")
_UNSHOWABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_KEPT_IN_PATH: Final = "!$%&'()*+,/:;=@~"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

# Second labels under which a country's registry sells names: example.co.uk, example.com.au, example.ne.jp.
_SECOND_LEVEL: Final = frozenset(
    "ac co com edu firm gen go gob gouv gov govt id ltd mil ne net nom or org plc sch".split()  # noqa: SIM905 - a list of words
)
_COUNTRY_CODE_CHARS: Final = 2


@lru_cache(maxsize=2048)
def ascii_host(host: str) -> str | None:
    """Return the host in the form DNS asks for: lower case, IDNA, no trailing dot; None if it cannot be a host.

    Compatibility characters are folded first (NFKC, as UTS #46 does), so that `①②⑦.0.0.1` and `127。0。0。1` become the
    address they stand for before anybody checks them. The four characters that IDNA 2003 and 2008 treat differently
    (ß, ς, joiners) keep their own name, as in browsers. Brackets of IPv6 literals are not accepted here.
    """
    if not host or len(host) > _MAX_HOST_CHARS:
        return None
    if not host.isascii():
        host = unicodedata.normalize("NFKC", host).replace("\u3002", ".")
        # Character by character: str.lower() of a whole word would turn a last sigma into another letter.
        host = unicodedata.normalize("NFKC", "".join(map(str.lower, host)))
        host = "".join(char for char in host if char in "\u200c\u200d" or unicodedata.category(char) != "Cf")
        host = ".".join(map(_punycode_label, host.split(".")))
    host = host.lower().removesuffix(".")
    return host if len(host) <= _MAX_HOST_CHARS and _ASCII_HOST.fullmatch(host) else None


def _punycode_label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")


def split_authority(netloc: str) -> tuple[str, int | None] | None:
    """Split `host[:port]` into the normal form of the host (IPv6 in brackets) and the port; None if it is not one.

    User-info is refused, not dropped: what stands before an `@` is a secret or a lure.
    """
    match = _HOST_AND_PORT.fullmatch(netloc)
    if match is None:
        return None
    text = match["host"]
    host = _ipv6_literal(text) if text.startswith("[") else ascii_host(text)
    port = int(match["port"]) if match["port"] else None
    return (host, port) if host is not None and (port is None or 0 < port < 1 << 16) else None


def _ipv6_literal(text: str) -> str | None:
    try:
        address = IPv6Address(text[1:-1])
    except AddressValueError:
        return None
    return None if address.scope_id else f"[{address.compressed}]"


def canonical_url(url: str) -> str | None:
    """Return the identity form of a page's URL, or None if it is no http(s) URL.

    Two links are the same page when their forms are equal: scheme always written `http`, host lower case and IDNA,
    default port and user-info gone, dot segments resolved, escapes in one spelling, fragment dropped (`#!` is kept: it
    addresses a page of some sites), tracking parameters dropped, no trailing slash except at the root. Nothing is
    sorted. The form is for comparing only: links show the original. Idempotent.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:  # brackets that hold no IPv6 address; a host that turns into several parts under NFKC
        return None
    authority = split_authority(_without_user(parts.netloc))
    if parts.scheme not in _DEFAULT_PORTS or authority is None:
        return None
    host, port = authority
    place = host if port in (None, 80, 443) else f"{host}:{port}"
    path = _without_dots(_one_spelling(parts.path)).rstrip("/")
    query = "&".join(pair for pair in parts.query.split("&") if not _is_tracking(pair))
    return (
        f"http://{place}{path or '/'}"
        + (f"?{_one_spelling(query, '?/')}" if query else "")
        + (f"#{_one_spelling(parts.fragment, '?/')}" if parts.fragment.startswith("!") else "")
    )


def _without_user(netloc: str) -> str:
    """Drop the user-info; nothing is left where a backslash makes readers disagree about where the host begins."""
    return "" if "\\" in netloc else netloc.rpartition("@")[2]


def _is_tracking(pair: str) -> bool:
    name = pair.partition("=")[0].lower()
    return name in _TRACKING or name.startswith(_TRACKING_PREFIXES)


def _one_spelling(text: str, also_kept: str = "") -> str:
    """Escape what must be, un-escape what need not be (RFC 3986 §6.2.2), hexadecimal digits in capitals."""
    if "%" in text:
        text = _ESCAPE.sub(_respell, text)
    return quote(text, safe=_KEPT_IN_PATH + also_kept, errors="replace")


def _respell(escape: re.Match[str]) -> str:
    char = chr(int(escape[1], 16))
    return char if char in _UNRESERVED else escape[0].upper()


def _without_dots(path: str) -> str:
    """Resolve `.` and `..` (RFC 3986 §5.2.4); a path that climbs above the root stays at the root."""
    if "/." not in path:
        return path
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)


def safe_link(url: str | None) -> str | None:
    """Return the URL as it may stand in `href`, or None.

    Only absolute http and https with a host, at most 2,048 characters, without user-info, control characters or the
    characters that reverse the reading direction (S05, H52-H54, H64-H66, H68, H70).
    """
    link = (url or "").strip()
    if not link or len(link) > MAX_URL_CHARS or _UNSHOWABLE.search(link):
        return None
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    return link if parts.scheme in _DEFAULT_PORTS and split_authority(parts.netloc) else None


def host_of(url: str) -> str:
    """Return the host in its normal form (IPv6 in brackets), or "" if the URL has none that can be read."""
    try:
        netloc = urlsplit(url.strip()).netloc
    except ValueError:
        return ""
    authority = split_authority(_without_user(netloc))
    return authority[0] if authority else ""


def registrable_domain(host: str) -> str:
    """Return the part of a host that one owner registered: `example.co.uk` for `news.example.co.uk`.

    A simple rule, not the Public Suffix List: the last two labels, or the last three when the last is a country code
    and the one before is a usual registry label (co, com, ac, gov …). So two blogs of one hosting company share a
    domain here, which is what politeness towards its servers wants. Addresses and single labels are returned as they
    are.
    """
    labels = host.rstrip(".").lower().split(".")
    if len(labels) <= 2 or host.startswith("[") or _is_ipv4(host):  # noqa: PLR2004 - a name and its top level
        return ".".join(labels)
    two_level = len(labels[-1]) == _COUNTRY_CODE_CHARS and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3:] if two_level else labels[-2:])


def _is_ipv4(host: str) -> bool:
    try:
        IPv4Address(host)
    except AddressValueError:
        return False
    return True
