"""Is a transaction all or nothing, retried when the database says so (F10), and its nudges sent only after commit?"""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError

from tests.conftest import HandClock, RecordingDispatcher
from tests.databases import free_port
from tests.fakes import DATABASES, at_once, opened_works
from triage.domain.errors import TocsinError, Unavailable
from triage.domain.jobs import Job
from triage.services.processes import ProcessText, put_into_force
from triage.storage.audit import SYSTEM, AuditRecord
from triage.storage.dialect import build_engine, is_full, is_transient, is_unavailable
from triage.storage.schema import is_current, migrate
from triage.storage.unit_of_work import Store


@pytest.fixture(params=DATABASES)
def works(request):
    with opened_works(request) as opened:
        yield opened


@pytest.fixture
def sqlite_store(tmp_path):
    """A store on a new SQLite file that waits only a moment for a lock."""
    engine = build_engine(f"sqlite:///{tmp_path / 'own.db'}")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=20"))
    store = Store(engine, RecordingDispatcher(), clock=HandClock())
    store.write(lambda tx: tx.connection.execute(text("CREATE TABLE t (n INTEGER)")))
    yield store
    store.close()


def instant(store):
    with store.read() as tx:
        return tx.now


def remember(tx, subject_id=1):
    tx.audit.append(tx.now, SYSTEM, [AuditRecord("test", "test", subject_id)])


def remembered(works):
    return works.one("SELECT count(*) FROM audit_event WHERE action = 'test'")


class _Fails(Exception):
    """What a use case raises."""


def test_i7_what_a_use_case_wrote_before_it_failed_is_gone_with_its_nudges(works):
    works.dispatcher.sent.clear()

    def use_case(tx):
        remember(tx)
        tx.after_commit(Job.POLL, [1])
        raise _Fails

    with pytest.raises(_Fails):
        works.store.write(use_case)
    assert remembered(works) == 0
    assert works.dispatcher.sent == []


def test_nudges_leave_after_the_commit_in_their_order_and_empty_ones_do_not(works):
    seen = []

    class Looks:
        def send(self, job, ids):
            seen.append((job, ids, remembered(works)))
            return True

    store = Store(works.store.engine, Looks(), clock=works.clock)

    def use_case(tx):
        tx.after_commit(Job.POLL, [1, 2])
        tx.after_commit(Job.ASSESS, [])
        tx.after_commit(Job.ASSESS, iter([3]))
        remember(tx)
        return "answer"

    assert store.write(use_case) == "answer"
    assert seen == [(Job.POLL, (1, 2), 1), (Job.ASSESS, (3,), 1)]


def test_f05_a_nudge_that_no_broker_takes_does_not_undo_the_transaction(works):
    works.dispatcher.broken = True
    works.store.write(lambda tx: (remember(tx), tx.after_commit(Job.POLL, [1])))
    assert remembered(works) == 1


def test_one_transaction_has_one_instant_by_the_databases_clock(works):
    store = Store(works.store.engine, works.dispatcher)
    with store.read() as tx:
        first = tx.now
        tx.connection.execute(text("SELECT 1"))
        assert tx.now is first
    assert first.utcoffset().total_seconds() == 0
    with store.read() as tx:
        assert tx.now >= first


def test_a_time_without_a_zone_is_refused(works):
    with pytest.raises(Exception, match="a time without a zone cannot be stored"):
        works.store.write(lambda tx: tx.ticks.beat("x", tx.now.replace(tzinfo=None), None, {}))


def test_what_is_read_is_not_written(works):
    with works.store.read() as tx:
        remember(tx)
    assert remembered(works) == 0


def transient(kind):
    """An error that the databases raise for a conflict."""
    if kind == "sqlite":
        error = sqlite_error("SQLITE_BUSY")
    else:
        error = type("Conflict", (Exception,), {"sqlstate": kind})("conflict")
    return OperationalError("UPDATE", {}, error)


def sqlite_error(name):
    import sqlite3  # noqa: PLC0415  # only here

    error = sqlite3.OperationalError("whatever it says")
    error.sqlite_errorcode = getattr(sqlite3, name)
    return error


@pytest.mark.parametrize(("kind", "conflicts"), [("40001", 1), ("40P01", 1), ("55P03", 4), ("sqlite", 1)])
def test_f10_a_conflict_runs_the_use_case_again_with_one_effect(works, kind, conflicts):
    calls = []

    def use_case(tx):
        remember(tx)
        tx.after_commit(Job.POLL, [len(calls)])
        calls.append(tx)
        if len(calls) <= conflicts:
            raise transient(kind)
        return len(calls)

    works.dispatcher.sent.clear()
    assert works.store.write(use_case) == conflicts + 1
    assert remembered(works) == 1
    assert works.dispatcher.sent == [(Job.POLL, (conflicts,))]
    assert len(set(map(id, calls))) == conflicts + 1


