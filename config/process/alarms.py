"""When does it become a crisis, who is told, and what does the adviser know? Levels, alerts, escalation, SCCT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from config.process.document import Listing, Map
from config.process.reading import is_null
from triage.domain.process import (
    LEVEL_MEASURES,
    LEVELS,
    SCCT_CLUSTERS,
    SCCT_POSTURES,
    CrisisLevel,
    DeclaredBy,
    EscalationPolicy,
    EscalationStep,
    Measured,
    Notification,
    Scct,
    ScctCluster,
    StoriesOf,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from config.process.categories import Names
    from config.process.document import Entry, Node
    from config.process.reading import Reader
    from triage.domain.process import LevelCondition

_KINDS: Final = (*LEVEL_MEASURES, "category", "category_stories", "declared_by")
# Probabilities start an alarm when they are small, everything else when it is large.
_ON_WHEN_SMALL: Final = frozenset({"neg_tail_p"})
_MAX_VALUE: Final = 1e10
_GROUP_KEYS: Final = ("brand", "story", "category", "level")
_RESPONSIBILITY: Final = ("weak", "minimal", "strong")
_DEFAULT_POLICY: Final = "default"


def read_levels(
    reader: Reader, node: Node | None, names: Names, categories: Collection[str] | None
) -> dict[str, CrisisLevel]:
    """Return the ladder, every level present, `normal` empty."""
    found: dict[str, CrisisLevel] = {}
    for entry in reader.named(node, "crisis_levels"):
        level = reader.one_of(entry.key, "level", LEVELS, "crisis_levels")
        if level == LEVELS[0]:
            if not isinstance(entry.value, Map) or entry.value.entries:
                reader.fault(entry.value, 'level "normal" must be empty', "write normal: {}")
            found[level] = CrisisLevel(level)
        elif level is not None:
            found[level] = _level(reader, entry, names, categories)
    missing = [level for level in LEVELS if level not in found]
    if node is not None and missing:
        reader.fault(node, f"crisis_levels lacks {', '.join(missing)}", f"the ladder is {', '.join(LEVELS)}")
    return {level: found[level] for level in LEVELS if level in found}


def _level(reader: Reader, entry: Entry, names: Names, categories: Collection[str] | None) -> CrisisLevel:
    name, where = entry.key.text, f'level "{entry.key.text}"'
    level = reader.section(entry.value, "level", where)
    if level is None:
        return CrisisLevel(name)
    conditions = (
        _level_condition(reader, item, where, names, categories)
        for item in reader.listing(level.get("any"), f"any of {where}")
    )
    activates = level.get("activates")
    return CrisisLevel(
        name=name,
        conditions=tuple(condition for condition in conditions if condition is not None),
        notify=reader.some_of(level.get("notify"), "role", names.roles, where),
        ack_within_seconds=reader.duration(level.get("ack_within"), f"ack_within of {where}"),
        reraise_after_ack_seconds=reader.duration(level.get("reraise_after_ack"), f"reraise_after_ack of {where}"),
        activates=None if is_null(activates) else reader.name(activates, f"activates of {where}"),
    )


def _level_condition(
    reader: Reader, node: Node, where: str, names: Names, categories: Collection[str] | None
) -> LevelCondition | None:
    asked = reader.section(node, "level condition", f"a condition of {where}")
    if asked is None:
        return None
    kinds = [entry for entry in asked.entries if entry.key.text in _KINDS]
    if len(kinds) != 1:
        reader.fault(asked, f"a condition of {where} must ask exactly one thing", f"one of {', '.join(_KINDS)}")
        return None
    kind, value = kinds[0].key.text, kinds[0].value
    if kind not in LEVEL_MEASURES and asked.get("min_count") is not None:
        reader.fault(asked.get("min_count") or asked, f'"min_count" does not go with "{kind}" in {where}', "remove it")
    if kind == "declared_by":
        return DeclaredBy(reader.some_of(value, "role", names.roles, where))
    if kind == "category":
        return StoriesOf(reader.some_of(value, "category", categories, where))
    if kind == "category_stories":
        return _stories(reader, value, where, categories)
    return _measured(reader, kinds[0], asked.get("min_count"), where)


def _stories(reader: Reader, node: Node, where: str, categories: Collection[str] | None) -> StoriesOf | None:
    asked = reader.section(node, "category_stories", f"category_stories of {where}")
    if asked is None:
        return None
    least = reader.integer(asked.get("at_least"), f"at_least of {where}", 1, 100_000)
    return StoriesOf(reader.some_of(asked.get("ids"), "category", categories, where), least or 1)


def _measured(reader: Reader, entry: Entry, min_count: Node | None, where: str) -> Measured | None:
    name, pair = entry.key.text, entry.value
    if not isinstance(pair, Listing) or len(pair.items) != 2:  # noqa: PLR2004 - on and off
        reader.fault(pair, f"{name} of {where} must be a pair [on, off]", "the off value keeps an alarm from flapping")
        return None
    small = name in _ON_WHEN_SMALL
    limit = 1.0 if small else _MAX_VALUE
    on, off = (reader.number(item, f"{name} of {where}", 0, limit) for item in pair.items)
    count = reader.integer(min_count, f"min_count of {where}", 0, 1_000_000)
    if on is None or off is None:
        return None
    if (on >= off) if small else (on <= off):
        side = "above" if small else "below"
        reader.fault(pair, f"{name} of {where} never switches off: off must be {side} on", "write [on, off]")
    return Measured(name, on, off, count or 0)


def read_notification(reader: Reader, node: Node | None) -> Notification:
    """Return how alerts are grouped and repeated."""
    found = reader.section(node, "notification", "notification") or Map(1, 1, ())

    def seconds(key: str) -> int:
        return reader.duration(found.get(key), f"{key} of notification") or 0

    cap = reader.integer(found.get("max_pages_per_person_per_hour"), "max_pages_per_person_per_hour", 1, 1_000)
    return Notification(
        group_by=reader.some_of(found.get("group_by"), "group key", _GROUP_KEYS, "notification"),
        group_wait_seconds=seconds("group_wait"),
        group_interval_seconds=seconds("group_interval"),
        repeat_interval_seconds=seconds("repeat_interval"),
        keep_firing_seconds=seconds("keep_firing"),
        max_pages_per_person_per_hour=cap or 1,
    )


def read_escalation(reader: Reader, node: Node | None, names: Names) -> dict[str, EscalationPolicy]:
    """Return policy name -> policy; `default` must be one of them."""
    found = {}
    for entry in reader.named(node, "escalation"):
        policy = _policy(reader, entry, names)
        if policy is not None:
            found[policy.name] = policy
    if isinstance(node, Map) and node.get(_DEFAULT_POLICY) is None:
        reader.fault(node, 'escalation lacks the policy "default"', "it is used wherever no other is chosen")
    return found


def _policy(reader: Reader, entry: Entry, names: Names) -> EscalationPolicy | None:
    where = f'escalation "{entry.key.text}"'
    policy = reader.section(entry.value, "escalation policy", where)
    if policy is None:
        return None
    steps = []
    for number, item in enumerate(reader.listing(policy.get("steps"), f"steps of {where}"), 1):
        at = f"step {number} of {where}"
        step = reader.section(item, "escalation step", at)
        if step is not None:
            to = reader.one_of(step.get("to"), "role", names.roles, at) or ""
            steps.append(EscalationStep(to, reader.duration(step.get("wait"), f"wait of {at}") or 0))
    nobody = reader.section(policy.get("if_nobody"), "if_nobody", f"if_nobody of {where}") or Map(1, 1, ())
    return EscalationPolicy(
        name=entry.key.text,
        steps=tuple(steps),
        repeat=reader.integer(policy.get("repeat"), f"repeat of {where}", 0, 20) or 0,
        skip_empty_step=reader.boolean(policy.get("skip_empty_step"), f"skip_empty_step of {where}") is not False,
        if_nobody_to=reader.one_of(nobody.get("to"), "role", names.roles, f"if_nobody of {where}") or "",
        banner=reader.one_of(nobody.get("and"), "last resort", ("banner",), f"if_nobody of {where}") is not None,
    )


def read_scct(reader: Reader, node: Node | None) -> Scct:
    """Return the adviser's table: three clusters, each crisis type in one of them."""
    found = reader.section(node, "scct", "scct") or Map(1, 1, ())
    clusters = tuple(_cluster(reader, found.get(name), name) for name in SCCT_CLUSTERS)
    home: dict[str, str] = {}
    for cluster in clusters:
        for crisis_type in cluster.types:
            if home.setdefault(crisis_type, cluster.name) != cluster.name:
                at = found.get(cluster.name) or found
                reader.fault(
                    at, f'crisis type "{crisis_type}" is in two scct clusters', f"it is in {home[crisis_type]} too"
                )
    up = reader.section(found.get("escalate_cluster_if"), "escalate_cluster_if", "escalate_cluster_if") or Map(1, 1, ())
    history = reader.boolean(up.get("crisis_history"), "crisis_history")
    reputation = reader.boolean(up.get("negative_prior_reputation"), "negative_prior_reputation")
    return Scct(clusters, history is True, reputation is True, _never_mix(reader, found.get("never_mix")))


