"""Is anything lost when a process dies at the worst moments? One kill -9 at each named point (F01), both databases.

The recovery runs on a clock that is wound by hand: what is proved is that the rows alone, by their times, bring everything
back within 30 s, in whatever state the death left them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from config.bootstrap import Container
from config.settings import load_settings
from tests.crash_points import POINTS, POISON
from tests.processes import RECOVERS_WITHIN_SECONDS, ROOT, Feeds, Ledger
from triage.services.watching import add_brand, add_sources
from triage.storage.brands import NewBrand
from triage.storage.sources import NewSource
from workers.commands.context import InlineDispatcher
from workers.commands.once import run_all
from workers.commands.process import STARTER
from workers.installation import put_process_into_force

pytestmark = pytest.mark.processes

SWEEP_SECONDS = 5


@pytest.fixture
def feeds():
    with Feeds(items=20) as running:
        running.delay_seconds = 0
        running.round = 1
        yield running


class Installation:
    """A database that watches the feeds, with its clock at the present or moved on."""

    def __init__(self, url, home, feeds):
        self.settings = load_settings(home=home, DATABASE_URL=url, allow_private=(f"127.0.0.1:{feeds.port}",))
        self.environment = {"DATABASE_URL": url, "TOCSIN_ALLOW_PRIVATE": f"127.0.0.1:{feeds.port}"}
        self.environment |= {"TOCSIN_HOME": str(home), "PYTHONPATH": str(ROOT), "PATH": os.defpath}
        self.now = datetime.now(UTC)
        self.containers = []
        container = self.container()
        put_process_into_force(container.store, STARTER)
        add_brand(container.store, NewBrand("acme", "Acme", "acme"))
        add_sources(
            container.store, container.net.check, [NewSource("feed", url, confirmed=True) for url in feeds.urls]
        )

    def container(self):
        self.containers.append(Container(self.settings, InlineDispatcher(), lambda: self.now))
        return self.containers[-1]

    def die(self, point):
        """Run everything that is due in a process that dies at the point; return its exit code."""
        command = [sys.executable, "-m", "tests.crash_points", point, self.now.isoformat()]
        return subprocess.run(command, env=self.environment, check=False, timeout=60).returncode

    def ledger(self):
        return Ledger.read(self.containers[0].store.engine)

    def recover(self, condition):
        """Sweep every five seconds of the clock until `condition` holds or 30 s are over; return the seconds."""
        begun, container = self.now, self.container()
        while not condition() and (self.now - begun).total_seconds() < RECOVERS_WITHIN_SECONDS:
            self.now += timedelta(seconds=SWEEP_SECONDS)
            run_all(container)
        return (self.now - begun).total_seconds()


@pytest.fixture
def installation(database_url, tmp_path, feeds):
    made = Installation(database_url, tmp_path, feeds)
    yield made
    for container in made.containers:
        container.close()


@pytest.mark.parametrize("point", POINTS)
def test_f01_kill_9_at_a_named_point_is_repaired_from_the_rows_within_30_s(installation, feeds, point):
    assert installation.die(point) == -signal.SIGKILL
    assert not installation.ledger().holds(feeds)
    seconds = installation.recover(lambda: installation.ledger().holds(feeds))
    print(f"{point}: repaired {seconds:.0f} s later")
    assert installation.ledger().holds(feeds), installation.ledger()


def test_f23_a_text_that_kills_its_process_three_times_is_set_aside_and_holds_up_no_other(installation, feeds):
    for _ in range(3):
        assert installation.die(POISON) == -signal.SIGKILL
        installation.now += timedelta(seconds=RECOVERS_WITHIN_SECONDS)
    assert installation.die(POISON) == 0
    ledger = installation.ledger()
    assert (ledger.entries, ledger.dead, ledger.received) == (feeds.served, 1, 0)
    assert ledger.queued + ledger.duplicates == feeds.served - 1
