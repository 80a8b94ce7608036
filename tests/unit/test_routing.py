"""Which rule takes a mention: the semantics and vectors of the response process §2."""

from __future__ import annotations

import random
from dataclasses import FrozenInstanceError, fields, replace
from math import nan, nextafter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.process import load_process
from triage.domain.process import (
    KNOWN_AUTHOR_KINDS,
    KNOWN_FLAGS,
    Bound,
    Category,
    Condition,
    Queue,
    Targets,
)
from triage.domain.routing import (
    Facts,
    WhatIf,
    compile_process,
    compile_rules,
    explain,
    rises,
    route,
    what_would_match,
)

STARTER = Path(__file__).resolve().parents[2] / "config" / "processes" / "starter.yaml"
YEARS = range(2025, 2030)


@pytest.fixture(scope="module")
def process():
    return load_process(STARTER, years=YEARS).process


@pytest.fixture(scope="module")
def table(process):
    return compile_process(process)


@pytest.fixture(scope="module")
def reference(shared_dir):
    return load_process(shared_dir / "process" / "response_process.reference.yaml", years=YEARS).process


def facts(*flags, sentiment=0.0, **others):
    return Facts(frozenset(flags), sentiment, **others)


# Vectors ---------------------------------------------------------------------------------------------------------------

NEWS = {"source_kind": "news", "source_tier": 1}
TROLL = {"author_kinds": frozenset({"known_troll"})}

VECTORS = [
    (facts("complaint", sentiment=-0.5), "unhappy_customer"),
    (facts("complaint", "fire", sentiment=-0.3), "safety_harm"),
    (facts("complaint", sentiment=-0.5, reach=120_000), "influencer_negative"),
    (facts("abuse", sentiment=-0.8), "rager"),
    (facts("abuse", "complaint", sentiment=-0.8), "unhappy_customer"),
    (facts(sentiment=0.7), "praise"),
    (facts("complaint", sentiment=0.92), "tone_conflict"),
    (facts("failure_words", sentiment=0.63), "tone_conflict"),
    (facts("recall", **NEWS), "safety_harm"),
    (facts(sentiment=-0.4, **NEWS), "mainstream_negative"),
    (facts(**NEWS), "coverage"),
    (facts("question", sentiment=0.1, author_kinds=frozenset({"journalist"})), "press_inquiry"),
    (facts("question", sentiment=0.1), "question"),
    (facts("disputed_fact", sentiment=-0.2), "misguided"),
    (facts(sentiment=-0.9, source_hostile=True), "troll_site"),
    (facts("self_harm", sentiment=-0.2, relevance=0.1), "threat_to_life"),
    (facts(relevance=0.1), "spam_or_irrelevant"),
    (facts(), "unclassified"),
    # beyond the file's own tests
    (facts("data_breach", sentiment=-0.128), "data_incident"),
    (facts("lawsuit"), "legal_regulatory"),
    (facts("lawsuit", relevance=0.1), "legal_regulatory"),
    (facts("confidential_leak", sentiment=0.1), "employee_conduct"),
    (facts("boycott_call", sentiment=-0.2), "campaign_attack"),
    (facts(sentiment=-0.5, **TROLL), "troll"),
    (facts(sentiment=0.1, **TROLL), "unclassified"),
    (facts(sentiment=-0.4), "unclassified_negative"),
    (facts(sentiment=-0.25), "unclassified"),
    (facts("complaint", sentiment=0.40), "tone_conflict"),
    (facts("complaint", sentiment=0.39), "unhappy_customer"),
    (facts(sentiment=None), "unclassified_negative"),
    (facts("complaint", sentiment=None), "unhappy_customer"),
    (facts(sentiment=None, **NEWS), "mainstream_negative"),
]


@pytest.mark.parametrize(("given_facts", "category"), VECTORS)
def test_a_mention_lands_where_the_vectors_say(table, given_facts, category):
    assert route(table, given_facts).category == category


@pytest.mark.shared
@pytest.mark.parametrize(("given_facts", "category"), VECTORS)
def test_the_reference_file_agrees_with_the_vectors(reference, given_facts, category):
    assert route(compile_process(reference), given_facts).category == category


