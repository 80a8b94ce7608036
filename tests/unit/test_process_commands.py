"""The commands of the response process say what people need to know, and end with 0, 1 or 2."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from config.process.composition import SHIPPED, SHIPPED_FOLDER, shipped_path
from workers.commands.bench import bench
from workers.commands.process import process

FILES = Path(__file__).parent / "process_files"


def run(*words):
    return CliRunner().invoke(process, [str(word) for word in words], catch_exceptions=False)


def test_everything_that_is_shipped_passes_the_check_with_all_its_examples():
    done = run("check", *sorted(SHIPPED_FOLDER.glob("*.yaml")))
    assert done.exit_code == 0
    assert "(warning)" not in done.output
    assert "starter.yaml: 21 categories, 38 examples pass." in done.output
    assert "participation_policy.yaml: 10 topics, 19 examples pass." in done.output


def test_a_refused_file_ends_with_1_and_the_other_files_are_checked_all_the_same():
    done = run("check", FILES / "broken" / "unknown_queue.yaml", FILES / "sound.yaml")
    assert done.exit_code == 1
    assert "unknown queue" in done.stderr
    assert "unknown_queue.yaml was refused: 1 fault." in done.stderr
    assert "sound.yaml: 5 categories, 5 examples pass." in done.output


def test_a_policy_is_checked_against_the_roles_of_the_processes_beside_it(tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text((FILES / "sound_policy.yaml").read_text().replace("owner: lead,", "owner: leed,"))
    assert run("check", policy).exit_code == 0
    done = run("check", policy, FILES / "sound.yaml")
    assert done.exit_code == 1
    assert 'unknown role "leed"' in done.stderr


def test_warnings_are_shown_and_do_not_refuse(tmp_path):
    path = tmp_path / "ours.yaml"
    path.write_text("version: 1\nextends: starter\nqueues: {care: {rank: 2}}\n")
    done = run("check", path)
    assert done.exit_code == 0
    assert 'queue "care" has the same rank as "press"' in done.output


def test_a_try_names_each_earlier_rule_why_it_failed_and_what_would_have_changed_that():
    done = json.loads(run("try", "--flag", "complaint", "--sentiment", "0.1", "--reach", "60000", "--json").output)
    assert (done["category"], done["queue"]) == ("unhappy_customer", "care")
    assert [rule for rule, matched, _ in done["rules"] if matched] == ["unhappy_customer"]
    rager = next(each for each in done["what_if"] if each["rule"] == "rager")
    assert rager["taken_by"] == "influencer_negative"
    assert rager["changes"][1] == "not flagged complaint"
    shown = run("try", "--flag", "complaint", "--sentiment", "0.1", "--reach", "60000").output
    assert "would take one flagged" in shown
    assert "would then come first" in " ".join(shown.split())


def test_a_difference_is_told_in_sentences_or_as_json(tmp_path):
    new = tmp_path / "new.yaml"
    new.write_text("version: 1\nextends: starter\ncategories: [{id: question, sla: {ack: 1h}}]\n")
    sentence = '"question" is to be taken within 1 hour of working time instead of 2 hours.'
    assert run("diff", shipped_path("starter"), new).output == f"{sentence}\n"
    assert json.loads(run("diff", shipped_path("starter"), new, "--json").output) == [
        {"sentence": sentence, "kind": "target", "subject": "category question"}
    ]
    assert run("diff", new, new).output == "Both route, alert and measure alike.\n"


def test_a_flattened_file_can_be_checked_alone_and_changes_nothing(tmp_path):
    ours, flat = tmp_path / "ours.yaml", tmp_path / "flat.yaml"
    shutil.copy(FILES / "sound.yaml", tmp_path)
    ours.write_text("version: 2\nextends: sound.yaml\n")
    flat.write_text(run("flatten", ours).output)
    assert run("check", flat).exit_code == 0
    assert run("diff", ours, flat).output == "Both route, alert and measure alike.\n"


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_process_is_printed_to_begin_from(name):
    assert run("starter", name).output == shipped_path(name).read_text(encoding="utf-8")


def test_the_starter_is_printed_when_no_name_is_given_and_the_schema_is_json():
    assert run("starter").output == shipped_path("starter").read_text(encoding="utf-8")
    assert json.loads(run("schema").output)["$schema"].startswith("http://json-schema.org/draft-07")


def test_the_bench_of_the_table_prints_both_sides_and_their_ratio():
    done = CliRunner().invoke(bench, ["route", "--facts", "2000", "--json"], catch_exceptions=False)
    result = json.loads(done.output)
    assert (result["facts"], result["categories"]) == (2000, 21)
    assert result["floor"]["facts_per_s"] > 0
    assert result["tocsin"]["facts_per_s"] > 0
    assert result["ratio"] > 0


def test_the_bench_of_the_table_can_be_read_by_people():
    done = CliRunner().invoke(bench, ["route", "--facts", "1000"], catch_exceptions=False)
    assert done.output.startswith("1,000 fact sets through 21 categories")
