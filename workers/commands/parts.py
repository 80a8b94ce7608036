"""The commands that run one part each: web, worker, scheduler, and the health check of a container."""

from __future__ import annotations

import importlib
import sys
from datetime import timedelta
from typing import Final

import click

from triage.domain.jobs import Lane
from workers.commands.context import opened, settings_and_logging
from workers.processes import choose_soft_shutdown, prepare_to_fork

_HEARTBEAT_FRESH: Final = timedelta(seconds=60)
_PAGE_STATEMENT_SECONDS: Final = 5


@click.command()
@click.option("--bind", help="host:port to listen on; TOCSIN_BIND, else 127.0.0.1:8080.")
def web(bind: str | None) -> None:
    """Serve the dashboard."""
    settings = settings_and_logging(**({"bind": bind} if bind else {}))
    from config.bootstrap import Container  # noqa: PLC0415
    from workers.app import CeleryDispatcher, build_app  # noqa: PLC0415

    app = build_app(settings, hurried=True)
    # By name, because workers and dashboard know nothing of each other; this command is where they are started.
    dashboard = importlib.import_module("dashboard.serve")
    dashboard.serve(
        lambda: Container(settings, CeleryDispatcher(app), statement_seconds=_PAGE_STATEMENT_SECONDS), settings.bind
    )


@click.command()
@click.option("--queues", default=",".join(Lane), show_default=True, help="Queues to consume, comma separated.")
@click.option("--concurrency", type=click.IntRange(1, 32), help="Pool processes; TOCSIN_WORKER_CONCURRENCY, else 2.")
def worker(queues: str, concurrency: int | None) -> None:
    """Do background work: poll, assess, sweep, watch.

    Several workers may run on several hosts; each takes what is due and nobody else has.
    """
    lanes = _lanes(queues)
    settings = settings_and_logging()
    choose_soft_shutdown()
    from workers.app import CeleryDispatcher, build_app  # noqa: PLC0415  # Celery only where it runs
    from workers.lifecycle import prepare, warm_reader  # noqa: PLC0415
    from workers.tasks import register  # noqa: PLC0415  # loads the services
    from workers.worker import run_worker  # noqa: PLC0415

    app = build_app(settings)
    register(app)
    prepare(settings, CeleryDispatcher(app))
    if Lane.ASSESS in lanes:
        warm_reader(settings)
    prepare_to_fork()  # pool processes share what was loaded so far
    run_worker(app, lanes, concurrency or settings.worker_concurrency)


@click.command()
def scheduler() -> None:
    """Send the periodic nudges. Two schedulers do no harm; without one, due work waits."""
    settings = settings_and_logging()
    from workers.app import build_app  # noqa: PLC0415  # Celery only where it runs
    from workers.ticking import run_scheduler  # noqa: PLC0415

    run_scheduler(build_app(settings), settings)


@click.command()
@click.argument("part", type=click.Choice(["worker"]))
@click.option("--queues", default=",".join(Lane), help="Queues that must have given a sign of life within 60 s.")
def health(part: str, queues: str) -> None:
    """Check a part's signs of life; exit 1 when it is silent. For container health checks."""
    del part
    with opened() as container, container.store.read() as tx:
        beats = tx.ticks.heartbeats()
        silent = [
            lane
            for lane in _lanes(queues)
            if f"lane:{lane}" not in beats or tx.now - beats[f"lane:{lane}"][0] > _HEARTBEAT_FRESH
        ]
    if silent:
        click.echo(f"No sign of life within 60 s from: {', '.join(silent)}", err=True)
        sys.exit(1)
    click.echo("ok")


def _lanes(queues: str) -> list[Lane]:
    names = [name.strip() for name in queues.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Lane)]
    if unknown or not names:
        raise click.BadParameter(f"unknown queue {', '.join(unknown) or '(none)'}; there are {', '.join(Lane)}")
    return [Lane(name) for name in names]
