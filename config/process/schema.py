"""How does an editor learn what a process file may hold? A JSON Schema made of the key table that the reader enforces.

Draft 7, because that is what editors read. The schema knows keys, kinds of values and fixed names; names that a file
invents, order, proof and examples are the reader's. A file that `extends` another may leave keys out, take names out
with `null`, and write lists as `{also: […]}`. The same schema serves participation policies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from config.process.categories import MAX_CATEGORIES, MAX_TESTS
from config.process.composition import SHIPPED
from config.process.foundations import DAYS
from config.process.policy_shapes import POLICY_KEY, POLICY_SHAPES
from config.process.shapes import COMPOSING, SHAPES
from triage.domain.process import (
    KNOWN_AUTHOR_KINDS,
    KNOWN_FLAGS,
    KNOWN_SOURCE_KINDS,
    KNOWN_SOURCE_TIERS,
    LEVELS,
    SCCT_POSTURES,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from config.process.shapes import Key, Shape

Schema = dict[str, object]

_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_ALL_SHAPES: Final[Mapping[str, Shape]] = {**SHAPES, **POLICY_SHAPES}
_HOURS: Final = r"^\d{2}:\d{2}-\d{2}:\d{2}$"
_DAY: Final = "|".join(DAYS)
_OR_NULL: Final = " or null"
_NO_PLACE: Final = frozenset({"extends", *COMPOSING})
"""Keys that mean nothing in a file that extends none."""

_ALWAYS_WHOLE: Final = frozenset({"when", "level condition", "escalation step", "test", "test in", "category_stories"})
"""Kinds of maps that a file states whole even where it extends another: they replace, or stand in lists that do."""


def process_schema() -> Schema:
    """Return the JSON Schema of process files and participation policies."""
    return {
        "$schema": _DRAFT,
        "title": "Tocsin response process or participation policy",
        "if": {"required": [POLICY_KEY]},
        "then": _ref("policy file"),
        "else": {"if": {"required": ["extends"]}, "then": _ref("file", part=True), "else": _ref("file")},
        "definitions": {
            _name(kind, part=part): _map(kind, part=part)
            for kind in _ALL_SHAPES
            for part in (False, True)
            if not (part and (kind in _ALWAYS_WHOLE or kind in POLICY_SHAPES))
        },
    }


def _name(kind: str, *, part: bool) -> str:
    return f"{'part of ' if part else ''}{kind}".replace(" ", "_")


def _ref(kind: str, *, part: bool = False) -> Schema:
    part = part and kind not in _ALWAYS_WHOLE
    return {"$ref": f"#/definitions/{_name(kind, part=part)}"}


def _map(kind: str, *, part: bool) -> Schema:
    """Return the schema of one kind of map: its keys, and which of them must be there."""
    shape = _ALL_SHAPES[kind]
    keys = {name: key for name, key in shape.table.items() if part or name not in _NO_PLACE}
    schema: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _described(key, part=part) for name, key in keys.items()},
        "required": list(shape.required),
    }
    if part:
        schema["required"] = [name for name in ("version", "id") if name in shape.required]
    if part and kind == "category":
        schema["dependencies"] = {"when": list(shape.required), "remove": ["id"]}
    return schema


def _described(key: Key, *, part: bool) -> Schema:
    """Return the schema of one key. A reference hides what stands beside it in draft 7, so it stands in `allOf`."""
    schema = _value(key.kind, part=part)
    example = {"examples": [key.example]} if key.example else {}
    if "$ref" in schema:
        schema = {"allOf": [schema]}
    return {"description": key.says, **example, **schema}


def _value(kind: str, *, part: bool) -> Schema:
    """Return the schema of a kind of value, by the words that describe it."""
    if kind in _ALL_SHAPES:
        return _ref(kind, part=part)
    for words, build in _COMPOUND.items():
        if kind.startswith(words):
            return build(kind.removeprefix(words), part)
    if kind.endswith(_OR_NULL):
        return {"anyOf": [_value(kind.removesuffix(_OR_NULL), part=part), {"type": "null"}]}
    if kind == "ladder":
        return _ladder(part=part)
    return dict(_PLAIN[kind])


def _list_of(kind: str, part: bool) -> Schema:  # noqa: FBT001 - called through a table
    # Rows of the table change those of the base one by one; other items of lists are stated whole.
    item = _value(kind, part=part and kind == "category")
    most = {"category": MAX_CATEGORIES, "test": MAX_TESTS, "policy test": MAX_TESTS}.get(kind)
    some: Schema = {"type": "array", "items": item} | ({"maxItems": most} if most else {"minItems": 1})
    return {"anyOf": [some, _also(item)]} if part and kind not in {"category", "test"} else some


def _map_of(kind: str, part: bool) -> Schema:  # noqa: FBT001 - called through a table
    value = _value(kind, part=part)
    return {
        "type": "object",
        "propertyNames": {"pattern": "^[a-z0-9][a-z0-9_]{0,63}$"},
        "additionalProperties": {"anyOf": [value, {"type": "null"}]} if part else value,
    }


def _some(kind: str, part: bool) -> Schema:  # noqa: FBT001 - called through a table
    one = _value(kind, part=False)
    several: Schema = {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}
    return {"anyOf": [one, several, *([_also(one)] if part else [])]}


def _any(kind: str, part: bool) -> Schema:  # noqa: FBT001 - called through a table
    del part
    one = _value(kind, part=False)
    return {"anyOf": [one, {"type": "array", "items": one, "uniqueItems": True}]}


def _one_or_more(kind: str, part: bool) -> Schema:  # noqa: FBT001 - called through a table
    del part
    one = _value(kind, part=False)
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


_COMPOUND: Final = {
    "list of ": _list_of,
    "map of ": _map_of,
    "some ": _some,
    "any ": _any,
    "one or more ": _one_or_more,
}


def _also(item: Schema) -> Schema:
    """Return the schema of a list that stands after that of the base."""
    added = {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}
    return {"type": "object", "additionalProperties": False, "required": ["also"], "properties": {"also": added}}


def _ladder(*, part: bool) -> Schema:
    lowest, *others = LEVELS
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            lowest: {"type": "object", "maxProperties": 0},
            **{level: _ref("level", part=part) for level in others},
        },
        "required": [] if part else list(LEVELS),
    }


def _among(names: Iterable[object]) -> Schema:
    return {"enum": list(names)}


_TEXT: Final[Schema] = {"type": ["string", "number"]}
_NAME: Final[Schema] = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"}
_PLAIN: Final[Mapping[str, Schema]] = {
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "text": _TEXT,
    "query": _TEXT,
    "name": _NAME,
    "number or name": {"anyOf": [{"type": "number"}, _NAME]},
    "base": {"anyOf": [_among(SHIPPED), {"type": "string", "pattern": r"\.ya?ml$"}]},
    "duration": {"type": "string", "pattern": "^[0-9]{1,7}[smhd]$"},
    "pair": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    "raised level": _among(LEVELS[1:]),
    "flag": _among(sorted(KNOWN_FLAGS)),
    "author kind": _among(sorted(KNOWN_AUTHOR_KINDS)),
    "source kind": _among(sorted(KNOWN_SOURCE_KINDS)),
    "source tier": _among(KNOWN_SOURCE_TIERS),
    "group key": _among(("brand", "story", "category", "level")),
    "response": _among(SCCT_POSTURES),
    "responsibility": _among(("weak", "minimal", "strong")),
    "last resort": _among(("banner",)),
    "posture pair": {
        "type": "array",
        "items": _among(sorted(set(SCCT_POSTURES.values()))),
        "minItems": 2,
        "maxItems": 2,
    },
    "week": {
        "type": ["object", "null"],
        "propertyNames": {"pattern": f"^({_DAY})([-,]({_DAY}))*$"},
        "additionalProperties": {
            "anyOf": [
                {"type": "string", "pattern": _HOURS},
                {"type": "array", "items": {"type": "string", "pattern": _HOURS}, "minItems": 1},
            ]
        },
        "minProperties": 1,
    },
    "holidays": {"anyOf": [{"type": ["string", "null"]}, {"type": "array", "items": {"type": "string"}}]},
}
"""Kinds of values that are no maps of ours."""