@pytest.mark.parametrize("flag", ["abuse", "satire"])
def test_joy_with_abuse_or_satire_in_it_goes_to_a_person_and_not_to_praise(table, flag):
    assert route(table, facts(flag, sentiment=0.40)).category == "tone_conflict"
    assert route(table, facts(flag, sentiment=0.39)).category == "unclassified"


def test_a_press_request_reaches_the_press_queue_whoever_wrote_it(table):
    unknown, journalist = facts("press_request"), facts("press_request", author_kinds=frozenset({"journalist"}))
    assert route(table, unknown).queue == route(table, journalist).queue == "press"
    assert (route(table, unknown).rule_id, route(table, journalist).rule_id) == ("press_inquiry.2", "press_inquiry")


def test_a_route_carries_everything_its_rule_declares(table):
    found = route(table, facts("fire", sentiment=-0.3))
    assert (found.queue, found.rank, found.awaiting_action) == ("emergency", 0, True)
    assert found.roles == ("oncall", "product_safety", "legal", "pr")
    assert found.actions == ("holding_statement", "hand_to_safety", "notify_lead")
    assert (found.needs_approval, found.public_reply, found.raises) == ("legal", True, "elevated")
    assert found.targets == Targets(15 * 60, 60 * 60, None)
    assert not route(table, facts("lawsuit")).public_reply


def test_a_day_at_the_office_has_nine_hours_and_a_day_of_the_press_24(table):
    assert route(table, facts("complaint", sentiment=-0.5)).targets.close_seconds == 9 * 3600
    assert route(table, facts("press_request")).targets.close_seconds == 48 * 3600


# Semantics ---------------------------------------------------------------------------------------------------------------


def test_below_is_strict_and_at_least_includes_the_number(table):
    assert route(table, facts(sentiment=-0.2500001)).category == "unclassified_negative"
    assert route(table, facts(sentiment=-0.25)).category == "unclassified"
    assert route(table, facts(sentiment=0.3999999)).category == "unclassified"
    assert route(table, facts(sentiment=0.40)).category == "praise"
    assert route(table, facts(sentiment=-0.5, reach=49_999)).category == "unclassified_negative"
    assert route(table, facts(sentiment=-0.5, reach=50_000)).category == "influencer_negative"
    assert route(table, facts(relevance=0.3)).category == "unclassified"
    assert route(table, facts(relevance=0.2999)).category == "spam_or_irrelevant"


@pytest.mark.parametrize("not_a_score", [None, nan])
def test_a_text_without_a_score_counts_as_below_is_tagged_and_raises_nothing_by_its_tone(table, not_a_score):
    found = route(table, facts(sentiment=not_a_score, **NEWS))
    assert (found.category, found.raises, found.unscored) == ("mainstream_negative", None, True)
    assert found.reasons == (
        "The source is tier 1.",
        "The text was not scored, which counts as below -0.25 (negative).",
        "Raises nothing instead of elevated: the text was not scored.",
    )


def test_a_danger_flag_raises_even_when_the_text_was_not_scored(table):
    found = route(table, facts("injury", sentiment=None))
    assert (found.category, found.raises, found.unscored) == ("safety_harm", "elevated", True)


def test_a_raise_needs_relevance_except_for_a_threat_to_life(table):
    assert route(table, facts("lawsuit", relevance=0.3)).raises == "elevated"
    assert route(table, facts("lawsuit", relevance=0.29)).raises is None
    assert route(table, facts("threat_violence", relevance=0.0)).raises == "severe"


def test_c29_a_site_never_seen_before_raises_at_most_watch_and_keeps_its_category(table):
    new = {"source_known": False}
    fire, threat = route(table, facts("fire", **new)), route(table, facts("self_harm", **new))
    assert (fire.category, fire.raises) == ("safety_harm", "watch")
    assert (threat.category, threat.raises) == ("threat_to_life", "watch")
    assert fire.reasons[-1] == "Raises watch instead of elevated: this site was never seen before."
    boycott = route(table, facts("boycott_call", **new))
    assert (boycott.raises, boycott.reasons[-1]) == ("watch", "Raises watch.")
    assert route(table, facts("lawsuit", relevance=0.1, **new)).raises is None


