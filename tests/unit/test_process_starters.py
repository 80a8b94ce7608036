"""The processes that come with Tocsin are sound, tested by their own examples, and do what their first lines promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.process import load_process, load_process_text
from config.process.composition import SHIPPED, SHIPPED_FOLDER, shipped_path
from config.process.policy import holds_policy, load_policy
from triage.domain.process import Facts
from triage.domain.routing import compile_process, route

YEARS = range(2025, 2030)
FILES = sorted(SHIPPED_FOLDER.glob("*.yaml"))


@pytest.fixture(scope="module")
def loaded():
    return {name: load_process(shipped_path(name), years=YEARS) for name in SHIPPED}


def goes(loaded, name, *flags, sentiment=0.0, **others):
    return route(compile_process(loaded[name].process), Facts(frozenset(flags), sentiment, **others))


def test_every_file_in_the_folder_is_a_process_by_its_name_or_a_policy():
    assert {path.stem for path in FILES if not holds_policy(path)} == set(SHIPPED)
    with pytest.raises(KeyError):
        shipped_path("../starter")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_process_is_accepted_without_a_warning_and_has_an_example_for_every_category(loaded, name):
    assert loaded[name].warnings == ()
    process = loaded[name].process
    assert {test.category for test in process.tests} == {row.id for row in process.categories}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_process_is_stored_as_one_text_that_gives_the_same(loaded, name):
    again = load_process_text(loaded[name].source, "stored", years=YEARS)
    assert (again.process, again.digest) == (loaded[name].process, loaded[name].digest)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_process_teaches(name):
    lines = shipped_path(name).read_text(encoding="utf-8").splitlines()
    assert sum(1 for line in lines if re.search(r"(^|\s)#", line)) >= len(lines) / 8


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_policy_names_roles_that_the_starter_has(loaded, name):
    policy = load_policy(SHIPPED_FOLDER / "participation_policy.yaml", loaded["starter"].process.roles)
    assert policy.warnings == ()


def test_in_the_regulated_process_nothing_is_answered_in_public_before_somebody_has_read_it(loaded):
    answered = [
        row for row in loaded["regulated"].process.categories if row.public_reply and "discard" not in row.actions
    ]
    let_stand = {"coverage"}
    assert [row.id for row in answered if row.needs_approval is None and row.id not in let_stand] == []


def test_in_the_regulated_process_a_side_effect_is_passed_on_in_a_day_whatever_the_tone(loaded):
    for sentiment in (-0.9, 0.0, 0.9, None):
        found = goes(loaded, "regulated", "injury", sentiment=sentiment)
        assert (found.category, found.queue, found.targets.close_seconds) == ("adverse_event", "adverse_events", 86_400)
    assert goes(loaded, "regulated", "data_breach").targets.close_seconds == 72 * 3600


def test_in_consumer_goods_harm_and_recalls_come_before_everything_but_a_threat(loaded):
    ids = [row.id for row in loaded["consumer-goods"].process.categories]
    assert ids[:3] == ["threat_to_life", "safety_harm", "recall"]
    assert goes(loaded, "consumer-goods", "recall", "question").queue == "recalls"
    assert goes(loaded, "consumer-goods", sentiment=-0.5, reach=10_000).category == "influencer_negative"


def test_in_a_public_body_reach_changes_nothing(loaded):
    compiled = compile_process(loaded["public-body"].process)
    for flags in (frozenset(), frozenset({"complaint"}), frozenset({"question"}), frozenset({"abuse"})):
        for sentiment in (-0.9, 0.0, 0.9, None):
            heard = [route(compiled, Facts(flags, sentiment, reach=reach)) for reach in (0, 10_000_000)]
            assert heard[0] == heard[1]


def test_in_a_public_body_a_campaign_is_let_stand_and_raises_nothing(loaded):
    found = goes(loaded, "public-body", "ngo_campaign", sentiment=-0.9)
    assert (found.awaiting_action, found.public_reply, found.raises) == (False, False, None)
    assert goes(loaded, "public-body", "coordinated", "boycott_call").needs_approval == "election_officer"
    assert Path(loaded["public-body"].parts[1].name).name == "starter.yaml"
