"""Which clause does a single word, phrase or spelling of a query stand for?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from triage.domain.errors import QueryError
from triage.domain.queries.lexer import Kind, Lexeme
from triage.domain.queries.terms import Exact, Phrase, Prefix, Raw, Word, composed
from triage.domain.text import fold, has_unspaced, split_words, tokenise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from triage.domain.queries.nodes import Node
    from triage.domain.text import Token

MIN_STEM: Final = 4
MIN_RAW: Final = 2

# What people write for an operator in other languages.
MEANT: Final[Mapping[str, str]] = {"&": "AND", "&&": "AND", "+": "AND", "|": "OR", "||": "OR", "!": "NOT", "-": "NOT"}


def atom(lexeme: Lexeme) -> Node:
    """Return the clause of a WORD, PHRASE, EXACT or RAW lexeme; raises QueryError."""
    return _BUILDERS[lexeme.kind](lexeme)


def caution(lexeme: Lexeme, node: Node) -> str:
    """Return a warning where a lexeme is understood otherwise than its writer may expect, or an empty string."""
    written = lexeme.value
    if lexeme.kind is Kind.PHRASE and ("*" in written or "?" in written):
        return f'* and ? are not wildcards inside quotes: "{written}" looks for its words alone'
    if lexeme.kind is Kind.WORD and isinstance(node, Word | Phrase) and _loses_separators(written, node):
        return f'{written} is searched as {node.shown}; write raw:"{written}" for exactly this spelling'
    return ""


def _loses_separators(written: str, node: Word | Phrase) -> bool:
    searched = node.sigil + node.word if isinstance(node, Word) else "".join(node.words)
    return fold(written) != searched


def _word(lexeme: Lexeme) -> Node:
    if "*" in lexeme.value:
        return _prefix(lexeme)
    if "?" in lexeme.value:
        at = lexeme.start + lexeme.value.index("?")
        raise QueryError("not_yet", at, "? for one letter is not available yet; put a real question mark in quotes")
    return _words(lexeme, tokenise(lexeme.value))


def _words(lexeme: Lexeme, tokens: tuple[Token, ...]) -> Node:
    if not tokens:
        raise QueryError("empty_term", lexeme.start, _empty_hint(lexeme))
    if len(tokens) == 1:
        return Word(word=tokens[0].text, sigil=tokens[0].sigil, start=lexeme.start, end=lexeme.end)
    return Phrase(
        words=tuple(token.text for token in tokens),
        sigils=tuple(token.sigil for token in tokens),
        start=lexeme.start,
        end=lexeme.end,
    )


def _empty_hint(lexeme: Lexeme) -> str:
    if lexeme.value in MEANT:
        return f"{lexeme.value} is not an operator between words; write {MEANT[lexeme.value]}"
    if split_words(lexeme.value):
        return "an address is not a word; use raw: for exactly this text"
    return "there is no letter or digit here to look for"


def _phrase(lexeme: Lexeme) -> Node:
    return _words(lexeme, tokenise(lexeme.value))


def _prefix(lexeme: Lexeme) -> Node:
    star = lexeme.value.index("*")
    stem = lexeme.value[:star]
    tokens = tokenise(stem)
    if star + 1 < len(lexeme.value) or (len(tokens) > 1 and not has_unspaced(stem)):
        raise QueryError(
            "wildcard_position", lexeme.start + star, "* stands only at the end of one word, as in recall*"
        )
    if has_unspaced(stem):
        raise QueryError("wildcard_script", lexeme.start, "this script has no word ends; leave the * out")
    letters = tokens[0].text if tokens else ""
    if len(letters) < MIN_STEM:
        raise QueryError("wildcard_too_short", lexeme.start, f"write at least {MIN_STEM} letters before *")
    if fold(stem) != tokens[0].sigil + letters:
        raise QueryError(
            "wildcard_position", lexeme.start + star, "* stands only at the end of one word, as in recall*"
        )
    return Prefix(stem=letters, sigil=tokens[0].sigil, start=lexeme.start, end=lexeme.end)


def _exact(lexeme: Lexeme) -> Node:
    tokens = tokenise(lexeme.value)
    if not tokens:
        raise QueryError("empty_term", lexeme.start, "there is no letter or digit between these braces")
    return Exact(
        words=tuple(token.text for token in tokens),
        sigils=tuple(token.sigil for token in tokens),
        spellings=tuple(composed(lexeme.value[token.start : token.end]) for token in tokens),
        written=lexeme.value,
        start=lexeme.start,
        end=lexeme.end,
    )


def _raw(lexeme: Lexeme) -> Node:
    if len(lexeme.value) < MIN_RAW or not split_words(lexeme.value):
        hint = f'write at least {MIN_RAW} characters, one of them a letter or digit, right behind raw: as in raw:"AT&T"'
        raise QueryError("raw_too_short", lexeme.start, hint)
    return Raw(text=lexeme.value, start=lexeme.start, end=lexeme.end)


_BUILDERS: Final[Mapping[Kind, Callable[[Lexeme], Node]]] = {
    Kind.WORD: _word,
    Kind.PHRASE: _phrase,
    Kind.EXACT: _exact,
    Kind.RAW: _raw,
}
ATOMS: Final = frozenset(_BUILDERS)
