"""What does a feed of the sample organisation look like at this moment? Pure: values and times in, bytes out.

The same three values always give the same bytes, so a demo that is started again with its old `started_at` serves the
same dates and guids, and a reader's ETag stays good.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import format_datetime
from html import escape
from typing import TYPE_CHECKING, Final

from config.sample import FeedFault, FeedFormat, LinkStyle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from config.sample import SampleItem, SampleOrganisation, SampleSource

MEDIA_TYPES: Final = {
    FeedFormat.RSS1: "application/rdf+xml; charset=utf-8",
    FeedFormat.RSS2: "application/rss+xml; charset=utf-8",
    FeedFormat.ATOM: "application/atom+xml; charset=utf-8",
    FeedFormat.JSON: "application/feed+json; charset=utf-8",
}
HTML: Final = "text/html; charset=utf-8"
TRACKING: Final = "?utm_source=feed&utm_medium=rss"
XML_HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
DC: Final = "http://purl.org/dc/elements/1.1/"


@dataclass(frozen=True, slots=True)
class Entry:
    """An item as it reads now.

    `published` None: the feed gives no date. `updated`: the date of the text, later than `published` after a revision.
    `changed`: since when the feed holds the item like this.
    """

    id: str
    title: str
    body: str
    author: str
    language: str | None
    guid: str | None
    link: str
    published: datetime | None
    updated: datetime | None
    changed: datetime


@dataclass(frozen=True, slots=True)
class Document:
    """A body with its media type, and the moment of its last change."""

    body: bytes
    media_type: str
    changed: datetime


def entries(
    organisation: SampleOrganisation, source: SampleSource, base_url: str, started_at: datetime, now: datetime
) -> tuple[Entry, ...]:
    """Return what the feed of `source` holds at `now`, newest date first (an undated item keeps its place)."""
    items = [item for item in organisation.items_of(source.slug) if item.appears_at(started_at) <= now]
    items.sort(key=lambda item: (item.published_at(started_at), item.id), reverse=True)
    return tuple(_entry(item, base_url, started_at, now) for item in items)


def feed(
    organisation: SampleOrganisation, source: SampleSource, base_url: str, started_at: datetime, now: datetime
) -> Document:
    """Return the feed of `source` at `now` in the source's own format, with its deliberate fault."""
    found = entries(organisation, source, base_url, started_at, now)
    changed = max((entry.changed for entry in found), default=started_at)
    if source.fault is FeedFault.HTML_PAGE:
        page = f"<p>The forum of the {escape(source.name)} has moved. There is no feed here any more.</p>"
        return Document(_page(source.name, page), HTML, changed)
    write = {FeedFormat.RSS1: _rss1, FeedFormat.RSS2: _rss2, FeedFormat.ATOM: _atom, FeedFormat.JSON: _json}
    text = write[source.format](source, base_url, found)
    if source.fault is FeedFault.UNESCAPED_AMPERSAND:
        # What a publisher's template without escaping sends: not well-formed, and common.
        text = text.replace("&amp;", "&")
    return Document(text.encode(), MEDIA_TYPES[source.format], changed)


def article(source: SampleSource, entry: Entry) -> bytes:
    """Return the page behind "view original"."""
    when = f"{entry.published:%d %B %Y, %H:%M} UTC" if entry.published else "no date"
    text = "".join(f"<p>{escape(part)}</p>\n" for part in _paragraphs(entry.body))
    byline = f"<p><small>{escape(entry.author)} · {escape(source.name)} · {when}</small></p>"
    note = "<hr><p><small>An invented text of the Tocsin demo.</small></p>"
    heading = f"<h1>{escape(entry.title)}</h1>" if entry.title else ""
    return _page(entry.title or source.name, f"{heading}\n{byline}\n{text}{note}", entry.language or "en")


def front_page(organisation: SampleOrganisation) -> bytes:
    """Return a list of the feeds, for somebody who opens the server's address in a browser."""
    rows = "".join(
        f'<li><a href="{escape(source.path)}">{escape(source.name)}</a></li>\n' for source in organisation.sources
    )
    return _page(f"Feeds of {organisation.name}", f"<h1>Feeds of the Tocsin demo</h1>\n<ul>\n{rows}</ul>")


