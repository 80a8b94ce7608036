"""What a new version of a process changes is said in sentences, all of it and nothing else."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.process import load_process
from config.process.composition import SHIPPED, shipped_path
from triage.domain.calendars import Calendar, Shift
from triage.domain.process import (
    Bound,
    Category,
    Condition,
    CrisisLevel,
    DeclaredBy,
    EscalationStep,
    GoldenTest,
    Measured,
    StoriesOf,
    Targets,
)
from triage.domain.process_diff import Change, ChangeKind, diff
from triage.domain.process_words import hours, opens_when, span, working_span

FILES = Path(__file__).parent / "process_files"
YEARS = range(2025, 2030)


@pytest.fixture(scope="module")
def sound():
    return load_process(FILES / "sound.yaml", years=YEARS).process


@pytest.fixture(scope="module")
def starter():
    return load_process(shipped_path("starter"), years=YEARS).process


def row(process, name, **changes):
    """Return the process with one category changed."""
    return replace(
        process, categories=tuple(replace(each, **changes) if each.id == name else each for each in process.categories)
    )


def entry(process, section, name, **changes):
    """Return the process with one named thing changed."""
    named = getattr(process, section)
    return replace(process, **{section: {**named, name: replace(named[name], **changes)}})


def said(a, b):
    return [change.sentence for change in diff(a, b)]


# Sentences ---------------------------------------------------------------------------------------------------------------


def test_the_same_process_with_other_comments_changes_nothing(sound):
    assert diff(sound, replace(sound, digest="0" * 64)) == ()


def test_a_change_has_a_sentence_a_kind_and_a_subject(sound):
    assert diff(sound, row(sound, "happy", queue="urgent")) == (
        Change('Category "happy" goes to queue urgent instead of daily.', ChangeKind.QUEUE, "category happy"),
    )


def test_a_new_category_is_told_with_its_place_and_what_it_takes(sound):
    new = Category("spam", (Condition(flags=("spam", "job_ad")),), "discard", ("manager",), ("discard",), Targets())
    first, *middle, last = sound.categories
    assert said(sound, replace(sound, categories=(first, new, *middle, last))) == [
        'Category "spam" is new, above "noise": it takes mentions flagged spam or job_ad, for queue discard.'
    ]
    assert said(sound, replace(sound, categories=(*sound.categories, new)))[0].startswith(
        'Category "spam" is new, at the end:'
    )


def test_a_category_that_is_gone_is_told_with_what_it_took(sound):
    fewer = replace(sound, categories=tuple(each for each in sound.categories if each.id != "unhappy"))
    assert said(sound, fewer) == [
        'Category "unhappy" is gone; it took mentions flagged complaint, with sentiment below +0.4 (positive), for queue daily.'
    ]


def test_only_what_moved_is_called_moved(sound):
    danger, noise, unhappy, happy, other = sound.categories
    assert said(sound, replace(sound, categories=(happy, danger, noise, unhappy, other))) == [
        'Category "happy" moved up, above "danger".'
    ]
    assert said(sound, replace(sound, categories=(noise, unhappy, happy, danger, other))) == [
        'Category "danger" moved down, above "other".'
    ]
    assert len(diff(sound, replace(sound, categories=(happy, unhappy, noise, danger, other)))) == 3


@given(st.permutations([f"c{number}" for number in range(7)]))
def test_the_moves_that_are_told_make_the_new_order_and_none_is_idle(order):
    old = load_process(FILES / "sound.yaml", years=range(2026, 2027)).process
    table = {f"c{number}": replace(old.categories[0], id=f"c{number}", raises=None) for number in range(7)}
    before = replace(old, categories=tuple(table.values()), tests=())
    after = replace(before, categories=tuple(table[name] for name in order))
    moved = {change.subject.split()[1] for change in diff(before, after)}
    kept = [name for name in order if name not in moved]
    assert kept == sorted(kept)
    # None is idle: no longer part of the new order is in the old order.
    best = 1
    ends = []
    for name in order:
        length = 1 + max((size for last, size in ends if last < name), default=0)
        ends.append((name, length))
        best = max(best, length)
    assert len(kept) == best


def test_changed_conditions_are_told_in_words_before_and_after(sound):
    changed = row(
        sound,
        "unhappy",
        when=(
            Condition(flags=("complaint",), not_flags=("satire",), source_hostile=False),
            Condition(
                authors=("customer",),
                source_kinds=("review", "forum"),
                source_tiers=(1, 2),
                reach_at_least=Bound(5000.0),
                relevance_below=Bound(0.5),
                sentiment_at_least=Bound(-0.9),
            ),
        ),
    )
    assert said(sound, changed) == [
        (
            'Category "unhappy" takes mentions flagged complaint, not flagged satire, from a source not marked hostile; or by '
            "an author marked customer, from a source of kind review or forum, from a source of tier 1 or 2, with sentiment of "
            "at least -0.9, with a reach of at least 5,000, with relevance below 0.5; before: mentions flagged complaint, with "
            "sentiment below +0.4 (positive)."
        )
    ]
    assert said(sound, row(sound, "danger", when=(Condition(),)))[0].startswith(
        'Category "danger" takes mentions of any kind;'
    )


def test_the_order_of_names_in_a_condition_is_no_change(sound):
    assert said(sound, row(sound, "danger", when=(Condition(flags=("injury", "fire")),))) == []


def test_a_threshold_is_told_once_with_those_who_ask_for_it(sound):
    raised = replace(sound, thresholds={**sound.thresholds, "positive": 0.5})
    for name in ("unhappy", "happy"):
        when = next(each.when[0] for each in raised.categories if each.id == name)
        below, least = when.sentiment_below, when.sentiment_at_least
        raised = row(
            raised,
            name,
            when=(
                replace(
                    when,
                    sentiment_below=below and Bound(0.5, "positive"),
                    sentiment_at_least=least and Bound(0.5, "positive"),
                ),
            ),
        )
    assert said(sound, raised) == ['Threshold "positive" is 0.5 instead of 0.4; it is asked by unhappy and happy.']
    unused = replace(sound, thresholds={**sound.thresholds, "vip_reach": 600_000.0, "own": 3.0})
    assert said(sound, unused) == ['Threshold "own" is new.', 'Threshold "vip_reach" is 600,000 instead of 500,000.']


def test_targets_are_told_in_hours_and_say_when_they_are_working_time(sound):
    assert said(sound, row(sound, "danger", sla=Targets(600, None, 7_200))) == [
        '"danger" is to be taken within 10 minutes instead of 15 minutes.',
        'How soon "danger" is answered is no longer measured; it was 1 hour.',
        '"danger" is now to be closed within 2 hours.',
    ]
    assert said(sound, row(sound, "unhappy", sla=Targets(1_800, 14_400, 2 * 32_400))) == [
        '"unhappy" is to be closed within 18 hours of working time instead of 9 hours.'
    ]


def test_targets_that_only_follow_the_length_of_the_working_day_are_told_once():
    office = Calendar("Europe/Paris", ((Shift(540, 1_020),),) * 5 + ((), ()))
    process = load_process(FILES / "sound.yaml", years=range(2026, 2027)).process
    changed = entry(process, "calendars", "office", week=office.week)
    for name in ("unhappy", "happy", "other"):
        sla = next(each.sla for each in process.categories if each.id == name)
        days = {"ack_seconds": sla.ack_seconds, "close_seconds": sla.close_seconds}
        shorter = {key: value if value < 32_400 else value // 9 * 8 for key, value in days.items()}
        changed = row(changed, name, sla=replace(sla, **shorter))
    assert said(process, changed) == [
        'Calendar "office" is open Monday to Friday 09:00-17:00 instead of Monday to Friday 09:00-18:00.',
        (
            'A working day of calendar "office" changes: 8 hours instead of 9 hours; so do the targets in days of unhappy, '
            "happy and other."
        ),
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"roles": ("legal", "manager")}, 'Roles for category "danger": manager is new; lead is gone.'),
        ({"roles": ("legal", "lead")}, 'Roles for category "danger": the order is legal and lead.'),
        (
            {"actions": ("reply", "thank")},
            'Actions for category "danger": reply and thank are new; hand_to_legal is gone.',
        ),
        ({"needs_approval": None}, 'Text for "danger" is cleared by nobody instead of legal.'),
        ({"public_reply": True}, '"danger" is answered in public; before it was not answered in public.'),
        ({"raises": None}, 'Category "danger" raises nothing instead of elevated.'),
        (
            {"raises_at_any_relevance": True},
            'Category "danger" raises at any relevance; before: only from the relevance threshold on.',
        ),
    ],
)
def test_what_else_a_category_says_is_told(sound, changes, sentence):
    assert said(sound, row(sound, "danger", **changes)) == [sentence]


@pytest.mark.parametrize(
    ("section", "name", "changes", "sentence"),
    [
        ("queues", "daily", {"owner": "lead"}, 'Queue "daily" is owned by lead instead of manager.'),
        ("queues", "daily", {"rank": 5}, "Queues are worked in the order urgent, discard and daily; before: urgent, daily and discard."),
        ("queues", "discard", {"rank": 5}, "Queues are worked in the order urgent, daily and discard."),
        ("queues", "discard", {"calendar": "always"}, 'The targets of queue "discard" run on calendar always instead of office.'),
        ("queues", "discard", {"awaiting_action": True}, 'Mentions in queue "discard" wait for an answer; before they wait for nothing.'),
        ("queues", "discard", {"sample_for_review": 0.055}, 'Of queue "discard" 5.500% is shown to a person instead of 10.000%.'),
        ("queues", "discard", {"keep_days": None}, 'Mentions in queue "discard" are kept as long as everything instead of 30 days.'),
        ("calendars", "office", {"zone": "Asia/Kathmandu"}, 'Calendar "office" runs on Asia/Kathmandu instead of Europe/Paris.'),
        ("crisis_levels", "watch", {"notify": ("lead", "legal")}, 'Told by level "watch": legal is new.'),
        ("crisis_levels", "watch", {"ack_within_seconds": 1_800}, 'Level "watch" is to be acknowledged within 30 minutes instead of 1 hour.'),
        ("crisis_levels", "watch", {"reraise_after_ack_seconds": 86_400}, 'Level "watch" pages again 1 day after an acknowledgement instead of 8 hours.'),
        ("crisis_levels", "crisis", {"activates": None}, 'Level "crisis" starts the plan none instead of crisis_plan.'),
        ("escalation", "default", {"repeat": 3}, 'Escalation "default" repeats 3 times instead of 2.'),
        ("escalation", "default", {"skip_empty_step": False}, 'Escalation "default" waits at a step whose role nobody holds; before it skips it.'),
        ("escalation", "default", {"steps": (EscalationStep("lead", 90),)}, 'Escalation "default" pages lead for 1 minute 30 seconds; before: manager for 5 minutes, then lead for 10 minutes.'),
        ("escalation", "default", {"if_nobody_to": "legal"}, 'When nobody answers escalation "default", it tells legal instead of lead.'),
        ("escalation", "default", {"banner": False}, 'When nobody answers escalation "default", there is no banner on every page; before: a banner.'),
    ],
)  # fmt: skip
def test_named_things_are_told_by_their_name(sound, section, name, changes, sentence):
    assert said(sound, entry(sound, section, name, **changes)) == [sentence]


def test_what_came_and_what_went_is_told_for_everything_with_a_name(sound):
    changed = replace(
        sound,
        roles={
            **{name: does for name, does in sound.roles.items() if name != "legal"},
            "care": "cares",
            "lead": "leads on.",
        },
        outcome_levels={1: "worse press", 2: "a change of course", 3: "loss"},
    )
    assert said(sound, changed) == [
        'Role "care" is new.',
        'Role "legal" is gone.',
        'Role "lead" reads "leads on" instead of "leads".',
        'Outcome level "3" is new.',
        'Outcome level "1" reads "worse press" instead of "bad press".',
    ]


def test_holidays_are_told_by_their_dates_three_at_most(sound):
    office = sound.calendars["office"]
    more = frozenset({date(2026, 12, day) for day in (21, 22, 23, 24, 28)})
    assert said(sound, entry(sound, "calendars", "office", holidays=office.holidays | more)) == [
        'Calendar "office" is closed on 2026-12-21, 2026-12-22, 2026-12-23 and 2 more days.'
    ]
    assert said(sound, entry(sound, "calendars", "office", holidays=office.holidays - {date(2026, 11, 11)})) == [
        'Calendar "office" is open again on 2026-11-11.'
    ]


def test_conditions_of_a_level_are_told_as_they_come_and_go(sound):
    level = sound.crisis_levels["elevated"]
    stories, ratio = level.conditions
    changed = entry(
        sound, "crisis_levels", "elevated", conditions=(replace(stories, at_least=2), ratio, DeclaredBy(("lead",)))
    )
    assert said(sound, changed) == [
        'Level "elevated" now opens when there are 2 stories of danger.',
        'Level "elevated" now opens when lead declares it.',
        'Level "elevated" no longer opens when there is a story of danger.',
    ]
    turned = entry(sound, "crisis_levels", "elevated", conditions=(ratio, stories))
    assert said(sound, turned) == ['Level "elevated" lists its conditions in another order.']


def test_examples_are_counted(sound):
    new = GoldenTest(sound.tests[0].given, "danger", note="once more")
    assert said(sound, replace(sound, tests=(*sound.tests[1:], new, replace(new, note="and again")))) == [
        "2 examples are new.",
        "1 example is gone.",
    ]
    assert said(sound, replace(sound, tests=sound.tests[::-1])) == ["The examples stand in another order."]


# Words -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "no time"), (0, "0 seconds"), (1, "1 second"), (90, "1 minute 30 seconds"), (86_400, "1 day"), (183_600, "2 days 3 hours")],
)  # fmt: skip
def test_clock_time_in_words(seconds, words):
    assert span(seconds) == words


def test_working_time_is_never_told_in_days():
    assert working_span(72 * 3600) == "72 hours"
    assert working_span(None) == "not measured"


def test_the_hours_of_a_week_in_words():
    day = (Shift(540, 720), Shift(840, 1_440))
    assert hours(()) == "round the clock"
    assert hours(((),) * 7) == "never"
    assert hours((day, day, (), day, (), (), (Shift(0, 60),))) == (
        "Monday to Tuesday 09:00-12:00 and 14:00-24:00, Thursday 09:00-12:00 and 14:00-24:00, Sunday 00:00-01:00"
    )


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Measured("neg_tail_p", 1e-5, 1e-2, 8), "so many negative stories are a chance of 1e-05 or less (over at 0.01), from 8 stories on"),
        (Measured("negative_share_jump_points", 15, 8), "the negative share is up by 15 points (over at 8)"),
        (Measured("neg_ratio_to_baseline", 4, 2, 20), "there are 4 times as many negative stories as usual (over at 2), from 20 stories on"),
        (Measured("reach_sum_negative_1h", 500_000, 2e5), "negative mentions of one hour reach 500,000 people (over at 200,000)"),
        (Measured("tier1_outlets_negative_24h", 3, 1), "3 tier-1 outlets are negative within a day (over at 1)"),
        (Measured("of_tomorrow", 3, 1), "of_tomorrow is 3 (over at 1)"),
        (StoriesOf(("a", "b", "c")), "there is a story of a, b or c"),
        (DeclaredBy(("a",)), "a declares it"),
    ],
)  # fmt: skip
def test_what_opens_a_level_in_words(condition, words):
    assert opens_when(condition) == words


# Nothing is missed -------------------------------------------------------------------------------------------------------


def other_values(value):
    """Yield values that differ from `value` in one place, as deep as it goes."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
    elif isinstance(value, str):
        yield f"{value}x"
    elif value is None:
        yield None
    elif isinstance(value, dict):
        for key, each in value.items():
            yield {name: one for name, one in value.items() if name != key}
            yield from ({**value, key: other} for other in other_values(each) if other != each)
    elif isinstance(value, tuple | frozenset):
        items = list(value)
        for place, each in enumerate(items):
            yield type(value)(items[:place] + items[place + 1 :])
            others = other_values(each) if isinstance(value, tuple) else ()
            yield from (type(value)([*items[:place], other, *items[place + 1 :]]) for other in others if other != each)
    elif is_dataclass(value):
        for field in fields(value):
            each = getattr(value, field.name)
            yield from (replace(value, **{field.name: other}) for other in other_values(each) if other != each)