def test_a_category_that_raises_nothing_says_nothing_about_raising(table):
    found = route(table, facts("question", source_known=False, relevance=0.5))
    assert (found.raises, found.reasons) == (None, ("Flagged question.",))


def test_what_is_watched_or_discarded_awaits_no_action(table):
    waiting = {route(table, given_facts).queue: route(table, given_facts).awaiting_action for given_facts, _ in VECTORS}
    assert not waiting["monitor"]
    assert not waiting["discard"]
    assert all(waits for queue, waits in waiting.items() if queue not in {"monitor", "discard"})


def test_an_update_may_rise_but_never_silently_falls(table):
    fire, praise = route(table, facts("fire")), route(table, facts(sentiment=0.8))
    assert rises(table, "praise", fire)
    assert not rises(table, "safety_harm", praise)
    assert not rises(table, "praise", praise)
    assert not rises(table, "unhappy_customer", route(table, facts("complaint", sentiment=-0.5, relevance=0.1)))
    assert rises(table, "unclassified", route(table, facts(sentiment=-0.4)))
    assert not rises(table, "a_category_of_another_version", fire)


# Reasons -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_facts", "reasons"),
    [
        (
            facts("complaint", sentiment=-0.5, reach=120_000),
            (
                "Sentiment -0.5 is below -0.25 (negative).",
                "Reach 120,000 is at least 50,000 (influencer_reach).",
                "Raises watch.",
            ),
        ),
        (
            facts("complaint", "failure_words", sentiment=0.92),
            ("Flagged complaint and failure_words.", "Sentiment +0.92 is at least +0.4 (positive)."),
        ),
        (
            facts("abuse", sentiment=-0.8),
            ("Flagged abuse.", "Not flagged complaint.", "Sentiment -0.8 is below -0.25 (negative)."),
        ),
        (facts(sentiment=-0.9, source_hostile=True), ("The source is marked hostile.",)),
        (facts(relevance=0.1), ("Relevance 0.1 is below 0.3 (relevance).",)),
        (facts(**NEWS), ("The source is of kind news.",)),
        (
            facts(sentiment=-0.5, **TROLL),
            ("The author is marked known_troll.", "Sentiment -0.5 is below -0.25 (negative)."),
        ),
        (facts(), ("No earlier rule applied.",)),
        (
            facts("lawsuit", relevance=0.1),
            ("Flagged lawsuit.", "Raises nothing instead of elevated: relevance 0.1 is below 0.3."),
        ),
    ],
)
def test_a_route_says_in_plain_words_why(table, given_facts, reasons):
    assert route(table, given_facts).reasons == reasons


def test_an_explanation_names_each_earlier_rule_and_why_it_did_not_match(table):
    traces = explain(table, facts("complaint", sentiment=0.1, reach=60_000))
    by_rule = {trace.rule_id: trace for trace in traces}
    assert [trace.rule_id for trace in traces if trace.matched] == [traces[-1].rule_id] == ["unhappy_customer"]
    assert by_rule["threat_to_life"].failed_because == "not flagged threat_violence or self_harm"
    assert by_rule["press_inquiry"].failed_because == (
        "not flagged question or press_request; the author is not marked journalist"
    )
    assert by_rule["mainstream_negative"].failed_because == (
        "the source has no tier, not 1 or 2; sentiment +0.1 is not below -0.25 (negative)"
    )
    assert by_rule["spam_or_irrelevant"].failed_because == "relevance 1 is not below 0.3 (relevance)"
    assert by_rule["troll_site"].failed_because == "the source is not marked hostile"
    assert by_rule["tone_conflict"].failed_because == "sentiment +0.1 is not at least +0.4 (positive)"


