"""Is anything lost when one process is killed in the middle of 500 items? Real processes, both databases (issue 2)."""

from __future__ import annotations

import itertools
import signal
import time

import pytest

from config.settings import load_settings
from tests.databases import NoPostgres, PrivatePostgres
from tests.processes import POLL_SECONDS, Feeds, Stack, kill_tree, until
from workers import broker

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def private_postgres():
    try:
        server = PrivatePostgres(durable=True)
    except NoPostgres as reason:
        pytest.skip(str(reason))
    with server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stack(request, tmp_path_factory):
    """One running stack for all faults; each must leave it whole for the next."""
    url = None
    if request.param == "postgresql":
        server = request.getfixturevalue("private_postgres")
        url = server.url(server.create_database())
    with Feeds() as feeds:
        running = Stack(tmp_path_factory.mktemp("stack"), feeds, url)
        running.install()
        try:
            running.start()
            yield running
        finally:
            running.destroy()


@pytest.fixture(autouse=True)
def _a_round_before(stack):
    """The stack is whole before each fault."""
    stack.await_balance()


def report(what, seconds):
    print(f"{what}: balanced after {seconds:.1f} s")


def test_f01_kill_9_of_the_workers_whole_tree_loses_nothing(stack):
    stack.begin_round()
    stack.await_middle()
    kill_tree(stack.part("worker"))
    report("F01", stack.await_balance())


def test_f02_kill_9_of_one_pool_child_loses_nothing(stack):
    stack.begin_round()
    stack.await_middle()
    stack.polling_child().kill()
    report("F02", stack.await_balance())


def test_f05_kill_9_of_the_broker_loses_nothing_and_the_dashboard_answers(stack):
    stack.begin_round()
    stack.await_middle()
    killed = stack.part("valkey")
    killed.kill()
    assert stack.get("/login") == 200
    report("F05 kill", stack.await_balance())
    assert stack.part("valkey").pid != killed.pid


def test_f05_a_broker_that_stands_still_for_five_seconds_delays_and_loses_nothing(stack):
    stack.begin_round()
    stack.await_middle()
    stopped = stack.part("valkey")
    stopped.suspend()
    until_moment = time.monotonic() + 5
    slowest = 0.0
    while time.monotonic() < until_moment:
        begun = time.monotonic()
        assert stack.get("/login") == 200
        slowest = max(slowest, time.monotonic() - begun)
    stopped.resume()
    report(f"F05 stop (slowest page {slowest:.2f} s)", stack.await_balance())
    assert slowest < 2


def test_f06_flushall_under_load_loses_nothing(stack):
    stack.begin_round()
    stack.await_middle()
    with broker.client(load_settings(home=stack.home)) as connection:
        connection.flushall()
    report("F06", stack.await_balance())


def test_f21_kill_9_of_the_dashboard_loses_nothing_and_it_answers_again(stack):
    stack.begin_round()
    stack.await_middle()
    kill_tree(stack.part("web"))
    report("web", stack.await_balance())
    until(lambda: stack.get("/login") == 200, 15, "answering again")


def test_f03_kill_9_of_the_scheduler_loses_nothing(stack):
    stack.begin_round()
    stack.await_middle()
    stack.part("scheduler").kill()
    report("scheduler", stack.await_balance())


def test_f04_a_second_scheduler_causes_no_second_poll(stack):
    for times in stack.feeds.asked_at.values():
        times.clear()
    with stack.beside("scheduler"):
        stack.begin_round()
        stack.await_balance()
        until(lambda: all(len(times) >= 3 for times in list(stack.feeds.asked_at.values())), 30, "polled three times")
    gaps = [later - earlier for times in stack.feeds.asked_at.values() for earlier, later in itertools.pairwise(times)]
    print(f"F04: {len(gaps)} gaps, the shortest {min(gaps):.2f} s")
    assert min(gaps) > POLL_SECONDS * 0.8


def test_it_stops_in_time_and_leaves_no_process(stack):
    code, seconds = stack.stop(signal.SIGTERM)
    print(f"stopped in {seconds:.1f} s")
    assert code == 0
    assert [process.cmdline() for process in stack.processes()] == []
