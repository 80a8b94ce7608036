"""A response process file is read whole or refused whole, with every mistake, its place and the fix."""

from __future__ import annotations

import random
import re
from datetime import date
from itertools import product
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from config.process import document, load_process, load_process_text
from config.process.reachability import shadows, witness
from config.process.shapes import SHAPES
from triage.domain.errors import InvalidFile
from triage.domain.process import (
    KNOWN_AUTHOR_KINDS,
    KNOWN_FLAGS,
    KNOWN_SOURCE_KINDS,
    LEVELS,
    REQUIRED_THRESHOLDS,
    SCCT_POSTURES,
    Bound,
    Condition,
    DeclaredBy,
    EscalationStep,
    Facts,
    Measured,
    StoriesOf,
    Targets,
)
from triage.domain.rule_sentences import parts_of

ROOT = Path(__file__).resolve().parents[2]
STARTER = ROOT / "config" / "processes" / "starter.yaml"
DOCUMENTATION = ROOT / "docs" / "response-process-file.md"
FILES = Path(__file__).parent / "process_files"
SOUND = (FILES / "sound.yaml").read_text(encoding="utf-8")
BROKEN = sorted((FILES / "broken").glob("*.yaml"))
YEARS = range(2025, 2030)


def load(text):
    return load_process_text(text, "process.yaml", years=YEARS)


def refused(text):
    with pytest.raises(InvalidFile) as caught:
        load(text)
    return caught.value.faults


def faults_of(text):
    """Return the mistakes of a text that may have none; any other exception is a mistake of ours."""
    try:
        load(text)
    except InvalidFile as refusal:
        return refusal.faults
    return ()


def changed(old, new):
    assert old in SOUND
    return SOUND.replace(old, new, 1)


# Broken files ------------------------------------------------------------------------------------------------------------


def expected_faults(text):
    """Read the `# expect line:column message | fix` lines at the top of a broken file."""
    lines = re.findall(r"^# expect (\d+):(\d+) (.*?) \| (.*)$", text, flags=re.MULTILINE)
    return [(int(line), int(column), message, fix) for line, column, message, fix in lines]


def test_there_is_a_broken_file_for_every_kind_of_mistake():
    assert len(BROKEN) >= 70
    assert all(expected_faults(path.read_text(encoding="utf-8")) for path in BROKEN)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_is_refused_with_all_its_mistakes_their_places_and_the_fixes(path):
    with pytest.raises(InvalidFile) as caught:
        load_process(path, years=YEARS)
    found = [(fault.line, fault.column, fault.message, fault.hint) for fault in caught.value.faults]
    # The two YAML parsers word a syntax error differently; place and fix are ours.
    wanted = expected_faults(path.read_text(encoding="utf-8"))
    if wanted[0][2].startswith("this is not YAML"):
        assert found[0][:2] == wanted[0][:2]
        assert found[0][2].startswith("this is not YAML: ")
        assert found[0][3].startswith("check brackets, quotes and indentation")
    else:
        assert found == wanted
    assert all(fix for *_, fix in found)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_the_parser_without_c_finds_the_same_mistakes(monkeypatch, path):
    # Patched because which parser is there depends on how PyYAML was built, not on anything a caller can pass.
    monkeypatch.setattr(document, "_LOADER", yaml.SafeLoader)
    test_a_broken_file_is_refused_with_all_its_mistakes_their_places_and_the_fixes(path)


def test_a_message_reads_file_line_column_mistake_and_fix():
    with pytest.raises(InvalidFile) as caught:
        load(changed("roles: [lead, legal]", "roles: [lead, leagl]"))
    assert str(caught.value) == (
        'process.yaml:26:19: unknown role "leagl" in category "danger" — did you mean "legal"?'
    )


def test_a_refusal_leaves_no_trace_in_what_was_loaded_before():
    before = load(SOUND)
    refused(changed("queue: urgent", "queue: urgnet"))
    assert load(SOUND) == before


def test_a_mistake_in_one_section_hides_no_mistake_in_another_and_invents_none():
    text = SOUND.replace("does: leads", "done: leads").replace("keep_firing: 15m", "keep_firing: soon")
    assert [fault.message for fault in refused(text)] == [
        'unknown key "done" in role "lead"',
        'keep_firing of notification is "soon"',
    ]


def test_a_whole_section_that_is_missing_is_one_mistake():
    without_roles = re.sub(r"roles:\n(  .*\n)+?calendars", "calendars", SOUND)
    assert [fault.message for fault in refused(without_roles)] == ['the file lacks the key "roles"']


