"""HOW DOES HOSTILE MARKUP BECOME SAFE TEXT AND SAFE HTML?

Everything here runs inside the parse child: nh3 is quadratic on nested tags and no Python signal can stop it, so only
the child's limits bound it. nh3 is the security boundary for HTML (rules of `_CLEANER`); templates escape all the rest.
"""

from __future__ import annotations

import html
import re
from html.entities import name2codepoint
from typing import Final

import nh3

from triage.domain.entries import MAX_AUTHOR, MAX_HTML, MAX_LANGUAGE, MAX_TITLE

_CLEANER: Final = nh3.Cleaner(
    tags={"a", "p", "br", "blockquote", "ul", "ol", "li", "strong", "em", "b", "i", "code", "pre"},
    # What these hold is never shown as text.
    clean_content_tags={"iframe", "noembed", "noframes", "script", "style", "template", "title", "xmp"},
    attributes={"a": {"href"}},
    url_schemes={"http", "https"},
    # Without this nh3 keeps `/logout` and `//evil.test/`, which would point into our own pages (H70).
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)

# C0 controls (PostgreSQL refuses NUL), DEL and C1; half surrogates, which UTF-8 cannot carry; and the controls that
# turn the direction of the text that follows them, which let a title disguise the page around it (H68).
_UNWANTED: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]"  # noqa: RUF100
)
_MARK: Final = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
# No script stacks more than a handful; hundreds cover the lines above (H68).
_STACKED_MARKS: Final = re.compile(f"([{_MARK}]{{8}})[{_MARK}]+")

# Tags that part words and that the cleaner removes.
_BLOCKS: Final = (
    "address|article|aside|caption|center|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|"
    "img|main|nav|option|section|summary|table|tbody|td|tfoot|th|thead|tr|video"
)
_BEFORE_BLOCK: Final = re.compile(rf"<(?=/?(?:{_BLOCKS})\b)", re.IGNORECASE)
# Feeds write XHTML, where `<iframe … />` is empty; in HTML all that follows would be inside.
_EMPTY_RAW_TAG: Final = re.compile(
    r"<(iframe|noembed|noframes|script|style|template|textarea|title|xmp)\b([^<>]*)/>", re.IGNORECASE
)
_CLEAN_BLOCK_TAG: Final = re.compile(r"</?(?:p|br|blockquote|ul|ol|li|pre)(?: [^>]*)?>")
_CLEAN_TAG: Final = re.compile(r"<[^>]*>")

# A text that was meant as text may still hold `<`: "vector<int>", "the <a> tag". It is markup only if a known tag is
# closed, carries an attribute, or has no other sense.
_TAGS: Final = (
    rf"{_BLOCKS}|a|abbr|audio|b|base|big|blink|blockquote|body|br|button|canvas|cite|code|del|dfn|em|embed|font|frame|frameset|head|"
    "html|i|iframe|input|ins|kbd|label|legend|li|link|map|mark|math|meta|noscript|object|ol|p|picture|pre|q|s|samp|script|select|"
    "small|source|span|strike|strong|style|sub|sup|svg|template|textarea|time|title|tt|u|ul|var|wbr"
)
_MARKUP: Final = re.compile(
    rf"</(?:{_TAGS})\s*>|<(?:{_TAGS})\s[^<>]*=|<(?:br|hr|p|script|style|svg|iframe|form)\s*/?>|<!--", re.IGNORECASE
)
_ANY_TAG: Final = re.compile(r"<[a-zA-Z/!?]")
_REFERENCE: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_NAMED: Final = re.compile(r"&([A-Za-z_][A-Za-z0-9_]*);")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")


def without_controls(text: str) -> str:
    """Return `text` without the characters that no store or page should see; tab and newline stay."""
    if text.isprintable() and text.isascii():
        return text
    return _STACKED_MARKS.sub(r"\1", _UNWANTED.sub("", text))


def one_line(text: str) -> str:
    """Return `text` without controls, each run of white space (also no-break and line ends) as one space."""
    return " ".join(without_controls(text).split())


