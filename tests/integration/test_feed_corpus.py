"""The corpus of real and broken feeds against feedparser, field by field: nothing may be lost or changed in silence.

What may differ, because cleaning says so: a title loses markup, references and controls and is cut at 1,000 characters;
a link that is no web address is None and a relative one becomes absolute; a date outside 1990 to 2100 is None, and an
entry that states only when it was updated is taken as published then; one entry cut off at the end of a damaged
document may be missing.
"""

from __future__ import annotations

import calendar
import csv
import html
import io
import re
from typing import TYPE_CHECKING, Any

import feedparser
import pytest

from triage.domain.entries import MAX_HTML, MAX_TITLE
from triage.domain.errors import SourceError, SourceErrorKind
from triage.domain.urls import safe_link
from triage.sources.admission import admit
from triage.sources.child import ParserChild
from triage.sources.cleaning import names_of_references, without_controls, without_invented_semicolons
from triage.sources.parsing import parse_document
from triage.sources.parsing_expat import read_with_expat
from triage.sources.parsing_feedparser import read_with_feedparser

if TYPE_CHECKING:
    from pathlib import Path

    from triage.domain.entries import ParsedEntry, ParsedFeed

pytestmark = pytest.mark.shared
ADDRESS = "http://feed.test/"
TAG = re.compile(r"<[^>]*>")


@pytest.fixture(scope="module")
def corpus(shared_dir: Path) -> dict[str, tuple[str, bytes]]:
    """Return kind and bytes of every file by name."""
    folder = shared_dir / "data" / "feeds"
    with (folder / "manifest.csv").open(encoding="utf-8") as manifest:
        return {
            row["file"]: (row["kind"], (folder / "corpus" / row["file"]).read_bytes())
            for row in csv.DictReader(manifest)
        }


@pytest.fixture(scope="module")
def said(corpus) -> dict[str, Any]:
    """Return what feedparser itself reads, where it reads any entry."""
    bodies = {name: body for name, (kind, body) in corpus.items() if kind not in {"json", "gzip"}}
    found = {
        name: feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
        for name, body in bodies.items()
    }
    return {name: document for name, document in found.items() if document["entries"]}


@pytest.fixture(scope="module")
def ours(corpus) -> dict[str, ParsedFeed | SourceErrorKind]:
    """Return what we read, through the child, or why we refuse."""
    found: dict[str, ParsedFeed | SourceErrorKind] = {}
    with ParserChild() as child:
        for name, (_, body) in corpus.items():
            try:
                found[name] = child.parse(body, content_type=None, base_url=ADDRESS)
            except SourceError as error:
                found[name] = error.kind
    return found


def test_every_file_is_read_or_refused_with_a_reason_that_fits(corpus, said, ours):
    refused = {name: kind for name, kind in ours.items() if isinstance(kind, SourceErrorKind)}
    assert len(ours) == len(corpus) > 200
    assert set(refused.values()) <= {SourceErrorKind.NOT_A_FEED}
    assert not refused.keys() & said.keys(), "a file that feedparser reads is read"
    assert len(refused) <= 2


def test_entry_counts_equal_those_of_feedparser_on_every_file_that_it_reads(said, ours):
    counts = {name: len(ours[name].entries) + ours[name].entries_dropped for name in said}
    assert counts == {name: len(document["entries"]) for name, document in said.items()}


def test_json_feeds_and_compressed_feeds_yield_entries(corpus, ours):
    counts = {name: len(ours[name].entries) for name, (kind, _) in corpus.items() if kind in {"json", "gzip"}}
    assert len(counts) == 13
    assert all(counts.values())


def test_ids_equal_those_of_feedparser(said, ours):
    for name, theirs, mine in pairs(said, ours):
        stated = without_controls(theirs.get("id") or "").strip() or None
        assert mine.native_id == stated or (stated and len(stated) > 2_048), name