@pytest.mark.parametrize("kind", ["40P01", "sqlite"])
def test_f10_a_conflict_that_outlives_five_tries_is_unavailable_and_changes_nothing(works, kind):
    calls = []

    def use_case(tx):
        remember(tx)
        calls.append(tx)
        raise transient(kind)

    with pytest.raises(Unavailable, match="busy; the change was not made") as refused:
        works.store.write(use_case)
    assert len(calls) == 5
    assert not refused.value.permanent
    assert remembered(works) == 0


def test_f10_a_conflict_is_not_retried_for_longer_than_a_person_waits(works, monkeypatch):
    monkeypatch.setattr("triage.storage.unit_of_work._LONGEST_SECONDS", 0.0)
    calls = []

    def use_case(tx):
        calls.append(tx)
        raise transient("55P03")

    with pytest.raises(Unavailable, match="busy"):
        works.store.write(use_case)
    assert len(calls) == 1


def test_an_error_that_no_retry_can_heal_is_not_retried(works):
    calls = []

    def use_case(tx):
        calls.append(tx)
        remember(tx)
        tx.connection.execute(
            text("INSERT INTO note (item_id, user_id, text, at) VALUES (1, 1, 'x', '2026-01-01 00:00:00')")
        )

    with pytest.raises(IntegrityError):
        works.store.write(use_case)
    assert len(calls) == 1
    assert remembered(works) == 0


def test_a_mistake_in_a_statement_is_not_told_as_a_database_that_does_not_answer(works):
    with pytest.raises((OperationalError, ProgrammingError)):
        works.store.write(lambda tx: tx.connection.execute(text("SELECT * FROM no_such_table")))
    with pytest.raises((OperationalError, ProgrammingError)), works.store.read() as tx:
        tx.connection.execute(text("SELECT * FROM no_such_table"))


def test_s15_an_error_does_not_repeat_the_values_of_its_statement(works):
    with pytest.raises(DBAPIError) as failed:
        works.store.write(
            lambda tx: tx.connection.execute(
                text("INSERT INTO no_such_table VALUES (:secret)"), {"secret": "hunter2canary"}
            )
        )
    assert "hunter2canary" not in str(failed.value)


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (sqlite_error("SQLITE_BUSY"), (True, True, False)),
        (sqlite_error("SQLITE_LOCKED"), (True, True, False)),
        (sqlite_error("SQLITE_FULL"), (False, True, True)),
        (sqlite_error("SQLITE_CANTOPEN"), (False, True, False)),
        (sqlite_error("SQLITE_IOERR"), (False, True, False)),
        (sqlite_error("SQLITE_ERROR"), (False, False, False)),
        (type("NoServer", (Exception,), {"sqlstate": None})(), (False, True, False)),
        (type("DiskFull", (Exception,), {"sqlstate": "53100"})(), (False, True, True)),
        (type("TooMany", (Exception,), {"sqlstate": "53300"})(), (False, True, False)),
        (type("Shutdown", (Exception,), {"sqlstate": "57P01"})(), (False, True, False)),
        (type("Deadlock", (Exception,), {"sqlstate": "40P01"})(), (True, False, False)),
        (type("Syntax", (Exception,), {"sqlstate": "42601"})(), (False, False, False)),
    ],
)
def test_f08_f09_f10_what_an_error_of_the_database_means(error, answer):
    wrapped = OperationalError("SELECT", {}, error)
    assert (is_transient(wrapped), is_unavailable(wrapped), is_full(wrapped)) == answer


def test_f09_a_full_disk_is_told_as_such(works):
    def use_case(_tx):
        raise OperationalError("INSERT", {}, sqlite_error("SQLITE_FULL"))

    with pytest.raises(Unavailable, match=r"storage is full; nothing was changed\. Free some space"):
        works.store.write(use_case)


@pytest.mark.parametrize(
    "url", [f"postgresql+psycopg://nobody:x@127.0.0.1:{free_port()}/none", "sqlite:////no/such/folder/tocsin.db"]
)
def test_f08_a_database_that_is_not_there_is_unavailable_at_once(url):
    store = Store(build_engine(url), RecordingDispatcher())
    for run in (lambda: store.write(lambda tx: tx.now), lambda: instant(store)):
        with pytest.raises(Unavailable) as refused:
            run()
        assert "127.0.0.1" not in str(refused.value)
    store.close()


@pytest.mark.parametrize("ask", [is_current, migrate])
def test_f08_asking_for_the_schema_of_a_database_that_is_not_there_is_unavailable(ask):
    engine = build_engine("sqlite:////no/such/folder/tocsin.db")
    with pytest.raises(Unavailable):
        ask(engine)
    engine.dispose()


def test_f08_terminated_connections_heal_without_a_restart(works, request):
    if works.store.engine.dialect.name != "postgresql":
        works.store.engine.dispose()
    else:
        with works.store.engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            )
    works.store.write(remember)
    assert remembered(works) == 1


