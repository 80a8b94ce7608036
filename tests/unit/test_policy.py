"""Whether a draft may leave: the participation policy of the response process §6, requirement R1."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.process import load_process
from config.process.policy import MAX_TERMS, holds_policy, load_policy, load_policy_text
from config.process.policy_shapes import POLICY_SHAPES
from triage.domain.errors import InvalidFile
from triage.domain.policy import (
    KNOWN_CHANNELS,
    Effect,
    Finding,
    Person,
    SensitiveTopic,
    Training,
    check_draft,
    sensitive_topics_in,
    topics_in,
)
from triage.domain.queries import Document, Span

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "config" / "processes" / "participation_policy.yaml"
DOCUMENTATION = ROOT / "docs" / "participation-policy.md"
FILES = Path(__file__).parent / "process_files"
SOUND = (FILES / "sound_policy.yaml").read_text(encoding="utf-8")
BROKEN = sorted((FILES / "broken_policies").glob("*.yaml"))
ROLES = {"manager", "lead", "legal"}
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def policy():
    return load_policy_text(SOUND, "policy.yaml", ROLES).policy


def person(*roles, **changes):
    """Somebody who has acknowledged and learned everything yesterday."""
    known = {"acknowledged": {2: NOW - DAY}, "trained": {"basics": NOW - DAY, "press": NOW - DAY}}
    return Person(frozenset(roles or {"manager"}), **{**known, **changes})


def check(policy, text, channel="blog", who=None):
    return check_draft(policy, text, channel, who or person(), NOW)


def effects(findings):
    return [(finding.effect, finding.subject) for finding in findings]


# A draft -----------------------------------------------------------------------------------------------------------------


def test_r1_a_draft_in_which_nothing_is_found_may_be_sent(policy):
    assert check(policy, "Thank you! I work for Acme.") == ()


def test_r1_a_confidential_term_blocks_and_names_the_words_and_who_may_let_it_pass(policy):
    assert check(policy, "Our Quarterly results? I work for Acme.", who=person("legal")) == (
        Finding(
            Effect.BLOCK,
            "figures",
            "“Quarterly results” is about something confidential: figures that are not out",
            "Take it out. Only legal may let it pass, with a reason.",
            roles=("legal",),
            spans=(Span("body", 4, 21, "quarterly results"),),
        ),
    )


def test_r1_a_sensitive_term_routes_the_draft_of_somebody_else_to_the_owner(policy):
    (found,) = check(policy, "No layoffs here. I work for Acme.", who=person("legal"))
    assert (found.effect, found.subject, found.roles) == (Effect.ROUTE, "layoffs", ("lead", "manager"))
    assert found.fix == "Hand it to lead. It may be answered by lead or manager."
    assert found.sentence == "“layoffs” is about something sensitive: jobs"


def test_r1_an_approved_responder_needs_the_approver_and_nobody_where_there_is_none(policy):
    (found,) = check(policy, "No layoffs here. I work for Acme.", who=person("manager", "legal"))
    assert (found.effect, found.roles, found.fix) == (Effect.APPROVE, ("legal",), "Ask legal to clear the text.")
    assert check(policy, "A thunderstorm! I work for Acme.", who=person("manager")) == ()
    assert effects(check(policy, "A thunderstorm! I work for Acme.", who=person("lead"))) == [(Effect.ROUTE, "weather")]


def test_every_reason_is_named_at_once_and_each_word_once(policy):
    text = "Quarterly results, quarterly results, profit warning, layoffs, job cuts: no layoff."
    findings = check(policy, text, who=Person(frozenset({"lead"})))
    assert effects(findings) == [
        (Effect.BLOCK, "figures"),
        (Effect.APPROVE, "layoffs"),
        (Effect.ADD, "blog"),
        (Effect.DRAFT_ONLY, "2"),
        (Effect.DRAFT_ONLY, "basics"),
        (Effect.DRAFT_ONLY, "press"),
    ]
    assert findings[0].sentence.startswith("“Quarterly results” and “profit” and “warning” is about")
    assert [span.start for span in findings[0].spans] == sorted(span.start for span in findings[0].spans)


def test_more_than_three_words_are_counted_and_not_all_shown():
    many = SOUND.replace("[thunderstorm]", "[thunderstorm, hail, blizzard, tornado, monsoon]")
    policy = load_policy_text(many, "policy.yaml", ROLES).policy
    (found,) = check(policy, "Monsoon, tornado, hail, blizzard. I work for Acme.", who=person("lead"))
    assert found.sentence == "“Monsoon” and “tornado” and “hail” and 1 more is about something sensitive: the weather"


# Disclosure --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["i WORK, for Acmé!", "Hello. I work for Acme. Bye", "I  work\nfor — ACME"])
def test_r1_the_disclosure_line_is_compared_by_words(policy, text):
    assert check(policy, text) == ()


def test_r1_a_missing_line_is_given_back_to_be_added_and_each_channel_has_its_own(policy):
    (found,) = check(policy, "Thank you! I work for Acmes.", "review")
    assert (found.effect, found.subject, found.add) == (Effect.ADD, "review", "I work for Acme.")
    assert found.fix == "Add: I work for Acme."
    assert [finding.add for finding in check(policy, "I work for Acme.", "mastodon")] == ["(Acme, here)"]
    assert check(policy, "Hi! (Acme, here)", "mastodon") == ()
    assert check(policy, "Hi!", "email") == ()
    assert policy.disclosure_on("bluesky") == "I work for Acme."


# Acknowledgement and training --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("acknowledged", "why"),
    [
        ({}, "You have not acknowledged the participation policy."),
        ({1: NOW - DAY}, "The participation policy has a new version, 2, which you have not acknowledged."),
        ({2: NOW - 400 * DAY}, "You acknowledged the participation policy on 2025-10-21, which is too long ago."),
        ({2: NOW + DAY}, "The participation policy has a new version, 2, which you have not acknowledged."),
    ],
    ids=["never", "another version", "too long ago", "in the future"],
)
def test_r1_without_a_current_acknowledgement_one_may_draft_and_not_send(policy, acknowledged, why):
    (found,) = check(policy, "I work for Acme.", who=person(acknowledged=acknowledged))
    assert (found.effect, found.subject, found.sentence) == (Effect.DRAFT_ONLY, "2", why)
    assert found.fix == "Read it and acknowledge it; until then, others send."


def test_an_acknowledgement_counts_through_its_last_second(policy):
    last = NOW - 366 * DAY
    assert check(policy, "I work for Acme.", who=person(acknowledged={2: last})) == ()
    late = check(policy, "I work for Acme.", who=person(acknowledged={2: last - timedelta(microseconds=1)}))
    assert effects(late) == [(Effect.DRAFT_ONLY, "2")]
    assert check(policy, "I work for Acme.", who=person(acknowledged={2: NOW})) == ()


def test_an_acknowledgement_without_an_end_holds_until_the_next_version():
    lasting = load_policy_text(SOUND.replace("{valid_for: 366d}", "{valid_for: null}"), "policy.yaml").policy
    assert check(lasting, "I work for Acme.", who=person(acknowledged={2: NOW - 9_000 * DAY})) == ()


@pytest.mark.parametrize(
    ("trained", "why"),
    [
        ({}, "Your training basics has not been done."),
        ({"basics": NOW - 101 * DAY}, "Your training basics has run out: it was done on 2026-08-16."),
        ({"basics": NOW + DAY}, "Your training basics has not been done."),
    ],
)
def test_r1_without_current_training_one_may_draft_and_not_send(policy, trained, why):
    (found,) = check(policy, "I work for Acme.", who=person(trained=trained))
    assert (found.effect, found.subject, found.sentence) == (Effect.DRAFT_ONLY, "basics", why)
    assert found.fix == "Do the training (the basics); until then, others send."


def test_a_course_for_some_roles_is_asked_of_those_only_and_once_may_be_enough(policy):
    basics = {"basics": NOW}
    assert check(policy, "I work for Acme.", who=person("legal", trained=basics)) == ()
    assert effects(check(policy, "I work for Acme.", who=person("legal", "lead", trained=basics))) == [
        (Effect.DRAFT_ONLY, "press")
    ]
    assert check(policy, "I work for Acme.", who=person("lead", trained={**basics, "press": NOW - 9_000 * DAY})) == ()


# Mentions ----------------------------------------------------------------------------------------------------------------


def test_r1_a_mention_about_a_sensitive_topic_goes_to_the_owner_of_the_first(policy):
    found = sensitive_topics_in(policy, Document("Layoffs at Acme", "after a thunderstorm, before quarterly results"))
    assert [(topic.name, topic.owner) for topic in found] == [("layoffs", "lead"), ("weather", "manager")]
    assert sensitive_topics_in(policy, Document("", "Nothing")) == ()
    assert topics_in(policy, Document("Job cuts", "quarterly results")) == ("figures", "layoffs")


# The file ----------------------------------------------------------------------------------------------------------------


def expected_faults(text):
    lines = re.findall(r"^# expect (\d+):(\d+) (.*?) \| (.*)$", text, flags=re.MULTILINE)
    return [(int(line), int(column), message, fix) for line, column, message, fix in lines]


def faults_in(path):
    with pytest.raises(InvalidFile) as caught:
        load_policy(path, ROLES)
    return [(fault.line, fault.column, fault.message, fault.hint) for fault in caught.value.faults]


def test_there_is_a_broken_policy_for_every_kind_of_mistake():
    assert len(BROKEN) >= 25
    assert all(expected_faults(path.read_text(encoding="utf-8")) for path in BROKEN)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_policy_is_refused_with_all_its_mistakes_their_places_and_the_fixes(path):
    found = faults_in(path)
    assert found == expected_faults(path.read_text(encoding="utf-8"))
    assert all(fix for *_, fix in found)


def test_a_sound_policy_becomes_what_it_describes(policy):
    assert (policy.version, policy.statement, policy.acknowledged_for_seconds) == (2, "I say who I am.", 366 * 86_400)
    assert [topic.name for topic in policy.topics] == ["figures", "layoffs", "weather"]
    assert policy.version_label == f"2-{policy.digest[:12]}"
    assert policy.training == (
        Training("basics", "the basics", 8_640_000),
        Training("press", "the press", None, ("lead",)),
    )
    weather = policy.sensitive[1]
    assert weather == SensitiveTopic("weather", "the weather", weather.terms, "manager", ("manager",), None)
    assert policy.disclosure == {"default": "I work for Acme.", "mastodon": "(Acme, here)", "email": None}


def test_without_the_roles_of_a_process_nothing_is_said_about_roles_but_their_spelling():
    other = SOUND.replace("approver: legal}\n  sens", "approver: anybody}\n  sens")
    assert load_policy_text(other, "policy.yaml").policy.confidential[0].approver == "anybody"
    with pytest.raises(InvalidFile, match=r'unknown role "anybody"'):
        load_policy_text(other, "policy.yaml", ROLES)
    with pytest.raises(InvalidFile, match=r'a role of confidential topic "figures" is "Any Body"'):
        load_policy_text(SOUND.replace("approver: legal}\n  sens", "approver: Any Body}\n  sens"), "policy.yaml")


def test_empty_sections_are_allowed_and_then_nothing_is_found():
    text = (
        "participation_policy: {version: 1, statement: be kind, confidential_topics: {}, sensitive_topics: {}, "
        "disclosure: {default: null}, acknowledgements: {valid_for: null}, training: {}, tests: []}"
    )
    loaded = load_policy_text(text, "policy.yaml")
    assert loaded.warnings == ()
    assert check(loaded.policy, "Anything", who=person(acknowledged={1: NOW})) == ()


def test_a_term_that_finds_too_much_and_a_topic_without_an_example_are_warnings():
    text = SOUND.replace("[thunderstorm]", "[war]").replace(
        " in a thunderstorm., finds: [layoffs, weather]", "., finds: [layoffs]"
    )
    messages = [(warning.message, warning.hint) for warning in load_policy_text(text, "policy.yaml").warnings]
    assert messages == [
        (
            'look at the term "war" of sensitive topic "weather"',
            "war alone is a short or common word: add what else must occur, or {exact} spelling",
        ),
        ('topic "weather" has no test', "add - {text: …war…, finds: [weather]}"),
    ]


def test_s13_more_terms_than_anybody_needs_are_refused():
    terms = ", ".join(f"word{number}" for number in range(MAX_TERMS + 5))
    with pytest.raises(InvalidFile, match=f"more than {MAX_TERMS} terms"):
        load_policy_text(SOUND.replace("[thunderstorm]", f"[{terms}]"), "policy.yaml")


def test_a_policy_is_known_by_its_first_key_and_nothing_else_is(tmp_path):
    assert holds_policy(SHIPPED)
    assert not holds_policy(FILES / "sound.yaml")
    (tmp_path / "broken.yaml").write_text("participation_policy: [")
    assert not holds_policy(tmp_path / "broken.yaml")
    assert not holds_policy(tmp_path / "absent.yaml")


def test_the_shipped_policy_is_accepted_with_the_roles_of_the_starter_and_without_a_warning():
    loaded = load_policy(SHIPPED, load_process(ROOT / "config" / "processes" / "starter.yaml").process.roles)
    assert loaded.warnings == ()
    assert loaded.examples >= 19
    assert check(loaded.policy, "Sorry! I work for them.", "mastodon", Person(frozenset({"care"}))) != ()


# Documentation -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", POLICY_SHAPES)
def test_every_key_of_the_policy_is_documented_and_no_other(shape):
    page = DOCUMENTATION.read_text(encoding="utf-8")
    parts = re.split(r"^#+ (.*)$", page, flags=re.MULTILINE)
    section = dict(zip(parts[1::2], parts[2::2], strict=True))[f"`{shape}`"]
    rows = re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
    assert sorted(rows) == sorted(POLICY_SHAPES[shape].keys)
    assert {name for name in KNOWN_CHANNELS if f"`{name}`" not in page} == set()
