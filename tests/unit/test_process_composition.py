"""A process file may extend another and change parts of it; what is wrong is said where it is wrong."""

from __future__ import annotations

import copy
import hashlib
import json
import random
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.process import document, load_process, load_process_text
from config.process.composition import shipped_path
from config.process.document import Entry, Listing, Map, Scalar
from config.process.merging import merged_files
from config.process.reading import Reader, number_of
from config.process.writing import written
from triage.domain.errors import InvalidFile
from triage.domain.process import Category, Condition, EscalationStep, StoriesOf, Targets

FILES = Path(__file__).parent / "process_files"
SOUND = FILES / "sound.yaml"
STARTER_LINES = shipped_path("starter").read_text(encoding="utf-8").split("\n")
SOUND_ROOT = document.parse(SOUND.read_text(encoding="utf-8"), "sound")[0]
BROKEN = sorted((FILES / "broken_composition").glob("*.yaml"))
YEARS = range(2025, 2030)
WORDS = [
    "null",
    "~",
    "true",
    "1.0e-5",
    "-0.25",
    "+",
    "-",
    "---",
    "a: b",
    "#",
    "0x1f",
    "1_000",
    "",
    " a ",
    "a\nb",
    "*",
    "&a",
]


def load(path):
    return load_process(path, years=YEARS)


@pytest.fixture
def folder(tmp_path):
    """A folder with the sound file, the broken ones and the parts of those."""
    shutil.copytree(FILES / "broken_composition", tmp_path, dirs_exist_ok=True)
    shutil.copy(FILES / "sound.yaml", tmp_path)
    return tmp_path


def faults_in(path):
    """Return what is said about a broken file; names of files as seen from its folder."""
    with pytest.raises(InvalidFile) as caught:
        load_process(path, years=YEARS)
    lines = [fault.located("?").removeprefix(f"{path.parent}/") for fault in caught.value.faults]
    assert str(caught.value) == "\n".join(fault.located(str(path)) for fault in caught.value.faults)
    return [line.replace(f"{path.parent}/", "") for line in lines]


def expected(path):
    return re.findall(r"^# expect (.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


# Broken files ------------------------------------------------------------------------------------------------------------


def test_there_is_a_broken_file_for_every_way_to_extend_wrongly():
    assert len(BROKEN) >= 35
    assert all(map(expected, BROKEN))


@pytest.mark.parametrize("name", [path.name for path in BROKEN])
def test_a_broken_extension_is_refused_with_all_its_mistakes_each_in_the_file_where_it_stands(folder, name):
    assert faults_in(folder / name) == expected(folder / name)


def test_a_link_that_leads_out_of_the_folder_is_refused_unread(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    shutil.copy(SOUND, outside / "base.yaml")
    (inside / "base.yaml").symlink_to(outside / "base.yaml")
    (inside / "ours.yaml").write_text("version: 1\nextends: base.yaml\n")
    (fault,) = faults_in(inside / "ours.yaml")
    assert fault.startswith('ours.yaml:2:10: "base.yaml" is not in the folder of this file')


def test_a_policy_is_no_process_and_cannot_be_extended_either(folder):
    shutil.copy(FILES / "sound_policy.yaml", folder)
    (folder / "ours.yaml").write_text("version: 1\nextends: sound_policy.yaml\n")
    said = "2:1: this is a participation policy and no response process — it stands in a file of its own"
    assert faults_in(folder / "sound_policy.yaml") == [f"sound_policy.yaml:{said}"]
    assert faults_in(folder / "ours.yaml") == [f"sound_policy.yaml:{said}"]


def loaded_or_faults(text):
    """Return what a text gives; any exception but a refusal is a mistake of ours."""
    try:
        return load_process_text(text, "ours", years=YEARS), ()
    except InvalidFile as refusal:
        return None, refusal.faults


REGULATED = shipped_path("regulated").read_text(encoding="utf-8").split("\n")
SCRAPS = ["null", "{also: [x]}", "remove: true", "- {id: praise, remove: true}", "[]", "{}", "after: praise", "starter", "~", "a.yaml", "-1"]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_a_change_scrambled_at_random_is_accepted_or_refused_with_places_that_exist(seed):
    chance = random.Random(seed)
    lines = list(REGULATED)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(lines))
        words = re.split(r"([\w.\-:]+)", lines[place])
        words[chance.randrange(len(words))] = chance.choice(SCRAPS)
        lines[place] = chance.choice(["".join(words), "".join(words), "", chance.choice(lines)])
    loaded, faults = loaded_or_faults("\n".join(lines))
    sizes = {"ours": len(lines), str(shipped_path("starter")): len(STARTER_LINES)}
    assert all(1 <= fault.line <= sizes[fault.file or "ours"] + 1 and fault.column >= 1 for fault in faults)
    assert faults or load_process_text(loaded.source, "stored", years=YEARS).process == loaded.process


def test_a_folder_of_links_as_a_container_mounts_it_is_read(tmp_path):
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "ours.yaml").write_text("version: 1\nextends: base.yaml\n")
    shutil.copy(SOUND, tmp_path / "..data" / "base.yaml")
    for name in ("ours.yaml", "base.yaml"):
        (tmp_path / name).symlink_to(Path("..data") / name)
    assert len(load(tmp_path / "ours.yaml").process.categories) == 5


