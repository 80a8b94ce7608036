"""What starts and what stops each response clock: the vectors and the first table of the response process §7."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.clock_stories import (
    ALWAYS,
    BOT,
    CARE,
    MINUTE,
    OFFICE_CARE,
    PERSON,
    PRESS,
    RULE,
    act,
    at,
    came,
    minutes,
    only,
    paris,
)
from triage.domain.clocks import (
    Act,
    Acted,
    ClockKind,
    ClockState,
    Closed,
    Duration,
    Fetched,
    HandedOver,
    Held,
    HoldEnded,
    Policy,
    Queued,
    Received,
    Rerouted,
    Sent,
    WaitingStarted,
    follow,
)
from triage.domain.process import Targets

SECOND = timedelta(seconds=1)


# Vectors -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_rounds():
    return follow(
        [
            *came("10:00"),
            Acted(at("10:01"), Act.OTHER, BOT),
            Sent(at("10:01"), BOT),
            act("10:05", Act.TAG),
            act("10:10", Act.CLAIM),
            Sent(at("10:40"), PERSON),
            Received(at("11:00")),
            Sent(at("11:20"), PERSON),
            Closed(at("11:30"), PERSON),
            Received(at("09:00", 12)),
            Sent(at("09:15", 12), PERSON),
        ]
    )


@pytest.mark.parametrize(
    ("kind", "cycle", "took"),
    [
        (ClockKind.ACKNOWLEDGE, 1, 10),
        (ClockKind.FIRST_ACTION, 1, 10),
        (ClockKind.FIRST_RESPONSE, 1, 40),
        (ClockKind.NEXT_RESPONSE, 1, 20),
        (ClockKind.RESOLUTION, 1, 90),
        (ClockKind.FIRST_RESPONSE, 2, 15),
    ],
)
def test_vector_two_rounds_on_a_calendar_round_the_clock(two_rounds, kind, cycle, took):
    assert minutes(only(two_rounds, kind, cycle)) == took


def test_vector_a_pause_moves_the_due_time_and_a_new_cycle_would_start_again():
    start, pause, resume = (paris(f"2026-11-11 {clock}") for clock in ("10:00", "11:00", "15:00"))
    cycles = follow([Fetched(start), Queued(start, OFFICE_CARE), Held(pause), HoldEnded(resume)])
    assert only(cycles, ClockKind.FIRST_RESPONSE).due_at == paris("2026-11-12 10:00")
    cycles = follow(
        [Fetched(start), Queued(start, OFFICE_CARE), Closed(pause, PERSON), Received(resume), Sent(resume, BOT)]
    )
    assert only(cycles, ClockKind.FIRST_RESPONSE, 2).due_at == paris("2026-11-12 11:00")


def test_vector_a_weekend_is_one_business_hour_and_65_calendar_hours():
    friday, monday = paris("2026-11-13 16:30"), paris("2026-11-16 09:30")
    cycles = follow([Fetched(friday), Queued(friday, OFFICE_CARE), Sent(monday, PERSON)])
    assert only(cycles, ClockKind.FIRST_RESPONSE).duration(monday) == Duration(3600, 65 * 3600)


@pytest.mark.parametrize(
    ("claimed", "state"), [("2026-11-16 09:15:00", ClockState.MET), ("2026-11-16 09:15:01", ClockState.MISSED)]
)
def test_vector_a_target_is_met_at_its_due_second_and_missed_one_second_later(claimed, state):
    start = paris("2026-11-13 16:45")
    cycles = follow([Queued(start, OFFICE_CARE), Acted(paris(claimed), Act.CLAIM, PERSON)])
    clock = only(cycles, ClockKind.ACKNOWLEDGE)
    assert clock.due_at == paris("2026-11-16 09:15")
    assert clock.state(paris("2026-11-20 12:00")) is state


# Start and stop ----------------------------------------------------------------------------------------------------


def test_nothing_happened_to_an_item_without_events():
    assert follow([]) == ()


def test_a_breach_is_strictly_after_the_due_time():
    clock = only(follow(came()), ClockKind.ACKNOWLEDGE)
    assert clock.due_at == at("10:30")
    assert not clock.is_overdue(at("10:30"))
    assert clock.is_overdue(at("10:30:01"))
    assert clock.is_overdue(at("10:30") + timedelta(microseconds=1))
    assert clock.state(at("10:31")) is ClockState.RUNNING


def test_a_clock_that_ended_is_never_overdue_nor_a_warning():
    clock = only(follow([*came(), act("10:50")]), ClockKind.ACKNOWLEDGE)
    assert clock.state(at("11:00")) is ClockState.MISSED
    assert not clock.is_overdue(at("11:00"))
    assert not clock.is_warning(at("10:25"))


def test_c10_the_warning_comes_at_three_quarters_of_the_working_time():
    friday = paris("2026-11-13 16:45")
    clock = only(follow([Queued(friday, OFFICE_CARE)]), ClockKind.ACKNOWLEDGE)
    assert clock.warning_at == paris("2026-11-16 09:07:30")
    assert not clock.is_warning(clock.warning_at - SECOND)
    assert clock.is_warning(clock.warning_at)
    assert clock.is_warning(clock.due_at)
    assert not clock.is_warning(clock.due_at + SECOND)


def test_the_detection_delay_runs_from_publication_until_we_read_it():
    cycles = follow([Fetched(at("10:00"), at("09:20")), Queued(at("10:01"), CARE)])
    clock = only(cycles, ClockKind.DETECTION)
    assert (clock.started_at, clock.stopped_at, minutes(clock)) == (at("09:20"), at("10:00"), 40)
    assert clock.state(at("10:05")) is ClockState.STOPPED
    assert (clock.target_seconds, clock.due_at, clock.warning_at) == (None, None, None)
    assert clock.is_measured
    assert not cycles[0].published_in_future


def test_the_detection_delay_counts_working_time_on_the_calendar_of_the_first_queue():
    friday, monday = paris("2026-11-13 16:30"), paris("2026-11-16 09:30")
    rerouted = Rerouted(monday + SECOND, CARE)
    clock = only(follow([Fetched(monday, friday), Queued(monday, OFFICE_CARE), rerouted]), ClockKind.DETECTION)
    assert clock.duration(monday) == Duration(3600, 65 * 3600)


def test_without_a_date_there_is_no_detection_delay():
    cycles = follow(came())
    assert cycles[0].of(ClockKind.DETECTION) == ()
    assert not cycles[0].published_in_future


def test_a_date_in_the_future_counts_as_no_delay_and_is_flagged():
    cycles = follow([Fetched(at("10:00"), at("10:20")), Queued(at("10:00"), CARE)])
    clock = only(cycles, ClockKind.DETECTION)
    assert clock.duration(at("12:00")) == Duration(0, 0)
    assert clock.started_at == clock.stopped_at == at("10:00")
    assert cycles[0].published_in_future


def test_a_mention_read_the_instant_it_was_published_is_not_flagged():
    assert not follow([Fetched(at("10:00"), at("10:00"))])[0].published_in_future


def test_a_mention_that_never_reached_a_queue_has_its_detection_delay_and_no_promise():
    (cycle,) = follow([Fetched(at("10:00"), at("09:00")), Closed(at("10:05"), RULE)])
    assert [clock.kind for clock in cycle.clocks] == [ClockKind.DETECTION]
    assert cycle.clocks[0].duration(at("12:00")) == Duration(3600, 3600)
    assert (cycle.queued_at, cycle.closed_at) == (None, None)


def test_a_mention_queued_late_answers_to_the_instant_at_which_it_was_read():
    cycles = follow([Fetched(at("10:00")), Closed(at("10:01"), RULE), Queued(at("11:30"), CARE)])
    assert len(cycles) == 1
    assert only(cycles, ClockKind.FIRST_RESPONSE).due_at == at("11:00")
    assert only(cycles, ClockKind.ACKNOWLEDGE).due_at == at("12:00")


def test_an_update_of_the_mention_changes_nothing():
    events = [Fetched(at("10:00"), at("09:00")), Queued(at("10:00"), CARE)]
    assert follow([*events, Fetched(at("12:00"), at("11:00"), ours=True)]) == follow(events)


@pytest.mark.parametrize("what", [Act.CLAIM, Act.ASSIGN, Act.ACKNOWLEDGE])
def test_a_claim_an_assignment_and_an_acknowledgement_by_a_person_stop_the_acknowledge_clock(what):
    assert only(follow([*came(), act("10:10", what)]), ClockKind.ACKNOWLEDGE).stopped_at == at("10:10")


@pytest.mark.parametrize("what", [Act.TAG, Act.SNOOZE, Act.OTHER])
def test_other_acts_do_not_acknowledge(what):
    assert only(follow([*came(), act("10:10", what)]), ClockKind.ACKNOWLEDGE).stopped_at is None


@pytest.mark.parametrize("event", [Sent(at("10:10"), PERSON), Held(at("10:10")), Closed(at("10:10"), PERSON)])
def test_who_replies_holds_or_closes_has_acknowledged(event):
    clock = only(follow([*came(), event]), ClockKind.ACKNOWLEDGE)
    assert clock.stopped_at == at("10:10")
    assert clock.state(at("10:10")) is ClockState.MET


def test_only_the_first_claim_counts():
    cycles = follow([*came(), act("10:10"), act("10:20")])
    assert only(cycles, ClockKind.ACKNOWLEDGE).stopped_at == at("10:10")
    assert only(cycles, ClockKind.FIRST_ACTION).stopped_at == at("10:10")


@pytest.mark.parametrize("by", [BOT, RULE])
def test_c12_no_act_of_a_bot_or_a_rule_stops_starts_or_pauses_a_clock(by):
    events = [Acted(at("10:05"), what, by) for what in Act]
    events += [Sent(at("10:06"), by), Held(at("10:07"), by=by), WaitingStarted(at("10:08"), by=by)]
    assert follow([*came(), *events]) == follow(came())


@pytest.mark.parametrize(
    "event",
    [
        act("10:10", Act.OTHER),
        act("10:10", Act.ACKNOWLEDGE),
        Sent(at("10:10"), PERSON),
        Held(at("10:10")),
        WaitingStarted(at("10:10")),
        HandedOver(at("10:10"), PRESS),
        Queued(at("10:10"), PRESS, PERSON),
        Rerouted(at("10:10"), PRESS),
        Closed(at("10:10"), PERSON),
    ],
)
def test_whatever_a_person_does_is_a_first_action(event):
    clock = only(follow([*came(), event]), ClockKind.FIRST_ACTION)
    assert clock.stopped_at == at("10:10")
    assert clock.state(at("11:00")) is ClockState.STOPPED
    assert clock.is_measured


def test_tagging_alone_is_a_first_action_only_when_configured():
    events = [*came(), act("10:05", Act.TAG), act("10:10", Act.OTHER)]
    assert only(follow(events), ClockKind.FIRST_ACTION).stopped_at == at("10:10")
    assert only(follow(events, tags_count=True), ClockKind.FIRST_ACTION).stopped_at == at("10:05")
    by_bot = [*came(), act("10:05", Act.TAG, BOT)]
    assert only(follow(by_bot, tags_count=True), ClockKind.FIRST_ACTION).stopped_at is None


def test_a_snooze_stops_no_clock_at_all():
    events = [*came(), act("10:05", Act.SNOOZE)]
    assert follow(events) == follow(came())
    assert follow(events, tags_count=True) == follow(came())


def test_the_first_response_is_the_first_reply_of_a_person():
    cycles = follow([*came(), Sent(at("10:05"), BOT), Sent(at("10:40"), PERSON), Sent(at("10:50"), PERSON)])
    clock = only(cycles, ClockKind.FIRST_RESPONSE)
    assert (clock.started_at, clock.stopped_at) == (at("10:00"), at("10:40"))
    assert cycles[0].of(ClockKind.NEXT_RESPONSE) == ()


def test_a_second_message_before_the_first_reply_starts_no_clock():
    cycles = follow([*came(), Received(at("10:20")), Sent(at("10:40"), PERSON)])
    assert only(cycles, ClockKind.FIRST_RESPONSE).started_at == at("10:00")
    assert cycles[0].of(ClockKind.NEXT_RESPONSE) == ()


def test_the_next_response_runs_from_the_oldest_unanswered_message():
    messages = [Received(at("11:00")), Received(at("11:10")), Sent(at("11:15"), BOT), Sent(at("11:20"), PERSON)]
    cycles = follow([*came(), Sent(at("10:40"), PERSON), *messages, Received(at("12:00"))])
    first, second = cycles[0].of(ClockKind.NEXT_RESPONSE)
    assert (first.started_at, first.stopped_at, first.due_at) == (at("11:00"), at("11:20"), at("12:00"))
    assert (second.started_at, second.stopped_at) == (at("12:00"), None)


def test_an_item_that_we_opened_owes_no_first_response_but_next_ones():
    cycles = follow(
        [
            Fetched(at("10:00"), ours=True),
            Queued(at("10:00"), CARE),
            Received(at("10:30")),
            Sent(at("10:45"), PERSON),
            Closed(at("11:00"), PERSON),
            Received(at("12:00")),
        ]
    )
    assert [cycle.of(ClockKind.FIRST_RESPONSE) for cycle in cycles] == [(), ()]
    assert minutes(only(cycles, ClockKind.NEXT_RESPONSE)) == 15
    assert only(cycles, ClockKind.NEXT_RESPONSE, 2).started_at == at("12:00")


def test_an_item_that_begins_with_a_message_counts_from_it():
    cycles = follow([Received(at("10:00"), at("09:30")), Queued(at("10:05"), CARE)])
    assert minutes(only(cycles, ClockKind.DETECTION)) == 30
    assert only(cycles, ClockKind.FIRST_RESPONSE).due_at == at("11:00")
    assert only(cycles, ClockKind.ACKNOWLEDGE).due_at == at("10:35")
    assert cycles[0].queued_at == at("10:05")


def test_a_reply_before_the_item_reached_a_queue_is_a_reply():
    cycles = follow([Fetched(at("10:00")), Sent(at("10:10"), PERSON), Queued(at("10:20"), CARE)])
    assert only(cycles, ClockKind.FIRST_RESPONSE).state(at("12:00")) is ClockState.MET


def test_the_resolution_runs_from_the_first_queue_to_the_close_by_a_person():
    cycles = follow(
        [Fetched(at("09:00")), Queued(at("10:00"), CARE), HandedOver(at("10:20"), PRESS), Closed(at("12:00"), PERSON)]
    )
    clock = only(cycles, ClockKind.RESOLUTION)
    assert (clock.started_at, clock.stopped_at, clock.due_at) == (at("10:00"), at("12:00"), at("10:00", 12))
    assert cycles[0].closed_at == at("12:00")


def test_a_close_cancels_the_answer_that_is_no_longer_owed():
    clock = only(follow([*came(), Closed(at("10:30"), PERSON)]), ClockKind.FIRST_RESPONSE)
    assert (clock.stopped_at, clock.cancelled_at, clock.ended_at) == (None, at("10:30"), at("10:30"))
    assert clock.state(at("12:00")) is ClockState.CANCELLED
    assert minutes(clock) == 30


def test_closing_does_not_hide_a_breach():
    clock = only(follow([*came(), Closed(at("11:00:01"), PERSON)]), ClockKind.FIRST_RESPONSE)
    assert clock.state(at("12:00")) is ClockState.MISSED
    in_time = only(follow([*came(), Closed(at("11:00"), PERSON)]), ClockKind.FIRST_RESPONSE)
    assert in_time.state(at("12:00")) is ClockState.CANCELLED


def test_c12_a_close_by_a_rule_meets_no_target():
    cycles = follow([*came(), Closed(at("10:10"), RULE)])
    kinds = (ClockKind.ACKNOWLEDGE, ClockKind.FIRST_ACTION, ClockKind.FIRST_RESPONSE, ClockKind.RESOLUTION)
    assert {only(cycles, kind).state(at("10:10")) for kind in kinds} == {ClockState.CANCELLED}
    assert {only(cycles, kind).cancelled_at for kind in kinds} == {at("10:10")}


def test_what_people_do_to_a_closed_item_moves_no_clock():
    closed = [*came(), act("10:10"), Closed(at("10:30"), PERSON)]
    after = [
        act("10:40"),
        Sent(at("10:41"), PERSON),
        Held(at("10:42")),
        WaitingStarted(at("10:43")),
        Closed(at("10:44"), RULE),
    ]
    assert follow([*closed, *after]) == follow(closed)


def test_events_are_taken_in_order_of_time_and_those_of_one_instant_as_given():
    events = [*came(), act("10:10"), Sent(at("10:40"), PERSON), Closed(at("10:40"), PERSON)]
    assert follow([events[0], events[2], events[1], *events[3:]]) == follow(events)
    assert only(follow(events), ClockKind.FIRST_RESPONSE).state(at("11:00")) is ClockState.MET
    closed_first = [*events[:3], events[4], events[3]]
    assert only(follow(closed_first), ClockKind.FIRST_RESPONSE).state(at("11:00")) is ClockState.CANCELLED


def test_a_target_that_is_not_set_is_not_measured():
    cycles = follow([*came(policy=Policy("review", ALWAYS, Targets(60 * MINUTE))), Sent(at("10:05"), PERSON)])
    clock = only(cycles, ClockKind.FIRST_RESPONSE)
    assert (clock.target_seconds, clock.due_at, clock.warning_at, clock.is_measured) == (None, None, None, False)
    assert clock.state(at("12:00")) is ClockState.STOPPED
    assert only(cycles, ClockKind.ACKNOWLEDGE).is_measured
    assert not only(cycles, ClockKind.RESOLUTION).is_overdue(at("12:00", 30))
    assert not only(cycles, ClockKind.RESOLUTION).is_warning(at("12:00", 30))


def test_a_target_of_no_time_is_due_at_once():
    clock = only(follow(came(policy=Policy("care", ALWAYS, Targets(0)))), ClockKind.ACKNOWLEDGE)
    assert clock.due_at == clock.warning_at == at("10:00")
    assert clock.is_measured
