"""How long a clock ran, and what a hold and a wait do to it (response process §7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.clock_stories import CARE, MINUTE, OFFICE_CARE, PERSON, at, came, minutes, only, paris
from triage.domain.clocks import (
    ClockKind,
    ClockState,
    Closed,
    Duration,
    Fetched,
    Held,
    HoldEnded,
    Origin,
    Pause,
    Queued,
    Received,
    Sent,
    WaitingEnded,
    WaitingStarted,
    follow,
)

# Durations ---------------------------------------------------------------------------------------------------------


def test_c11_durations_are_kept_from_published_fetched_and_queued_in_business_and_calendar_time():
    published, fetched, queued = (paris(f"2026-11-13 {clock}") for clock in ("16:00", "16:30", "16:45"))
    replied = paris("2026-11-16 09:30")
    (cycle,) = follow([Fetched(fetched, published), Queued(queued, OFFICE_CARE), Sent(replied, PERSON)])
    (clock,) = cycle.of(ClockKind.FIRST_RESPONSE)
    later = replied + timedelta(days=3)
    assert cycle.duration_from(Origin.PUBLISHED, clock, later) == Duration(90 * MINUTE, (65 * 60 + 30) * MINUTE)
    assert cycle.duration_from(Origin.FETCHED, clock, later) == Duration(60 * MINUTE, 65 * 60 * MINUTE)
    assert cycle.duration_from(Origin.QUEUED, clock, later) == Duration(45 * MINUTE, (65 * 60 - 15) * MINUTE)


def test_a_duration_from_an_instant_that_is_not_known_is_not_known():
    (cycle,) = follow(came())
    (clock,) = cycle.of(ClockKind.ACKNOWLEDGE)
    assert cycle.duration_from(Origin.PUBLISHED, clock, at("11:00")) is None
    assert cycle.duration_from(Origin.QUEUED, clock, at("11:00")) == Duration(3600, 3600)


def test_a_duration_from_an_instant_after_the_end_is_nothing():
    (cycle,) = follow([Fetched(at("10:00"), at("12:00")), Queued(at("10:00"), CARE), Sent(at("10:30"), PERSON)])
    (clock,) = cycle.of(ClockKind.FIRST_RESPONSE)
    assert cycle.duration_from(Origin.PUBLISHED, clock, at("13:00")) == Duration(0, 0)


def test_an_open_clock_is_as_long_as_its_age():
    clock = only(follow(came()), ClockKind.FIRST_RESPONSE)
    assert clock.duration(at("10:12:30")) == Duration(750, 750)


def test_durations_are_whole_seconds_begun_ones_do_not_count():
    clock = only(follow(came()), ClockKind.FIRST_RESPONSE)
    took = clock.duration(at("10:12:30") + timedelta(microseconds=999_999))
    assert repr(took) == "Duration(business_seconds=750, calendar_seconds=750)"


def test_business_time_leaves_pauses_out_and_calendar_time_holds_them():
    cycles = follow([*came(), Held(at("10:10")), HoldEnded(at("10:30")), Sent(at("10:50"), PERSON)])
    assert only(cycles, ClockKind.FIRST_RESPONSE).duration(at("12:00")) == Duration(30 * MINUTE, 50 * MINUTE)


def test_pauses_before_the_origin_and_after_now_take_nothing_away():
    clock = only(follow([*came(), Held(at("10:10"), at("10:30"))]), ClockKind.FIRST_RESPONSE)
    assert clock.duration(at("10:05")) == Duration(5 * MINUTE, 5 * MINUTE)
    assert clock.duration(at("10:15")) == Duration(10 * MINUTE, 15 * MINUTE)
    assert clock.duration_from(at("10:20"), at("10:40")) == Duration(10 * MINUTE, 20 * MINUTE)
    assert clock.duration_from(at("10:35"), at("10:40")) == Duration(5 * MINUTE, 5 * MINUTE)


# Holding and waiting -----------------------------------------------------------------------------------------------


def test_a_hold_stops_the_acknowledge_clock_and_pauses_response_and_resolution():
    cycles = follow([*came(), Held(at("10:10")), HoldEnded(at("11:10"))])
    assert only(cycles, ClockKind.ACKNOWLEDGE).state(at("10:20")) is ClockState.MET
    response, resolution = only(cycles, ClockKind.FIRST_RESPONSE), only(cycles, ClockKind.RESOLUTION)
    assert response.pauses == resolution.pauses == (Pause(at("10:10"), at("11:10")),)
    assert (response.due_at, response.warning_at) == (at("12:00"), at("11:45"))
    assert resolution.due_at == at("11:00", 12)


def test_a_clock_is_paused_from_the_start_of_a_hold_until_just_before_its_end():
    clock = only(follow([*came(), Held(at("10:10")), HoldEnded(at("11:10"))]), ClockKind.FIRST_RESPONSE)
    instants = {"10:09:59": False, "10:10": True, "11:09:59": True, "11:10": False}
    assert {now: clock.state(at(now)) is ClockState.PAUSED for now in instants} == instants


def test_while_nobody_knows_when_a_hold_ends_nothing_is_due():
    clock = only(follow([*came(), Held(at("10:10"))]), ClockKind.FIRST_RESPONSE)
    assert (clock.due_at, clock.warning_at) == (None, None)
    assert clock.state(at("23:00", 30)) is ClockState.PAUSED
    assert not clock.is_overdue(at("23:00", 30))
    assert minutes(clock) == 10


def test_a_warning_that_came_before_the_hold_stays():
    clock = only(follow([*came(), Held(at("10:50"))]), ClockKind.FIRST_RESPONSE)
    assert (clock.due_at, clock.warning_at) == (None, at("10:45"))


def test_a_hold_ends_with_its_timer_even_if_nobody_says_so():
    clock = only(follow([*came(), Held(at("10:10"), at("12:10"))]), ClockKind.FIRST_RESPONSE)
    assert clock.due_at == at("13:00")
    assert clock.state(at("12:09")) is ClockState.PAUSED
    assert clock.state(at("12:10")) is ClockState.RUNNING


def test_spread_ends_a_hold_before_its_timer():
    clock = only(follow([*came(), Held(at("10:10"), at("12:10")), HoldEnded(at("10:40"))]), ClockKind.FIRST_RESPONSE)
    assert clock.pauses == (Pause(at("10:10"), at("10:40")),)
    assert clock.due_at == at("11:30")


@pytest.mark.parametrize("said", ["10:30", "10:40"])
def test_the_end_of_a_hold_that_its_timer_already_ended_changes_nothing(said):
    clock = only(follow([*came(), Held(at("10:10"), at("10:30")), HoldEnded(at(said))]), ClockKind.FIRST_RESPONSE)
    assert clock.pauses == (Pause(at("10:10"), at("10:30")),)


def test_the_end_of_a_hold_that_never_was_changes_nothing():
    events = [HoldEnded(at("10:10")), WaitingEnded(at("10:11"))]
    assert follow([*came(), *events]) == follow(came())


def test_another_hold_replaces_the_one_before():
    longer = only(
        follow([*came(), Held(at("10:10"), at("10:30")), Held(at("10:20"), at("11:10"))]), ClockKind.FIRST_RESPONSE
    )
    assert longer.pauses == (Pause(at("10:10"), at("11:10")),)
    shorter = only(
        follow([*came(), Held(at("10:10"), at("12:30")), Held(at("10:20"), at("10:25"))]), ClockKind.FIRST_RESPONSE
    )
    assert shorter.pauses == (Pause(at("10:10"), at("10:25")),)


def test_a_hold_whose_timer_lies_behind_it_holds_nothing():
    clock = only(follow([*came(), Held(at("10:10"), at("10:10"))]), ClockKind.FIRST_RESPONSE)
    assert clock.pauses == ()


def test_a_hold_without_length_does_not_hide_the_next():
    clock = only(
        follow([*came(), Held(at("10:10"), at("10:10")), Held(at("10:20"), at("10:30"))]), ClockKind.FIRST_RESPONSE
    )
    assert clock.pauses == (Pause(at("10:20"), at("10:30")),)


def test_two_holds_are_two_pauses():
    holds = [Held(at("10:10"), at("10:20")), Held(at("10:30"), at("10:40"))]
    clock = only(follow([*came(), *holds]), ClockKind.FIRST_RESPONSE)
    assert clock.pauses == (Pause(at("10:10"), at("10:20")), Pause(at("10:30"), at("10:40")))
    assert clock.due_at == at("11:20")


def test_a_pause_after_the_due_time_does_not_undo_the_breach():
    clock = only(follow([*came(), Held(at("11:30"))]), ClockKind.FIRST_RESPONSE)
    assert clock.due_at == at("11:00")
    assert clock.is_overdue(at("12:00"))
    assert clock.state(at("12:00")) is ClockState.PAUSED


def test_a_pause_at_the_due_time_comes_too_late():
    assert only(follow([*came(), Held(at("11:00"))]), ClockKind.FIRST_RESPONSE).due_at == at("11:00")


def test_a_pause_outside_working_hours_moves_nothing():
    friday, night, monday = paris("2026-11-13 16:30"), paris("2026-11-13 20:00"), paris("2026-11-16 08:00")
    held = [Held(night), HoldEnded(monday)]
    cycles = follow([Fetched(friday), Queued(friday, OFFICE_CARE), *held])
    assert only(cycles, ClockKind.FIRST_RESPONSE).due_at == paris("2026-11-16 12:30")


def test_a_reply_during_a_hold_meets_the_response_and_ends_its_pause():
    cycles = follow([*came(), Held(at("10:10")), Sent(at("15:00"), PERSON)])
    clock = only(cycles, ClockKind.FIRST_RESPONSE)
    assert clock.pauses == (Pause(at("10:10"), at("15:00")),)
    assert clock.state(at("16:00")) is ClockState.MET
    assert minutes(clock) == 10
    assert only(cycles, ClockKind.RESOLUTION).state(at("16:00")) is ClockState.PAUSED


def test_a_message_during_a_hold_starts_a_clock_that_stands_still():
    events = [Sent(at("10:05"), PERSON), Held(at("10:10")), Received(at("10:30")), HoldEnded(at("11:00"))]
    clock = only(follow([*came(), *events]), ClockKind.NEXT_RESPONSE)
    assert clock.pauses == (Pause(at("10:30"), at("11:00")),)
    assert clock.due_at == at("12:00")


def test_a_hold_that_was_over_before_a_message_came_is_no_pause_of_its_clock():
    events = [Sent(at("10:05"), PERSON), Held(at("10:10"), at("10:20")), Received(at("10:30"))]
    clock = only(follow([*came(), *events]), ClockKind.NEXT_RESPONSE)
    assert (clock.pauses, clock.due_at) == ((), at("11:30"))


def test_waiting_on_the_requester_pauses_the_resolution_only():
    cycles = follow([*came(), WaitingStarted(at("10:10")), WaitingEnded(at("11:10"))])
    assert only(cycles, ClockKind.RESOLUTION).pauses == (Pause(at("10:10"), at("11:10")),)
    assert only(cycles, ClockKind.RESOLUTION).due_at == at("11:00", 12)
    assert only(cycles, ClockKind.FIRST_RESPONSE).pauses == ()
    assert only(cycles, ClockKind.ACKNOWLEDGE).state(at("10:15")) is ClockState.RUNNING


def test_the_next_message_ends_the_wait_but_not_a_hold():
    waiting = follow([*came(), WaitingStarted(at("10:10")), Received(at("10:40"))])
    assert only(waiting, ClockKind.RESOLUTION).pauses == (Pause(at("10:10"), at("10:40")),)
    held = follow([*came(), Held(at("10:10")), Received(at("10:40"))])
    assert only(held, ClockKind.RESOLUTION).pauses == (Pause(at("10:10"), None),)


def test_waiting_twice_is_one_wait_and_waiting_again_is_another():
    again = [
        WaitingStarted(at("10:10")),
        WaitingStarted(at("10:20")),
        WaitingEnded(at("10:30")),
        WaitingStarted(at("10:50")),
    ]
    clock = only(follow([*came(), *again, WaitingEnded(at("11:00"))]), ClockKind.RESOLUTION)
    assert clock.pauses == (Pause(at("10:10"), at("10:30")), Pause(at("10:50"), at("11:00")))


@pytest.mark.parametrize(
    ("hold", "wait", "union"),
    [
        (("10:10", "10:30"), ("10:20", "10:50"), [("10:10", "10:50")]),
        (("10:10", "10:50"), ("10:20", "10:30"), [("10:10", "10:50")]),
        (("10:20", "10:30"), ("10:30", "10:40"), [("10:20", "10:40")]),
        (("10:40", "10:50"), ("10:10", "10:20"), [("10:10", "10:20"), ("10:40", "10:50")]),
        (("10:10", None), ("10:20", "10:30"), [("10:10", None)]),
        (("10:20", "10:30"), ("10:10", None), [("10:10", None)]),
        (("10:10", "10:30"), ("10:20", None), [("10:10", None)]),
        (("10:10", None), ("10:20", None), [("10:10", None)]),
    ],
)
def test_a_resolution_is_paused_while_held_or_waiting(hold, wait, union):
    events = [Held(at(hold[0])), WaitingStarted(at(wait[0]))]
    events += [HoldEnded(at(hold[1]))] if hold[1] else []
    events += [WaitingEnded(at(wait[1]))] if wait[1] else []
    clock = only(follow([*came(), *events]), ClockKind.RESOLUTION)
    assert clock.pauses == tuple(Pause(at(start), at(end) if end else None) for start, end in union)


def test_a_close_during_a_wait_ends_the_pause_and_meets_the_target():
    clock = only(follow([*came(), WaitingStarted(at("10:10")), Closed(at("12:00", 20), PERSON)]), ClockKind.RESOLUTION)
    assert clock.pauses == (Pause(at("10:10"), at("12:00", 20)),)
    assert clock.state(at("12:00", 20)) is ClockState.MET
