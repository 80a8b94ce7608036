"""The commands of the response process: check a file, try a text against it, put it into force."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from config.process import LoadedProcess, load_process
from config.process.composition import SHIPPED, shipped_path
from config.process.policy import LoadedPolicy, holds_policy, load_policy
from config.process.schema import process_schema
from triage.domain.errors import InvalidFile
from triage.domain.process_diff import diff
from triage.domain.routing import Facts, compile_process, explain, route, what_would_match
from triage.services.processes import ProcessText, put_into_force
from triage.storage.audit import SYSTEM
from workers.commands.context import console, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.table import Table

    from triage.domain.routing import Route, RuleTrace, WhatIf


_Loaded = TypeVar("_Loaded", LoadedProcess, LoadedPolicy)

STARTER: Final = Path(__file__).parents[2] / "config" / "processes" / "starter.yaml"


@click.group()
def process() -> None:
    """Check, try and apply a response process: the file that says which mention goes to whom.

    The starter, to begin from: tocsin process starter > our-process.yaml
    """


@process.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Validate process files and participation policies whole, and run their own examples.

    Every fault is named with its file, line and column. The roles that a policy names must be among those of the
    process files in the same command.
    """
    policies = [file for file in files if holds_policy(file)]
    roles: set[str] = set()
    refused = 0
    for file in files:
        if file not in policies:
            loaded = _checked(file, load_process)
            refused += loaded is None
            if loaded is not None:
                roles.update(loaded.process.roles)
                rules = f"{len(loaded.process.categories)} categories"
                click.echo(f"{file}: {rules}, {len(loaded.process.tests)} examples pass.")
    for file in policies:
        policy = _checked(file, partial(load_policy, roles=roles or None))
        refused += policy is None
        if policy is not None:
            click.echo(f"{file}: {len(policy.policy.topics)} topics, {policy.examples} examples pass.")
    sys.exit(1 if refused else 0)


def _checked(file: Path, read: Callable[[Path], _Loaded]) -> _Loaded | None:
    """Read a file and show its warnings, or show all its faults and return None."""
    try:
        loaded = read(file)
    except InvalidFile as error:
        count = len(error.faults)
        click.echo(f"{error}\n{file} was refused: {count} fault{'s' if count != 1 else ''}.", err=True)
        return None
    for warning in loaded.warnings:
        click.echo(f"{warning.located(str(file))} (warning)")
    return loaded


