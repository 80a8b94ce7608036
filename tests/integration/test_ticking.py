"""Which ticks reach the broker? A real scheduler and a real Valkey, without any worker."""

from __future__ import annotations

import os
import subprocess

import pytest

from config.settings import load_settings
from tests.processes import ROOT, tocsin, until
from triage.domain.jobs import Lane
from workers import broker
from workers.ticking import MOST_WAITING

pytestmark = pytest.mark.processes


@pytest.fixture
def settings(tmp_path):
    return load_settings(home=tmp_path)


@pytest.fixture
def start(tmp_path, settings):
    """A function that starts the scheduler or the broker; all that was started ends with the test."""
    environment = {
        "TOCSIN_HOME": str(tmp_path),
        "TOCSIN_SWEEP_SECONDS": "1",
        "PYTHONPATH": str(ROOT),
        "PATH": os.defpath,
    }
    commands = {
        "valkey": broker.server_command(settings),
        "scheduler": tocsin("scheduler"),
    }
    running = []

    def run(name, sweep_seconds=1):
        settings = environment | {"TOCSIN_SWEEP_SECONDS": str(sweep_seconds)}
        with (tmp_path / f"{name}.log").open("ab") as log:
            running.append(subprocess.Popen(commands[name], env=settings, stdout=log, stderr=log))

    yield run
    for process in running:
        process.kill()
        process.wait(10)


def test_the_first_sweep_does_not_wait_for_its_period(start, settings):
    start("valkey")
    until(lambda: broker.answers(settings), 10, "answering")
    start("scheduler", sweep_seconds=15)
    with broker.client(settings) as connection:
        until(lambda: broker.waiting(connection, [Lane.UPKEEP]) > 0, 12, "swept")


def test_ticks_do_not_pile_up_while_nobody_takes_them(start, settings):
    start("valkey")
    until(lambda: broker.answers(settings), 10, "answering")
    start("scheduler")
    with broker.client(settings) as connection:

        def looks():
            return connection.info("commandstats")["cmdstat_llen"]["calls"]

        until(lambda: broker.waiting(connection, [Lane.UPKEEP]) == MOST_WAITING, 20, "full")
        before = looks()
        until(lambda: looks() > before + 20, 20, "looked into again and again")
        assert broker.waiting(connection, [Lane.UPKEEP]) == MOST_WAITING


def test_a_broker_that_is_away_costs_the_scheduler_one_line_a_tick(start, settings, tmp_path):
    start("valkey")
    until(lambda: broker.answers(settings), 10, "answering")
    start("scheduler")
    with broker.client(settings) as connection:
        until(lambda: broker.waiting(connection, [Lane.UPKEEP]) > 0, 10, "ticking")
        connection.shutdown(nosave=True)
    log = tmp_path / "scheduler.log"
    until(lambda: log.read_text().count("was not sent") >= 3, 20, "complaining")
    assert "Traceback" not in log.read_text()
    start("valkey")
    until(lambda: broker.answers(settings), 10, "answering again")
    with broker.client(settings) as connection:
        connection.flushall()
        until(lambda: broker.waiting(connection, [Lane.UPKEEP]) > 0, 20, "ticking again")
