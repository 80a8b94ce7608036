"""HOW IS ANY FEED IN XML READ? With feedparser, the parser of record: it reads what no stricter parser would.

Its sanitiser and its resolving of links stay off (73 % of its time, and no security boundary): `parsing` cleans.
"""

from __future__ import annotations

import calendar
import io
from typing import TYPE_CHECKING, Any, Final

import feedparser

from triage.domain.errors import SourceError, SourceErrorKind
from triage.sources.cleaning import names_of_references, without_invented_semicolons
from triage.sources.drafts import Draft, DraftFeed
from triage.sources.ttl import ttl_seconds, update_seconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from time import struct_time

    # feedparser has no types and its dictionaries convert keys on the way (slowly, with warnings): they are read
    # through `dict.get`, and every value is checked before it is used.
    Said = dict[str, Any]

_MALFORMED: Final = "The feed is not well-formed XML. It was read as far as possible; entries may be missing."
_OTHER_ENCODING: Final = "The feed is in another character encoding than it declares. It was read all the same."
_TEXT_TYPES: Final = frozenset({"text/plain", "text/html", "application/xhtml+xml", ""})


def read_with_feedparser(body: bytes, content_type: str | None) -> DraftFeed:
    """Read RSS, RDF, Atom or CDF, well-formed or not.

    Raises:
        SourceError: not_a_feed if it is something else, or so damaged that no entry is left; parse_error if the parser
            itself fails.
    """
    said = _parse(body, content_type)
    malformed = _is_malformed(said)
    # A document that could not be read is never "nothing new, all is well" (H18d, H24).
    if not said["entries"] and (malformed or not said.get("version")):
        raise SourceError(SourceErrorKind.NOT_A_FEED, "there is no feed at this address that can be read")
    repair = _repairer(body) if malformed else _unchanged
    feed = said["feed"]
    atom = str(said.get("version", "")).startswith("atom")
    drafts = [_draft(entry, atom=atom, repair=repair) for entry in said["entries"]]
    if malformed and drafts and _is_fragment(drafts[-1], body):
        drafts.pop()
    return DraftFeed(
        title=repair(_string(feed, "title")),
        language=_string(feed, "language") or None,
        entries=drafts,
        warning=_MALFORMED if malformed else _OTHER_ENCODING if _is_other_encoding(said) else None,
        ttl_seconds=max(
            ttl_seconds(_string(feed, "ttl")),
            update_seconds(_string(feed, "sy_updateperiod"), _string(feed, "sy_updatefrequency")),
        ),
    )


def _parse(body: bytes, content_type: str | None) -> Said:
    try:
        # BytesIO matters: bare bytes that happen to be a path or a URL are opened by feedparser (S01, S04).
        said: Said = feedparser.parse(
            io.BytesIO(body),
            sanitize_html=False,
            resolve_relative_uris=False,
            response_headers=_headers(body, content_type),
        )
    except (MemoryError, SourceError):
        raise
    except Exception as error:
        # feedparser documents no exceptions, and hostile input finds new ones.
        message = f"the feed breaks its parser ({type(error).__name__})"
        raise SourceError(SourceErrorKind.PARSE_ERROR, message) from error
    return said


def _headers(body: bytes, content_type: str | None) -> dict[str, str]:
    """Return the header only where it can help: valid UTF-8 is UTF-8, whatever a server says (H43)."""
    if not content_type or "charset" not in content_type.lower():
        return {}
    try:
        body.decode()
    except UnicodeDecodeError:
        return {"content-type": content_type}
    return {}


def _is_malformed(said: Said) -> bool:
    """Tell whether the strict parser gave up and the lenient one, which guesses, read the document."""
    trouble = said.get("bozo_exception")
    return bool(said.get("bozo")) and not isinstance(
        trouble, feedparser.CharacterEncodingOverride | feedparser.NonXMLContentType
    )


def _is_other_encoding(said: Said) -> bool:
    return isinstance(said.get("bozo_exception"), feedparser.CharacterEncodingOverride)


def _unchanged(text: str) -> str:
    return text


def _repairer(body: bytes) -> Callable[[str], str]:
    present = names_of_references(body.decode("latin-1"))
    return lambda text: without_invented_semicolons(text, present)


def _is_fragment(last: Draft, body: bytes) -> bool:
    """Tell whether the document was cut inside its last entry before anything that identifies it (H22).

    Such a piece would be stored once more when the whole entry comes.
    """
    start, end = (max(body.rfind(mark + b"item"), body.rfind(mark + b"entry")) for mark in (b"<", b"</"))
    return last.native_id is None and last.link is None and end < start


def _string(said: Said, key: str) -> str:
    value = dict.get(said, key)  # FeedParserDict is a dict; its own get is slow and warns
    return value if isinstance(value, str) else ""


def _value(said: Said, key: str) -> Any:
    return dict.get(said, key)


def _draft(entry: Said, *, atom: bool, repair: Callable[[str], str]) -> Draft:
    body, markup, language = _body(entry)
    detail = _value(entry, "title_detail") or {}
    updated = _seconds(_value(entry, "updated_parsed"))
    published = _seconds(_value(entry, "published_parsed") or _value(entry, "created_parsed"))
    author = _value(entry, "author_detail") or {}
    return Draft(
        native_id=_string(entry, "id") or None,
        link=_link(entry),
        title=repair(_string(entry, "title")),
        title_markup=atom and _string(detail, "type") not in {"text/plain", ""},
        body=repair(body),
        body_markup=markup,
        author=repair(_string(author, "name") or _string(entry, "author")) or None,
        # RSS 1.0 and Atom 0.3 know one date only, which feedparser calls "updated".
        published=updated if published is None else published,
        updated=updated,
        language=language or _string(detail, "language") or None,
    )


def _body(entry: Said) -> tuple[str, bool, str]:
    """Return (text, whether it is markup, language) of the fullest body: the content, else the summary."""
    for content in _value(entry, "content") or ():
        value, kind = _string(content, "value"), _string(content, "type")
        if value and kind in _TEXT_TYPES:
            return value, kind != "text/plain", _string(content, "language")
    detail = _value(entry, "summary_detail") or {}
    return _string(entry, "summary"), _string(detail, "type") != "text/plain", _string(detail, "language")


def _link(entry: Said) -> str | None:
    """Return the entry's page: what feedparser takes for it, else the first alternate of whatever type."""
    link = _string(entry, "link")
    if link:
        return link
    others = (_string(other, "href") for other in _value(entry, "links") or () if _string(other, "rel") == "alternate")
    return next(filter(None, others), None)


def _seconds(moment: struct_time | None) -> int | None:
    try:
        return calendar.timegm(moment) if moment else None
    except (ValueError, OverflowError):
        return None
