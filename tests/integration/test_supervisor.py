"""Does one machine keep running? The supervisor with small programs, and then with the whole stack (SQLite)."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.processes import RECOVERS_WITHIN_SECONDS, Feeds, Stack, until
from workers.supervisor import Part, Supervisor

pytestmark = pytest.mark.processes

STOPS_WITHIN_SECONDS = 15


@pytest.fixture
def supervise(tmp_path):
    """A function that runs parts under a supervisor; what it says is in `said`. All end with the test."""
    running = []

    def start(*parts):
        said = []
        supervisor = Supervisor(parts, tmp_path, said.append)
        supervisor.said = said
        running.append(supervisor)
        return supervisor

    yield start
    for supervisor in running:
        supervisor.stop()


def program(name, code, **about):
    return Part(name, command=(sys.executable, "-c", code), **about)


def watch_until(supervisor, condition, within_seconds):
    def watched():
        supervisor.watch_once()
        return condition()

    until(watched, within_seconds, "seen by the supervisor")


def written(path):
    return path.read_text().split() if path.exists() else []


def test_what_dies_is_started_again_and_each_time_later(supervise, tmp_path):
    starts = tmp_path / "starts"
    supervisor = supervise(program("short", f"import time; open({str(starts)!r}, 'a').write(f'{{time.time()}} ')"))
    supervisor.start()
    watch_until(supervisor, lambda: len(written(starts)) >= 5, 20)
    waits = [later - earlier for earlier, later in itertools.pairwise(map(float, written(starts)))]
    assert all(wait >= 0.1 * 2**number for number, wait in enumerate(waits))
    assert supervisor.said[1:2] == ["short ended (code 0); it is started again"]


def test_what_a_dead_part_had_started_ends_with_it(supervise, tmp_path):
    child_id = tmp_path / "child"
    code = (
        "import subprocess, sys, os; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"open({str(child_id)!r}, 'a').write(f'{{child.pid}} '); os.kill(os.getpid(), 9)"
    )
    supervisor = supervise(program("parent", code))
    supervisor.start()
    watch_until(supervisor, lambda: len(supervisor.said) > 1, 20)
    until(lambda: not psutil.pid_exists(int(written(child_id)[0])), 5, "gone")


def test_what_is_deaf_is_killed_and_started_again(supervise, tmp_path):
    starts = tmp_path / "starts"
    code = f"import time; open({str(starts)!r}, 'a').write('x '); time.sleep(60)"
    supervisor = supervise(program("deaf", code, is_deaf=lambda _age_seconds: len(written(starts)) == 1))
    supervisor.start()
    watch_until(supervisor, lambda: len(written(starts)) == 2, 20)
    assert "deaf has gone deaf; it is killed and started again" in supervisor.said


def test_what_does_not_listen_to_sigterm_is_killed_with_what_it_started(supervise, tmp_path):
    child_id = tmp_path / "child"
    code = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"open({str(child_id)!r}, 'w').write(f'{{child.pid}}'); time.sleep(60)"
    )
    supervisor = supervise(program("stubborn", code, is_ready=lambda: bool(written(child_id))))
    supervisor.start()
    begun = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - begun < STOPS_WITHIN_SECONDS
    until(lambda: not psutil.pid_exists(int(written(child_id)[0])), 5, "gone")


def test_a_long_log_is_begun_again_while_its_part_goes_on_writing(supervise, tmp_path, monkeypatch):
    monkeypatch.setattr("workers.supervisor._MOST_LOG_BYTES", 1000)
    code = "import time\nfor number in range(10**6): print('line', number, flush=True); time.sleep(0.001)"
    supervisor = supervise(program("talker", code))
    supervisor.start()
    log, older = tmp_path / "talker.log", tmp_path / "talker.log.1"
    watch_until(supervisor, older.exists, 20)
    until(lambda: log.stat().st_size > 100, 5, "writing")
    assert log.read_bytes()[:1] == b"l"  # no hole at the beginning


def test_a_part_that_is_never_ready_is_named_with_its_log(supervise, tmp_path):
    supervisor = supervise(program("late", "import time; time.sleep(60)", is_ready=lambda: False))
    with pytest.raises(TimeoutError, match=rf"late did not start; see {tmp_path}/late\.log"):
        supervisor.start(ready_within_seconds=0.2)


@pytest.fixture(scope="module")
def feeds():
    with Feeds() as running:
        yield running


@pytest.fixture(scope="module")
def stack(tmp_path_factory, feeds):
    """A stack that may be stopped, killed and started again."""
    made = Stack(tmp_path_factory.mktemp("stack"), feeds)
    made.install()
    made.start()
    yield made
    made.destroy()


@pytest.fixture
def running(stack):
    """The stack, running and with a ledger that balances."""
    if not stack.is_running:
        stack.start()
    stack.await_balance()
    return stack


def test_a_second_supervisor_on_the_same_folder_is_refused_in_one_sentence(running):
    command = [sys.executable, "-m", "workers.cli", "up", "--bind", "127.0.0.1:1"]
    second = subprocess.run(command, env=running.environment, capture_output=True, text=True, check=False, timeout=30)
    assert second.returncode == 2
    assert second.stderr == (
        f"tocsin: Tocsin is running already in {running.home}. Stop it first (Ctrl-C in its window).\n"
    )


def test_f24_sigterm_lets_a_task_of_nearly_ten_seconds_finish(running):
    before = running.feeds.documents[0]
    assert 8 < terminated_in_a_poll_of(running, 9.0) < STOPS_WITHIN_SECONDS
    running.await_balance()
    assert running.feeds.documents[0] == before + 1  # nobody had to ask again


def test_f24_sigterm_gives_a_longer_task_back(running):
    before = running.feeds.documents[0]
    assert 8 < terminated_in_a_poll_of(running, 18.0) < STOPS_WITHIN_SECONDS
    running.feeds.slow.clear()
    running.await_balance()
    assert running.feeds.documents[0] > before + 1


def terminated_in_a_poll_of(stack, seconds):
    """End the worker while one feed keeps it waiting; return how long that took."""
    stack.feeds.slow[0] = seconds
    asked = len(stack.feeds.asked_at[0])
    stack.begin_round()
    until(lambda: len(stack.feeds.asked_at[0]) > asked, RECOVERS_WITHIN_SECONDS, "asked")
    worker = stack.part("worker")
    worker.terminate()
    took = until(lambda: not worker.is_running() or worker.status() == "zombie", 20, "ended")
    print(f"F24: a poll of {seconds:.0f} s, ended after {took:.1f} s")
    return took


def test_ctrl_c_in_the_middle_of_work_stops_in_time_and_the_next_start_goes_on(running):
    running.begin_round()
    running.await_middle()
    code, seconds = running.stop(signal.SIGINT)
    print(f"stopped after {seconds:.1f} s")
    assert code == 0
    assert [process.cmdline() for process in running.processes()] == []
    running.start()
    running.await_balance()


def test_when_the_supervisor_is_killed_its_parts_end_and_the_next_start_goes_on(running):
    running.begin_round()
    running.await_middle()
    running.kill_supervisor()
    begun = time.monotonic()
    running.start()  # waits until the last of them has ended
    print(f"started again {time.monotonic() - begun:.1f} s after the kill")
    running.await_balance()
    assert len([process for process in running.processes() if "valkey" in process.name()]) == 1


def test_a_worker_or_a_scheduler_that_is_deaf_is_killed_and_its_work_goes_on(tmp_path, feeds):
    patience = 8.0
    feeds.round = 0
    stack = Stack(tmp_path / "home", feeds, program=("-m", "tests.deaf_stack", str(patience)))
    stack.install()
    try:
        stack.start()
        stack.begin_round()
        stack.await_middle()
        worker = stack.part("worker")
        worker.suspend()
        took = until(lambda: "worker has gone deaf" in stack.output, patience + 20, "noticed")
        print(f"deaf for {took:.1f} s, balanced {stack.await_balance():.1f} s later")
        assert stack.part("worker").pid != worker.pid
        assert stack.output.count("gone deaf") == 1  # the others hear
        silent = stack.part("scheduler")
        silent.suspend()
        until(lambda: "scheduler has gone deaf" in stack.output, patience + 20, "noticed")
        assert stack.output.count("gone deaf") == 2  # no worker is blamed for a silent scheduler
        stack.begin_round()
        stack.await_balance()
    finally:
        stack.destroy()


def test_an_address_that_is_taken_is_refused_in_one_sentence(tmp_path, feeds):
    stack = Stack(tmp_path / "home", feeds)
    stack.install()
    command = [sys.executable, "-m", "workers.cli", "up", "--bind", f"127.0.0.1:{feeds.port}"]
    refused = subprocess.run(command, env=stack.environment, capture_output=True, text=True, check=False, timeout=30)
    stack.destroy()
    assert refused.returncode == 2
    assert refused.stderr == (
        f"tocsin: Another program listens on 127.0.0.1:{feeds.port} already. Free it, or choose with --bind.\n"
    )
