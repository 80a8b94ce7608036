"""Office hours, holidays and daylight saving: the vectors of the response process §7 and a minute-by-minute oracle."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.domain.calendars import (
    Calendar,
    Shift,
    add_working_time,
    after_working_time,
    working_seconds_between,
    working_time_between,
)

CLOSED = ()
FRENCH_HOLIDAYS = frozenset({date(2026, 11, 11), date(2026, 12, 25)})


def hours(*spans):
    return tuple(Shift(start * 60, end * 60) for start, end in spans)


def office(zone="Europe/Paris", day=((9, 17),), holidays=frozenset()):
    return Calendar(zone, (hours(*day),) * 5 + (CLOSED, CLOSED), holidays)


NINE_TO_FIVE = office()
NINE_TO_SIX = office(day=((9, 18),), holidays=FRENCH_HOLIDAYS)
LONG_LUNCH = office(day=((9, 12), (14, 18)))
SUNDAY_NIGHT = Calendar("Europe/Paris", (*(CLOSED,) * 6, hours((0, 6))))


def always(zone):
    return Calendar(zone)


def at(calendar, text, fold=0):
    """Read local time on the calendar as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(calendar.zone), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("calendar", "start", "minutes", "due"),
    [
        (NINE_TO_FIVE, "2026-11-13 16:45", 30, "2026-11-16 09:15"),
        (NINE_TO_FIVE, "2026-11-13 16:30", 60, "2026-11-16 09:30"),
        (NINE_TO_FIVE, "2026-11-11 07:00", 120, "2026-11-11 11:00"),
        (NINE_TO_FIVE, "2026-11-14 12:00", 15, "2026-11-16 09:15"),
        (NINE_TO_FIVE, "2026-11-13 16:45", 15, "2026-11-13 17:00"),
        (NINE_TO_FIVE, "2026-11-13 17:00", 30, "2026-11-16 09:30"),
        (LONG_LUNCH, "2026-11-12 11:45", 30, "2026-11-12 14:15"),
        (LONG_LUNCH, "2026-11-12 12:30", 30, "2026-11-12 14:30"),
        (NINE_TO_SIX, "2026-11-10 17:45", 30, "2026-11-12 09:15"),
        (NINE_TO_SIX, "2026-12-24 17:30", 120, "2026-12-28 10:30"),
        (NINE_TO_SIX, "2026-10-23 17:30", 60, "2026-10-26 09:30"),
        (NINE_TO_SIX, "2026-03-27 17:30", 60, "2026-03-30 09:30"),
        (always("Europe/Paris"), "2026-03-29 01:30", 60, "2026-03-29 03:30"),
        (always("America/New_York"), "2026-03-08 01:30", 60, "2026-03-08 03:30"),
        (SUNDAY_NIGHT, "2026-03-29 00:00", 300, "2026-03-29 06:00"),
        (SUNDAY_NIGHT, "2026-03-29 00:00", 301, "2026-04-05 00:01"),
    ],
)
def test_a_target_is_due_where_the_vectors_say(calendar, start, minutes, due):
    assert add_working_time(calendar, at(calendar, start), minutes * 60) == at(calendar, due)


def test_an_hour_from_the_first_half_past_two_is_the_second_half_past_two():
    paris = always("Europe/Paris")
    assert add_working_time(paris, at(paris, "2026-10-25 02:30"), 3600) == at(paris, "2026-10-25 02:30", fold=1)


def test_lord_howe_moves_its_clock_by_half_an_hour():
    island = always("Australia/Lord_Howe")
    assert add_working_time(island, at(island, "2026-04-05 01:30"), 3600) == at(island, "2026-04-05 02:00", fold=1)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-10-23 17:30", datetime(2026, 10, 26, 8, 30, tzinfo=UTC)),
        ("2026-03-27 17:30", datetime(2026, 3, 30, 7, 30, tzinfo=UTC)),
    ],
)
def test_the_same_local_due_time_is_another_instant_after_the_clocks_change(start, due):
    assert add_working_time(NINE_TO_SIX, at(NINE_TO_SIX, start), 3600) == due


def test_an_office_three_quarters_of_an_hour_off_is_due_at_half_past_three_utc():
    kathmandu = office("Asia/Kathmandu")
    due = add_working_time(kathmandu, at(kathmandu, "2026-11-13 16:45"), 30 * 60)
    assert due == datetime(2026, 11, 16, 3, 30, tzinfo=UTC)


def test_a_target_is_met_at_its_due_second_and_missed_one_second_later():
    start, due = at(NINE_TO_FIVE, "2026-11-13 16:45"), at(NINE_TO_FIVE, "2026-11-16 09:15")
    assert working_seconds_between(NINE_TO_FIVE, start, due) == 30 * 60
    assert working_seconds_between(NINE_TO_FIVE, start, due + timedelta(seconds=1)) == 30 * 60 + 1


