"""Which rule takes which mention? The decision table and its examples."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Final

from config.process.document import Listing, Map, Scalar
from config.process.reading import is_null, line_of, number_of
from triage.domain.process import (
    DEFAULT_SOURCE_KIND,
    KNOWN_AUTHOR_KINDS,
    KNOWN_FLAGS,
    KNOWN_SOURCE_KINDS,
    KNOWN_SOURCE_TIERS,
    LEVELS,
    Bound,
    Category,
    Condition,
    Facts,
    GoldenTest,
    Targets,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from config.process.document import Node
    from config.process.reading import Reader
    from triage.domain.calendars import Calendar
    from triage.domain.process import Queue

MAX_CATEGORIES: Final = 200
MAX_TESTS: Final = 2_000
_THREAT_TO_LIFE: Final = "threat_to_life"
_REACH_LIMIT: Final = 10**10


@dataclass(frozen=True, slots=True)
class Names:
    """What the rest of the file may refer to; None = that section is broken, so nothing is said about its names."""

    roles: Mapping[str, str] | None
    calendars: Mapping[str, Calendar] | None
    queues: Mapping[str, Queue] | None
    thresholds: Mapping[str, float] | None
    actions: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class PlacedCategory:
    """A category and where it stands.

    `routes` is False when its condition or queue is faulty, so that examples would mislead; `sound` when anything is.
    """

    category: Category
    node: Map
    routes: bool
    sound: bool


@dataclass(frozen=True, slots=True)
class PlacedTest:
    """An example and where it stands."""

    test: GoldenTest
    node: Map


def read_categories(reader: Reader, node: Node | None, names: Names) -> tuple[PlacedCategory, ...]:
    """Return the rows of the decision table in order; a row without a usable id is left out."""
    rows = reader.listing(node, "categories")
    if len(rows) > MAX_CATEGORIES:
        reader.fault(rows[MAX_CATEGORIES], f"there are more than {MAX_CATEGORIES} categories", "join some of them")
        rows = rows[:MAX_CATEGORIES]
    placed: dict[str, PlacedCategory] = {}
    for row in rows:
        found = _category(reader, row, names)
        if found is not None and found.category.id in placed:
            at = found.node.get("id") or row
            twin = line_of(placed[found.category.id].node, at)
            message = f'category "{found.category.id}" already stands on {twin}'
            reader.fault(at, message, "join the two: `when` may be a list of conditions")
        elif found is not None:
            placed[found.category.id] = found
    return tuple(placed.values())


def read_tests(reader: Reader, node: Node | None, categories: Collection[str]) -> tuple[PlacedTest, ...]:
    """Return the file's own examples; an empty list is allowed, and then every category gets a warning."""
    if isinstance(node, Listing) and not node.items:
        return ()
    rows = reader.listing(node, "tests")
    if len(rows) > MAX_TESTS:
        reader.fault(rows[MAX_TESTS], f"there are more than {MAX_TESTS} tests", "remove some")
        rows = rows[:MAX_TESTS]
    found = (_test(reader, row, f"test {number}", categories) for number, row in enumerate(rows, 1))
    return tuple(test for test in found if test is not None)


def _category(reader: Reader, node: Node, names: Names) -> PlacedCategory | None:
    before = len(reader.faults)
    row = reader.section(node, "category", _named(node))
    name = reader.name(row.get("id"), "id of a category") if row else None
    if row is None or name is None:
        return None
    where = f'category "{name}"'
    when = _when(reader, row.get("when"), where, names.thresholds)
    queue = reader.one_of(row.get("queue"), "queue", names.queues, where)
    routes = len(reader.faults) == before and names.queues is not None and names.thresholds is not None
    raises = None if is_null(row.get("raises")) else reader.one_of(row.get("raises"), "level", LEVELS[1:], where)
    any_relevance = reader.boolean(row.get("raises_at_any_relevance"), f"raises_at_any_relevance of {where}")
    approval = row.get("needs_approval")
    category = Category(
        id=name,
        when=when,
        queue=queue or "",
        roles=reader.some_of(row.get("roles"), "role", names.roles, where),
        actions=reader.some_of(row.get("actions"), "action", names.actions, where),
        sla=_targets(reader, row.get("sla"), where, _day_seconds(names, queue)),
        needs_approval=None if is_null(approval) else reader.one_of(approval, "role", names.roles, where),
        public_reply=reader.boolean(row.get("public_reply"), f"public_reply of {where}") is not False,
        raises=raises,
        raises_at_any_relevance=name == _THREAT_TO_LIFE if any_relevance is None else any_relevance,
    )
    return PlacedCategory(category, row, routes, sound=len(reader.faults) == before)


def _named(node: Node) -> str:
    name = node.get("id") if isinstance(node, Map) else None
    return f'category "{name.text[:60]}"' if isinstance(name, Scalar) else "a category"


def _day_seconds(names: Names, queue: str | None) -> int:
    calendar = (names.calendars or {}).get(names.queues[queue].calendar) if names.queues and queue else None
    return calendar.working_day_seconds if calendar else 86_400


def _when(
    reader: Reader, node: Node | None, where: str, thresholds: Mapping[str, float] | None
) -> tuple[Condition, ...]:
    """Return the alternatives of a row: one map, or a list of maps of which any is enough."""
    alternatives = node.items if isinstance(node, Listing) and node.items else (node,)
    found = []
    for alternative in alternatives:
        asked = reader.section(alternative, "when", f'"when" of {where}')
        condition = _condition(reader, asked, where, thresholds) if asked else Condition()
        if asked and len(alternatives) > 1 and condition.is_empty:
            reader.fault(asked, f'an alternative of "when" of {where} is empty, so it takes everything', "remove it")
        found.append(condition)
    return tuple(found)