def _entry(item: SampleItem, base_url: str, started_at: datetime, now: datetime) -> Entry:
    revision = item.revision if item.revision and item.revision.appears_at(started_at) <= now else None
    text = revision or item
    published = None if item.undated else item.published_at(started_at)
    return Entry(
        id=item.id,
        title=text.title,
        body=text.body,
        author=item.author,
        language=item.language,
        guid=item.guid,
        link=f"{base_url}/item/{item.id}" + (TRACKING if item.link is LinkStyle.TRACKING else ""),
        published=published,
        updated=revision.appears_at(started_at) if revision else published,
        changed=text.appears_at(started_at),
    )


def _rss2(source: SampleSource, base_url: str, found: Sequence[Entry]) -> str:
    language = f"<language>{source.language}</language>" if source.language else ""
    channel = (
        f"<title>{escape(source.name)}</title><link>{base_url}/</link>"
        f"<description>{escape(source.name)}</description>{language}"
    )
    items = "".join(
        "<item>"
        + _element("title", entry.title)
        + _element("link", entry.link)
        + _element("guid", entry.guid, ' isPermaLink="false"')
        + _element("pubDate", format_datetime(entry.published) if entry.published else None)
        + _element("dc:creator", entry.author)
        + f"<description>{escape(_markup(entry.body))}</description></item>\n"
        for entry in found
    )
    return f'{XML_HEAD}<rss version="2.0" xmlns:dc="{DC}"><channel>{channel}\n{items}</channel></rss>\n'


def _rss1(source: SampleSource, base_url: str, found: Sequence[Entry]) -> str:
    about = base_url + source.path
    rows = "".join(f'<rdf:li rdf:resource="{escape(entry.guid or entry.link)}"/>' for entry in found)
    items = "".join(
        f'<item rdf:about="{escape(entry.guid or entry.link)}">'
        + _element("title", entry.title)
        + _element("link", entry.link)
        + _element("dc:date", _iso(entry.published))
        + _element("dc:creator", entry.author)
        + f"<description>{escape(_markup(entry.body))}</description></item>\n"
        for entry in found
    )
    return (
        f'{XML_HEAD}<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:dc="{DC}"'
        ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<channel rdf:about="{escape(about)}"><title>{escape(source.name)}</title><link>{base_url}/</link>'
        f"<description>{escape(source.name)}</description>{_element('dc:language', source.language)}"
        f"<items><rdf:Seq>{rows}</rdf:Seq></items></channel>\n{items}</rdf:RDF>\n"
    )


def _atom(source: SampleSource, base_url: str, found: Sequence[Entry]) -> str:
    about = base_url + source.path
    updated = max((entry.changed for entry in found), default=None)
    rows = "".join(
        "<entry>"
        + _element("title", entry.title)
        + f'<link href="{escape(entry.link)}"/>'
        + _element("id", entry.guid or entry.link)
        + _element("published", _iso(entry.published))
        + _element("updated", _iso(entry.updated))
        + f"<author><name>{escape(entry.author)}</name></author>"
        + f'<content type="html">{escape(_markup(entry.body))}</content></entry>\n'
        for entry in found
    )
    return (
        f'{XML_HEAD}<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{source.language or "und"}">'
        f"<title>{escape(source.name)}</title><id>{about}</id>"
        f'<link href="{escape(about)}" rel="self"/>{_element("updated", _iso(updated))}\n{rows}</feed>\n'
    )


def _json(source: SampleSource, base_url: str, found: Sequence[Entry]) -> str:
    items = []
    for entry in found:
        row: dict[str, object] = {
            "id": entry.guid or entry.link,
            "url": entry.link,
            "title": entry.title,
            "content_html": _markup(entry.body),
            "date_published": _iso(entry.published),
            "authors": [{"name": entry.author}],
            "language": entry.language,
        }
        items.append({key: value for key, value in row.items() if value})
    head = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": source.name,
        "home_page_url": f"{base_url}/",
        "feed_url": base_url + source.path,
        "items": items,
    }
    return json.dumps(head, ensure_ascii=False, indent=1) + "\n"


def _element(name: str, text: str | None, attributes: str = "") -> str:
    return f"<{name}{attributes}>{escape(text)}</{name}>" if text else ""


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def _paragraphs(body: str) -> list[str]:
    return [part for part in body.split("\n") if part.strip()]


def _markup(body: str) -> str:
    """Return the body as HTML paragraphs; the caller escapes once more for its container."""
    return "".join(f"<p>{escape(part, quote=False)}</p>" for part in _paragraphs(body))


def _page(title: str, body: str, language: str = "en") -> bytes:
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title></head>\n<body>\n{body}\n</body></html>\n"
    ).encode()