@pytest.mark.parametrize(("day", "length"), [("2026-03-29", 5), ("2026-10-25", 7), ("2026-04-05", 6)])
def test_a_sunday_night_shift_holds_the_hours_that_really_pass(day, length):
    start = at(SUNDAY_NIGHT, f"{day} 00:00")
    assert working_seconds_between(SUNDAY_NIGHT, start, start + timedelta(hours=20)) == length * 3600


def test_a_pause_moves_the_due_time_by_its_working_time_and_a_reset_starts_again():
    start, pause_from, pause_to = (at(NINE_TO_FIVE, f"2026-11-11 {clock}") for clock in ("10:00", "11:00", "15:00"))
    paused = working_seconds_between(NINE_TO_FIVE, pause_from, pause_to)
    assert add_working_time(NINE_TO_FIVE, start, 4 * 3600 + paused) == at(NINE_TO_FIVE, "2026-11-12 10:00")
    assert add_working_time(NINE_TO_FIVE, pause_to, 4 * 3600) == at(NINE_TO_FIVE, "2026-11-12 11:00")


def test_a_weekend_counts_one_business_hour_and_65_calendar_hours():
    friday, monday = at(NINE_TO_FIVE, "2026-11-13 16:30"), at(NINE_TO_FIVE, "2026-11-16 09:30")
    assert working_seconds_between(NINE_TO_FIVE, friday, monday) == 3600
    assert working_seconds_between(always("Europe/Paris"), friday, monday) == 65 * 3600


def test_a_day_means_the_working_time_of_an_average_working_day():
    assert NINE_TO_SIX.working_day_seconds == 9 * 3600
    assert LONG_LUNCH.working_day_seconds == 7 * 3600
    assert Calendar().working_day_seconds == 24 * 3600
    assert Calendar("UTC", (*(hours((9, 18)),) * 5, hours((9, 12)), CLOSED)).working_day_seconds == 8 * 3600


def test_no_hours_or_all_hours_mean_round_the_clock_unless_there_are_holidays():
    round_the_clock = (hours((0, 24)),) * 7
    assert Calendar("Europe/Paris").always_open
    assert Calendar("Europe/Paris", round_the_clock).always_open
    assert Calendar("Europe/Paris", (hours((0, 12), (12, 24)),) * 7).always_open
    assert not Calendar("Europe/Paris", round_the_clock, FRENCH_HOLIDAYS).always_open
    assert not Calendar("Europe/Paris", (*round_the_clock[:6], hours((0, 23)))).always_open


def test_a_week_written_down_without_hours_is_refused_and_is_not_round_the_clock():
    empty, noon = Calendar("Europe/Paris", (CLOSED,) * 7), datetime(2026, 11, 12, 12, tzinfo=UTC)
    assert empty.never_open
    assert not empty.always_open
    for amount in (0, 60):
        with pytest.raises(ValueError, match=r"^this calendar has a week without hours; .* round the clock$"):
            add_working_time(empty, noon, amount)
    for end in (noon, noon + timedelta(hours=1)):
        with pytest.raises(ValueError, match="week without hours"):
            working_seconds_between(empty, noon, end)
    assert not Calendar("Europe/Paris").never_open
    assert not SUNDAY_NIGHT.never_open


def test_working_time_is_exact_to_the_microsecond():
    start = at(NINE_TO_FIVE, "2026-11-13 16:59") + timedelta(microseconds=250)
    exact = timedelta(minutes=2, microseconds=-250)
    assert working_time_between(NINE_TO_FIVE, start, at(NINE_TO_FIVE, "2026-11-16 09:01")) == exact
    assert after_working_time(NINE_TO_FIVE, start, exact) == at(NINE_TO_FIVE, "2026-11-16 09:01")
    assert working_seconds_between(NINE_TO_FIVE, start, at(NINE_TO_FIVE, "2026-11-16 09:01")) == 119


@pytest.mark.parametrize("minutes_before", [0, 1, 7, 61, 500, 1439])
def test_an_hour_that_the_clocks_skip_holds_exactly_nothing(minutes_before):
    skipped = Calendar("Europe/Paris", (*(CLOSED,) * 6, hours((2, 3))))
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    start = change - timedelta(minutes=minutes_before)
    assert working_time_between(skipped, start, change + timedelta(hours=5)) == timedelta()


def test_results_are_in_utc_whatever_the_zone_of_the_start():
    start = datetime.fromisoformat("2026-11-12T10:00").replace(tzinfo=ZoneInfo("Europe/Paris"))
    for calendar in (NINE_TO_FIVE, always("Europe/Paris")):
        due = add_working_time(calendar, start, 3600)
        assert due == datetime(2026, 11, 12, 10, tzinfo=UTC)
        assert due.tzinfo is UTC