def test_a_region_without_known_holidays_is_refused_with_the_known_ones():
    (fault,) = refused(changed("holidays: FR", "holidays: FR-ZZ"))
    assert fault.message == 'no public holidays are known for region "ZZ" of FR'
    assert fault.hint.startswith("known regions: 57, ")


# Limits ------------------------------------------------------------------------------------------------------------------


def test_s18_a_file_of_a_gigabyte_is_refused_after_256_kib(tmp_path):
    path = tmp_path / "huge.yaml"
    with path.open("wb") as stream:
        stream.truncate(2**30)
    with pytest.raises(InvalidFile, match="larger than 256 KiB"):
        load_process(path)


def test_a_file_that_is_absent_or_a_folder_is_a_refusal_too(tmp_path):
    for path in (tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(InvalidFile, match="there is no such file"):
            load_process(path)


def test_a_file_that_is_not_utf_8_is_refused_at_the_byte(tmp_path):
    path = tmp_path / "latin.yaml"
    path.write_bytes("version: 1\nroles: {a: {does: réponse}}".encode("latin-1"))
    with pytest.raises(InvalidFile, match=r"latin\.yaml:2:20: the file is not UTF-8 text"):
        load_process(path)


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake(tmp_path):
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode())
    assert load_process(path, years=YEARS).process.categories == load(SOUND).process.categories


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "{a: " * 50_000,
        "- " * 50_000,
        "a: &a [*a]",
        "a: \ud800",
        "a: \x00",
        "%TAG ! x:\n--- !y\n",
        "? ? ? ?",
    ],
    ids=["brackets", "braces", "dashes", "itself", "half a character", "nul", "tag", "questions"],
)
def test_a_hostile_text_is_a_refusal_and_nothing_worse(text):
    assert refused(text)


def test_s13_a_table_of_ten_thousand_rules_is_refused_and_not_searched():
    rule = (
        "  - {id: r%d, when: {flags: [spam]}, queue: daily, roles: [lead], actions: [reply], "
        "sla: {ack: null, respond: null, close: null}}\n"
    )
    many = "".join(rule % number for number in range(1_800))
    faults = refused(changed("  - id: danger\n", many + "  - id: danger\n"))
    assert "there are more than 200 categories" in {fault.message for fault in faults}
    alternatives = ", ".join("{flags: [spam]}" for _ in range(5_000))
    text = changed("when: {relevance_below: 0.3}", f"when: [{alternatives}]")
    assert [fault.message for fault in refused(text)] == ["there are more than 200 rules"]


WORDS = [
    "null",
    "-1",
    "[]",
    "{}",
    "{when: {}}",
    "[[]]",
    "fire",
    "~",
    "1e999",
    "''",
    "normal",
    "2d",
    "&x",
    "0.5",
    "é",
    "|",
    "\t",
]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_a_file_scrambled_at_random_is_accepted_or_refused_but_never_breaks_the_reader(seed):
    chance = random.Random(seed)
    lines = SOUND.split("\n")
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(lines))
        words = re.split(r"([\w.\-:]+)", lines[place])
        words[chance.randrange(len(words))] = chance.choice(WORDS)
        lines[place] = chance.choice(["".join(words), "".join(words), "", chance.choice(lines)])
    faults = faults_of("\n".join(lines))
    assert all(1 <= fault.line <= len(lines) + 1 and fault.column >= 1 and fault.message for fault in faults)


# What is read ------------------------------------------------------------------------------------------------------------


def test_a_sound_file_becomes_the_process_it_describes():
    process = load(SOUND).process
    danger = process.categories[0]
    assert (danger.id, danger.queue, danger.needs_approval, danger.public_reply) == ("danger", "urgent", "legal", False)
    assert danger.when == (Condition(flags=("fire", "injury")),)
    assert danger.sla == Targets(900, 3600, None)
    assert process.categories[2].when[0].sentiment_below == Bound(0.4, "positive")
    assert process.categories[2].sla.close_seconds == 9 * 3600
    assert process.queues["discard"].sample_for_review == 0.1
    assert process.calendar_of("daily").zone == "Europe/Paris"
    assert process.crisis_levels["watch"].conditions == (Measured("neg_tail_p", 1e-5, 1e-2, 8),)
    assert process.crisis_levels["watch"].conditions[0].on_when_small
    assert process.crisis_levels["elevated"].conditions[0] == StoriesOf(("danger",))
    assert process.crisis_levels["severe"].conditions == (DeclaredBy(("legal",)),)
    assert process.crisis_levels["severe"].activates == "crisis_plan"
    assert tuple(process.crisis_levels) == LEVELS
    assert process.escalation["default"].steps == (EscalationStep("manager", 300), EscalationStep("lead", 600))
    assert (process.escalation["default"].if_nobody_to, process.escalation["default"].banner) == ("lead", True)
    assert process.scct.never_mix == (("deny", "diminish"), ("deny", "rebuild"))
    assert process.outcome_levels == {1: "bad press", 2: "a change of course"}
    assert len(process.tests) == 5