def _condition(reader: Reader, asked: Map, where: str, thresholds: Mapping[str, float] | None) -> Condition:
    def bound(key: str, low: float, high: float) -> Bound | None:
        return _bound(reader, asked.get(key), f"{key} of {where}", thresholds, (low, high))

    hostile = asked.get("source_hostile")
    return Condition(
        flags=reader.some_of(asked.get("flags"), "flag", KNOWN_FLAGS, where),
        not_flags=reader.some_of(asked.get("not_flags"), "flag", KNOWN_FLAGS, where),
        authors=reader.some_of(asked.get("author"), "author kind", KNOWN_AUTHOR_KINDS, where),
        source_kinds=reader.some_of(asked.get("source_kind"), "source kind", KNOWN_SOURCE_KINDS, where),
        source_tiers=_tiers(reader, asked.get("source_tier"), where),
        source_hostile=reader.boolean(hostile, f"source_hostile of {where}"),
        sentiment_below=bound("sentiment_below", -1, 1),
        sentiment_at_least=bound("sentiment_at_least", -1, 1),
        reach_at_least=bound("reach_at_least", 1, _REACH_LIMIT),
        relevance_below=bound("relevance_below", 0, 1),
    )


def _tiers(reader: Reader, node: Node | None, where: str) -> tuple[int, ...]:
    names = reader.some_of(node, "source tier", [str(tier) for tier in KNOWN_SOURCE_TIERS], where)
    return tuple(int(name) for name in names)


def _bound(
    reader: Reader,
    node: Node | None,
    what: str,
    thresholds: Mapping[str, float] | None,
    limits: tuple[float, float],
) -> Bound | None:
    """Return a number written out, or a threshold by its name."""
    if node is None:
        return None
    if number_of(node) is not None or not isinstance(node, Scalar) or node.is_null:
        value = reader.number(node, what, *limits)
        return None if value is None else Bound(value)
    name = reader.one_of(node, "threshold", thresholds, what)
    if name is None or thresholds is None:
        return None
    if isnan(thresholds[name]):
        return Bound(limits[0], name)
    if not limits[0] <= thresholds[name] <= limits[1]:
        message = f'{what} cannot be "{name}", which is {thresholds[name]:g}'
        reader.fault(node, message, f"use another threshold or write a number from {limits[0]:g} to {limits[1]:g}")
        return None
    return Bound(thresholds[name], name)


def _targets(reader: Reader, node: Node | None, where: str, day_seconds: int) -> Targets:
    sla = reader.section(node, "sla", f"sla of {where}")
    if sla is None:
        return Targets()
    seconds = [
        None if is_null(sla.get(key)) else reader.duration(sla.get(key), f"{key} of {where}", day_seconds)
        for key in ("ack", "respond", "close")
    ]
    stated = [value for value in seconds if value is not None]
    if stated != sorted(stated):
        reader.warn(sla, f"sla of {where} wants a later step before an earlier one", "ack <= respond <= close")
    return Targets(*seconds)


def _test(reader: Reader, node: Node, where: str, categories: Collection[str]) -> PlacedTest | None:
    before = len(reader.faults)
    row = reader.section(node, "test", where)
    given = reader.section(row.get("in"), "test in", f'"in" of {where}') if row else None
    if row is None or given is None:
        return None
    out = reader.one_of(row.get("out"), "category", categories or None, where)
    raises = row.get("raises")
    level = None if is_null(raises) else reader.one_of(raises, "level", LEVELS[1:], where)
    test = GoldenTest(
        given=facts_in(reader, given, where),
        category=out or "",
        checks_raise=raises is not None,
        raises=level,
        note=reader.text(row.get("note"), f"note of {where}") or "",
    )
    return PlacedTest(test, row) if len(reader.faults) == before else None


def facts_in(reader: Reader, given: Map, where: str) -> Facts:
    """Return the facts of an example; what is not stated has its usual value."""
    sentiment, reach, relevance, tier = (given.get(key) for key in ("sentiment", "reach", "relevance", "source_tier"))
    flags = given.get("flags")
    nothing = isinstance(flags, Listing) and not flags.items
    kind = reader.one_of(given.get("source_kind"), "source kind", KNOWN_SOURCE_KINDS, where)
    close_to_us = reader.number(relevance, f"relevance of {where}", 0, 1)
    return Facts(
        flags=frozenset(() if nothing else reader.some_of(flags, "flag", KNOWN_FLAGS, where)),
        sentiment=None if is_null(sentiment) else reader.number(sentiment, f"sentiment of {where}", -1, 1),
        reach=reader.integer(reach, f"reach of {where}", 0, _REACH_LIMIT) or 0,
        relevance=1.0 if close_to_us is None else close_to_us,
        author_kinds=frozenset(reader.some_of(given.get("author"), "author kind", KNOWN_AUTHOR_KINDS, where)),
        source_kind=kind or DEFAULT_SOURCE_KIND,
        source_tier=None
        if is_null(tier)
        else reader.integer(tier, f"source_tier of {where}", 1, KNOWN_SOURCE_TIERS[-1]),
        source_hostile=reader.boolean(given.get("source_hostile"), f"source_hostile of {where}") or False,
        source_known=reader.boolean(given.get("source_known"), f"source_known of {where}") is not False,
    )