@process.command("try")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--text", help="A text to read first; its language, tone and flags become the facts.")
@click.option("--flag", "flags", multiple=True, help="A flag to set; may be repeated.")
@click.option("--sentiment", type=click.FloatRange(-1, 1), help="Tone from -1 to 1; not scored when left out.")
@click.option("--reach", type=click.IntRange(0), default=0, help="People reached.")
@click.option("--relevance", type=click.FloatRange(0, 1), default=1.0, show_default=True)
@click.option("--author", "authors", multiple=True, help="Kind of author, as journalist or known_troll.")
@click.option("--kind", default="blog", show_default=True, help="Kind of source.")
@click.option("--tier", type=int, help="Tier of the source, 1 to 3.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def try_process(file: Path | None, text: str | None, as_json: bool, **facts: Any) -> None:  # noqa: FBT001  # click
    """Say where one mention would go and why: each rule until the match, and why the earlier ones did not match.

    For each earlier rule, the smallest change is named that would have made it match.

    Example: tocsin process try --text "The charger caught fire in my kitchen"
    """
    loaded = load_process(file or STARTER)
    given = _facts(text, facts)
    compiled = compile_process(loaded.process)
    chosen, traces = route(compiled, given), explain(compiled, given)
    what_if = {found.rule_id: found for found in what_would_match(compiled, given)}
    if as_json:
        click.echo(json.dumps(_explained(given, chosen, traces, what_if)))
        return
    screen = console()
    tone = "not scored" if given.sentiment is None else f"{given.sentiment:+.2f}"
    screen.print(f"[bold]Facts[/]      flags: {', '.join(sorted(given.flags)) or 'none'}; tone: {tone}")
    screen.print(_rules(traces, what_if))
    screen.print(f"[bold]Goes to[/]    {chosen.category} → queue {chosen.queue}, for {', '.join(chosen.roles)}")
    for reason in chosen.reasons:
        screen.print(f"           because {reason}")


def _rules(traces: Sequence[RuleTrace], what_if: Mapping[str, WhatIf]) -> Table:
    """Lay the rules out: did each match, why not, and what would have changed that."""
    from rich.table import Table  # noqa: PLC0415  # only for people, and slow to import

    table = Table.grid(padding=(0, 2, 0, 0))
    for trace in traces:
        table.add_row("[green]yes[/]" if trace.matched else "[dim]no[/]", trace.rule_id, trace.failed_because)
        if trace.rule_id in what_if:
            table.add_row("", "", f"[dim]{_would_have(what_if[trace.rule_id])}[/]")
    return table


def _would_have(found: WhatIf) -> str:
    """Say what would have made an earlier rule match."""
    if found.facts is None:
        return "would take none: it contradicts itself"
    elsewhere = "" if found.taken_by == found.rule_id else f" (but {found.taken_by} would then come first)"
    return f"would take one {', '.join(found.changes)}{elsewhere}"


def _explained(given: Facts, chosen: Route, traces: Sequence[RuleTrace], what_if: Mapping[str, WhatIf]) -> object:
    """Return what `try --json` prints."""
    return {
        "facts": {"flags": sorted(given.flags), "sentiment": given.sentiment, "relevance": given.relevance},
        "category": chosen.category,
        "queue": chosen.queue,
        "raises": chosen.raises,
        "reasons": list(chosen.reasons),
        "rules": [[trace.rule_id, trace.matched, trace.failed_because] for trace in traces],
        "what_if": [
            {"rule": found.rule_id, "changes": list(found.changes), "taken_by": found.taken_by}
            for found in what_if.values()
        ],
    }


def _facts(text: str | None, given: dict[str, Any]) -> Facts:
    flags, sentiment, relevance = frozenset(given["flags"]), given["sentiment"], given["relevance"]
    if text is not None:
        from config.settings import load_settings  # noqa: PLC0415
        from triage.language.reader import TextReader, TextToRead  # noqa: PLC0415  # loads the models

        reading = TextReader(languages=load_settings().languages).read(
            TextToRead(title="", body=text, spans=(), language_hint=None, brand_terms=frozenset())
        )
        flags |= {flag.name for flag in reading.flags}
        sentiment = reading.sentiment.value if sentiment is None else sentiment
        relevance = min(relevance, reading.relevance.score)
    return Facts(
        flags=flags,
        sentiment=sentiment,
        reach=given["reach"],
        relevance=relevance,
        author_kinds=frozenset(given["authors"]),
        source_kind=given["kind"],
        source_tier=given["tier"],
    )


@process.command("diff")
@click.argument("old", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("new", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def show_difference(old: Path, new: Path, as_json: bool) -> None:  # noqa: FBT001  # click passes options by name
    """Say in sentences what a new version of a process file changes."""
    changes = diff(load_process(old).process, load_process(new).process)
    if as_json:
        click.echo(json.dumps([asdict(change) for change in changes]))
        return
    for change in changes:
        click.echo(change.sentence)
    if not changes:
        click.echo("Both route, alert and measure alike.")


@process.command()
def schema() -> None:
    """Print the JSON Schema of process files and policies, for the editor that you write them in.

    Example: tocsin process schema > tocsin.json, and as the first line of your file:
    # yaml-language-server: $schema=tocsin.json
    """
    click.echo(json.dumps(process_schema(), indent=1, ensure_ascii=False))


@process.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def apply(file: Path) -> None:
    """Put a process file into force. Open items keep their place; a file with a fault changes nothing."""
    loaded = load_process(file)
    with opened() as container:
        changed = put_into_force(container.store, as_text(loaded, file.name), SYSTEM)
    click.echo(f"{file} is in force." if changed else f"{file} was in force already.")


@process.command()
@click.argument("name", required=False, type=click.Choice(SHIPPED), default=SHIPPED[0])
def starter(name: str) -> None:
    """Print a process that comes with Tocsin, to begin an own one from."""
    click.echo(shipped_path(name).read_text(encoding="utf-8"), nl=False)


@process.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def flatten(file: Path) -> None:
    """Print a file that extends others as one complete text: what is stored when it is put into force."""
    click.echo(load_process(file).source, nl=False)


def as_text(loaded: LoadedProcess, name: str) -> ProcessText:
    """Return a valid process file as the store keeps it."""
    return ProcessText(name, loaded.source, loaded.digest)
