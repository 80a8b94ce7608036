"""The command that measures: each bench prints both sides and the ratio to its floor."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Final

import click

_ROOT: Final = Path(__file__).parents[2]


@click.group()
def bench() -> None:
    """Measure Tocsin against the bare library loop, in one run. Needs a checkout of the repository."""
    if not (_ROOT / "benchmarks").is_dir():
        raise click.ClickException("The benchmarks are in the repository, not in the package. Run this in a checkout.")
    if str(_ROOT) not in sys.path:
        sys.path.insert(0, str(_ROOT))


@bench.command()
@click.option("--feeds", type=click.IntRange(1, 500), default=20, show_default=True)
@click.option("--items", type=click.IntRange(1, 2_000), default=200, show_default=True, help="Items of each feed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def pipeline(feeds: int, items: int, as_json: bool) -> None:  # noqa: FBT001  # click passes options by name
    """From a feed to a queued item: fetch, parse, match, identity, score, route, store, audit."""
    measured = importlib.import_module("benchmarks.pipeline")
    result = measured.main(feeds, items)
    click.echo(json.dumps(result) if as_json else measured.show(result))


@bench.command("route")
@click.option("--facts", type=click.IntRange(1_000, 100_000_000), default=1_000_000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def route_bench(facts: int, as_json: bool) -> None:  # noqa: FBT001  # click passes options by name
    """Synthetic mentions through the starter's decision table, against reading the rules one after the other."""
    measured = importlib.import_module("benchmarks.route")
    result = measured.main(facts)
    click.echo(json.dumps(result) if as_json else measured.show(result))