def test_a_text_from_a_form_may_extend_what_is_shipped_and_no_file():
    assert load_process_text("version: 1\nextends: starter\n", "form", years=YEARS).process.queues
    with pytest.raises(InvalidFile, match=r"form:2:10: .*this text lies in no folder"):
        load_process_text("version: 1\nextends: sound.yaml\n", "form", years=YEARS)


def test_s18_two_files_that_together_are_too_large_to_be_stored_are_refused(folder):
    note = '  - {in: {sentiment: 0.0, reach: %d}, out: other, note: "' + "x" * 900 + '"}\n'
    for name, base, first in (("low.yaml", "sound.yaml", 1), ("high.yaml", "low.yaml", 1_000)):
        notes = "".join(note % number for number in range(first, first + 200))
        (folder / name).write_text(f"version: 1\nextends: {base}\ntests:\n{notes}")
    assert load(folder / "low.yaml").parts
    assert faults_in(folder / "high.yaml") == [
        "high.yaml:1:1: the files together are larger than 256 KiB — shorten one of them"
    ]


# What becomes of the parts -----------------------------------------------------------------------------------------------


def on_top(folder, text):
    """Return the process that a text makes of the sound file."""
    (folder / "ours.yaml").write_text(f"version: 7\nextends: sound.yaml\n{text}")
    return load(folder / "ours.yaml").process


def test_a_file_that_changes_nothing_is_its_base_under_an_own_number(folder):
    ours, base = on_top(folder, ""), load(SOUND).process
    assert ours.version == 7
    assert replace(ours, version=base.version, digest=base.digest) == base


def test_maps_merge_by_key_at_every_depth(folder):
    ours, base = on_top(folder, "queues: {daily: {owner: lead}}\nnotification: {group_wait: 1m}\n"), load(SOUND).process
    assert ours.queues == {**base.queues, "daily": replace(base.queues["daily"], owner="lead")}
    assert ours.notification == replace(base.notification, group_wait_seconds=60)


def test_thresholds_override_and_may_be_added(folder):
    ours = on_top(folder, "thresholds: {negative: -0.3, our_own: 12}\n")
    assert (ours.thresholds["negative"], ours.thresholds["our_own"], ours.thresholds["positive"]) == (-0.3, 12, 0.4)


def test_a_list_replaces_and_also_appends(folder):
    replaced = on_top(folder, "crisis_causes: [weather]\n")
    appended = on_top(folder, "crisis_causes: {also: [weather]}\nactions: {also: hand_to_hr}\n")
    assert replaced.crisis_causes == ("weather",)
    assert appended.crisis_causes == ("poor_service", "unknown", "weather")
    assert appended.actions[-2:] == ("discard", "hand_to_hr")


def test_also_adds_conditions_to_a_level_and_keeps_those_of_the_base(folder):
    ours = on_top(
        folder,
        "categories: [{id: noise, raises: watch}]\ncrisis_levels: {watch: {any: {also: [{category: noise}]}}}\n",
    )
    assert ours.crisis_levels["watch"].conditions == (
        *load(SOUND).process.crisis_levels["watch"].conditions,
        StoriesOf(("noise",)),
    )