def test_the_version_label_names_the_number_and_the_text():
    loaded, other = load(SOUND), load(SOUND + "# a comment\n")
    assert loaded.process.version_label == f"1-{loaded.digest[:12]}"
    assert loaded.source == SOUND
    assert loaded.digest != other.digest


def test_public_holidays_are_those_of_the_years_asked_for():
    calendar = load(SOUND).process.calendars["office"]
    assert {date(2026, 11, 11), date(2025, 12, 25), date(2029, 1, 1)} <= calendar.holidays
    assert {day.year for day in calendar.holidays} == set(YEARS)


def test_holidays_may_mix_countries_regions_and_dates():
    mixed = load(changed("holidays: FR", "holidays: [FR-57, 2026-12-24]")).process.calendars["office"].holidays
    assert {date(2026, 12, 24), date(2026, 12, 26), date(2026, 12, 25)} <= mixed  # the 26th is one of region 57
    assert not load(changed(", holidays: FR", "")).process.calendars["office"].holidays


def test_days_are_named_alone_in_spans_and_in_lists():
    text = changed(
        '{mon-fri: ["09:00-18:00"]}',
        '{mon: "09:00-12:00", "tue-wed,fri": ["08:00-12:00", "14:00-24:00"], sat-sun: ["00:00-24:00"]}',
    )
    week = load(text).process.calendars["office"].week
    assert [len(day) for day in week] == [1, 2, 2, 0, 2, 1, 1]
    assert week[1][1].end_minute == 1440


def test_a_single_name_may_stand_without_brackets():
    assert load(changed("flags: [complaint], sentiment_below", "flags: complaint, sentiment_below")) != load(SOUND)
    assert load(
        changed("flags: [complaint], sentiment_below", "flags: complaint, sentiment_below")
    ).process.categories == (load(SOUND).process.categories)


def test_only_a_threat_to_life_raises_at_any_relevance_unless_the_file_says_otherwise():
    assert not load(SOUND).process.categories[0].raises_at_any_relevance
    renamed = SOUND.replace("danger", "threat_to_life")
    assert load(renamed).process.categories[0].raises_at_any_relevance
    said = renamed.replace("    raises: elevated\n", "    raises: elevated\n    raises_at_any_relevance: false\n")
    assert not load(said).process.categories[0].raises_at_any_relevance


def test_the_relevance_that_a_raise_needs_is_a_threshold():
    assert load(SOUND).process.raise_relevance == 0.3
    assert load(changed("  spread: 5", "  spread: 5\n  relevance: 0.5")).process.raise_relevance == 0.5


# Warnings ----------------------------------------------------------------------------------------------------------------


def test_a_category_without_a_test_is_a_warning_with_a_test_to_paste():
    text = SOUND.replace("  - {in: {sentiment: 0.7}, out: happy}\n", "")
    (warning,) = load(text).warnings
    assert (warning.line, warning.column) == (44, 5)
    assert warning.message == 'category "happy" has no test'
    assert warning.hint == "add - {in: {flags: [], sentiment: 0.5}, out: happy}"


def test_every_test_that_a_warning_offers_passes_when_pasted():
    without = SOUND[: SOUND.index("tests:\n")]
    loaded = load(without + "tests: []\n")
    assert len(loaded.warnings) == 5
    pasted = "".join(f"  {warning.hint.removeprefix('add ')}\n" for warning in loaded.warnings)
    assert load(f"{without}tests:\n{pasted}").warnings == ()


def test_equal_ranks_and_targets_out_of_order_are_warnings():
    text = changed("{rank: 1, owner: manager", "{rank: 0, owner: manager").replace(
        "respond: 4h, close: 1d", "respond: 4h, close: 5m"
    )
    messages = [warning.message for warning in load(text).warnings]
    assert messages == [
        'queue "daily" has the same rank as "urgent"',
        'sla of category "unhappy" wants a later step before an earlier one',
    ]


@pytest.mark.shared
def test_the_reference_file_is_accepted_with_a_warning_for_each_of_its_six_untested_categories(shared_dir):
    loaded = load_process(shared_dir / "process" / "response_process.reference.yaml", years=YEARS)
    assert [warning.message.split('"')[1] for warning in loaded.warnings] == [
        "data_incident", "legal_regulatory", "employee_conduct", "campaign_attack", "troll", "unclassified_negative",
    ]  # fmt: skip