def test_nothing_to_add_is_due_at_once_even_while_the_office_is_closed():
    saturday = at(NINE_TO_FIVE, "2026-11-14 12:00")
    assert add_working_time(NINE_TO_FIVE, saturday, 0) == saturday


def test_an_end_before_the_start_holds_no_working_time():
    later, earlier = at(NINE_TO_FIVE, "2026-11-12 12:00"), at(NINE_TO_FIVE, "2026-11-12 10:00")
    assert working_seconds_between(NINE_TO_FIVE, later, earlier) == 0


def test_a_time_without_a_zone_and_a_negative_target_are_refused():
    with pytest.raises(ValueError, match=r"^a time without a zone .* aware UTC datetime$"):
        add_working_time(NINE_TO_FIVE, datetime(2026, 11, 12, 12), 60)
    with pytest.raises(ValueError, match=r"^working time cannot be added backwards$"):
        add_working_time(NINE_TO_FIVE, datetime(2026, 11, 12, 12, tzinfo=UTC), -1)


def test_a_calendar_closed_for_decades_is_an_error_and_not_an_endless_search():
    closed = frozenset(date(2026, 1, 1) + timedelta(days=day) for day in range(366 * 21))
    with pytest.raises(ValueError, match="no working time"):
        add_working_time(office(holidays=closed), datetime(2026, 11, 12, 12, tzinfo=UTC), 60)


def test_a_local_day_that_never_was_holds_no_work():
    # Samoa crossed the date line: the clock went from Thursday 29 to Saturday 31 December 2011.
    samoa = Calendar("Pacific/Apia", (hours((9, 17)),) * 7)
    assert add_working_time(samoa, at(samoa, "2011-12-29 16:00"), 2 * 3600) == at(samoa, "2011-12-31 10:00")


# The oracle: a minute is working time when the wall clock of that minute reads a time inside a shift -------------------

# Around these instants a clock changes (or, in Samoa, a day is skipped).
CHANGES = [
    ("Europe/Paris", datetime(2026, 3, 29, tzinfo=UTC)),
    ("Europe/Paris", datetime(2026, 10, 25, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 3, 8, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 6, 1, tzinfo=UTC)),
    ("UTC", datetime(2026, 6, 1, tzinfo=UTC)),
]


@st.composite
def days(draw):
    edges = sorted(draw(st.sets(st.integers(0, 96), min_size=2, max_size=4)))
    return tuple(Shift(a * 15, b * 15) for a, b in zip(edges[::2], edges[1::2], strict=False))


@st.composite
def cases(draw):
    zone, change = draw(st.sampled_from(CHANGES))
    week = draw(
        st.one_of(st.just(()), st.lists(st.one_of(st.just(CLOSED), days()), min_size=7, max_size=7).filter(any))
    )
    off = draw(st.sets(st.integers(-2, 3), max_size=2))
    holidays = frozenset((change + timedelta(days=day)).date() for day in off)
    start = change + timedelta(minutes=draw(st.integers(-1500, 1500)), seconds=draw(st.sampled_from([0, 0, 17])))
    return Calendar(zone, tuple(week), holidays), start, draw(st.integers(0, 2880)), draw(st.integers(1, 1500))


def is_working(calendar, moment):
    if calendar.always_open:
        return True
    local = moment.astimezone(ZoneInfo(calendar.zone))
    minute = local.hour * 60 + local.minute
    shifts = calendar.week[local.weekday()]
    return local.date() not in calendar.holidays and any(s.start_minute <= minute < s.end_minute for s in shifts)


@settings(max_examples=150, deadline=None)
@given(cases())
def test_working_time_equals_a_count_of_minutes_on_the_wall_clock(case):
    calendar, start, length, _ = case
    whole = start.replace(second=0)
    minutes = sum(is_working(calendar, whole + timedelta(minutes=i)) for i in range(length))
    assert working_seconds_between(calendar, whole, whole + timedelta(minutes=length)) == minutes * 60


@settings(max_examples=150, deadline=None)
@given(cases())
def test_a_due_time_is_the_first_instant_by_which_the_working_time_has_passed(case):
    calendar, start, _, target = case
    due = add_working_time(calendar, start, target * 60)
    assert working_seconds_between(calendar, start, due) == target * 60
    assert working_seconds_between(calendar, start, due - timedelta(seconds=1)) == target * 60 - 1


@settings(max_examples=100, deadline=None)
@given(cases())
def test_working_time_of_two_neighbouring_spans_adds_up(case):
    calendar, start, length, more = case
    middle, end = start + timedelta(minutes=length), start + timedelta(minutes=length + more)
    assert working_seconds_between(calendar, start, end) == (
        working_seconds_between(calendar, start, middle) + working_seconds_between(calendar, middle, end)
    )
