"""What a hand-over, a new category, a new process and a reopening do to the clocks (response process §7)."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from tests.clock_stories import (
    ALWAYS,
    CARE,
    MINUTE,
    MONITOR,
    OFFICE,
    PERSON,
    PRESS,
    RULE,
    acks,
    act,
    at,
    came,
    only,
    paris,
)
from triage.domain.calendars import Calendar
from triage.domain.clocks import (
    Act,
    ClockKind,
    ClockState,
    Closed,
    Fetched,
    HandedOver,
    Held,
    HoldEnded,
    Origin,
    Policy,
    ProcessChanged,
    Queued,
    Received,
    Rerouted,
    Sent,
    WaitingStarted,
    follow,
    next_due,
)
from triage.domain.process import Targets

# Hand-over, new category, new process ------------------------------------------------------------------------------


def test_a_hand_over_starts_a_new_acknowledge_clock_and_keeps_the_old_one():
    cycles = follow([*came(), HandedOver(at("10:20"), PRESS), act("10:35")])
    old, new = acks(cycles)
    assert (old.policy.queue, old.started_at, old.due_at) == ("care", at("10:00"), at("10:30"))
    assert (new.policy.queue, new.started_at, new.due_at) == ("press", at("10:20"), at("10:40"))
    assert [old.state(at("11:00")), new.state(at("11:00"))] == [ClockState.MISSED, ClockState.MET]


def test_a_hand_over_after_the_acknowledgement_keeps_what_was_achieved():
    old, new = acks(follow([*came(), act("10:10"), HandedOver(at("10:20"), PRESS)]))
    assert (old.state(at("10:25")), old.stopped_at) == (ClockState.MET, at("10:10"))
    assert new.state(at("10:25")) is ClockState.RUNNING


def test_the_response_and_the_resolution_continue_through_a_hand_over():
    before, after = follow(came()), follow([*came(), HandedOver(at("10:20"), PRESS)])
    for kind in (ClockKind.FIRST_RESPONSE, ClockKind.RESOLUTION):
        assert only(after, kind) == only(before, kind)
    assert len(after[0].of(ClockKind.FIRST_ACTION)) == 1


def test_the_next_response_after_a_hand_over_follows_the_new_queue():
    events = [HandedOver(at("10:20"), PRESS), Sent(at("10:30"), PERSON), Received(at("11:00"))]
    clock = only(follow([*came(), *events]), ClockKind.NEXT_RESPONSE)
    assert (clock.policy, clock.due_at) == (PRESS, at("13:00"))


def test_a_hand_over_within_the_same_queue_starts_nothing():
    assert len(acks(follow([*came(), HandedOver(at("10:20"), CARE)]))) == 1
    assert len(acks(follow([*came(), Queued(at("10:20"), CARE)]))) == 1


def test_a_queue_that_a_rule_chose_later_is_a_hand_over_but_no_first_action():
    cycles = follow([*came(), Queued(at("10:20"), PRESS)])
    assert [clock.policy.queue for clock in acks(cycles)] == ["care", "press"]
    assert only(cycles, ClockKind.FIRST_ACTION).stopped_at is None
    assert cycles[0].queued_at == at("10:00")


def test_a_queue_that_awaits_no_action_has_a_review_by_time_instead():
    cycles = follow(came(policy=MONITOR))
    assert [clock.kind for clock in cycles[0].clocks] == [
        ClockKind.FIRST_RESPONSE,
        ClockKind.RESOLUTION,
        ClockKind.REVIEW,
    ]
    clock = only(cycles, ClockKind.REVIEW)
    assert clock.due_at == at("10:00", 12)
    assert not only(cycles, ClockKind.FIRST_RESPONSE).is_measured


def test_whatever_a_person_does_is_a_review():
    clock = only(follow([*came(policy=MONITOR), act("12:00", Act.OTHER)]), ClockKind.REVIEW)
    assert clock.state(at("13:00")) is ClockState.MET


def test_an_item_taken_from_a_queue_that_awaits_no_action_starts_to_be_awaited():
    cycles = follow([*came(policy=MONITOR), HandedOver(at("10:20"), CARE)])
    assert only(cycles, ClockKind.REVIEW).stopped_at == at("10:20")
    assert only(cycles, ClockKind.ACKNOWLEDGE).started_at == at("10:20")
    assert only(cycles, ClockKind.FIRST_ACTION).started_at == at("10:20")
    assert only(cycles, ClockKind.RESOLUTION).started_at == at("10:00")


def test_a_change_of_category_counts_the_new_targets_from_the_original_start():
    hard = Policy("care", ALWAYS, Targets(15 * MINUTE, 90 * MINUTE, 600 * MINUTE), category="safety_harm")
    cycles = follow([*came(), Rerouted(at("10:10"), hard)])
    due = {clock.kind: clock.due_at for clock in cycles[0].clocks}
    assert due == {
        ClockKind.ACKNOWLEDGE: at("10:15"),
        ClockKind.FIRST_ACTION: None,
        ClockKind.FIRST_RESPONSE: at("11:30"),
        ClockKind.RESOLUTION: at("20:00"),
    }
    assert {clock.policy for clock in cycles[0].clocks if clock.ended_at is None} == {hard}


def test_a_change_of_category_adds_the_pauses_to_the_new_target():
    events = [Held(at("10:10")), HoldEnded(at("10:40")), Rerouted(at("10:50"), PRESS)]
    clock = only(follow([*came(), *events]), ClockKind.FIRST_RESPONSE)
    assert clock.due_at == at("12:30")


def test_a_change_of_category_moves_to_the_calendar_of_the_new_queue():
    start = paris("2026-11-13 16:30")
    reroute = Rerouted(start + timedelta(minutes=5), Policy("facts", OFFICE, Targets(None, 60 * MINUTE)))
    cycles = follow([Fetched(start), Queued(start, CARE), reroute])
    assert only(cycles, ClockKind.FIRST_RESPONSE).due_at == paris("2026-11-16 09:30")


def test_a_change_of_category_leaves_clocks_that_ended_alone():
    before = [*came(), act("10:10"), Sent(at("10:20"), PERSON)]
    after = follow([*before, Rerouted(at("10:30"), Policy("care", ALWAYS, Targets(60, 60, 60)))])
    for kind in (ClockKind.ACKNOWLEDGE, ClockKind.FIRST_RESPONSE):
        assert only(after, kind) == only(follow(before), kind)
    assert only(after, ClockKind.RESOLUTION).due_at == at("10:01")


def test_a_running_acknowledge_clock_moves_along_with_a_new_category():
    (clock,) = acks(follow([*came(), Rerouted(at("10:10"), PRESS)]))
    assert (clock.policy.queue, clock.started_at, clock.due_at) == ("press", at("10:00"), at("10:20"))


def test_another_queue_acknowledges_anew_what_the_first_had_acknowledged():
    old, new = acks(follow([*came(), act("10:05"), Rerouted(at("10:10"), PRESS)]))
    assert (old.policy.queue, old.stopped_at) == ("care", at("10:05"))
    assert (new.policy.queue, new.due_at) == ("press", at("10:30"))


def test_a_new_category_in_the_same_queue_needs_no_new_acknowledgement():
    again = Policy("care", ALWAYS, Targets(60))
    assert len(acks(follow([*came(), act("10:05"), Rerouted(at("10:10"), again)]))) == 1


def test_an_item_rerouted_from_monitor_to_care_is_awaited_from_then_on():
    cycles = follow([*came(policy=MONITOR), Rerouted(at("10:20"), CARE, RULE)])
    assert only(cycles, ClockKind.ACKNOWLEDGE).due_at == at("10:50")
    assert only(cycles, ClockKind.FIRST_RESPONSE).due_at == at("11:00")
    assert only(cycles, ClockKind.REVIEW).policy == MONITOR
    assert only(cycles, ClockKind.REVIEW).stopped_at is None


def test_an_item_rerouted_from_care_to_monitor_keeps_its_clock_as_a_review_by_time():
    cycles = follow([*came(), Rerouted(at("10:20"), MONITOR, RULE)])
    assert only(cycles, ClockKind.ACKNOWLEDGE).due_at == at("10:00", 12)
    assert cycles[0].of(ClockKind.REVIEW) == ()


def test_an_acknowledged_item_rerouted_to_monitor_is_to_be_reviewed():
    cycles = follow([*came(), act("10:05"), Rerouted(at("10:20"), MONITOR)])
    assert only(cycles, ClockKind.REVIEW).due_at == at("10:20", 12)


def test_a_review_by_time_moves_along_between_queues_that_await_no_action():
    archive = Policy("archive", ALWAYS, Targets(60 * MINUTE), awaiting_action=False)
    clock = only(follow([*came(policy=MONITOR), Rerouted(at("10:20"), archive, RULE)]), ClockKind.REVIEW)
    assert (clock.policy, clock.due_at) == (archive, at("11:00"))


def test_a_new_category_or_process_before_the_first_queue_changes_nothing():
    for early in (Rerouted(at("10:01"), PRESS), ProcessChanged(at("10:01"), PRESS)):
        cycles = follow([Fetched(at("10:00")), early, Queued(at("10:02"), CARE)])
        assert cycles == follow([Fetched(at("10:00")), Queued(at("10:02"), CARE)])


def test_running_clocks_keep_the_version_of_the_process_they_started_under():
    newer = Policy("care", ALWAYS, Targets(60, 60, 60), process_version="4-bbb")
    events = [ProcessChanged(at("10:05"), newer), Sent(at("10:30"), PERSON), Received(at("11:00"))]
    cycles = follow([*came(), *events])
    assert only(cycles, ClockKind.FIRST_RESPONSE).policy.process_version == "3-aaa"
    assert only(cycles, ClockKind.FIRST_RESPONSE).due_at == at("11:00")
    assert only(cycles, ClockKind.RESOLUTION).policy.process_version == "3-aaa"
    assert only(cycles, ClockKind.NEXT_RESPONSE).policy.process_version == "4-bbb"
    assert only(cycles, ClockKind.NEXT_RESPONSE).due_at == at("11:01")


# Reopening ---------------------------------------------------------------------------------------------------------


def test_a_message_to_a_closed_item_opens_a_new_cycle_and_both_are_kept():
    closed = [*came(), act("10:10"), Closed(at("11:30"), PERSON)]
    cycles = follow([*closed, Received(at("09:00", 12), at("08:00", 12))])
    assert cycles[0] == follow(closed)[0]
    second = cycles[1]
    assert (second.number, second.fetched_at, second.published_at) == (2, at("09:00", 12), at("08:00", 12))
    assert (second.queued_at, second.closed_at) == (at("09:00", 12), None)
    assert {clock.kind: clock.due_at for clock in second.clocks} == {
        ClockKind.DETECTION: None,
        ClockKind.ACKNOWLEDGE: at("09:30", 12),
        ClockKind.FIRST_ACTION: None,
        ClockKind.FIRST_RESPONSE: at("10:00", 12),
        ClockKind.RESOLUTION: at("09:00", 13),
    }
    assert {clock.cycle for clock in second.clocks} == {2}
    assert {clock.policy for clock in second.clocks} == {CARE}


def test_a_new_cycle_follows_the_policy_that_its_message_brings():
    cycles = follow([*came(), Closed(at("11:30"), PERSON), Received(at("12:00"), policy=PRESS)])
    assert only(cycles, ClockKind.ACKNOWLEDGE, 2).policy == PRESS


def test_a_message_to_an_open_item_brings_no_policy():
    assert follow([*came(), Received(at("10:20"), policy=PRESS)]) == follow([*came(), Received(at("10:20"))])


@pytest.mark.parametrize(
    "change", [Rerouted(at("11:40"), PRESS), ProcessChanged(at("11:40"), PRESS), HandedOver(at("11:20"), PRESS)]
)
def test_a_new_cycle_follows_the_last_policy(change):
    cycles = follow([*came(), Closed(at("11:30"), PERSON), change, Received(at("12:00"))])
    assert only(cycles, ClockKind.FIRST_RESPONSE, 2).policy == PRESS


def test_a_change_of_category_of_a_closed_item_leaves_its_clocks_alone():
    closed = [*came(), Closed(at("11:30"), PERSON)]
    assert follow([*closed, Rerouted(at("11:40"), PRESS)]) == follow(closed)


def test_a_hold_and_a_wait_end_with_their_cycle():
    events = [Held(at("10:10")), WaitingStarted(at("10:11")), Closed(at("11:30"), PERSON), Received(at("12:00"))]
    cycles = follow([*came(), *events])
    assert only(cycles, ClockKind.FIRST_RESPONSE, 2).pauses == ()
    assert only(cycles, ClockKind.RESOLUTION, 2).pauses == ()


def test_a_person_who_puts_a_closed_item_back_starts_a_cycle_without_a_message():
    cycles = follow([*came(), Closed(at("11:30"), PERSON), Queued(at("12:00"), CARE, PERSON)])
    assert [clock.kind for clock in cycles[1].clocks] == [
        ClockKind.RESOLUTION,
        ClockKind.ACKNOWLEDGE,
        ClockKind.FIRST_ACTION,
    ]
    assert (cycles[1].fetched_at, cycles[1].queued_at) == (None, at("12:00"))
    assert cycles[1].duration_from(Origin.FETCHED, cycles[1].clocks[0], at("13:00")) is None
    answered = follow([*came(), Closed(at("11:30"), PERSON), HandedOver(at("12:00"), CARE), Received(at("12:30"))])
    assert only(answered, ClockKind.FIRST_RESPONSE, 2).started_at == at("12:30")


def test_an_update_of_the_mention_is_no_message_of_a_later_cycle():
    again = [*came(), Closed(at("11:30"), PERSON), Queued(at("12:00"), CARE, PERSON)]
    assert follow([*again, Fetched(at("12:30"), at("12:20"))]) == follow(again)


def test_cycles_are_numbered_in_order():
    again = [
        event for hour in ("11", "12", "13") for event in (Closed(at(f"{hour}:00"), PERSON), Received(at(f"{hour}:30")))
    ]
    assert [cycle.number for cycle in follow([*came(), *again])] == [1, 2, 3, 4]


# What is next ------------------------------------------------------------------------------------------------------


def test_the_next_due_clock_is_the_open_one_with_the_earliest_due_time():
    assert next_due(follow(came())).kind is ClockKind.ACKNOWLEDGE
    assert next_due(follow([*came(), act("10:10")])).kind is ClockKind.FIRST_RESPONSE
    assert next_due(follow([*came(), Sent(at("10:10"), PERSON)])).kind is ClockKind.RESOLUTION
    assert next_due(follow([*came(), Closed(at("10:10"), PERSON)])) is None
    assert next_due(follow([*came(), Held(at("10:10"))])) is None
    assert next_due([]) is None


def test_the_next_due_clock_may_be_of_any_cycle():
    cycles = follow([*came(), Closed(at("10:10"), PERSON), Received(at("12:00"))])
    assert next_due(cycles).cycle == 2


def test_clocks_stand_in_order_of_their_start():
    cycles = follow([Fetched(at("10:00"), at("09:00")), Queued(at("10:05"), CARE), HandedOver(at("10:06"), PRESS)])
    starts = [clock.started_at for clock in cycles[0].clocks]
    assert starts == sorted(starts)
    assert len(starts) == 6


def test_a_calendar_with_an_empty_week_is_refused():
    with pytest.raises(ValueError, match="week without hours"):
        follow(came(policy=Policy("care", Calendar("Europe/Paris", ((),) * 7), Targets(60))))


def test_a_policy_is_read_from_a_process():
    queue = SimpleNamespace(awaiting_action=False)
    process = SimpleNamespace(calendar_of={"care": OFFICE}.__getitem__, queues={"care": queue}, version_label="3-9f2c")
    policy = Policy.of(process, category="troll", queue="care", targets=Targets(60))
    assert policy == Policy("care", OFFICE, Targets(60), False, "troll", "3-9f2c")