def test_the_starter_is_accepted_without_a_warning_and_tests_every_category():
    loaded = load_process(STARTER, years=YEARS)
    assert loaded.warnings == ()
    assert len(loaded.process.categories) == 21
    assert {test.category for test in loaded.process.tests} == {row.id for row in loaded.process.categories}


def test_without_years_the_holidays_reach_from_last_year_to_three_years_ahead():
    years = {day.year for day in load_process(STARTER).process.calendars["office"].holidays}
    assert len(years) == 5


# Reachability ------------------------------------------------------------------------------------------------------------

FLAGS, AUTHORS = ["fire", "spam"], ["journalist"]
conditions = st.builds(
    Condition,
    flags=st.lists(st.sampled_from(FLAGS), max_size=2, unique=True).map(tuple),
    not_flags=st.lists(st.sampled_from(FLAGS), max_size=1).map(tuple),
    authors=st.lists(st.sampled_from(AUTHORS), max_size=1).map(tuple),
    source_tiers=st.sampled_from([(), (), (1,), (1, 2)]),
    source_hostile=st.sampled_from([None, None, True, False]),
    sentiment_below=st.sampled_from([None, None, Bound(-0.25), Bound(0.4)]),
    sentiment_at_least=st.sampled_from([None, None, Bound(-0.25), Bound(0.4)]),
    reach_at_least=st.sampled_from([None, None, Bound(50)]),
    relevance_below=st.sampled_from([None, None, Bound(0.3)]),
)
EVERY_CASE = [
    Facts(frozenset(flags), sentiment, reach, relevance, frozenset(authors), "blog", tier, hostile)
    for flags, sentiment, reach, relevance, authors, tier, hostile in product(
        [(), ("fire",), ("spam",), ("fire", "spam")],
        [None, -0.5, 0.0, 0.5],
        [0, 50],
        [0.1, 1.0],
        [(), ("journalist",)],
        [None, 1, 2],
        [False, True],
    )
]


def takes(condition, facts):
    return all(part.holds(facts) for part in parts_of(condition))


@settings(max_examples=300, deadline=None)
@given(conditions, st.lists(conditions, max_size=5))
def test_a_rule_is_called_unreachable_exactly_when_no_mention_can_reach_it(condition, earlier):
    found = witness(condition, earlier)
    if found is None:
        wanted, above = parts_of(condition), [parts_of(other) for other in earlier]
        reaching = [case for case in EVERY_CASE if all(part.holds(case) for part in wanted)]
        assert all(any(all(part.holds(case) for part in rule) for rule in above) for case in reaching)
    else:
        assert takes(condition, found)
        assert not any(takes(other, found) for other in earlier)


@settings(max_examples=200, deadline=None)
@given(conditions, st.lists(conditions, max_size=4))
def test_the_rules_named_as_taking_everything_do_so_and_none_of_them_is_idle(condition, earlier):
    if witness(condition, earlier) is not None:
        return
    takers = [earlier[index] for index in shadows(condition, earlier)]
    assert witness(condition, takers) is None
    for idle in range(len(takers)):
        assert witness(condition, takers[:idle] + takers[idle + 1 :]) is not None


# Documentation -----------------------------------------------------------------------------------------------------------


def documented_sections():
    """Return heading -> text of the documentation page."""
    parts = re.split(r"^#+ (.*)$", DOCUMENTATION.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("shape", SHAPES)
def test_every_key_is_documented_and_no_other(shape):
    rows = re.findall(r"^\| `(\w+)` \|", documented_sections()[f"`{shape}`"], flags=re.MULTILINE)
    assert sorted(rows) == sorted(SHAPES[shape].keys)


def test_every_known_name_is_documented():
    page = DOCUMENTATION.read_text(encoding="utf-8")
    names = {
        *KNOWN_FLAGS,
        *KNOWN_AUTHOR_KINDS,
        *KNOWN_SOURCE_KINDS,
        *LEVELS,
        *REQUIRED_THRESHOLDS,
        *SCCT_POSTURES,
        "relevance",
    }
    assert {name for name in names if f"`{name}`" not in page} == set()


@pytest.mark.parametrize("hours", ["[]", "", "{}"])
def test_a_week_whose_days_hold_no_hours_is_refused_with_its_place(hours):
    sound = STARTER.read_text(encoding="utf-8")
    with pytest.raises(InvalidFile) as refused:
        load_process_text(sound.replace('mon-fri: ["09:00-18:00"]', f"mon-fri: {hours}"), "starter.yaml")
    lines = {fault.line for fault in refused.value.faults}
    assert lines == {1 + next(n for n, line in enumerate(sound.splitlines()) if "mon-fri:" in line and "09:00" in line)}