def test_an_explanation_says_what_an_unwanted_flag_or_a_missing_score_did(table):
    by_rule = {trace.rule_id: trace for trace in explain(table, facts("abuse", "complaint", sentiment=None))}
    assert by_rule["rager"].failed_because == "flagged complaint"
    assert by_rule["tone_conflict"].failed_because == "the text was not scored, so it is not at least +0.4 (positive)"
    news = {trace.rule_id: trace for trace in explain(table, facts(source_tier=3, reach=10))}
    assert news["mainstream_negative"].failed_because.startswith("the source is tier 3, not 1 or 2; ")
    assert news["influencer_negative"].failed_because.endswith("reach 10 is not at least 50,000 (influencer_reach)")
    assert news["coverage"].failed_because == "the source is of kind blog, not news"


# The compiled table against a plain reading of the rules ------------------------------------------------------------------


def holds(condition, given_facts):
    """Read one condition the slow way, straight from the text of the semantics."""
    sentiment = given_facts.sentiment
    return (
        (not condition.flags or any(flag in given_facts.flags for flag in condition.flags))
        and not any(flag in given_facts.flags for flag in condition.not_flags)
        and (not condition.authors or any(kind in given_facts.author_kinds for kind in condition.authors))
        and (not condition.source_kinds or given_facts.source_kind in condition.source_kinds)
        and (not condition.source_tiers or given_facts.source_tier in condition.source_tiers)
        and (condition.source_hostile is None or condition.source_hostile == given_facts.source_hostile)
        and (condition.sentiment_below is None or sentiment is None or sentiment < condition.sentiment_below.value)
        and (
            condition.sentiment_at_least is None
            or (sentiment is not None and sentiment >= condition.sentiment_at_least.value)
        )
        and (condition.reach_at_least is None or given_facts.reach >= condition.reach_at_least.value)
        and (condition.relevance_below is None or given_facts.relevance < condition.relevance_below.value)
    )


SCORES = [-1.0, -0.6, -0.25, -0.1, 0.0, 0.25, 0.4, 1.0]
FLAGS = ["fire", "complaint", "question", "abuse"]
AUTHORS = ["journalist", "known_troll"]
QUEUES = {"only": Queue("only", 0, "lead", "always")}

conditions = st.builds(
    Condition,
    flags=st.lists(st.sampled_from(FLAGS), max_size=2, unique=True).map(tuple),
    not_flags=st.lists(st.sampled_from(FLAGS), max_size=1).map(tuple),
    authors=st.lists(st.sampled_from(AUTHORS), max_size=1).map(tuple),
    source_kinds=st.sampled_from([(), (), ("news",), ("news", "blog")]),
    source_tiers=st.sampled_from([(), (), (1,), (1, 2)]),
    source_hostile=st.sampled_from([None, None, True, False]),
    sentiment_below=st.one_of(st.none(), st.sampled_from(SCORES).map(Bound)),
    sentiment_at_least=st.one_of(st.none(), st.sampled_from(SCORES).map(Bound)),
    reach_at_least=st.one_of(st.none(), st.sampled_from([1.0, 50.0]).map(Bound)),
    relevance_below=st.one_of(st.none(), st.sampled_from([0.3, 0.7]).map(Bound)),
)
some_facts = st.builds(
    Facts,
    flags=st.frozensets(st.sampled_from([*FLAGS, "spam"])),
    sentiment=st.one_of(st.none(), st.sampled_from(SCORES)),
    reach=st.sampled_from([0, 1, 49, 50]),
    relevance=st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]),
    author_kinds=st.frozensets(st.sampled_from([*AUTHORS, "vip"])),
    source_kind=st.sampled_from(["news", "blog", "forum"]),
    source_tier=st.sampled_from([None, 1, 2, 3]),
    source_hostile=st.booleans(),
)


def category(name, *when):
    return Category(name, when, "only", ("lead",), ("reply",), Targets())


@settings(max_examples=300, deadline=None)
@given(st.lists(conditions, max_size=6), some_facts)
def test_the_compiled_table_takes_the_first_rule_that_holds(asked, given_facts):
    categories = [category(f"c{number}", condition) for number, condition in enumerate([*asked, Condition()])]
    table = compile_rules(categories, QUEUES, 0.3)
    expected = next(row.id for row in categories if holds(row.when[0], given_facts))
    assert route(table, given_facts).category == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(conditions, max_size=6), some_facts)