def title_text(raw: str, *, markup: bool) -> str:
    """Return a title as plain text of at most `MAX_TITLE` characters.

    `markup` says whether the format promises HTML. Where it promises text or nothing (RSS), references such as `&amp;`
    are read all the same and markup goes where it can be nothing else: publishers escape twice.
    """
    return _short_text(raw, markup=markup)[:MAX_TITLE].rstrip()


def author_name(raw: str) -> str | None:
    """Return a name as plain text of at most `MAX_AUTHOR` characters, None if nothing is left."""
    return _short_text(raw, markup=False)[:MAX_AUTHOR].rstrip() or None


def language_tag(raw: str | None) -> str | None:
    """Return a declared language such as `en-GB`, None if it is not the shape of one."""
    tag = (raw or "").strip().replace("_", "-")
    return tag if len(tag) <= MAX_LANGUAGE and _LANGUAGE.fullmatch(tag) else None


def body_text_and_html(raw: str, *, markup: bool) -> tuple[str, str]:
    """Return a body as (plain text on one line, HTML for display), each of at most `MAX_HTML` characters.

    `markup` is False where the format promises text (Atom type="text", JSON Feed content_text). The HTML is empty when
    it would say no more than the text. The body is cut before it is cleaned, because cleaning is quadratic (H13).
    """
    raw = without_controls(raw[:MAX_HTML])
    if "<" not in raw and "&" not in raw:
        return " ".join(raw.split()), _lines_as_html(raw)
    if not (_ANY_TAG.search(raw) if markup else _MARKUP.search(raw)):
        plain = html.unescape(raw) if markup else _unescaped(raw)
        return one_line(plain), _lines_as_html(plain)
    clean = _clean_html(raw)
    return _text_of(clean), _bounded(clean, raw)


def without_invented_semicolons(text: str, present: frozenset[str]) -> str:
    """Undo feedparser's reading of a bare `AT&T` as the reference `AT&T;` (H23).

    `present` holds the names of the references that the document really contains (`names_of_references`).
    """
    if "&" not in text:
        return text
    return _NAMED.sub(lambda match: match[0] if _is_real(match[1], present) else match[0][:-1], text)


def names_of_references(document: str) -> frozenset[str]:
    """Return the names of all `&name;` in a document."""
    return frozenset(_NAMED.findall(document))


def _is_real(name: str, present: frozenset[str]) -> bool:
    return name in name2codepoint or name == "apos" or name in present


def _short_text(raw: str, *, markup: bool) -> str:
    raw = raw[:MAX_HTML]
    if "<" not in raw and "&" not in raw:
        return one_line(raw)
    if markup or _MARKUP.search(raw):
        return _text_of(_clean_html(without_controls(raw)))
    return one_line(_unescaped(raw))


def _unescaped(text: str) -> str:
    """Return a text with its references read; a bare `&` followed by a word stays, as in `R&D&copy`."""
    return _REFERENCE.sub(lambda match: html.unescape(match[0]), text)


def _clean_html(raw: str) -> str:
    """Return what nh3 leaves of `raw`, up to 5.8 times as long.

    The space keeps words apart that only a tag separated: nh3 drops `div` and `td` without a trace.
    """
    if "/>" in raw:
        raw = _EMPTY_RAW_TAG.sub(r"<\1\2></\1>", raw)
    return _CLEANER.clean(_BEFORE_BLOCK.sub(" <", raw)).strip()


def _bounded(clean: str, raw: str) -> str:
    """Return the clean HTML of `raw`, or of a start of it that fits: HTML cannot be cut in the middle of a tag."""
    part = len(raw)
    while len(clean) > MAX_HTML and part:
        part //= 2
        clean = _clean_html(raw[:part])
    return clean if "<" in clean else ""


def _text_of(clean: str) -> str:
    """Return the text of HTML that nh3 made, so that `<` and `>` of text are surely escaped in it."""
    text = _CLEAN_TAG.sub("", _CLEAN_BLOCK_TAG.sub(" ", clean))
    return one_line(html.unescape(text))[:MAX_HTML]


def _lines_as_html(plain: str) -> str:
    """Return HTML that keeps the lines of a plain text, empty when it has one line only."""
    lines = plain.strip()
    if "\n" not in lines:
        return ""
    marked = html.escape(lines, quote=False).replace("\n", "<br>\n")
    return _bounded(_clean_html(marked), marked)
