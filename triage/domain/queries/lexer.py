"""Where do the words and operators of a query begin and end?

Everything that a single lexeme can do wrong is refused here, with the offset of the character to look at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import TYPE_CHECKING, Final

from triage.domain.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DISTANCE: Final = 100

_SKIPPED: Final = re.compile(r"(?:\s+|/\*.*?\*/|//[^\n]*)*", re.DOTALL)
_WORD: Final = re.compile(r'(?:(?!/\*)[^\s()"{}“”„])+')
_RAW_VALUE: Final = re.compile(r'[^\s()"“”„]+')
_FIELD: Final = re.compile(r"([A-Za-z][A-Za-z_.+-]*):")
_NEAR: Final = re.compile(r"(?P<order>O?)NEAR(?:/(?P<distance>[0-9]*)(?P<forward>f?))?(?P<rest>.*)")
_CLOSING: Final = {'"': '"', "“": "”", "”": "”", "„": "”“"}  # people paste from word processors

# Forms of the language that this version refuses by name, so that a query never silently means something else.
_LATER_FIELDS: Final = frozenset(
    {"title", "body", "site", "url", "link", "author", "lang", "country", "kind", "tier", "macro"}
)
_SCHEMES: Final = frozenset({"http", "https"})
_LATER_WORD: Final = re.compile(r"ATLEAST(?:/.*)?|(?i:reach)[<>]=?.*")


class Kind(StrEnum):
    """What a lexeme is to the parser."""

    OPEN = auto()
    CLOSE = auto()
    AND = auto()
    OR = auto()
    NOT = auto()
    NEAR = auto()
    WORD = auto()
    PHRASE = auto()
    EXACT = auto()
    RAW = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Lexeme:
    """A piece of a query from `start` to `end`; `value` is what stands between its quotes, braces or colons."""

    kind: Kind
    value: str
    start: int
    end: int
    distance: int = 0
    ordered: bool = False


_SIGNS: Final = {"(": Kind.OPEN, ")": Kind.CLOSE}
_OPERATORS: Final = {"AND": Kind.AND, "OR": Kind.OR, "NOT": Kind.NOT}


def lexemes(text: str) -> Iterator[Lexeme]:
    """Yield the lexemes of a query, the last of kind END; raises QueryError."""
    offset = end = 0
    while (offset := _skip(text, offset)) < len(text):
        lexeme = _lexeme(text, offset)
        yield lexeme
        offset = end = lexeme.end
    yield Lexeme(Kind.END, "", end, end)


def _skip(text: str, offset: int) -> int:
    skipped = _SKIPPED.match(text, offset)
    return skipped.end() if skipped else offset


def _lexeme(text: str, offset: int) -> Lexeme:
    sign = text[offset]
    if sign in _SIGNS:
        return Lexeme(_SIGNS[sign], sign, offset, offset + 1)
    if sign in _CLOSING:
        return _phrase(text, offset)
    if sign == "{":
        return _exact(text, offset)
    if sign == "}":
        raise QueryError("unbalanced", offset, "this } closes nothing")
    return _word(text, offset)


def _phrase(text: str, offset: int) -> Lexeme:
    value, end = _quoted(text, offset)
    if text.startswith("~", end):
        raise QueryError("not_yet", end, 'words in any order ("…"~n) are not available yet; use NEAR/n')
    return Lexeme(Kind.PHRASE, value, offset, end)


def _quoted(text: str, offset: int) -> tuple[str, int]:
    """Return what stands between the quotes that open at `offset`, and the offset behind them."""
    closing = _CLOSING[text[offset]]
    for end in range(offset + 1, len(text)):
        if text[end] in closing:
            return text[offset + 1 : end], end + 1
    raise QueryError("unclosed_quote", offset, 'this quote is never closed; add "')


def _exact(text: str, offset: int) -> Lexeme:
    end = text.find("}", offset)
    if end < 0:
        raise QueryError("unbalanced", offset, "this { is never closed; add }")
    return Lexeme(Kind.EXACT, text[offset + 1 : end], offset, end + 1)


def _word(text: str, offset: int) -> Lexeme:
    if text[offset] == "-" and offset + 1 < len(text) and not text[offset + 1].isspace():
        return Lexeme(Kind.NOT, "-", offset, offset + 1)
    match = _WORD.match(text, offset)
    if match is None:
        raise QueryError("unclosed_comment", offset, "this comment is never closed; add */")
    word, end = match[0], match.end()
    if word in _OPERATORS:
        return Lexeme(_OPERATORS[word], word, offset, end)
    if re.match("O?NEAR(/|$)", word):
        return _near(word, offset)
    if field := _FIELD.match(word):
        return _field(text, offset, field[1])
    if _LATER_WORD.fullmatch(word):
        raise QueryError("not_yet", offset, f"{word} is not available yet")
    return Lexeme(Kind.WORD, word, offset, end)


def _near(word: str, offset: int) -> Lexeme:
    match = _NEAR.fullmatch(word)
    if match is None or not match["distance"] or match["rest"]:
        raise QueryError("near_needs_n", offset, "say how many words may stand between, for example NEAR/5")
    digits = match["distance"].lstrip("0")
    if len(digits) > len(str(MAX_DISTANCE)) or int(digits or "0") > MAX_DISTANCE:
        raise QueryError(
            "near_too_far", offset, f"at most {MAX_DISTANCE} words may stand between; use AND for the item"
        )
    ordered = bool(match["order"] or match["forward"])
    return Lexeme(Kind.NEAR, word, offset, offset + len(word), int(digits or "0"), ordered)


def _field(text: str, offset: int, name: str) -> Lexeme:
    value_at = offset + len(name) + 1
    known = name.lower()
    if known == "raw":
        return _raw(text, offset, value_at)
    if known in _LATER_FIELDS:
        raise QueryError("not_yet", offset, f"{known}: is not available yet")
    hint = f"there is no field {name}: (there are raw: and, later, site: and others); quotes make it plain words"
    if known in _SCHEMES:
        hint = "an address is not a word; site: will find a website, until then look for its name"
    raise QueryError("unknown_field", offset, hint)


def _raw(text: str, offset: int, value_at: int) -> Lexeme:
    if text[value_at : value_at + 1] in _CLOSING:
        value, end = _quoted(text, value_at)
    else:
        match = _RAW_VALUE.match(text, value_at)
        value, end = (match[0], match.end()) if match else ("", value_at)
    return Lexeme(Kind.RAW, value, offset, end)