def test_an_explanation_never_contradicts_the_route(asked, given_facts):
    categories = [category(f"c{number}", condition) for number, condition in enumerate([*asked, Condition()])]
    *failed, last = explain(compile_rules(categories, QUEUES, 0.3), given_facts)
    assert last.matched
    assert all(trace.failed_because and not trace.matched for trace in failed)


# What would have changed it -----------------------------------------------------------------------------------------------


def what_if(table, given_facts):
    return {found.rule_id: found for found in what_would_match(table, given_facts)}


def test_for_each_earlier_rule_the_smallest_change_is_named_that_would_have_made_it_match(table):
    given_facts = facts("complaint", sentiment=0.1, reach=60_000)
    found = what_if(table, given_facts)
    assert list(found) == [trace.rule_id for trace in explain(table, given_facts) if not trace.matched]
    assert found["threat_to_life"].changes == ("flagged threat_violence or self_harm",)
    assert found["press_inquiry"].changes == (
        "flagged question or press_request",
        "by an author marked journalist",
    )
    assert found["mainstream_negative"].changes == (
        "from a source of tier 1 or 2",
        "with sentiment below -0.25 (negative)",
    )
    assert found["influencer_negative"].changes == ("with sentiment below -0.25 (negative)",)
    assert found["spam_or_irrelevant"].changes == ("with relevance below 0.3 (relevance)",)
    assert found["troll_site"].changes == ("from a source marked hostile",)
    assert found["rager"].changes == (
        "flagged abuse or satire",
        "not flagged complaint",
        "with sentiment below -0.25 (negative)",
    )
    assert found["tone_conflict"].changes == ("with sentiment of at least +0.4 (positive)",)


def test_the_changed_mention_is_given_and_the_rule_that_would_take_it(table):
    found = what_if(table, facts("complaint", sentiment=0.1, reach=60_000))
    assert found["influencer_negative"].facts == facts("complaint", sentiment=nextafter(-0.25, -1), reach=60_000)
    assert found["tone_conflict"].facts == facts("complaint", sentiment=0.4, reach=60_000)
    assert found["tone_conflict"].taken_by == "tone_conflict"
    # A reach of 60,000 is for an earlier rule as soon as the tone is negative.
    assert (found["troll"].taken_by, found["rager"].taken_by) == ("influencer_negative", "influencer_negative")
    assert found["troll"].facts.author_kinds == {"known_troll"}


def test_nothing_would_have_changed_it_when_the_first_rule_matches(table):
    assert what_would_match(table, facts("self_harm")) == ()


def test_among_equally_small_changes_one_is_taken_that_leads_to_the_rule_itself():
    above, below = category("a", Condition(flags=("fire",))), category("b", Condition(flags=("fire", "abuse")))
    table = compile_rules([above, below, category("c", Condition())], QUEUES, 0.3)
    assert what_if(table, facts())["b"] == WhatIf("b", ("flagged fire or abuse",), facts("abuse"), "b")


def test_when_every_equally_small_change_leads_elsewhere_the_first_in_the_file_is_told():
    above = category("a", Condition(flags=("fire", "abuse", "question")))
    below = category("b", Condition(flags=("question", "abuse", "fire")))
    table = compile_rules([above, below, category("c", Condition())], QUEUES, 0.3)
    assert what_if(table, facts())["b"] == WhatIf("b", ("flagged question, abuse or fire",), facts("question"), "a")


def test_the_further_alternatives_of_a_category_are_counted_from_two():
    three = category("a", Condition(flags=("fire",)), Condition(flags=("abuse",)), Condition(flags=("question",)))
    table = compile_rules([three, category("b", Condition())], QUEUES, 0.3)
    assert [route(table, facts(flag)).rule_id for flag in ("fire", "abuse", "question")] == ["a", "a.2", "a.3"]


def test_a_flag_that_is_wanted_and_unwanted_is_exchanged_for_one_that_is_only_wanted():
    both = Condition(flags=("fire", "abuse"), not_flags=("fire",))
    table = compile_rules([category("a", both), category("b", Condition())], QUEUES, 0.3)
    assert what_if(table, facts("fire"))["a"] == WhatIf(
        "a", ("flagged fire or abuse", "not flagged fire"), facts("abuse"), "a"
    )


