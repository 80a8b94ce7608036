"""When is a source polled next: vectors and properties of collection.md §3."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.domain.cadence import Pace, backoff_seconds, failures_after, gap_after, interval_seconds

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
DEFAULT = Pace(300, 21_600, None)

seconds = st.floats(0, 10**7, allow_nan=False)
jitters = st.floats(-1, 1)


@st.composite
def paces(draw):
    least = draw(st.floats(5, 10_000))
    return Pace(least, draw(st.floats(least, 10**6)), draw(st.none() | seconds))


@pytest.mark.parametrize(
    ("gap", "floor", "jitter", "expected"),
    [
        (None, 0, 0, 300),
        (100, 0, 0, 300),
        (7_200, 0, 0, 3_600),
        (7_200, 0, 1, 3_960),
        (7_200, 0, -1, 3_240),
        (10**7, 0, 0, 21_600),
        (7_200, 4_000, 0, 4_000),
        (7_200, 3_000, 0, 3_600),
        (None, 10**6, 0, 21_600),
    ],
)
def test_the_interval_is_half_the_usual_gap_within_its_bounds_and_above_the_publishers_wish(
    gap, floor, jitter, expected
):
    assert interval_seconds(Pace(300, 21_600, gap), floor_seconds=floor, jitter=jitter) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("failures", "retry_after", "expected"),
    [
        (0.5, None, 300),
        (1, None, 300),
        (2.5, None, 750),
        (12, None, 3_600),
        (40, None, 3_600),
        (1, 200, 300),
        (1, 9_000, 9_000),
        (40, 86_400, 86_400),
    ],
)
def test_the_back_off_is_linear_up_to_twelve_and_never_below_retry_after(failures, retry_after, expected):
    waited = backoff_seconds(DEFAULT, failures=failures, retry_after_seconds=retry_after, jitter=0)
    assert waited == pytest.approx(expected)


def test_the_back_off_stays_below_the_longest_interval():
    slow = Pace(300, 21_600, 30_000)
    assert backoff_seconds(slow, failures=12, retry_after_seconds=None, jitter=1) == 21_600


@given(paces(), seconds, jitters)
def test_no_interval_leaves_its_bounds_by_more_than_the_jitter(pace, floor, jitter):
    got = interval_seconds(pace, floor_seconds=floor, jitter=jitter)
    assert got >= 0.9 * pace.min_seconds
    assert got <= max(1.1 * pace.max_seconds, 21_600)
    assert got >= min(floor, 21_600)


@given(paces(), st.floats(0, 1_000), st.none() | st.floats(0, 86_400), jitters)
def test_a_failure_never_stops_a_source_and_never_shortens_retry_after(pace, failures, retry_after, jitter):
    got = backoff_seconds(pace, failures=failures, retry_after_seconds=retry_after, jitter=jitter)
    assert 0 < got <= max(pace.max_seconds, retry_after or 0)
    assert got >= (retry_after or 0)


@given(paces(), st.floats(0, 100), st.floats(0, 100))
def test_more_failures_never_make_a_source_faster(pace, one, other):
    fewer, more = sorted((one, other))
    waits = [backoff_seconds(pace, failures=each, retry_after_seconds=None, jitter=0) for each in (fewer, more)]
    assert waits == sorted(waits)


def test_what_may_heal_by_itself_counts_half():
    assert failures_after(failures_after(0, permanent=False), permanent=True) == 1.5


def test_the_gap_is_known_from_the_second_visit_with_entries_on():
    assert gap_after(None, None, NOW, 5) is None
    assert gap_after(None, NOW - timedelta(hours=2), NOW, 0) is None
    assert gap_after(None, NOW - timedelta(hours=2), NOW, 4) == 1_800


def test_the_gap_is_a_moving_average_that_leans_on_the_past():
    assert gap_after(1_000, NOW - timedelta(seconds=2_000), NOW, 1) == pytest.approx(0.7 * 1_000 + 0.3 * 2_000)
    assert gap_after(1_000, NOW - timedelta(days=9), NOW, 0) == 1_000


def test_a_clock_that_went_back_makes_no_negative_gap():
    assert gap_after(None, NOW + timedelta(hours=1), NOW, 2) == 0.5


@given(st.integers(1, 50), st.floats(1, 10**7))
def test_the_gap_finds_a_source_that_changed_its_pace_within_a_day(count, before):
    gap, last = before, NOW
    for _ in range(24):
        gap, last = gap_after(gap, last, last + timedelta(hours=1), count), last + timedelta(hours=1)
    assert gap == pytest.approx(3_600 / count, abs=0.7**24 * before + 1)