def test_a_pool_without_a_free_connection_is_unavailable_and_no_crash(tmp_path):
    engine = build_engine(f"sqlite:///{tmp_path / 'own.db'}", pool_size=1)
    engine.pool._max_overflow = 0
    engine.pool._timeout = 0.01
    store = Store(engine, RecordingDispatcher())
    with engine.connect():
        for run in (lambda: store.write(lambda tx: tx.now), lambda: instant(store)):
            with pytest.raises(Unavailable, match="busy"):
                run()
    store.close()


LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("INSERT INTO t VALUES (1)")
print("locked", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def locked_by_another_process(sqlite_store):
    """The file's write lock is held by a second process, until the fixture's value is called."""
    holder = subprocess.Popen(
        [sys.executable, "-c", LOCK, sqlite_store.engine.url.database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "locked\n"

    def release():
        holder.stdin.close()
        holder.wait(timeout=20)

    yield release
    holder.kill()
    holder.wait(timeout=20)
    holder.stdout.close()
    holder.stdin.close()


def test_f08_a_second_process_that_holds_the_write_lock_ends_in_unavailable(sqlite_store, locked_by_another_process):
    with pytest.raises(Unavailable, match="busy; the change was not made"):
        sqlite_store.write(lambda tx: tx.connection.execute(text("INSERT INTO t VALUES (2)")))
    with sqlite_store.read() as tx:  # readers go on
        assert tx.connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 0
    locked_by_another_process()
    sqlite_store.write(lambda tx: tx.connection.execute(text("INSERT INTO t VALUES (2)")))
    with sqlite_store.read() as tx:
        assert tx.connection.execute(text("SELECT n FROM t")).scalars().all() == [2]


def test_f08_a_process_killed_inside_its_transaction_leaves_nothing(sqlite_store):
    killed = LOCK.replace("sys.stdin.readline()", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    subprocess.run([sys.executable, "-c", killed, sqlite_store.engine.url.database], check=False, timeout=20)
    sqlite_store.write(lambda tx: tx.connection.execute(text("INSERT INTO t VALUES (2)")))
    with sqlite_store.read() as tx:
        assert tx.connection.execute(text("SELECT n FROM t")).scalars().all() == [2]


def test_f10_two_transactions_that_take_locks_crosswise_both_end_well(works):
    works.watch("a")
    works.watch("b")
    first, second = works.column("SELECT id FROM source ORDER BY id")
    both_hold_one = threading.Barrier(2)
    tries = []

    def crosswise(mine, theirs):
        def use_case(tx):
            tries.append(mine)
            tx.connection.execute(text("UPDATE source SET attempts = attempts + 1 WHERE id = :id"), {"id": mine})
            if tries.count(mine) == 1 and tx.connection.dialect.name == "postgresql":
                both_hold_one.wait(timeout=10)
            tx.connection.execute(text("UPDATE source SET attempts = attempts + 1 WHERE id = :id"), {"id": theirs})

        return lambda: works.store.write(use_case)

    assert at_once([crosswise(first, second), crosswise(second, first)]) == [None, None]
    assert works.column("SELECT attempts FROM source") == [2, 2]
    if works.store.engine.dialect.name == "postgresql":
        assert len(tries) == 3


def test_every_connection_has_the_limits_of_the_reference(works):
    wanted = {
        "sqlite": {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000},
        "postgresql": {
            "timezone": "UTC",
            "statement_timeout": "30s",
            "lock_timeout": "8s",
            "idle_in_transaction_session_timeout": "5s",
        },
    }
    name = works.store.engine.dialect.name
    ask = "PRAGMA" if name == "sqlite" else "SHOW"
    with works.store.read() as tx:
        found = {setting: tx.connection.exec_driver_sql(f"{ask} {setting}").scalar_one() for setting in wanted[name]}
    assert found == wanted[name]


def test_two_processes_put_into_force_at_once_leave_one_in_force(works):
    texts = [ProcessText(f"p{number}", f"text {number}", f"{number:064}") for number in range(6)]
    results = at_once([lambda each=each: put_into_force(works.store, each, SYSTEM) for each in texts])
    assert results == [True] * 6
    assert works.one("SELECT count(*) FROM process_version WHERE active") == 1
    assert works.one("SELECT count(*) FROM audit_event WHERE action = 'process.in_force'") == 7


def test_a_process_put_into_force_again_changes_nothing(works):
    told = ProcessText("p", "text", "1" * 64)
    assert [put_into_force(works.store, told, SYSTEM) for _ in range(2)] == [True, False]


def test_the_schema_lets_no_item_be_claimed_without_an_owner(works):
    works.item()
    for wrong in (
        "UPDATE item SET state = 'claimed'",
        "UPDATE item SET state = 'closed'",
        "UPDATE item SET closed_at = updated_at",
    ):
        with pytest.raises(IntegrityError):
            works.change(wrong)


def test_unavailable_is_in_our_tree_and_may_heal():
    assert issubclass(Unavailable, TocsinError)
    assert not Unavailable.permanent