@pytest.mark.parametrize(
    "contradiction",
    [
        Condition(flags=("fire",), not_flags=("fire",)),
        Condition(sentiment_below=Bound(-0.5), sentiment_at_least=Bound(-0.5)),
        Condition(sentiment_below=Bound(-1.0), sentiment_at_least=Bound(-1.0)),
        Condition(relevance_below=Bound(0.0)),
    ],
)
@pytest.mark.parametrize("sentiment", [0.0, -0.9, None])
def test_nothing_makes_a_rule_match_that_contradicts_itself(contradiction, sentiment):
    table = compile_rules([category("a", contradiction), category("b", Condition())], QUEUES, 0.3)
    assert what_would_match(table, facts(sentiment=sentiment)) == (WhatIf("a", (), None, ""),)


@pytest.mark.parametrize("not_a_score", [None, nan])
def test_a_text_without_a_score_would_have_needed_one_only_where_at_least_is_asked(table, not_a_score):
    found = what_if(table, facts("complaint", sentiment=not_a_score))
    assert found["tone_conflict"].facts.sentiment == 0.4
    assert found["influencer_negative"].changes == ("with a reach of at least 50,000 (influencer_reach)",)
    assert found["influencer_negative"].facts.reach == 50_000


def test_a_scored_text_below_the_least_score_would_have_to_be_without_a_score():
    table = compile_rules(
        [category("a", Condition(sentiment_below=Bound(-1.0))), category("b", Condition())], QUEUES, 0.3
    )
    assert what_if(table, facts(sentiment=0.3))["a"].facts == facts(sentiment=None)


def test_a_reach_that_no_person_count_equals_is_rounded_up():
    table = compile_rules(
        [category("a", Condition(reach_at_least=Bound(2.5))), category("b", Condition())], QUEUES, 0.3
    )
    assert what_if(table, facts(reach=1))["a"].facts.reach == 3


def distance(one, other):
    """Count the facts that differ, flags and author kinds one by one."""
    plain = ("sentiment", "reach", "relevance", "source_kind", "source_tier", "source_hostile")
    return (
        len(one.flags ^ other.flags)
        + len(one.author_kinds ^ other.author_kinds)
        + sum(getattr(one, name) != getattr(other, name) for name in plain)
    )


def with_one_change_taken_back(changed, original):
    """Yield the changed facts with each single change undone."""
    for name in ("sentiment", "reach", "relevance", "source_kind", "source_tier", "source_hostile"):
        if getattr(changed, name) != getattr(original, name):
            yield replace(changed, **{name: getattr(original, name)})
    for name in ("flags", "author_kinds"):
        for one in getattr(changed, name) ^ getattr(original, name):
            yield replace(changed, **{name: getattr(changed, name) ^ {one}})


@settings(max_examples=300, deadline=None)
@given(conditions, some_facts)
def test_no_part_of_a_change_is_idle(asked, given_facts):
    table = compile_rules([category("a", asked), category("b", Condition())], QUEUES, 0.3)
    for found in what_would_match(table, given_facts):
        if found.facts is not None:
            assert not any(holds(asked, less) for less in with_one_change_taken_back(found.facts, given_facts))


@settings(max_examples=300, deadline=None)
@given(conditions, some_facts, st.lists(some_facts, min_size=30, max_size=30))
def test_no_smaller_change_makes_the_rule_match(asked, given_facts, others):
    table = compile_rules([category("a", asked), category("b", Condition())], QUEUES, 0.3)
    for found in what_would_match(table, given_facts):
        fitting = [other for other in others if holds(asked, other)]
        if found.facts is None:
            assert not fitting
            continue
        assert holds(asked, found.facts)
        assert found.changes
        assert all(distance(given_facts, found.facts) <= distance(given_facts, other) for other in fitting)


