"""The index of all queries never loses a match and evaluates only what can match."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.domain.errors import QueryError
from triage.domain.queries import Document, Match, Prefilter, evaluate, parse
from triage.language.term_index import QuerySet, TermIndex

SPELLINGS = ["Acme", "#ACME", "acmé", "Corp.", "recall,", "Recalled", "US", "us", "L’Oréal", "Straße", "東京", "新東京駅", "AT&T", "ＡＣＭＥ", "½", "ac\u00adme", "https://acme.com/recall", "がｶﾞ", "🔥", "acme_corp", "C#", "\ud83d"]  # fmt: skip
TEXTS = st.lists(st.sampled_from(SPELLINGS) | st.text(max_size=4), max_size=12).flatmap(
    lambda parts: st.sampled_from([" ", "-", "", "\n"]).map(lambda joint: joint.join(parts))
)
TERMS = st.sampled_from(
    ["acme", "#acme", "corp", '"acme corp"', "recal*", "{US}", "us", "l'oréal", "strasse", "東京", "駅", "AT&T", 'raw:"AT&T"', "raw:C#", 'raw:"acme.com"', "raw:がｶ", "1", "acme_c*"]
)  # fmt: skip
QUERIES = st.lists(
    st.recursive(
        TERMS,
        lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR", "NOT", "NEAR/1", "ONEAR/3"]), inner).map(
            lambda parts: "({} {} {})".format(*parts)
        ),
        max_leaves=4,
    ),
    min_size=1,
    max_size=8,
)


def accepted(texts):
    for text in texts:
        try:
            yield parse(text)
        except QueryError:
            continue


@given(QUERIES, st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_the_set_finds_exactly_what_evaluating_every_query_finds(texts, items):
    queries = dict(enumerate(accepted(texts)))
    compiled = QuerySet(queries)
    for title, body in items:
        naive = {key: evaluate(query, Document(title, body)) for key, query in queries.items()}
        expected = {key: found for key, found in naive.items() if isinstance(found, Match)}
        assert compiled.match(Document(title, body)) == expected


def test_a_set_without_queries_matches_nothing():
    assert QuerySet({}).match(Document("Acme", "recall")) == {}


def test_matches_come_by_key_whatever_the_order_of_the_text():
    compiled = QuerySet({7: parse("acme"), 3: parse("recall"), 5: parse("zenith")})
    assert list(compiled.match(Document("", "acme recall"))) == [3, 7]
    assert len(compiled) == 3


def test_the_index_reports_each_literal_with_its_boundaries():
    index: Prefilter = TermIndex([" acme ", " recal", " acme corp ", "oogl"])
    assert set(index.present(Document("Acme", "Corp recalled by Google+").haystack)) == {0, 1, 3}
    assert set(index.present(Document("", "acmeville acme corp").haystack)) == {0, 2}
    assert set(index.present("")) == set()


def test_a_text_that_only_shares_letters_with_a_query_is_not_evaluated(monkeypatch):
    monkeypatch.setattr("triage.language.term_index.find", lambda query, _document: pytest.fail(query.text))
    queries = {1: parse("us"), 2: parse("{US}"), 3: parse('"us navy"'), 4: parse("x NOT us")}
    assert QuerySet(queries).match(Document("", "because the navy is thus plus")) == {}