def test_also_on_something_that_the_base_does_not_have_is_the_list_itself(folder):
    ours = on_top(folder, "escalation: {second: {steps: {also: [{to: lead, wait: 5m}]}, if_nobody: {to: lead}}}\n")
    assert ours.escalation["second"].steps == (EscalationStep("lead", 300),)


def test_also_after_a_single_name_makes_a_list_of_both(folder):
    (folder / "one.yaml").write_text("version: 1\nextends: sound.yaml\ncategories: [{id: happy, roles: manager}]\n")
    (folder / "two.yaml").write_text(
        "version: 1\nextends: one.yaml\ncategories: [{id: happy, roles: {also: [lead]}}]\n"
    )
    assert load(folder / "two.yaml").process.categories[3].roles == ("manager", "lead")


def test_a_week_replaces_whole_and_the_holidays_of_the_calendar_stay(folder):
    calendar = on_top(folder, 'calendars: {office: {week: {sat: ["10:00-12:00"]}}}\n').calendars["office"]
    assert [len(day) for day in calendar.week] == [0, 0, 0, 0, 0, 1, 0]
    assert calendar.holidays
    assert not on_top(folder, "calendars: {office: {holidays: null}}\n").calendars["office"].holidays


def test_null_takes_out_a_name_and_is_a_value_elsewhere(folder):
    ours = on_top(folder, "outcome_levels: {2: null}\ncategories: [{id: happy, sla: {close: null}}]\n")
    assert ours.outcome_levels == {1: "bad press"}
    assert ours.categories[3].sla == Targets(9 * 3600, None, None)


def test_a_row_without_when_changes_only_what_it_states(folder):
    ours = on_top(folder, "categories: [{id: danger, sla: {ack: 5m}, roles: [legal]}]\n").categories
    base = load(SOUND).process.categories
    assert ours[0] == replace(base[0], roles=("legal",), sla=replace(base[0].sla, ack_seconds=300))
    assert ours[1:] == base[1:]


def test_a_row_with_when_takes_the_place_of_the_whole_category(folder):
    danger = on_top(
        folder,
        "categories:\n"
        "  - {id: danger, when: {flags: fire}, queue: daily, roles: [lead], actions: [reply],\n"
        "     sla: {ack: null, respond: null, close: null}, raises: elevated}\n",
    ).categories[0]
    assert danger == Category(
        "danger", (Condition(flags=("fire",)),), "daily", ("lead",), ("reply",), Targets(), raises="elevated"
    )


NEW = "{id: %s, %s, when: {flags: [%s]}, queue: daily, roles: [lead], actions: [reply], sla: {ack: 1h, respond: null, close: null}}"


def names(process):
    return [row.id for row in process.categories]


def test_new_rows_stand_before_or_after_the_one_they_name_carried_out_from_the_top_down(folder):
    rows = [
        NEW % ("abuse", "before: unhappy", "abuse"),
        NEW % ("satire", "after: danger", "satire"),
        NEW % ("question", "after: satire", "question"),
        NEW % ("spam", "before: danger", "spam"),
    ]
    ours = on_top(folder, "categories:\n" + "".join(f"  - {row}\n" for row in rows))
    assert names(ours) == ["spam", "danger", "satire", "question", "noise", "abuse", "unhappy", "happy", "other"]


def test_a_known_category_moves_and_keeps_what_it_does_not_state(folder):
    ours, base = on_top(folder, "categories: [{id: happy, before: danger}]\ntests: []\n"), load(SOUND).process
    assert names(ours) == ["happy", "danger", "noise", "unhappy", "other"]
    assert ours.categories[0] == base.categories[3]
    assert names(on_top(folder, "categories: [{id: danger, after: noise}]\n"))[:2] == ["noise", "danger"]


def test_a_category_that_is_taken_out_takes_its_examples_along(folder):
    ours = on_top(folder, "categories: [{id: happy, remove: true}]\n")
    assert "happy" not in names(ours)
    assert [test.category for test in ours.tests] == ["danger", "noise", "unhappy", "other"]


