"""Does the file hold together as a whole? What no single line can show: order, proof, examples, agreement of parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from config.process.document import Map
from config.process.reachability import shadows, witness
from config.process.reading import line_of
from triage.domain.process import DEFAULT_SOURCE_KIND, LEVELS, StoriesOf
from triage.domain.routing import compile_rules, explain, route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from config.process.categories import PlacedCategory, PlacedTest
    from config.process.document import Node
    from config.process.reading import Reader
    from triage.domain.process import Condition, CrisisLevel, Facts, Queue
    from triage.domain.routing import CompiledProcess

MAX_RULES: Final = 200
_DISCARD: Final = "discard"


def check_last_is_empty(reader: Reader, placed: Sequence[PlacedCategory]) -> bool:
    """Record a fault unless the last category takes everything that is left."""
    if not placed or placed[-1].category.when[-1].is_empty:
        return bool(placed)
    last = placed[-1]
    at = last.node.get("when") or last.node
    reader.fault(at, f'the last category "{last.category.id}" must have an empty `when`', "end with `when: {}`")
    return False


def check_reachable(reader: Reader, placed: Sequence[PlacedCategory]) -> bool:
    """Record a fault for every rule that the rules above it leave nothing to match, and name those rules.

    False when the table is too long to be checked at all.
    """
    earlier: list[tuple[PlacedCategory, Condition]] = []
    rules = [(row, number, condition) for row in placed for number, condition in enumerate(row.category.when)]
    if len(rules) > MAX_RULES:
        reader.fault(rules[MAX_RULES][0].node, f"there are more than {MAX_RULES} rules", "join some of them")
        return False
    for row, number, condition in rules:
        above = [other for _, other in earlier]
        if witness(condition, above) is None:
            _unreachable(reader, row, number, [earlier[index][0] for index in shadows(condition, above)])
        earlier.append((row, condition))
    return True


def _unreachable(reader: Reader, row: PlacedCategory, number: int, takers: Sequence[PlacedCategory]) -> None:
    one_of_many = f" by alternative {number + 1}" if len(row.category.when) > 1 else ""
    message = f'category "{row.category.id}" can never be reached{one_of_many}'
    when = row.node.get("when") or row.node
    if not takers:
        reader.fault(when, f"{message}: its own conditions contradict each other", "no mention can meet all of them")
        return
    names = " and ".join(f'"{taker.category.id}" ({line_of(taker.node, when)})' for taker in takers)
    takes, stands = ("takes", "stands") if len(takers) == 1 else ("take", "stand")
    reader.fault(
        when, f"{message}: {names} {stands} earlier and {takes} all of it", "move it up or narrow the earlier rule"
    )


def check_sampling(
    reader: Reader, queues: Node | None, placed: Sequence[PlacedCategory], known: Mapping[str, Queue]
) -> None:
    """Record a fault for a queue that discards without a sample shown to people (response process §6)."""
    discarding = {row.category.queue for row in placed if _DISCARD in row.category.actions}
    for name in sorted(discarding & set(known)):
        if not known[name].sample_for_review and isinstance(queues, Map):
            at = queues.get(name) or queues
            message = f'queue "{name}" discards without a sample: nobody would see what is lost'
            reader.fault(at, message, "add sample_for_review: 0.05")


def check_raises(reader: Reader, placed: Sequence[PlacedCategory], levels: Mapping[str, CrisisLevel]) -> None:
    """Record a fault where a category's `raises` and the conditions of the levels disagree."""
    for row in placed:
        category = row.category
        opened = _opened_by_one(category.id, levels)
        if category.raises == opened:
            continue
        at = row.node.get("raises") or row.node
        if category.raises is None:
            message = f'category "{category.id}" opens level "{opened}" but does not say so'
            reader.fault(at, message, f"add raises: {opened}")
        elif opened is None:
            message = f'category "{category.id}" raises "{category.raises}", but no level has a condition on it'
            reader.fault(at, message, f"add {{category: [{category.id}]}} to `any` of level {category.raises}")
        else:
            message = f'category "{category.id}" raises "{category.raises}", but one story opens "{opened}"'
            reader.fault(at, message, f"write raises: {opened}, or move the condition to {category.raises}")


def _opened_by_one(category: str, levels: Mapping[str, CrisisLevel]) -> str | None:
    """Return the lowest level that a single story of the category opens."""
    for name in LEVELS:
        for condition in levels[name].conditions if name in levels else ():
            if isinstance(condition, StoriesOf) and condition.at_least == 1 and category in condition.categories:
                return name
    return None


def check_examples(
    reader: Reader,
    placed: Sequence[PlacedCategory],
    tests: Sequence[PlacedTest],
    queues: Mapping[str, Queue],
    floor: float,
) -> None:
    """Run the file's own tests: a wrong one is a fault, a category without one is a warning with a ready test."""
    rules = compile_rules([row.category for row in placed], queues, floor)
    sound = {row.category.id for row in placed if row.sound}
    for example in tests:
        # What a category raises is not asked while that category has a fault of its own.
        _check_example(reader, rules, example, asks_raise=example.test.checks_raise and example.test.category in sound)
    tested = {example.test.category for example in tests}
    above: list[Condition] = []
    for row in placed:
        if row.category.id not in tested:
            facts = witness(row.category.when[0], above)
            ready = f"add - {{in: {_written(facts)}, out: {row.category.id}}}" if facts else ""
            reader.warn(row.node, f'category "{row.category.id}" has no test', ready)
        above.extend(row.category.when)


def _check_example(reader: Reader, rules: CompiledProcess, example: PlacedTest, *, asks_raise: bool) -> None:
    test, got = example.test, route(rules, example.test.given)
    at = example.node.get("out") or example.node
    meant = (
        f" If that is meant, state this example in {reader.file} too, as it now is." if at.file != reader.file else ""
    )
    if got.category != test.category:
        hint = f"{got.rule_id} matched: {' '.join(got.reasons)} {_why_not(rules, test.given, test.category)}{meant}"
        reader.fault(at, f'this test expects "{test.category}" but the file gives "{got.category}"', hint)
    elif asks_raise and got.raises != test.raises:
        at = example.node.get("raises") or at
        message = f'this test expects raises "{test.raises or "null"}" but the file gives "{got.raises or "null"}"'
        reader.fault(at, message, " ".join(got.reasons) + meant)


def _why_not(rules: CompiledProcess, facts: Facts, wanted: str) -> str:
    for trace in explain(rules, facts):
        if trace.rule_id.partition(".")[0] == wanted:
            return f"{wanted} did not: {trace.failed_because}."
    return f"{wanted} stands below it."


def _written(facts: Facts) -> str:
    """Return facts as the `in` of a test; what has its usual value is left out."""
    sentiment = "null" if facts.sentiment is None else f"{facts.sentiment:g}"
    parts = [f"flags: [{', '.join(sorted(facts.flags))}]", f"sentiment: {sentiment}"]
    if facts.reach:
        parts.append(f"reach: {facts.reach}")
    if facts.relevance != 1:
        parts.append(f"relevance: {facts.relevance:g}")
    if facts.author_kinds:
        parts.append(f"author: [{', '.join(sorted(facts.author_kinds))}]")
    if facts.source_kind != DEFAULT_SOURCE_KIND:
        parts.append(f"source_kind: {facts.source_kind}")
    if facts.source_tier is not None:
        parts.append(f"source_tier: {facts.source_tier}")
    if facts.source_hostile:
        parts.append("source_hostile: true")
    return f"{{{', '.join(parts)}}}"