def test_links_equal_those_of_feedparser_where_they_are_web_addresses(said, ours):
    for name, theirs, mine in pairs(said, ours):
        link = theirs.get("link") or ""
        if link.startswith(("http://", "https://")):
            assert mine.url == safe_link(link), name
        elif not link:
            assert mine.url is None or mine.url in {other.get("href") for other in theirs.get("links", ())}, name
        else:
            assert mine.url is None or mine.url.startswith(("http://", "https://")), name


def test_dates_equal_those_of_feedparser(said, ours):
    for name, theirs, mine in pairs(said, ours):
        updated = seconds(dict.get(theirs, "updated_parsed"))
        published = seconds(dict.get(theirs, "published_parsed") or dict.get(theirs, "created_parsed"))
        assert stamp(mine.updated_at) == updated, name
        assert stamp(mine.published_at) == (updated if published is None else published), name


def test_titles_equal_those_of_feedparser_but_for_markup(corpus, said, ours):
    for name, theirs, mine in pairs(said, ours):
        references = names_of_references(corpus[name][1].decode("latin-1"))
        stated = without_invented_semicolons(theirs.get("title", ""), references)
        # A title that is text may speak about tags: then nothing of it is markup.
        assert letters(mine.title) in {
            start(letters_of_html(stated), mine.title),
            start(letters(stated), mine.title),
        }, name


def test_bodies_keep_the_words_of_feedparser(said, ours):
    kept = meant = 0
    for name, theirs, mine in pairs(said, ours):
        contents = [content.get("value") for content in dict.get(theirs, "content") or ()]
        stated = next(filter(None, contents), None) or dict.get(theirs, "summary") or ""
        visible = letters_of_html(re.sub(r"(?is)<(script|style)\b.*?</\1>|<!--.*?-->", "", stated[:MAX_HTML]))
        kept, meant = kept + len(letters(mine.text)), meant + len(visible)
        # The pattern for tags is cruder than a browser: markup in attributes, an open quote.
        assert abs(len(letters(mine.text)) - len(visible)) <= 50 + len(visible) // 10, name
    assert abs(kept - meant) < meant // 100


def test_the_fast_reader_agrees_with_feedparser_on_every_field_of_what_it_accepts(corpus):
    accepted = 0
    for name, (kind, body) in corpus.items():
        fast = None if kind == "json" else read_with_expat(admit(body))
        if fast is not None:
            accepted += 1
            assert fast == read_with_feedparser(admit(body), None), name
    assert accepted >= 60


def test_the_child_changes_nothing(corpus, ours):
    for name, (_, body) in list(corpus.items())[::10]:
        if not isinstance(ours[name], SourceErrorKind):
            assert parse_document(body, content_type=None, base_url=ADDRESS) == ours[name], name


def pairs(said: dict[str, Any], ours: dict[str, ParsedFeed]) -> list[tuple[str, Any, ParsedEntry]]:
    """Return every entry as feedparser and as we read it; files of which entries were left out are not compared."""
    return [
        (name, theirs, mine)
        for name, document in said.items()
        if not ours[name].entries_dropped
        for theirs, mine in zip(document["entries"], ours[name].entries, strict=True)
    ]


def seconds(moment: Any) -> int | None:
    value = calendar.timegm(moment) if moment else None
    return value if value is not None and 631_152_000 <= value < 4_102_444_800 else None


def stamp(moment: Any) -> int | None:
    return None if moment is None else int(moment.timestamp())


def start(stated: str, title: str) -> str:
    """Return what cutting at the limit leaves of a stated title."""
    return stated[: len(letters(title))] if len(title) > MAX_TITLE - 50 else stated


def letters(text: str) -> str:
    """Return the letters and digits of a text, which is what cleaning may not change."""
    return "".join(filter(str.isalnum, text))


def letters_of_html(markup: str) -> str:
    return letters(html.unescape(TAG.sub("", markup)))
