"""Are values turned into the words that a person reads? Spans of time, numbers, highlights, explanations."""

from __future__ import annotations

import itertools
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import filters, highlights, times
from dashboard.explanation import waterfall
from dashboard.highlights import mark, mark_long
from tests.dashboard_world import in_utc

NOW = in_utc(2026, 11, 25, 12, 0)


@pytest.mark.parametrize(
    ("seconds", "count", "unit"),
    [
        (0, 0, "minute"),
        (59.9, 0, "minute"),
        (60, 1, "minute"),
        (-125, 2, "minute"),
        (3599, 59, "minute"),
        (3600, 1, "hour"),
        (47 * 3600 + 3599, 47, "hour"),
        (48 * 3600, 2, "day"),
        (400 * 86400, 400, "day"),
    ],
)
def test_a_span_is_said_in_its_largest_whole_unit(seconds, count, unit):
    assert times.span(seconds) == times.Span(count, unit)


@pytest.mark.parametrize(
    ("minutes_gone", "state"), [(0, "fine"), (44, "fine"), (45, "soon"), (59, "soon"), (60, "late"), (90, "late")]
)
def test_u31_a_target_warns_when_three_quarters_of_its_time_are_gone(monkeypatch, minutes_gone, state):
    monkeypatch.setattr(times, "now", lambda: NOW)
    started = NOW - timedelta(minutes=minutes_gone)
    assert times.due_state(started, started + timedelta(hours=1)) == state


def test_an_instant_is_said_exactly_in_utc():
    paris = NOW.astimezone(ZoneInfo("Europe/Paris"))
    assert times.exact(paris) == "25 Nov 2026, 12:00 UTC"
    assert times.machine(paris) == "2026-11-25T12:00:00Z"


@pytest.mark.parametrize(
    ("people", "words"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1 k"),
        (42_000, "42 k"),
        (123_456, "123 k"),
        (999_499, "999 k"),
        (999_500, "1 M"),
        (1_234_567, "1.23 M"),
    ],
)
def test_a_count_of_people_is_short(people, words):
    assert filters.compact(people) == words


@pytest.mark.parametrize(
    ("name", "words"), [("threat_to_life", "Threat to life"), ("", ""), ("item.close", "Item close"), ("pr", "Pr")]
)
def test_a_name_of_the_process_is_said_as_words(name, words):
    assert filters.plain(name) == words


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        ("en", "en"),
        ("en-GB", "en-GB"),
        ("hi-Latn", "hi-Latn"),
        (None, ""),
        ('x" onload="', ""),
        ("e", ""),
        ("english words", ""),
    ],
)
def test_only_a_real_language_tag_stands_in_lang(tag, shown):
    assert filters.language(tag) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://feeds.example/rss", "https://feeds.example/rss"),
        ("https://u:p@feeds.example/rss?x=1", "https://feeds.example/rss?x=1"),
        ("https://feeds.example/rss?access_token=abc&y=2", "https://feeds.example/rss?access_token=…&y=2"),
        ("file:///srv/feeds/a.xml", "file:///srv/feeds/a.xml"),
        ("https://[broken", "https://[broken"),
    ],
)
def test_s15_an_address_loses_its_secrets(address, shown):
    assert filters.shown_address(address) == shown


spans = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["title", "body"]), st.integers(-3, 60), st.integers(-3, 60), st.text(max_size=3)
        ).map(list),
        st.just([]),
        st.just("junk"),
        st.none(),
    )
)


@given(st.text(max_size=50), spans)
def test_the_pieces_of_a_text_are_the_text_whatever_the_spans_are(text, spans):
    assert "".join(piece.text for piece in mark(text, spans, "body")) == text


@given(st.text(alphabet="ab ", max_size=50), spans, st.integers(2, 40))
def test_a_long_text_loses_nothing_at_the_cut(text, spans, shown):
    before = highlights.SHOWN_FIRST
    highlights.SHOWN_FIRST = shown
    try:
        marked = mark_long(text, spans, "body")
    finally:
        highlights.SHOWN_FIRST = before
    assert "".join(piece.text for piece in (*marked.first, *marked.rest)) == text
    assert sum(len(piece.text) for piece in marked.rest) == marked.rest_characters


def test_where_spans_overlap_the_first_and_longest_is_marked():
    text = "the Glow 2 heater burns"
    pieces = mark(
        text, [["body", 4, 10, "glow 2"], ["body", 4, 17, "glow 2 heater"], ["body", 11, 17, "heater"]], "body"
    )
    assert [piece.text for piece in pieces if piece.term] == ["Glow 2 heater"]


@given(
    st.lists(
        st.tuples(st.sampled_from(["flag", "tone", "reach"]), st.floats(-0.4, 0.4)).map(lambda pair: [*pair, "why"]),
        max_size=8,
    ),
    st.floats(0, 1),
)
def test_u09_the_bars_always_end_at_the_score(parts, score):
    bars = list(waterfall(parts, score))
    end = bars[-1].start + bars[-1].share if bars else 0.0
    assert end == pytest.approx(score, abs=0.0006)
    for one, other in itertools.pairwise(bars):
        assert other.start == pytest.approx(one.start + one.share)