@settings(max_examples=200, deadline=None)
@given(st.lists(conditions, max_size=5), some_facts)
def test_what_would_have_matched_is_told_for_each_rule_that_failed_and_its_taker_is_true(asked, given_facts):
    categories = [category(f"c{number}", condition) for number, condition in enumerate([*asked, Condition()])]
    table = compile_rules(categories, QUEUES, 0.3)
    found = what_would_match(table, given_facts)
    assert [each.rule_id for each in found] == [trace.rule_id for trace in explain(table, given_facts)][:-1]
    for each in found:
        if each.facts is not None:
            assert route(table, each.facts).rule_id == each.taken_by
            assert int(each.taken_by[1:]) <= int(each.rule_id[1:])


def test_a_table_without_a_last_resort_is_refused():
    with pytest.raises(ValueError, match="every mention gets a category"):
        compile_rules([category("c", Condition(flags=("fire",)))], QUEUES, 0.3)


def test_a_compiled_table_is_shared_freely_because_nothing_in_it_can_be_changed(table):
    trace, found = explain(table, facts())[0], what_would_match(table, facts())[0]
    for value in (table, table.rules[0], table.reach, table.flags, trace, found):
        assert not hasattr(value, "__dict__")
        with pytest.raises(FrozenInstanceError):
            setattr(value, fields(value)[0].name, None)


def test_unknown_flags_kinds_and_tiers_of_a_mention_select_no_rule(table):
    strange = facts("a_flag_of_tomorrow", author_kinds=frozenset({"oracle"}), source_kind="hologram", source_tier=99)
    assert route(table, strange).category == "unclassified"


# Our starter against the reference ----------------------------------------------------------------------------------------


def random_facts(seed, number):
    chance = random.Random(seed)
    flags, authors = sorted(KNOWN_FLAGS), sorted(KNOWN_AUTHOR_KINDS)
    edges = [None, -1.0, -0.9, -0.6, -0.2501, -0.25, -0.2, 0.0, 0.39, 0.3999, 0.4, 0.7, 1.0]
    for _ in range(number):
        yield Facts(
            flags=frozenset(chance.sample(flags, chance.choice([0, 0, 1, 1, 2, 3]))),
            sentiment=chance.choice([*edges, chance.uniform(-1, 1)]),
            reach=chance.choice([0, 0, 49_999, 50_000, 600_000]),
            relevance=chance.choice([1.0, 1.0, 0.3, 0.2999, 0.1]),
            author_kinds=frozenset(chance.sample(authors, chance.choice([0, 0, 0, 1, 2]))),
            source_kind=chance.choice(["blog", "news", "social", "forum"]),
            source_tier=chance.choice([None, None, 1, 2, 3]),
            source_hostile=chance.random() < 0.1,
            source_known=chance.random() < 0.8,
        )


def in_a_closed_gap(given_facts, ours):
    """The two gaps of the reference that the starter closes on purpose."""
    unmarked_reporter = "press_request" in given_facts.flags and ours.category == "press_inquiry"
    cheerful_abuse = bool(given_facts.flags & {"abuse", "satire"}) and ours.category == "tone_conflict"
    return unmarked_reporter or cheerful_abuse


@pytest.mark.shared
def test_the_starter_routes_like_the_reference_but_for_the_two_closed_gaps(table, reference):
    theirs = compile_process(reference)
    differing = 0
    for given_facts in random_facts(seed=20261101, number=15_000):
        ours, wanted = route(table, given_facts), route(theirs, given_facts)
        if ours.category != wanted.category:
            assert in_a_closed_gap(given_facts, ours), given_facts
            differing += 1
        else:
            # The reasons name the threshold that only the starter names; all else is the same.
            assert ours._replace(reasons=(), rule_id="") == wanted._replace(reasons=(), rule_id=""), given_facts
    assert 0 < differing < 1_500


@pytest.mark.shared
def test_the_starter_declares_the_same_levels_alerts_and_advice_as_the_reference(process, reference):
    for part in (
        "crisis_levels",
        "notification",
        "escalation",
        "scct",
        "queues",
        "calendars",
        "actions",
        "crisis_causes",
    ):
        assert getattr(process, part) == getattr(reference, part), part
    assert process.thresholds == {**reference.thresholds, "relevance": 0.3}
    assert process.response_considerations == reference.response_considerations
    assert (set(process.roles), set(process.outcome_levels)) == (set(reference.roles), set(reference.outcome_levels))
