"""Is risk explained, monotone, and never lowered below what a flag demands?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.domain.relevance import judge_relevance
from triage.domain.risk import Flag, RiskInput, assess_risk, level_of

LEVELS = ["low", "medium", "high", "critical"]

flags = st.builds(
    Flag,
    name=st.sampled_from(["fire", "complaint", "threat_violence", "question"]),
    rule_id=st.just("r"),
    severity=st.floats(0, 1),
    start=st.just(0),
    end=st.just(4),
    words=st.just("fire"),
    lowered=st.sampled_from(["", "negated", "hypothetical", "reported"]),
)
facts = st.builds(
    RiskInput,
    flags=st.lists(flags, max_size=4).map(tuple),
    sentiment=st.none() | st.floats(-1, 1),
    reach=st.integers(0, 10_000_000),
    outlets=st.integers(0, 50),
    author_kinds=st.frozensets(st.sampled_from(["journalist", "regulator", "vip", "known_troll", "customer"])),
    source_tier=st.sampled_from([None, 1, 2, 3]),
)


def flag(severity, lowered="", name="fire"):
    return Flag(name, "r", severity, 0, 4, "fire", lowered)


@given(facts)
def test_the_shares_sum_to_the_score_unless_a_flags_floor_is_higher(given_facts):
    risk = assess_risk(given_facts)
    shares = sum(part.share for part in risk.parts)
    assert risk.score == pytest.approx(max(risk.floor, shares))
    assert 0 <= risk.score <= 1
    assert risk.level == level_of(risk.score)


@given(facts)
def test_every_part_has_a_reason_and_a_share_that_is_not_negative(given_facts):
    risk = assess_risk(given_facts)
    assert [part.name for part in risk.parts] == ["flag", "tone", "reach", "spread", "author", "source"]
    assert all(part.reason and part.share >= 0 for part in risk.parts)


@given(facts, flags, st.floats(0, 2), st.integers(0, 1_000_000), st.integers(0, 10))
def test_more_of_anything_never_gives_less_risk(given_facts, another, worse, more_people, more_outlets):
    score = assess_risk(given_facts).score
    higher = [
        replace(given_facts, flags=(*given_facts.flags, another)),
        replace(given_facts, reach=given_facts.reach + more_people),
        replace(given_facts, outlets=given_facts.outlets + more_outlets),
        replace(given_facts, author_kinds=given_facts.author_kinds | {"regulator"}),
        replace(given_facts, source_tier=1),
    ]
    if given_facts.sentiment is not None:
        higher.append(replace(given_facts, sentiment=max(-1.0, given_facts.sentiment - worse)))
    assert all(assess_risk(other).score >= score - 1e-12 for other in higher)


@given(facts, st.floats(-1, 1))
def test_no_other_part_lowers_a_flags_floor(given_facts, tone):
    dangerous = replace(given_facts, flags=(flag(0.9),), sentiment=tone)
    assert assess_risk(dangerous).score >= assess_risk(RiskInput(flags=(flag(0.9),), sentiment=1.0)).score - 1e-12
    assert assess_risk(dangerous).level in {"high", "critical"}


def test_a_recall_headline_without_any_tone_is_high_and_a_threat_to_life_critical():
    assert assess_risk(RiskInput(flags=(flag(0.85),), sentiment=0.0)).level == "high"
    assert assess_risk(RiskInput(flags=(flag(1.0),), sentiment=0.9)).level == "critical"


def test_lowered_evidence_counts_half_and_still_counts():
    plain, lowered, none = (
        assess_risk(RiskInput(flags=some, sentiment=0.0)).score
        for some in ((flag(0.85),), (flag(0.85, "negated"),), ())
    )
    assert plain > lowered > none


def test_a_text_that_was_not_scored_is_not_neutral():
    unscored, neutral = (assess_risk(RiskInput(sentiment=value)) for value in (None, 0.0))
    assert unscored.score > neutral.score
    assert "not scored" in unscored.parts[1].reason
    assert "0.00" in neutral.parts[1].reason


def test_praise_lowers_the_share_of_tone_to_nothing():
    assert assess_risk(RiskInput(sentiment=1.0)).parts[1].share == 0


def test_the_reason_names_the_flag_its_words_and_what_lowers_it():
    [part, *_] = assess_risk(RiskInput(flags=(flag(0.85, "reported"),))).parts
    assert part.reason == "fire (reported): “fire”"


@pytest.mark.parametrize(
    ("score", "level"), [(0, "low"), (0.25, "medium"), (0.5, "high"), (0.75, "critical"), (1, "critical")]
)
def test_levels_begin_at_their_bound(score, level):
    assert level_of(score) == level


@given(facts)
def test_the_same_facts_give_the_same_risk(given_facts):
    assert assess_risk(given_facts) == assess_risk(given_facts)


# ---------------------------------------------------------------------------------------------- relevance


def test_an_unambiguous_name_is_always_relevant():
    assert judge_relevance(["anything"], frozenset(), set()).score == 1.0


def test_an_ambiguous_name_needs_a_word_of_its_context():
    context = frozenset({"phone", "mobile plan"})
    assert judge_relevance(["my", "orange", "phone", "bill"], context, set()).score == 0.9
    assert judge_relevance(["orange", "mobile", "plan"], context, set()).score == 0.9
    assert judge_relevance(["orange", "juice", "plan", "mobile"], context, set()).score == 0.2


@pytest.mark.parametrize("noise", ["spam", "job_ad"])
def test_noise_is_irrelevant_whatever_the_name(noise):
    relevance = judge_relevance(["phone"], frozenset({"phone"}), {noise, "complaint"})
    assert relevance.score <= 0.1
    assert any("reads like" in reason for reason in relevance.reasons)
