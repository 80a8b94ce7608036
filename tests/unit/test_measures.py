"""What a manager reads: the vectors of the response process §7, and Kaplan-Meier by brute force in whole numbers."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.clock_stories import CARE, MONITOR, PERSON, PRESS, RULE, act, at, came
from triage.domain.clocks import ClockKind, Closed, Fetched, HandedOver, Held, Queued, Sent, follow
from triage.domain.measures import (
    BUCKETS,
    Attainment,
    Bucket,
    Mean,
    Observation,
    Percentile,
    Period,
    _is_down_to,
    _Step,
    attain,
    finished_shares,
    grouped,
    histogram,
    hour_of_week,
    mean,
    observe,
    percentiles,
    summarise,
)

HOUR = 3600


def closed(*seconds):
    return [Observation(one, closed=True) for one in seconds]


def still_open(*seconds):
    return [Observation(one, closed=False) for one in seconds]


def one_of(kind, events):
    (clock,) = follow(events)[-1].of(kind)
    return clock


# Percentiles -------------------------------------------------------------------------------------------------------


def test_vector_open_items_push_the_percentiles_up():
    items = closed(10, 20, 30, 40) + still_open(25, 50)
    assert percentiles(items, (50, 75, 90)) == (
        Percentile(50, 30),
        Percentile(75, 40),
        Percentile(90, 50, more_than=True),
    )


def test_vector_closed_items_alone_would_give_other_percentiles():
    found = percentiles(closed(10, 20, 30, 40), (50, 75, 90))
    assert [(one.seconds, one.more_than) for one in found] == [(20, False), (30, False), (40, False)]


def test_vector_a_median_that_nobody_knows_yet_is_more_than_the_longest_age():
    assert percentiles(closed(5) + still_open(60, 120), (50,)) == (Percentile(50, 120, more_than=True),)


def test_what_ends_at_an_instant_is_at_risk_there_with_what_is_open_there():
    # Two of three end at 10: S(10) = 1/3. Had the open one been left out before, S would be 0.
    items = closed(10, 10) + still_open(10)
    assert percentiles(items, (50, 75)) == (Percentile(50, 10), Percentile(75, 10, more_than=True))


@pytest.mark.parametrize("n", [10, 20, 30, 49, 100, 700])
def test_a_curve_that_meets_its_bound_exactly_is_not_missed_by_rounding(n):
    items = closed(*range(1, n + 1))
    for percent, one in zip((10, 30, 50, 70, 90), percentiles(items, (10, 30, 50, 70, 90)), strict=True):
        assert one == Percentile(percent, -(-n * percent // 100))


@pytest.mark.parametrize(("left", "is_down"), [(5_000_000_000, True), (5_000_000_001, False), (4_999_999_999, True)])
def test_where_floating_point_is_in_doubt_whole_numbers_decide(left, is_down):
    fall = _Step(7, left, 10_000_000_000, left / 10_000_000_000)
    assert _is_down_to((fall, _Step(8, 1, left, 0.0)), 0, 50) is is_down


def test_percentiles_come_in_the_order_asked_for():
    items = closed(*range(1, 101))
    assert [one.seconds for one in percentiles(items, (95, 50, 75, 50))] == [95, 50, 75, 50]


def test_without_items_there_are_no_percentiles():
    assert percentiles([], (50, 90)) == (None, None)


def test_only_open_items_are_all_more_than_the_longest_age():
    assert percentiles(still_open(5, 9), (50,)) == (Percentile(50, 9, more_than=True),)


@pytest.mark.parametrize("percent", [0, -1, 100, 150])
def test_a_percentile_outside_1_to_99_is_refused(percent):
    with pytest.raises(ValueError, match=r"^a percentile lies between 1 and 99$"):
        percentiles([], (50, percent))


@pytest.mark.parametrize("percent", [1, 99])
def test_the_outermost_percentiles_exist(percent):
    assert percentiles(closed(7), (percent,)) == (Percentile(percent, 7),)


def by_brute_force(items, percent):
    """The smallest t with S(t) <= 1 - q, where S is recomputed for every t from all items, as a fraction."""
    for t in sorted({one.seconds for one in items}):
        survival = Fraction(1)
        for u in sorted({one.seconds for one in items if one.closed and one.seconds <= t}):
            at_risk = sum(one.seconds >= u for one in items)
            ended = sum(one.seconds == u and one.closed for one in items)
            survival *= 1 - Fraction(ended, at_risk)
        if survival <= 1 - Fraction(percent, 100):
            return Percentile(percent, t)
    return Percentile(percent, max(one.seconds for one in items), more_than=True)


observations = st.lists(st.builds(Observation, st.integers(0, 40), st.booleans()), min_size=1, max_size=40)


@settings(max_examples=400, deadline=None)
@given(observations, st.lists(st.integers(1, 99), min_size=1, max_size=4))
def test_percentiles_equal_kaplan_meier_by_brute_force(items, percents):
    assert percentiles(items, percents) == tuple(by_brute_force(items, percent) for percent in percents)


def ten_thousand():
    seed = 20261125
    print(f"seed {seed}")
    rng = random.Random(seed)
    return [Observation(int(rng.expovariate(1 / 9000)), rng.random() < 0.8) for _ in range(10_000)]


def test_u30_percentiles_of_ten_thousand_items_are_exact_and_fast():
    items = ten_thousand()
    begun = time.process_time()
    summary = summarise(items)
    assert time.process_time() - begun < 0.5
    # Brute force in one pass, exactly: a fraction that loses its common factors only at the end.
    top, bottom, expected = 1, 1, {}
    ordered = sorted(items, key=lambda one: one.seconds)
    risk = {}
    for place, one in enumerate(ordered):
        risk.setdefault(one.seconds, len(ordered) - place)
    for t, at_risk in risk.items():
        ended = 0
        for one in ordered[len(ordered) - at_risk :]:
            if one.seconds != t:
                break
            ended += one.closed
        top, bottom = top * (at_risk - ended), bottom * at_risk
        for percent in (50, 75, 90, 95):
            if percent not in expected and top * 100 <= bottom * (100 - percent):
                expected[percent] = Percentile(percent, t)
    assert [summary.median, summary.p75, summary.p90, summary.p95] == [expected[one] for one in (50, 75, 90, 95)]


def test_a_summary_shows_the_numbers_it_rests_on():
    summary = summarise(closed(10, 20, 30, 40) + still_open(25, 50))
    assert (summary.n, summary.still_open) == (6, 2)
    assert (summary.median, summary.p90) == (Percentile(50, 30), Percentile(90, 50, more_than=True))
    assert (summary.p75, summary.p95) == (Percentile(75, 40), Percentile(95, 50, more_than=True))
    nothing = summarise([])
    assert (nothing.n, nothing.still_open, nothing.median, nothing.p95) == (0, 0, None, None)


def test_fewer_than_20_items_are_too_few():
    assert summarise(iter(closed(*range(19)))).too_few
    assert not summarise(iter(closed(*range(20)))).too_few
    assert Attainment(met=17, missed=1, open_overdue=1, running=90).too_few
    assert not Attainment(met=18, missed=1, open_overdue=1).too_few
    assert not summarise(closed(*range(21))).too_few
    assert not Attainment(met=21).too_few


def test_the_share_finished_is_a_curve_that_rises_where_items_end():
    assert finished_shares(closed(10, 10, 30) + still_open(20)) == ((10, 0.5), (30, 1.0))
    assert finished_shares(still_open(20)) == ()


# Mean --------------------------------------------------------------------------------------------------------------


def test_the_mean_is_the_plain_average_when_nothing_is_open():
    assert mean(closed(10, 20, 60)) == Mean(pytest.approx(30), at_least=False)


def test_the_mean_counts_open_items_as_at_least_their_age():
    # S is 2/3 from 30 until 60.
    assert mean(closed(30) + still_open(60, 60)) == Mean(pytest.approx(30 + 30 * 2 / 3), at_least=True)
    assert mean(closed(60) + still_open(60)).at_least
    assert not mean(closed(60) + still_open(30)).at_least
    assert mean(still_open(50)) == Mean(50, at_least=True)


def test_without_items_there_is_no_mean():
    assert mean([]) is None


@settings(max_examples=100, deadline=None)
@given(observations)
def test_the_mean_lies_between_zero_and_the_longest(items):
    found = mean(items)
    assert 0 <= found.seconds <= max(one.seconds for one in items) + 1e-9
    if all(one.closed for one in items):
        assert found.seconds == pytest.approx(sum(one.seconds for one in items) / len(items))


# Attainment --------------------------------------------------------------------------------------------------------


def test_vector_open_overdue_items_count_against_us_and_running_ones_do_not_count():
    found = Attainment(met=8, missed=1, open_overdue=1, running=5)
    assert (found.share, found.n, found.running) == (0.8, 10, 5)


def test_nothing_decided_is_no_percentage():
    found = Attainment(running=5, cancelled=3)
    assert (found.share, found.n) == (None, 0)
    assert Attainment() == Attainment(met=0, missed=0, open_overdue=0, running=0, cancelled=0)


def test_attainment_counts_what_became_of_each_promise():
    stories = {
        "met": [*came(), act("10:10")],
        "missed": [*came(), act("10:31")],
        "missed too": [*came(), Closed(at("10:31"), RULE)],
        "open_overdue": came(),
        "running": came("10:45"),
        "cancelled": [*came(), Closed(at("10:10"), RULE)],
    }
    clocks = [one_of(ClockKind.ACKNOWLEDGE, events) for events in stories.values()]
    assert attain(clocks, at("11:00")) == Attainment(met=1, missed=2, open_overdue=1, running=1, cancelled=1)


def test_a_paused_promise_is_running_unless_it_was_broken_before():
    paused = one_of(ClockKind.FIRST_RESPONSE, [*came(), Held(at("10:30"))])
    broken = one_of(ClockKind.FIRST_RESPONSE, [*came(), Held(at("11:30"))])
    assert attain([paused, broken], at("12:00")) == Attainment(open_overdue=1, running=1)


def test_a_clock_without_a_target_promises_nothing():
    clocks = [
        clock for clock in follow([*came(policy=MONITOR), act("10:05")])[0].clocks if clock.kind is not ClockKind.REVIEW
    ]
    assert attain(clocks, at("11:00")) == Attainment()


# From clocks to observations ---------------------------------------------------------------------------------------


def test_an_ended_clock_is_observed_with_its_length_and_an_open_one_with_its_age():
    ended, running = one_of(ClockKind.ACKNOWLEDGE, [*came(), act("10:10")]), one_of(ClockKind.ACKNOWLEDGE, came())
    assert observe(ended, at("12:00")) == Observation(600, closed=True)
    assert observe(running, at("12:00")) == Observation(7200, closed=False)
    paused = one_of(ClockKind.FIRST_RESPONSE, [*came(), Held(at("10:10"))])
    assert observe(paused, at("12:00")) == Observation(600, closed=False)


def test_business_and_calendar_time_are_observed_apart():
    clock = one_of(ClockKind.FIRST_RESPONSE, [*came(), Held(at("10:10"), at("10:40")), Sent(at("10:50"), PERSON)])
    assert observe(clock, at("12:00")) == Observation(20 * 60, closed=True)
    assert observe(clock, at("12:00"), on_the_wall=True) == Observation(50 * 60, closed=True)


def test_an_answer_that_was_no_longer_owed_is_not_observed_but_one_that_never_came_is():
    in_time = one_of(ClockKind.FIRST_RESPONSE, [*came(), Closed(at("10:30"), PERSON)])
    too_late = one_of(ClockKind.FIRST_RESPONSE, [*came(), Closed(at("12:00"), PERSON)])
    assert observe(in_time, at("13:00")) is None
    assert observe(too_late, at("13:00")) == Observation(7200, closed=False)


def test_what_is_not_measured_is_not_observed_and_detection_and_first_action_always_are():
    events = [Fetched(at("10:00"), at("09:30")), Queued(at("10:00"), MONITOR), HandedOver(at("10:05"), PRESS)]
    clocks = {clock.kind: observe(clock, at("11:00")) for clock in follow(events)[0].clocks}
    assert clocks == {
        ClockKind.DETECTION: Observation(1800, closed=True),
        ClockKind.FIRST_RESPONSE: None,
        ClockKind.RESOLUTION: None,
        ClockKind.REVIEW: Observation(300, closed=True),
        ClockKind.ACKNOWLEDGE: Observation(55 * 60, closed=False),
        ClockKind.FIRST_ACTION: Observation(55 * 60, closed=False),
    }


# Histogram, groups, periods ----------------------------------------------------------------------------------------


def test_a_bucket_holds_its_lower_bound_and_not_its_upper():
    edges = closed(
        0, HOUR - 1, HOUR, 4 * HOUR - 1, 4 * HOUR, 8 * HOUR - 1, 8 * HOUR, 24 * HOUR - 1, 24 * HOUR, 999 * HOUR
    )
    assert histogram(edges) == tuple(Bucket(label, 2, 0) for label in ("0-1h", "1-4h", "4-8h", "8-24h", "24h+"))


def test_open_items_stand_apart_in_the_bucket_that_they_have_reached():
    found = histogram(closed(10) + still_open(2 * HOUR, 3 * HOUR))
    assert found == (Bucket("0-1h", 1, 0), Bucket("1-4h", 0, 2), *(Bucket(label, 0, 0) for label in BUCKETS[2:]))


def test_items_are_grouped_by_any_key_in_order_of_appearance():
    clocks = [one_of(ClockKind.ACKNOWLEDGE, came(policy=policy)) for policy in (PRESS, CARE, PRESS)]
    groups = grouped(clocks, lambda clock: clock.policy.queue)
    assert list(groups.items()) == [("press", [clocks[0], clocks[2]]), ("care", [clocks[1]])]
    assert grouped([], len) == {}


def test_the_hour_of_the_week_is_read_on_the_wall():
    sunday_night = datetime(2026, 11, 15, 23, 30, tzinfo=UTC)
    assert hour_of_week(sunday_night, "UTC") == (6, 23)
    assert hour_of_week(sunday_night, "Europe/Paris") == (0, 0)


def test_a_period_holds_its_start_and_not_its_end():
    day = Period(at("00:00"), at("00:00", 12))
    inside = {at("00:00"): True, at("00:00", 12): False, at("00:00", 12) - timedelta(seconds=1): True, None: False}
    assert {moment: day.contains(moment) for moment in inside} == inside
    assert not day.contains(at("23:59", 10))
