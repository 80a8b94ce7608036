"""Is anything lost when one process dies in the middle of 500 items? A whole running stack, on each database (issue 2).

One stack serves all tests of a database. Each begins with a ledger that balances, and a fault must leave the stack whole.
"""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections import Counter

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from config.settings import load_settings
from tests.databases import NoPostgres, PrivatePostgres
from tests.processes import POLL_SECONDS, Feeds, Person, Stack, kill_tree, until
from triage.domain.mentions import Role
from triage.storage.unit_of_work import Store
from workers import broker
from workers.commands.context import InlineDispatcher

pytestmark = pytest.mark.processes


PASSWORD = "a long enough password"
# Argon2 with its least cost: fifty people log in, and the strength of the hash is not the subject.
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def add_people(stack, names, role):
    """Let people log in with PASSWORD; return their addresses."""
    store = Store(stack.engine, InlineDispatcher())
    emails = [f"{name.replace(' ', '.').lower()}@tocsin.example" for name in names]
    for email, name in zip(emails, names, strict=True):
        store.write(lambda tx, email=email, name=name: tx.accounts.add(email, name, role, HASH, tx.now))
    return emails


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


@pytest.mark.parametrize("part", ["worker", "worker-crisis"])
def test_f01_kill_9_of_a_workers_whole_tree_loses_nothing(stack, part):
    stack.begin_round()
    stack.await_middle()
    kill_tree(stack.part(part))
    report(f"F01 {part}", stack.await_balance())


def test_f02_kill_9_of_one_pool_child_loses_nothing(stack):
    stack.feeds.delay_seconds = 0.4
    stack.begin_round()
    stack.await_middle()
    stack.polling_child().kill()
    stack.feeds.delay_seconds = 0.1
    assert not stack.ledger().holds(stack.feeds)
    report("F02", stack.await_balance())


def test_f05_three_kills_of_the_broker_lose_nothing_and_the_workers_live_on(stack):
    """This test decides about upgrades of Celery and kombu (docs/adr/0003)."""
    workers = [stack.part(name) for name in ("worker", "worker-crisis", "scheduler")]
    stack.begin_round()
    stack.await_middle()
    for _ in range(3):
        killed = stack.part("valkey")
        killed.kill()
        assert stack.get("/login") == 200
        until(lambda: stack.part("valkey").pid != killed.pid, 10, "started again")  # noqa: B023  # called at once
        stack.await_signs_of_life()
    report("F05 kill", stack.await_balance())
    assert all(worker.is_running() for worker in workers)


def test_f05_a_broker_that_stands_still_for_five_seconds_delays_and_loses_nothing(stack):
    (email,) = add_people(stack, ["Olu Bello"], Role.ONCALL)
    person = Person(stack.address, email, PASSWORD)
    with stack.engine.connect() as connection:
        item_id = connection.execute(text("SELECT min(id) FROM item WHERE state = 'open'")).scalar_one()
    stack.begin_round()
    stack.await_middle()
    stopped = stack.part("valkey")
    stopped.suspend()
    until_moment = time.monotonic() + 5
    try:
        assert person.claim(item_id)[0] == 200
        begun = time.monotonic()
        assert person.post("/sources/1/poll", {}, form_token=person.form_token)[0] < 400  # its nudge cannot be sent
        slowest = time.monotonic() - begun
        until(lambda: stack.get("/login") != 200 or time.monotonic() > until_moment, 10, "over")
        assert stack.get("/login") == 200
    finally:
        stopped.resume()
    report(f"F05 stop (a request with a nudge took {slowest:.1f} s)", stack.await_balance())
    assert slowest < 5


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


def test_f19_of_fifty_who_claim_one_item_at_once_one_gets_it_and_the_others_learn_who(stack):
    stack.begin_round()
    stack.await_balance()
    with stack.engine.connect() as connection:
        item_id = connection.execute(text("SELECT max(id) FROM item WHERE state = 'open'")).scalar_one()
    emails = add_people(stack, [f"Person {number}" for number in range(1, 51)], Role.COMMUNITY_MANAGER)
    people = [Person(stack.address, email, PASSWORD) for email in emails]
    together = threading.Barrier(len(people))
    answers = []

    def claim(person):
        together.wait(30)
        answers.append(person.claim(item_id))

    threads = [threading.Thread(target=claim, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with stack.engine.connect() as connection:
        owner = connection.execute(
            text("SELECT u.name FROM item i JOIN user_account u ON u.id = i.owner_id WHERE i.id = :id"), {"id": item_id}
        ).scalar_one()
        claims = connection.execute(
            text(
                "SELECT count(*) FROM audit_event WHERE subject = 'item' AND subject_id = :id AND action LIKE '%claim'"
            ),
            {"id": item_id},
        ).scalar_one()
    assert Counter(status for status, _ in answers) == {200: 1, 409: 49}
    assert all(owner in body for status, body in answers if status == 409)
    assert claims == 1


def test_it_stops_in_time_and_leaves_no_process(stack):
    code, seconds = stack.stop(signal.SIGTERM)
    print(f"stopped in {seconds:.1f} s")
    assert code == 0
    assert [process.cmdline() for process in stack.processes()] == []


def test_the_logs_hold_our_words_and_no_chatter(stack):
    logs = {name: stack.log(name) for name in ("web", "worker", "worker-crisis", "scheduler")}
    chatter = ("SecurityWarning", "Sending due task", "Task tocsin.", "celery.redirected")
    assert [(name, word) for name, log in logs.items() for word in chatter if word in log] == []
    assert "This worker takes work from: collect, assess, retry." in logs["worker"]