def test_a_category_may_be_taken_out_by_one_file_and_come_back_in_the_next(folder):
    (folder / "middle.yaml").write_text(
        "version: 1\nextends: sound.yaml\nroles: {second: {does: helps}}\ncategories: [{id: happy, remove: true}]\n"
    )
    back = NEW.replace("{flags: [%s]}", "{sentiment_at_least: 0.9}") % ("happy", "before: other")
    example = "  - {in: {sentiment: 0.95}, out: happy}\n"
    (folder / "high.yaml").write_text(
        f"version: 1\nextends: middle.yaml\nroles: {{second: null}}\ncategories: [{back}]\ntests:\n{example}"
    )
    (folder / "top.yaml").write_text("version: 1\nextends: high.yaml\nroles: {second: {does: is back}}\n")
    top = load(folder / "top.yaml")
    assert names(top.process)[-2:] == ["happy", "other"]
    assert top.process.tests[-1].category == "happy"
    assert top.process.roles["second"] == "is back"
    assert [Path(part.name).name for part in top.parts] == ["top.yaml", "high.yaml", "middle.yaml", "sound.yaml"]


def test_examples_append_and_one_with_the_same_facts_replaces_that_of_the_base(folder):
    ours = on_top(
        folder,
        "thresholds: {positive: 0.8}\n"
        "tests:\n"
        "  - {in: {relevance: 1, sentiment: 0.70}, out: other, note: not joy enough}\n"
        "  - {in: {sentiment: 0.85}, out: happy}\n",
    )
    assert [(test.category, test.given.sentiment) for test in ours.tests] == [
        ("danger", 0.0), ("noise", 0.0), ("unhappy", -0.5), ("other", 0.0), ("other", 0.7), ("happy", 0.85),
    ]  # fmt: skip


def test_warnings_name_the_file_of_the_rule_without_an_example(folder):
    (folder / "ours.yaml").write_text(
        f"version: 1\nextends: sound.yaml\ncategories:\n  - {NEW % ('spam', 'before: danger', 'spam')}\n"
    )
    (warning,) = load(folder / "ours.yaml").warnings
    assert warning.located("?").startswith(f'{folder}/ours.yaml:4:5: category "spam" has no test')


# Against a plain model of the same rules ---------------------------------------------------------------------------------

IDS = ["danger", "noise", "unhappy", "happy", "other"]
places = st.sampled_from(["before", "after"])
row_changes = st.lists(
    st.one_of(
        st.builds(lambda name: {"id": name, "remove": True}, st.sampled_from(IDS)),
        st.builds(
            lambda name, ack: {"id": name, "sla": {"ack": ack}}, st.sampled_from(IDS), st.sampled_from(["1h", "2h"])
        ),
        st.builds(
            lambda name, way, other: {"id": name, way: other, "actions": {"also": ["hand_to_hr"]}},
            st.sampled_from(IDS),
            places,
            st.sampled_from(IDS),
        ),
        st.builds(
            lambda name, way, other: {"id": name, way: other, "when": {"flags": ["spam"]}, **WHOLE},
            st.sampled_from(["new_1", "new_2", "unhappy"]),
            places,
            st.sampled_from(IDS),
        ),
    ),
    max_size=5,
    unique_by=lambda row: row["id"],
)
WHOLE = {
    "queue": "daily",
    "roles": ["lead"],
    "actions": ["reply"],
    "sla": {"ack": "1h", "respond": "null", "close": "null"},
}


def changed_table(table, rows):
    """Carry the changes out on plain data; None where a row names what is not there, which no file may."""
    table = copy.deepcopy(table)
    for row in rows:
        known = next((each for each in table if each["id"] == row["id"]), None)
        beside = row.get("before", row.get("after"))
        if (
            (known is None and beside is None)
            or beside == row["id"]
            or beside not in {None, *(each["id"] for each in table)}
        ):
            return None
        if "remove" in row:
            table.remove(known)
            continue
        stated = {key: value for key, value in row.items() if key not in {"before", "after"}}
        at = len(table) if known is None else table.index(known)
        if known is not None and "when" not in row:
            actions = stated.get("actions")
            stated = {**known, **stated, "sla": {**known["sla"], **stated.get("sla", {})}}
            stated["actions"] = [*known["actions"], *actions["also"]] if actions else known["actions"]
        table[at : at + 1] = [stated]
        if beside is not None:
            table.remove(stated)
            target = next(place for place, each in enumerate(table) if each["id"] == beside)
            table.insert(target + ("after" in row), stated)
    return table


