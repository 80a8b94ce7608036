"""Which words of a text matched? Its pieces in order, plain or marked; no markup: a template escapes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SHOWN_FIRST: Final = 3_000
"""Characters of a long text that are shown without asking."""
_MOST_SPANS: Final = 2_000


class Piece(NamedTuple):
    """A run of characters; `term` is the query's term that it matched, empty for plain text."""

    text: str
    term: str = ""


class Marked(NamedTuple):
    """A text in pieces: what is shown at once, and the rest of a long one."""

    first: tuple[Piece, ...]
    rest: tuple[Piece, ...]
    rest_characters: int


def mark(text: str, spans: object, field: str) -> tuple[Piece, ...]:
    """Cut `text` at the spans of one field (`title` or `body`); the pieces joined are `text` again.

    `spans` is what a mention stored: `[[field, start, end, term], …]` with offsets in the original text. A span that
    does not fit (the entry was revised since) is left out; where spans overlap the first and longest wins.
    """
    return tuple(_pieces(text, _fitting(text, spans, field)))


def mark_long(text: str, spans: object, field: str) -> Marked:
    """Cut a text that may be long; its first part ends at a blank near `SHOWN_FIRST` characters."""
    if len(text) <= SHOWN_FIRST:
        return Marked(mark(text, spans, field), (), 0)
    cut = text.rfind(" ", SHOWN_FIRST // 2, SHOWN_FIRST) + 1 or SHOWN_FIRST
    found = _fitting(text, spans, field)
    first = [(start, min(end, cut), term) for start, end, term in found if start < cut]
    rest = [(max(start - cut, 0), end - cut, term) for start, end, term in found if end > cut]
    return Marked(tuple(_pieces(text[:cut], first)), tuple(_pieces(text[cut:], rest)), len(text) - cut)


def spans_of(match: Mapping[str, Any]) -> Sequence[object]:
    """Return the spans of a stored match, or nothing."""
    spans = match.get("spans")
    return spans if isinstance(spans, list) else ()


def _fitting(text: str, spans: object, field: str) -> list[tuple[int, int, str]]:
    found = []
    for span in spans[:_MOST_SPANS] if isinstance(spans, list) else ():
        match span:
            case [str(name), int(start), int(end), str(term)] if name == field and 0 <= start < end <= len(text):
                found.append((start, end, term))
    return sorted(found, key=lambda span: (span[0], -span[1]))


def _pieces(text: str, spans: Sequence[tuple[int, int, str]]) -> Iterator[Piece]:
    at = 0
    for start, end, term in spans:
        if start < at:
            continue
        if start > at:
            yield Piece(text[at:start])
        yield Piece(text[start:end], term or text[start:end])
        at = end
    if at < len(text):
        yield Piece(text[at:])
