"""Does `tocsin demo` show the whole product on a bare machine, stop cleanly, and go on where it was?"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import psutil
import pytest

from benchmarks.measure import tree_bytes
from config.bootstrap import Container
from config.settings import load_settings
from tests.processes import ROOT, Ledger, Person, processes_in, tocsin, until
from triage.storage.dialect import build_engine
from triage.storage.schema import migrate
from workers import demo
from workers.commands.context import InlineDispatcher

pytestmark = pytest.mark.processes

STARTS_WITHIN_SECONDS = 45  # on a machine that does other things as well
IDLE_MEGABYTES = 500
ADDRESS = re.compile(r"Dashboard\s+(http://127\.0\.0\.1:\d+)/")
LOGIN = re.compile(r"Log in\s+(\S+@\S+)\s+password (\S+)")


class Demo:
    """One `tocsin demo` after another in the same TOCSIN_HOME."""

    def __init__(self, home):
        self.home = home
        self.process = None

    def start(self, *options):
        begun = time.monotonic()
        self.log = self.home / "out.log"
        environment = {
            "TOCSIN_HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "PATH": os.defpath,
            "HOME": str(self.home),
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                tocsin("demo", "--port", "0", *options),
                cwd=self.home,
                env=environment,
                stdout=log,
                stderr=log,
            )
        until(self._is_up, STARTS_WITHIN_SECONDS, "up")
        print(f"up after {time.monotonic() - begun:.1f} s")

    def _is_up(self):
        assert self.process.poll() is None, self.output
        return "Press Ctrl-C" in self.output

    @property
    def output(self):
        return self.log.read_text()

    def ledger(self):
        engine = build_engine(f"sqlite:///{self.home / 'demo' / 'tocsin.db'}")
        try:
            return Ledger.read(engine)
        finally:
            engine.dispose()

    def stop(self):
        begun = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(15)
        print(f"stopped after {time.monotonic() - begun:.1f} s")
        return code


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    started = Demo(tmp_path_factory.mktemp("demo"))
    yield started
    if started.process:
        started.process.kill()
    for process in processes_in(started.home):
        process.kill()


def test_it_prints_an_address_and_a_login_that_work_and_its_queues_fill(shown):
    shown.start()
    address, (email, password) = ADDRESS.search(shown.output)[1], LOGIN.search(shown.output).groups()
    until(lambda: shown.ledger().items >= 50, 30, "fifty items")
    person = Person(address, email, password)
    assert "Log out" in person.get("/")
    with urllib.request.urlopen(f"{address}/readyz", timeout=5) as answer:
        assert answer.status == 200


def test_the_whole_of_it_idles_below_500_megabytes(shown):
    until(lambda: shown.ledger().received == 0, 30, "idle")
    root = psutil.Process(shown.process.pid)
    megabytes = tree_bytes(root) / 1e6
    for process in [root, *root.children(recursive=True)]:
        print(f"{tree_bytes_of(process):6.1f} MB  {' '.join(process.cmdline()).strip()[:90]}")
    print(f"{megabytes:6.1f} MB in all")
    assert megabytes < IDLE_MEGABYTES


def tree_bytes_of(process):
    """The proportional share of one process, in megabytes."""
    return process.memory_full_info().pss / 1e6


def test_ctrl_c_ends_it_with_code_0_and_leaves_no_process(shown):
    assert shown.stop() == 0
    assert "Everything is kept." in shown.output
    assert [process.cmdline() for process in processes_in(shown.home)] == []


def test_the_second_start_goes_on_with_the_same_login_and_no_item_twice(shown):
    before, login = shown.ledger(), LOGIN.search(shown.output).groups()
    shown.start()
    assert LOGIN.search(shown.output).groups() == login
    until(lambda: shown.ledger().received == 0, 30, "settled")
    after = shown.ledger()
    assert after.entries >= before.entries
    assert after.entries == after.guids
    assert after.mentions == after.queued + after.duplicates
    assert after.items == after.queued


def test_a_second_demo_beside_it_is_refused(shown):
    command = [sys.executable, "-m", "workers.cli", "demo", "--port", "0", "--fresh"]
    environment = {"TOCSIN_HOME": str(shown.home), "PYTHONPATH": str(ROOT), "PATH": os.defpath}
    second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
    assert second.returncode == 2
    assert "Tocsin is running already" in second.stderr
    assert shown.ledger().entries > 0  # --fresh did not touch what is in use


def test_fresh_begins_again(shown):
    shown.stop()
    login = LOGIN.search(shown.output).groups()
    shown.start("--fresh")
    assert LOGIN.search(shown.output).groups() != login
    assert shown.stop() == 0


class Killed(BaseException):
    """Stands for a kill -9 between two transactions."""


@pytest.mark.parametrize("writes", [1, 2, 5, 8])
def test_an_installation_that_was_cut_off_is_completed_by_the_next_start(tmp_path, writes):
    state = demo.load_or_begin(tmp_path)
    settings = load_settings(home=tmp_path, allow_private=(f"127.0.0.1:{state.feeds_port}",))
    container = Container(settings, InlineDispatcher())
    migrate(container.store.engine)
    write, left = container.store.write, [writes]

    def dying(use_case):
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return write(use_case)

    container.store.write = dying
    with pytest.raises(Killed):
        demo.install(container, state)
    container.store.write = write
    demo.install(container, demo.load_or_begin(tmp_path))
    with container.store.read() as tx:
        found = (len(tx.brands.watched()), tx.accounts.count(), tx.sources.count() > 0)
    container.close()
    assert found == (3, len(demo.users()), True)
