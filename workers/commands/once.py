"""The commands that do the work in this process: run-once for cron and tests, read for one text or many."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final

import click

from triage.domain.jobs import Job
from triage.domain.risk import RiskInput, assess_risk
from triage.domain.routing import Facts, route
from workers.commands.context import InlineDispatcher, console, opened, settings_and_logging

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from config.bootstrap import Container
    from triage.domain.routing import CompiledProcess
    from triage.language.reader import TextReader

_MOST_ROUNDS: Final = 1_000


@dataclass
class OnceReport:
    """What one run did."""

    polled: int = 0
    unchanged: int = 0
    failed: int = 0
    new_entries: int = 0
    assessed: int = 0
    dead: int = 0
    left_over: int = 0
    ledger: dict[str, int] = field(default_factory=dict)


@click.command("run-once")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a sentence.")
def run_once(as_json: bool) -> None:  # noqa: FBT001  # click passes options by name
    """Poll what is due, assess and route it, then exit. For cron and for tests; needs no broker."""
    with opened() as container:
        report = run_all(container)
    if as_json:
        click.echo(json.dumps(asdict(report)))
        return
    click.echo(
        f"Polled {report.polled} sources ({report.unchanged} unchanged, {report.failed} failed): "
        f"{report.new_entries} new entries, {report.assessed} mentions put into queues."
    )
    if report.failed:
        click.echo("Why sources failed: tocsin source list --failing", err=True)


def run_all(container: Container) -> OnceReport:
    """Do everything that is due, in this process, until nothing is left."""
    from triage.services.assessment import AssessTools, assess  # noqa: PLC0415  # loads the models
    from triage.services.polling import PollTools, poll  # noqa: PLC0415
    from triage.services.sweep import sweep  # noqa: PLC0415

    dispatcher = container.dispatcher
    if not isinstance(dispatcher, InlineDispatcher):
        raise TypeError("run_all needs a container whose nudges stay in this process")
    report = OnceReport()
    report.dead = sweep(container.store, period_seconds=0.0, holder="run-once").buried
    poll_tools = PollTools(container.store, container.sources, container.watchlist)
    assess_tools = AssessTools(container.store, container.reader, container.shelf, container.watchlist)
    for _ in range(_MOST_ROUNDS):
        if not dispatcher.waiting:
            break
        job, ids = dispatcher.waiting.popleft()
        if job is Job.POLL:
            polled = poll(poll_tools, ids)
            report.polled += polled.polled
            report.unchanged += polled.unchanged
            report.failed += polled.failed
            report.new_entries += polled.new_entries
        elif job is Job.ASSESS:
            report.assessed += assess(assess_tools, ids)
    report.left_over = len(dispatcher.waiting)
    report.ledger = _ledger(container)
    return report


def _ledger(container: Container) -> dict[str, int]:
    from triage.storage.views import Views  # noqa: PLC0415

    with container.store.read() as tx:
        return asdict(Views(tx.connection).ledger())


@click.command()
@click.argument("text", required=False)
@click.option("--jsonl", "source", type=click.File("r", encoding="utf-8"), help="One JSON object a line, with `text`.")
@click.option(
    "--out", "target", type=click.Path(dir_okay=False, writable=True), help="Where to write; else standard output."
)
@click.option("--brand", multiple=True, help="Name of the brand: its words are masked before the tone is scored.")
@click.option(
    "--process", "process_file", type=click.Path(exists=True, dir_okay=False), help="Route by this process file."
)
def read(
    text: str | None, source: IO[str] | None, target: str | None, brand: tuple[str, ...], process_file: str | None
) -> None:
    """Read a text, or every line of a JSONL file: language, sentiment, flags, risk, category and queue, with reasons.

    A line may also hold `title`, `lang`, `brand`, `reach`, `tier`, `kind`; what it holds besides is passed through.
    """
    if (text is None) == (source is None):
        raise click.UsageError('Give a text, or a file with --jsonl. Example: tocsin read "The charger caught fire"')
    settings = settings_and_logging()
    compiled = _compiled(process_file)
    from config.bootstrap import Container  # noqa: PLC0415

    reader = Container(settings, InlineDispatcher()).reader
    with ExitStack() as files:
        out = files.enter_context(open(target, "w", encoding="utf-8")) if target else sys.stdout  # noqa: PTH123  # click gave a name
        rows = _rows(source) if source else iter([{"text": text}])
        for row in rows:
            answer = read_row(reader, compiled, {"brand": " ".join(brand), **row})
            out.write(json.dumps(answer, ensure_ascii=False, indent=None if source else 2) + "\n")


def _rows(source: IO[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise click.ClickException(f"{source.name}:{number}: not JSON ({error})") from None
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise click.ClickException(f"{source.name}:{number}: expected an object with a string `text`")
        yield row


def read_row(reader: TextReader, process: CompiledProcess, row: dict[str, Any]) -> dict[str, Any]:
    """Return `row` with what was read in its `text` and where the process sends it."""
    from triage.domain.text import tokenise  # noqa: PLC0415
    from triage.language.reader import TextToRead  # noqa: PLC0415
    from triage.services.explanations import as_reading, as_route  # noqa: PLC0415

    brand_terms = frozenset(token.text for token in tokenise(str(row.get("brand") or "")))
    reading = reader.read(
        TextToRead(
            title=str(row.get("title") or ""),
            body=row["text"],
            spans=(),
            language_hint=row.get("lang"),
            brand_terms=brand_terms,
        )
    )
    risk = assess_risk(
        RiskInput(reading.flags, reading.sentiment.value, int(row.get("reach") or 0), source_tier=row.get("tier"))
    )
    chosen = route(
        process,
        Facts(
            flags=frozenset(flag.name for flag in reading.flags),
            sentiment=reading.sentiment.value,
            reach=int(row.get("reach") or 0),
            relevance=reading.relevance.score,
            source_kind=str(row.get("kind") or "blog"),
            source_tier=row.get("tier"),
        ),
    )
    return {
        **{name: value for name, value in row.items() if name != "brand" or value},
        "language": reading.language,
        "sentiment": reading.sentiment.value,
        "risk": round(risk.score, 4),
        "flags": sorted({flag.name for flag in reading.flags}),
        "category": chosen.category,
        "queue": chosen.queue,
        "why": {**as_reading(reading, risk), "route": as_route(chosen)},
    }


def _compiled(process_file: str | Path | None) -> CompiledProcess:
    from pathlib import Path  # noqa: PLC0415

    from config.process import load_process  # noqa: PLC0415
    from triage.domain.routing import compile_process  # noqa: PLC0415
    from workers.commands.process import STARTER  # noqa: PLC0415

    loaded = load_process(Path(process_file) if process_file else STARTER)
    for warning in loaded.warnings:
        console(stderr=True).print(f"warning: {warning.message}")
    return compile_process(loaded.process)
