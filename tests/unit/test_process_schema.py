"""The schema that editors use is made of the reader's own key table and accepts what the reader accepts."""

from __future__ import annotations

import copy
import json
from datetime import date
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator

from config.process.composition import SHIPPED, SHIPPED_FOLDER, shipped_path
from config.process.policy_shapes import POLICY_SHAPES
from config.process.schema import process_schema
from config.process.shapes import SHAPES

FILES = Path(__file__).parent / "process_files"
SCHEMA = process_schema()
VALID = Draft7Validator(SCHEMA)


def plain(value):
    """Return what an editor sees: keys and dates are text."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def data(path):
    return plain(yaml.safe_load(path.read_text(encoding="utf-8")))


def mistakes(value):
    return [error.json_path for error in VALID.iter_errors(value)]


def test_the_schema_is_one_and_can_be_printed():
    Draft7Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize(
    "path",
    [*sorted(SHIPPED_FOLDER.glob("*.yaml")), FILES / "sound.yaml", FILES / "sound_policy.yaml"],
    ids=lambda path: path.name,
)
def test_what_the_reader_accepts_the_schema_accepts(path):
    assert mistakes(data(path)) == []


@pytest.mark.shared
def test_the_reference_file_fits_the_schema(shared_dir):
    assert mistakes(data(shared_dir / "process" / "response_process.reference.yaml")) == []


@pytest.mark.parametrize("kind", [*SHAPES, *POLICY_SHAPES])
def test_every_key_of_the_table_is_in_the_schema_with_what_it_is_for(kind):
    shape = {**SHAPES, **POLICY_SHAPES}[kind]
    definition = SCHEMA["definitions"][kind.replace(" ", "_")]
    left_out = {"extends", "before", "after", "remove"}
    assert set(definition["properties"]) == set(shape.keys) - left_out
    assert definition["required"] == list(shape.required)
    assert definition["additionalProperties"] is False
    for name, key in shape.table.items():
        assert key.says.endswith(".")
        assert name in left_out or definition["properties"][name]["description"] == key.says


def maps_in(value, path=()):
    """Yield the way to every map whose keys are not invented by the file."""
    invented = {"roles", "calendars", "queues", "thresholds", "outcome_levels", "escalation", "week", "confidential_topics", "sensitive_topics", "disclosure", "training"}  # fmt: skip
    if isinstance(value, dict):
        if not path or path[-1] not in invented:
            yield path
        for key, each in value.items():
            yield from maps_in(each, (*path, key))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from maps_in(each, (*path, place))


@pytest.mark.parametrize("name", [*SHIPPED, "participation_policy"])
def test_a_key_that_is_not_in_the_table_is_marked_wherever_it_stands(name):
    sound = data(SHIPPED_FOLDER / f"{name}.yaml")
    ways = list(maps_in(sound))
    assert len(ways) > 20
    for way in ways[:: max(1, len(ways) // 40)]:
        changed = copy.deepcopy(sound)
        place = changed
        for step in way:
            place = place[step]
        place["not_a_key"] = 1
        assert mistakes(changed), way


@pytest.mark.parametrize(
    "name",
    ["unknown_key", "unknown_section", "missing_key", "missing_level", "missing_target", "unknown_flag", "unknown_level",
     "unknown_source_kind", "unknown_author_kind", "bad_duration", "bad_day", "list_instead_of_map", "a_list_at_the_top"],
)  # fmt: skip
def test_what_a_key_table_can_know_is_marked(name):
    assert mistakes(data(FILES / "broken" / f"{name}.yaml"))


def test_a_file_that_extends_another_may_leave_out_and_add_to_lists_and_one_that_does_not_may_not():
    change = {"version": 1, "extends": "starter", "actions": {"also": ["x"]}, "roles": {"hr": None}}
    assert mistakes(change) == []
    assert mistakes({key: value for key, value in change.items() if key != "extends"})
    assert mistakes({"extends": "starter"})
    assert mistakes({**change, "extends": "startr"})
    assert mistakes({**change, "extends": "base.yaml"}) == []


def test_a_row_of_the_table_is_stated_whole_with_when_and_in_part_without():
    def table(row):
        return {"version": 1, "extends": "starter", "categories": [row]}

    assert mistakes(table({"id": "praise", "sla": {"ack": "1h"}})) == []
    assert mistakes(table({"id": "praise", "remove": True})) == []
    assert mistakes(table({"sla": {"ack": "1h"}}))
    assert mistakes(table({"id": "praise", "when": {}}))
    whole = data(shipped_path("starter"))["categories"][0]
    assert mistakes(table(whole)) == []
    starter = data(shipped_path("starter"))
    starter["categories"][0]["before"] = "praise"
    assert mistakes(starter)
