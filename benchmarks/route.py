"""How many mentions a second find their place in the starter's table of 21 categories, on one core?

`tocsin bench route [--facts 1000000] [--json]`. The floor reads the same rules one after the other, the way anybody
would write it first, and answers with the category only. Tocsin answers with the whole route and its reasons in
sentences. Both see the same fact sets, in turns of two thousand, and have to agree on every one of them. Making the
fact sets is not counted. CPU time of this process; one run.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

from config.process import load_process
from triage.domain.process import KNOWN_AUTHOR_KINDS, KNOWN_FLAGS, Condition, Facts
from triage.domain.routing import compile_process, route

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from triage.domain.process import Category

_STARTER = Path(__file__).parents[1] / "config" / "processes" / "starter.yaml"
_TURN = 2_000
_SEED = 20_261_125


def main(facts: int) -> dict[str, object]:
    """Route `facts` synthetic fact sets on both sides; return facts per second of each and the ratio."""
    process = load_process(_STARTER).process
    began = time.process_time()
    compiled = compile_process(process)
    compile_s = time.process_time() - began
    floor_s = tocsin_s = 0.0
    places: dict[str, int] = {}
    for turn in _turns(facts):
        began = time.process_time()
        expected = [interpret(process.categories, each) for each in turn]
        floor_s += time.process_time() - began
        began = time.process_time()
        routes = [route(compiled, each) for each in turn]
        tocsin_s += time.process_time() - began
        for one, other in zip(expected, routes, strict=True):
            if one != other.category:
                raise RuntimeError(f"the two disagree: {one} and {other.category}")
            places[one] = places.get(one, 0) + 1
    return {
        "facts": facts,
        "categories": len(process.categories),
        "categories_met": len(places),
        "floor": {"facts_per_s": round(facts / floor_s), "cpu_s": round(floor_s, 3)},
        "tocsin": {
            "facts_per_s": round(facts / tocsin_s),
            "cpu_s": round(tocsin_s, 3),
            "compile_s": round(compile_s, 4),
        },
        "ratio": round(floor_s / tocsin_s, 2),
    }


def interpret(categories: Sequence[Category], facts: Facts) -> str:
    """Return the category of the first rule that holds, read from the top: the floor."""
    return next(row.id for row in categories if any(_holds(condition, facts) for condition in row.when))


def _holds(asked: Condition, facts: Facts) -> bool:
    score = facts.sentiment
    return (
        (not asked.flags or any(flag in facts.flags for flag in asked.flags))
        and not any(flag in facts.flags for flag in asked.not_flags)
        and (not asked.authors or any(kind in facts.author_kinds for kind in asked.authors))
        and (not asked.source_kinds or facts.source_kind in asked.source_kinds)
        and (not asked.source_tiers or facts.source_tier in asked.source_tiers)
        and (asked.source_hostile is None or asked.source_hostile == facts.source_hostile)
        and (asked.sentiment_below is None or score is None or score < asked.sentiment_below.value)
        and (asked.sentiment_at_least is None or (score is not None and score >= asked.sentiment_at_least.value))
        and (asked.reach_at_least is None or facts.reach >= asked.reach_at_least.value)
        and (asked.relevance_below is None or facts.relevance < asked.relevance_below.value)
    )


def _turns(facts: int) -> Iterator[list[Facts]]:
    """Yield the fact sets turn by turn; most mentions have few flags, an unknown author and a source without a tier."""
    chance = random.Random(_SEED)
    flags, authors = sorted(KNOWN_FLAGS), sorted(KNOWN_AUTHOR_KINDS)
    for start in range(0, facts, _TURN):
        yield [_facts(chance, flags, authors) for _ in range(min(_TURN, facts - start))]


def _facts(chance: random.Random, flags: Sequence[str], authors: Sequence[str]) -> Facts:
    return Facts(
        flags=frozenset(chance.choices(flags, k=chance.choice((0, 0, 0, 1, 1, 2)))),
        sentiment=None if chance.random() < 0.1 else chance.uniform(-1, 1),
        reach=chance.choice((0, 0, 0, 120, 3_000, 49_999, 50_000, 700_000)),
        relevance=chance.choice((1.0, 1.0, 0.9, 0.6, 0.1)),
        author_kinds=frozenset((chance.choice(authors),)) if chance.random() < 0.15 else frozenset(),
        source_kind=chance.choice(("news", "blog", "social", "social", "forum", "review")),
        source_tier=chance.choice((None, None, None, 1, 2, 3)),
        source_hostile=chance.random() < 0.03,
        source_known=chance.random() < 0.9,
    )


def show(result: dict[str, object]) -> str:
    """Return the result for people."""
    floor, tocsin = result["floor"], result["tocsin"]
    return "\n".join(
        [
            f"{result['facts']:,} fact sets through {result['categories']} categories, one core",
            f"  rules read one after the other   {floor['facts_per_s']:>10,} a second",
            f"  Tocsin, with reasons             {tocsin['facts_per_s']:>10,} a second   (goal: at least 100,000)",
            f"  ratio                            {result['ratio']:>10}",
        ]
    )
