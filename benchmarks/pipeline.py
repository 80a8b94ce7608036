"""How much CPU does a mention cost, against the bare library loop? The same feeds through both, in one run.

`tocsin bench pipeline --feeds 20 --items 200 [--json]`
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.feed_server import BRAND, BenchFeeds
from benchmarks.measure import Cost, run

_ROOT = Path(__file__).parents[1]


def main(feeds: int, items: int) -> dict[str, object]:
    """Run both sides and return their costs and the ratio of their user CPU."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder, BenchFeeds(feeds=feeds, items=items) as site:
        home = Path(folder)
        floor, _ = run(
            [sys.executable, str(_ROOT / "benchmarks/floor.py"), str(home / "floor.db"), *site.urls], _clean()
        )
        environment = _installed(home, site)
        tocsin, said = run([sys.executable, "-m", "workers.cli", "run-once", "--json"], environment)
        first = json.loads(said)
        again_cost, again = _poll_again(environment, site)
        stages = json.loads(run([sys.executable, "-m", "benchmarks.stages"], _installed(home / "stages", site))[1])
    _check(first, feeds * items)
    return {
        "floor": asdict(floor),
        "tocsin": {**asdict(tocsin), "rows": first["ledger"]["items"]},
        "ratio_user_cpu": round(tocsin.user_s / floor.user_s, 3),
        "ratio_wall": round(tocsin.wall_s / floor.wall_s, 3),
        "repoll": {**asdict(again_cost), **again},
        "stages_cpu_s": stages,
    }


def _installed(home: Path, site: BenchFeeds) -> dict[str, str]:
    """Prepare an installation that watches the feeds; return its environment."""
    host = site.urls[0].split("/")[2]
    environment = _clean() | {"TOCSIN_HOME": str(home), "TOCSIN_ALLOW_PRIVATE": host, "TOCSIN_LOG_LEVEL": "error"}
    run([sys.executable, "-m", "benchmarks.install", BRAND, *site.urls], environment)
    return environment


def _poll_again(environment: dict[str, str], site: BenchFeeds) -> tuple[Cost, dict[str, int]]:
    before = dict(site.answers)
    run([sys.executable, "-m", "benchmarks.install", "--due"], environment)
    cost, said = run([sys.executable, "-m", "workers.cli", "run-once", "--json"], environment)
    report, after = json.loads(said), site.answers
    return cost, {
        "answers_304": after[304] - before.get(304, 0),
        "answers_200": after[200] - before.get(200, 0),
        "new_rows": report["new_entries"],
    }


def _check(report: dict[str, object], expected: int) -> None:
    ledger = report["ledger"]
    if ledger != {**ledger, "entries": expected, "mentions": expected, "queued": expected, "items": expected}:
        raise RuntimeError(f"the ledger does not hold: {ledger}, expected {expected}")


def _clean() -> dict[str, str]:
    """The environment without an installation's own settings."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TOCSIN_") and name not in {"DATABASE_URL", "REDIS_URL", "PYTHONDONTWRITEBYTECODE"}
    } | {"PYTHONPATH": str(_ROOT)}


def show(result: dict[str, object]) -> str:
    """Return the result as a table for people."""
    lines = [f"{'':<10}{'user CPU s':>12}{'wall s':>10}{'peak MB':>10}"]
    for name in ("floor", "tocsin", "repoll"):
        cost = result[name]
        lines.append(f"{name:<10}{cost['user_s']:>12}{cost['wall_s']:>10}{cost['peak_rss_mb']:>10}")
    lines.append(f"ratio of user CPU, Tocsin to the floor: {result['ratio_user_cpu']}   (goal: at most 1.0)")
    again = result["repoll"]
    lines.append(
        f"second poll: {again['answers_304']} x 304, {again['answers_200']} x 200, {again['new_rows']} new rows"
    )
    lines.append("where the CPU goes (s, one more run with a clock around each stage):")
    lines += [f"  {name:<34}{seconds:>8}" for name, seconds in result["stages_cpu_s"].items()]
    return "\n".join(lines)