COPIES = {"digest"}


def test_whatever_differs_in_a_process_is_told(sound):
    plain = replace(
        sound,
        calendars={"office": replace(sound.calendars["office"], holidays=frozenset({date(2026, 5, 1)})), "always": Calendar()},
        categories=tuple(
            replace(each, when=tuple(replace(one, **{key: bound and Bound(bound.value) for key, bound in bounds(one)}) for one in each.when))
            for each in sound.categories
        ),
    )  # fmt: skip
    told = 0
    for field in fields(plain):
        for other in other_values(getattr(plain, field.name)):
            if field.name in COPIES or no_file_can_say(plain, field.name, other):
                continue
            changed = replace(plain, **{field.name: other})
            assert diff(plain, changed), (field.name, other)
            told += 1
    assert told > 300


def bounds(condition):
    return [
        (name, getattr(condition, name))
        for name in ("sentiment_below", "sentiment_at_least", "reach_at_least", "relevance_below")
    ]


def no_file_can_say(process, field, other):
    """Whether something would point at what is not there, or carry another name than its key."""
    if field == "categories":
        return any(each.queue not in process.queues for each in other)
    if field == "queues":
        return (
            any(each.queue not in other for each in process.categories)
            or any(queue.calendar not in process.calendars for queue in other.values())
            or any(key != queue.name for key, queue in other.items())
        )
    if field == "calendars":
        return any(queue.calendar not in other for queue in process.queues.values())
    if field in {"crisis_levels", "escalation"}:
        return any(key != each.name for key, each in other.items())
    return False


def test_the_shipped_processes_differ_from_one_another_and_each_change_reads_as_a_sentence():
    loaded = [load_process(shipped_path(name), years=YEARS).process for name in SHIPPED]
    for one, other in pairwise(loaded):
        changes = diff(one, other)
        assert len(changes) > 20
        assert all(change.sentence.endswith(".") and not change.sentence.endswith("..") for change in changes)
        assert len({change.sentence for change in changes}) == len(changes)
        assert {change.kind for change in changes} <= set(ChangeKind)


def test_a_normal_level_that_is_gone_is_told(sound):
    fewer = {name: level for name, level in sound.crisis_levels.items() if name != "normal"}
    assert said(sound, replace(sound, crisis_levels=fewer)) == ['Level "normal" is gone.']
    assert said(replace(sound, crisis_levels=fewer), sound) == ['Level "normal" is new.']
    assert CrisisLevel("normal") == sound.crisis_levels["normal"]
