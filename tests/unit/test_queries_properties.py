"""Whatever is typed and whatever is read, queries keep their promises; a second, naive evaluator says what is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from triage.domain.errors import QueryError
from triage.domain.queries import Document, Match, Query, evaluate, parse
from triage.domain.text import fold, split_words, tokenise

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = ["acme", "corp", "recall", "recalled", "us", "Oréal", "straße", "東京", "x"]
SPELLINGS = st.sampled_from(
    ["Acme", "ACME", "#acme", "@acme", "acmé", "Corp.", "recall,", "Recalled", "US", "us", "L’Oréal", "OREAL", "Strasse", "東京", "新東京駅", "AT&T", "x", "Ａcme", "½", "ac\u00adme", "https://acme.com/recall", "e\u0301", "…", "🔥", "acme_corp", "C#"]
)  # fmt: skip
TEXTS = st.lists(SPELLINGS | st.text(max_size=4), max_size=14).flatmap(
    lambda parts: st.sampled_from([" ", "  ", "-", "", "\n"]).map(lambda joint: joint.join(parts))
)


def outcome(text: str) -> Query | QueryError:
    try:
        return parse(text)
    except QueryError as refused:
        return refused


Runs = set[tuple[int, int]]  # first and last word of each hit


@dataclass(frozen=True)
class Case:
    """A query as text, and its meaning spelt out naively over lists of folded words."""

    text: str
    holds: Callable[[list[list[str]]], bool]
    runs: Callable[[list[str]], Runs] | None = None


def positional(text: str, runs: Callable[[list[str]], Runs]) -> Case:
    return Case(text, lambda fields: any(runs(words) for words in fields), runs)


def word(term: str) -> Case:
    parts = split_words(term)
    width = len(parts)
    return positional(
        term, lambda words: {(i, i + width - 1) for i in range(len(words)) if words[i : i + width] == parts}
    )


def phrase(parts: list[str]) -> Case:
    return Case('"' + " ".join(parts) + '"', word(" ".join(parts)).holds, word(" ".join(parts)).runs)


def prefix(stem: str) -> Case:
    return positional(f"{stem}*", lambda words: {(i, i) for i, each in enumerate(words) if each.startswith(stem)})


def either(left: Case, right: Case) -> Case:
    return positional(f"({left.text} OR {right.text})", lambda words: left.runs(words) | right.runs(words))


def near(left: Case, right: Case, distance: int, ordered: bool) -> Case:
    def runs(words: list[str]) -> Runs:
        pairs = [(a, b) for a in left.runs(words) for b in right.runs(words)]
        found = {(a[0], b[1]) for a, b in pairs if 0 <= b[0] - a[1] - 1 <= distance}
        if not ordered:
            found |= {(b[0], a[1]) for a, b in pairs if 0 <= a[0] - b[1] - 1 <= distance}
        return found

    return positional(f"({left.text} {'O' if ordered else ''}NEAR/{distance} {right.text})", runs)


LEAVES = st.one_of(
    st.sampled_from(WORDS).map(word),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(phrase),
    st.just(prefix("reca")),
)
POSITIONAL = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(either, inner, inner), st.builds(near, inner, inner, st.integers(0, 4), st.booleans())
    ),
    max_leaves=4,
)
CONDITIONS = st.recursive(
    POSITIONAL,
    lambda inner: st.one_of(
        st.builds(lambda a, b: Case(f"({a.text} AND {b.text})", lambda f: a.holds(f) and b.holds(f)), inner, inner),
        st.builds(lambda a, b: Case(f"({a.text} OR {b.text})", lambda f: a.holds(f) or b.holds(f)), inner, inner),
        st.builds(lambda a: Case(f"NOT {a.text}", lambda f: not a.holds(f)), inner),
    ),
    max_leaves=5,
)


@given(CONDITIONS, TEXTS, TEXTS)
def test_the_engine_agrees_with_a_naive_evaluator(case, title, body):
    query = outcome(case.text)
    if isinstance(query, QueryError):
        assert query.code in {"needs_positive_term", "too_many_wildcards"}
        return
    fields = [[token.text for token in tokenise(text)] for text in (title, body)]
    document = Document(title, body)
    found = evaluate(query, document)
    assert isinstance(found, Match) is case.holds(fields)
    assert found.sentence
    if isinstance(found, Match):
        assert any(anchor in document.haystack for anchor in query.anchors)


@given(CONDITIONS, TEXTS, TEXTS)
def test_every_span_points_at_its_term_in_the_original(case, title, body):
    query = outcome(case.text)
    found = evaluate(query, Document(title, body)) if isinstance(query, Query) else None
    for span in found.spans if isinstance(found, Match) else ():
        there = {"title": title, "body": body}[span.field][span.start : span.end]
        assert span.term in " ".join(split_words(there))


@given(TEXTS, st.integers(0, 30), st.integers(2, 12))
def test_raw_finds_each_piece_of_a_text_that_cuts_no_word(text, start, width):
    piece = text[start : start + width].replace('"', "").strip()
    query = outcome(f'raw:"{piece}"')
    if isinstance(query, QueryError):
        assert query.code == "raw_too_short"
        return
    padded = f"{text} {piece} {text}"
    found = evaluate(query, Document("", padded))
    assert isinstance(found, Match)
    assert all(fold(padded[span.start : span.end]) == span.term for span in found.spans)
    assert any(anchor in Document("", padded).haystack for anchor in query.anchors)


PIECES = st.sampled_from(
    ["AND", "OR", "NOT", "-", "NEAR/2", "ONEAR/0", "NEAR", "(", ")", '"', "“", "”", "{", "}", "raw:", 'raw:"a b"', "acme", "recall*", "*", "?", "site:", "x:y", "/*", "*/", "//", "\n", " ", "~", "reach>=5", "ATLEAST/2(", "#", "&", "東京", "1"]
)  # fmt: skip


@given(st.text(max_size=60) | st.lists(PIECES, max_size=12).map(" ".join) | st.lists(PIECES, max_size=12).map("".join))
@example("\ud800 acme")
@example('raw:"\ud800a"')
def test_parsing_raises_nothing_but_a_query_error_inside_the_text(text):
    query = outcome(text)
    if isinstance(query, QueryError):
        assert 0 <= query.offset <= len(text)
        assert query.hint
    else:
        assert query.anchors
        assert evaluate(query, Document(text, text)).sentence