@settings(max_examples=200, deadline=None)
@given(row_changes)
def test_the_table_is_changed_as_a_plain_reading_of_the_rules_changes_it(rows):
    expected = changed_table(data_of(SOUND_ROOT.get("categories")), rows)
    text = json.dumps({"version": "1", "extends": "x", "categories": rows})
    reader = Reader("ours")
    table = merged_files(reader, SOUND_ROOT, document.parse(text, "ours")[0]).get("categories")
    if expected is None:
        assert reader.faults
    else:
        assert reader.faults == []
        assert data_of(table) == expected


def data_of(node):
    if isinstance(node, Listing):
        return [data_of(item) for item in node.items]
    return {entry.key.text: data_of(entry.value) for entry in node.entries} if isinstance(node, Map) else node.text


# What is stored ----------------------------------------------------------------------------------------------------------


def test_a_file_that_extends_nothing_is_stored_as_it_was_written():
    loaded = load(SOUND)
    assert loaded.source == SOUND.read_text(encoding="utf-8")
    assert [part.digest for part in loaded.parts] == [loaded.digest]


def test_what_is_stored_is_complete_and_gives_the_same_process(folder):
    (folder / "ours.yaml").write_text(
        "version: 3\nextends: sound.yaml\n"
        'roles: {guest: {does: "says: \\"no\\" # really, é\\u2028\\U0001F600"}}\n'
        "categories: [{id: happy, remove: true}, {id: danger, sla: {ack: 5m}}]\n"
    )
    loaded = load(folder / "ours.yaml")
    for other in folder.rglob("*.yaml"):
        other.unlink()
    again = load_process_text(loaded.source, "stored", years=YEARS)
    assert (again.process, again.digest, again.source) == (loaded.process, loaded.digest, loaded.source)
    assert hashlib.sha256(loaded.source.encode()).hexdigest() == loaded.digest == loaded.process.digest


def test_the_head_of_what_is_stored_names_each_part_and_its_digest(folder):
    (folder / "ours.yaml").write_text("version: 3\nextends: sound.yaml\n")
    loaded = load(folder / "ours.yaml")
    digests = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("ours.yaml", "sound.yaml")]
    assert [part.digest for part in loaded.parts] == digests
    assert loaded.source.splitlines()[1:3] == [
        f'#   "ours.yaml"  sha256 {digests[0]}',
        f'#   "sound.yaml"  sha256 {digests[1]}',
    ]
    (folder / "sound.yaml").write_text((folder / "sound.yaml").read_text() + "# a comment\n")
    assert load(folder / "ours.yaml").digest != loaded.digest


def test_a_name_with_a_line_break_cannot_break_out_of_the_head():
    loaded = load_process_text("version: 1\nextends: starter\n", "a\nversion: 9", years=YEARS)
    assert load_process_text(loaded.source, "stored", years=YEARS).process == loaded.process


words = st.text(st.characters(blacklist_categories=["Cs"]), max_size=12)
scalars = st.builds(Scalar, st.just(1), st.just(1), words | st.sampled_from(WORDS), st.booleans())
nodes = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(Listing, st.just(1), st.just(1), st.lists(inner, max_size=4).map(tuple)),
        st.dictionaries(words, inner, max_size=9).map(
            lambda found: Map(1, 1, tuple(Entry(Scalar(1, 1, key, quoted=True), value) for key, value in found.items()))
        ),
    ),
    max_leaves=25,
)


def meaning(node):
    """Return all that a reader of nodes can see; how a text was quoted shows only where it could be another value."""
    if isinstance(node, Listing):
        return [meaning(item) for item in node.items]
    if isinstance(node, Map):
        return {entry.key.text: meaning(entry.value) for entry in node.entries}
    kinds = (node.is_null, number_of(node), node.text in {"true", "false"} and not node.quoted)
    return ("null" if node.is_null else node.text, *kinds)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(words, nodes, min_size=1, max_size=5))
def test_whatever_is_written_is_read_as_the_same_values(found):
    root = Map(1, 1, tuple(Entry(Scalar(1, 1, key, quoted=True), value) for key, value in found.items()))
    again, doubled = document.parse(written(root, []), "again")
    assert meaning(again) == meaning(root)
    assert not doubled
