"""WHICH FEEDS DOES AN OPML FILE LIST? Import from any feed reader, refused whole if the file is broken.

It is read by defusedxml outside the parse child: entities, DTDs and outside references are refused before anything is
expanded (S04), the file is small, and a person waits for the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from triage.domain.errors import Fault, InvalidFile
from triage.domain.urls import canonical_url, safe_link

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

MAX_OPML_BYTES: Final = 2 * 1024 * 1024
"""Bytes of an OPML file; 10,000 feeds need about half of it."""
MAX_FEEDS: Final = 10_000
"""Feeds of one file."""
_MAX_DEPTH: Final = 20
_MAX_LABEL: Final = 200
_NAME: Final = "opml"


@dataclass(frozen=True, slots=True)
class OpmlFeed:
    """One feed of the list; `tags` are the folders around it, outermost first, then its own categories."""

    url: str
    title: str
    tags: tuple[str, ...]


def read_opml(data: bytes) -> tuple[OpmlFeed, ...]:
    """Return the feeds of an OPML file in its order, each once; outlines without a web address are left out.

    Raises:
        InvalidFile: it is larger than `MAX_OPML_BYTES`, no well-formed XML, declares a DTD or entities, is not OPML, or
            lists more than `MAX_FEEDS`.
    """
    if len(data) > MAX_OPML_BYTES:
        raise _refused(f"the file is larger than {MAX_OPML_BYTES >> 20} MiB", hint="split it into several files")
    body = _root(data).find("body")
    if body is None:
        raise _refused("there is no list of feeds in this file", hint="export it as OPML from your feed reader")
    feeds: dict[str, OpmlFeed] = {}
    for outline, folders in _outlines(body):
        feed = _feed(outline, folders)
        if feed:
            feeds.setdefault(canonical_url(feed.url) or feed.url, feed)
        if len(feeds) > MAX_FEEDS:
            raise _refused(f"the file lists more than {MAX_FEEDS:,} feeds", hint="split it into several files")
    return tuple(feeds.values())


def _root(data: bytes) -> Element:
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except ParseError as error:
        line, column = error.position
        message = "this is not well-formed XML"
        raise InvalidFile(_NAME, [Fault(message, line, column + 1, "export the file again")]) from error
    except DefusedXmlException as error:
        raise _refused("the file declares a document type or entities, which a list of feeds does not need") from error
    except (ValueError, LookupError) as error:  # an encoding that nobody knows
        raise _refused("the file is in a character encoding that cannot be read", hint="save it as UTF-8") from error
    if root.tag != "opml":
        raise _refused("this XML is not OPML", hint="export it as OPML from your feed reader")
    return root


def _outlines(body: Element) -> Iterator[tuple[Element, tuple[str, ...]]]:
    """Yield every outline with the folders around it, without recursion: the nesting is the file's choice."""
    waiting: list[tuple[Element, tuple[str, ...]]] = [(child, ()) for child in reversed(body)]
    while waiting:
        outline, folders = waiting.pop()
        if outline.tag != "outline":
            continue
        yield outline, folders
        label = _label(outline)
        inside = (*folders, label) if label and len(folders) < _MAX_DEPTH else folders
        waiting.extend((child, inside) for child in reversed(outline))


def _feed(outline: Element, folders: tuple[str, ...]) -> OpmlFeed | None:
    url = safe_link(outline.get("xmlUrl") or outline.get("xmlurl") or "")
    if url is None:
        return None
    # OPML 2.0: comma-separated, each perhaps a path that begins with a slash.
    own = [_line(name.strip().strip("/")) for name in outline.get("category", "").split(",")]
    tags = dict.fromkeys(name for name in (*folders, *own) if name)
    return OpmlFeed(url, _label(outline) or url, tuple(tags))


def _label(outline: Element) -> str:
    return _line(outline.get("title") or outline.get("text") or "")


def _line(text: str) -> str:
    return " ".join(text.split())[:_MAX_LABEL]


def _refused(message: str, *, hint: str = "") -> InvalidFile:
    return InvalidFile(_NAME, [Fault(message, 1, 1, hint)])