def _cluster(reader: Reader, node: Node | None, name: str) -> ScctCluster:
    where = f'scct cluster "{name}"'
    found = reader.section(node, "scct cluster", where) or Map(1, 1, ())
    types = reader.names(found.get("types"), f"types of {where}")
    return ScctCluster(
        name=name,
        types=types,
        responsibility=reader.one_of(found.get("responsibility"), "responsibility", _RESPONSIBILITY, where) or "",
        base=reader.some_of(found.get("base"), "response", SCCT_POSTURES, where),
        then=reader.some_of(found.get("then"), "response", SCCT_POSTURES, where),
        deny_ok_for=reader.some_of(found.get("deny_ok_for"), "crisis type", types or None, where),
    )


def _never_mix(reader: Reader, node: Node | None) -> tuple[tuple[str, str], ...]:
    pairs = []
    postures = sorted(set(SCCT_POSTURES.values()))
    for item in reader.listing(node, "never_mix"):
        pair = reader.some_of(item, "posture", postures, "never_mix")
        if len(pair) == 2:  # noqa: PLR2004 - a pair
            pairs.append((pair[0], pair[1]))
        elif isinstance(item, Listing) and len(item.items) != 2:  # noqa: PLR2004 - a pair
            reader.fault(item, "an item of never_mix must be a pair of postures", "write [deny, rebuild]")
    return tuple(pairs)


def read_outcome_levels(reader: Reader, node: Node | None) -> dict[int, str]:
    """Return outcome level 1, 2, 3 … -> its meaning."""
    found: dict[int, str] = {}
    if not isinstance(node, Map):
        if node is not None:
            reader.fault(node, "outcome_levels must be a map of numbers", "write 1: what it means")
        return found
    for expected, entry in enumerate(node.entries, 1):
        if entry.key.text != str(expected):
            reader.fault(
                entry.key, f'outcome level "{entry.key.text[:40]}" should be {expected}', "count 1, 2, 3 in order"
            )
        found[expected] = reader.text(entry.value, f"outcome level {expected}") or ""
    return found
