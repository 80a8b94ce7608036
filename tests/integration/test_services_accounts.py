"""Are passwords, sessions and failed logins kept so that a copy of the database opens nothing (S08, S09, S12)?"""

from __future__ import annotations

import hashlib
import re
import time
from functools import partial

import pytest
from argon2 import PasswordHasher

from tests.fakes import DATABASES, at_once, opened_works
from triage.domain.errors import NotPermitted
from triage.domain.mentions import Role
from triage.services import accounts
from triage.services.accounts import (
    Login,
    NewUser,
    TooManyAttempts,
    add_user,
    keep_alive,
    log_in,
    log_out,
    set_password,
    who_is,
)

PASSWORD = "correct horse battery"


@pytest.fixture(params=DATABASES)
def works(request):
    with opened_works(request) as opened:
        yield opened


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    """Argon2 with its least cost; its strength is the library's, and one test below looks at the real parameters."""
    accounts._decoy.cache_clear()
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", lambda: cheap)
    yield
    accounts._decoy.cache_clear()


@pytest.fixture
def ana(works):
    return add_user(works.store, NewUser("Ana@Example.org", "Ana", Role.ONCALL, PASSWORD))


def enter(works, password=PASSWORD, email="ana@example.org", address="192.0.2.1"):
    return log_in(works.store, Login(email, password, address))


def fail(works, times, **login):
    for _ in range(times):
        with pytest.raises(NotPermitted, match="The e-mail address or the password is wrong"):
            enter(works, "wrong", **login)


def test_a_session_tells_who_it_is(works, ana):
    person = who_is(works.store, enter(works))
    assert (person.id, person.email, person.name, person.role) == (ana, "ana@example.org", "Ana", Role.ONCALL)


@pytest.mark.parametrize("written", ["ANA@EXAMPLE.ORG", " ana@example.org\n", "Ana@Example.Org\x00"])
def test_an_address_is_folded(works, ana, written):
    assert who_is(works.store, enter(works, email=written)).id == ana


def test_s12_a_dump_of_the_database_holds_neither_password_nor_token(works, ana):
    token = enter(works)
    tables = ("SELECT * FROM session", "SELECT * FROM user_account", "SELECT * FROM audit_event")
    dump = str([works.rows(table) for table in tables])
    assert PASSWORD not in dump
    assert token not in dump
    assert works.one("SELECT token_digest FROM session") == hashlib.sha256(token.encode()).hexdigest()
    assert works.one("SELECT password_hash FROM user_account").startswith("$argon2id$")


def test_s08_each_login_has_a_new_token_of_256_bits(works, ana):
    tokens = [enter(works) for _ in range(5)]
    assert len(set(tokens)) == 5
    assert all(re.fullmatch(r"[\w-]{43}", token) for token in tokens)


@pytest.mark.parametrize("token", ["", "x", "\ud800", "a" * 10_000])
def test_s08_a_token_that_was_never_given_is_nobody(works, ana, token):
    assert who_is(works.store, token) is None


def test_s08_a_session_ends_after_twelve_idle_hours(works, ana):
    token = enter(works)
    for _ in range(3):
        works.clock.wind(hours=11)
        keep_alive(works.store, token)
    assert who_is(works.store, token) is not None
    works.clock.wind(hours=12)
    assert who_is(works.store, token) is None


def test_s08_a_session_ends_after_fourteen_days_of_use(works, ana):
    token = enter(works)
    for _ in range(28):
        works.clock.wind(hours=11.99)
        keep_alive(works.store, token)
    assert who_is(works.store, token) is not None
    works.clock.wind(hours=1)
    assert who_is(works.store, token) is None


def test_s08_logging_out_ends_this_session_only(works, ana):
    mine, other = enter(works), enter(works)
    log_out(works.store, mine)
    log_out(works.store, mine)
    assert who_is(works.store, mine) is None
    assert who_is(works.store, other) is not None


def test_s08_a_changed_password_ends_every_session_of_that_person_and_no_other(works, ana):
    add_user(works.store, NewUser("ben@example.org", "Ben", Role.ADMIN, PASSWORD))
    tokens = [enter(works) for _ in range(3)]
    bens = enter(works, email="ben@example.org")
    set_password(works.store, ana, "another long one")
    assert [who_is(works.store, token) for token in tokens] == [None] * 3
    assert who_is(works.store, bens) is not None
    fail(works, 1, email="ana@example.org")
    assert who_is(works.store, enter(works, "another long one")).id == ana
    assert works.actions("user", ana) == ["user.add", *["user.login"] * 3, "user.password", "user.login"]


def test_a_person_who_is_no_longer_active_is_logged_out_and_cannot_log_in(works, ana):
    token = enter(works)
    works.change("UPDATE user_account SET active = false")
    assert who_is(works.store, token) is None
    with pytest.raises(NotPermitted):
        enter(works)
    with works.store.read() as tx:
        assert tx.accounts.count() == 0


def test_s09_ten_failures_close_an_account_for_a_quarter_of_an_hour_from_everywhere(works, ana):
    fail(works, 9)
    works.clock.wind(minutes=14)
    fail(works, 1, address="198.51.100.7")
    for address in ("192.0.2.1", "203.0.113.9"):
        with pytest.raises(TooManyAttempts, match="Try again in 15 minutes") as refused:
            enter(works, address=address)
        assert not refused.value.permanent
    works.clock.wind(minutes=1)
    assert enter(works)


def test_s09_ten_failures_of_an_account_that_does_not_exist_are_refused_alike(works, ana):
    fail(works, 10, email="nobody@example.org")
    with pytest.raises(TooManyAttempts, match="Try again in 15 minutes"):
        enter(works, email="nobody@example.org")
    assert enter(works)


def test_s09_a_success_forgets_the_failures_of_the_account(works, ana):
    fail(works, 9)
    enter(works)
    fail(works, 9)
    assert enter(works)


def test_s09_fifty_failures_close_an_address_for_every_account(works, ana):
    for number in range(50):
        fail(works, 1, email=f"guess{number}@example.org")
    with pytest.raises(TooManyAttempts):
        enter(works)
    assert enter(works, address="198.51.100.7")


def test_s09_failures_of_a_very_long_address_are_counted_too(works):
    fail(works, 10, email="x" * 5_000 + "@example.org")
    with pytest.raises(TooManyAttempts):
        enter(works, email="x" * 5_000 + "@example.org")


def test_s09_guesses_at_once_are_all_counted(works, ana):
    results = at_once([partial(enter, works, f"guess {number}") for number in range(8)])
    assert all(type(result) is NotPermitted for result in results)
    assert works.one("SELECT count(*) FROM login_attempt") == 16


def test_s09_an_unknown_account_takes_the_same_way_as_a_wrong_password(works, ana, monkeypatch):
    verified = []
    hasher = accounts._hasher()

    class Counts:
        def hash(self, password):
            return hasher.hash(password)

        def verify(self, stored, password):
            verified.append(stored)
            return hasher.verify(stored, password)

    monkeypatch.setattr(accounts, "_hasher", Counts)
    refusals = []
    for email in ("ana@example.org", "nobody@example.org"):
        with pytest.raises(NotPermitted) as refused:
            enter(works, "wrong", email=email)
        refusals.append(str(refused.value))
    assert len(set(refusals)) == 1
    assert len(verified) == 2
    shapes = {re.sub(r"\$[^$]+\$[^$]+$", "", stored) for stored in verified}
    assert len(shapes) == 1
    assert works.one("SELECT count(*) FROM login_attempt") == 4


def test_s09_the_first_unknown_account_of_a_process_takes_no_longer_than_a_known_one(works, ana, monkeypatch):
    hashed = []
    hasher = accounts._hasher()

    class Counts:
        def hash(self, password):
            hashed.append(password)
            return hasher.hash(password)

        def verify(self, stored, password):
            return hasher.verify(stored, password)

    monkeypatch.setattr(accounts, "_hasher", Counts)
    fail(works, 1, email="ana@example.org")
    made_before = len(hashed)
    fail(works, 1, email="nobody@example.org")
    assert (made_before, len(hashed)) == (1, 1)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"email": "ana"}, "'ana' is not an e-mail address"),
        ({"email": "@"}, "is not an e-mail address"),
        ({"email": "a@" + "x" * 320}, "is not an e-mail address"),
        ({"email": "a@" + "ß" * 200}, "is not an e-mail address"),
        ({"name": " \n"}, "A person needs a name"),
        ({"name": "x" * 201}, "A person needs a name of at most 200 characters"),
        ({"password": "short"}, "A password needs at least 12 characters"),
        ({"password": "\udcff" * 12}, "characters that are not text"),
    ],
)
def test_a_person_who_cannot_be_added_is_refused_in_words(works, change, expected):
    told = {"email": "ana@example.org", "name": "Ana", "role": Role.ADMIN, "password": PASSWORD} | change
    with pytest.raises(NotPermitted, match=expected):
        add_user(works.store, NewUser(**told))
    assert works.column("SELECT id FROM user_account") == []


def test_one_address_is_one_person_also_when_added_twice_at_once(works):
    new = NewUser("ana@example.org", "Ana", Role.ADMIN, PASSWORD)
    results = at_once([partial(add_user, works.store, new)] * 4)
    refused = [result for result in results if isinstance(result, NotPermitted)]
    assert len(refused) == 3
    assert "already a person with the address ana@example.org" in str(refused[0])


def test_a_name_is_one_tidy_line(works):
    add_user(works.store, NewUser("ana@example.org", " Ana\r\n  Ruiz\x00 ", Role.ADMIN, PASSWORD))
    assert works.one("SELECT name FROM user_account") == "Ana Ruiz"


def test_noting_that_a_session_is_used_writes_at_most_once_a_minute(works, ana):
    token = enter(works)
    works.clock.wind(seconds=59)
    keep_alive(works.store, token)
    first = works.one("SELECT seen_at FROM session")
    works.clock.wind(seconds=1)
    keep_alive(works.store, token)
    assert works.one("SELECT seen_at FROM session") != first


def test_s09_the_real_hash_costs_what_its_library_recommends(monkeypatch):
    monkeypatch.undo()
    started = time.process_time()
    stored = accounts._hasher().hash(PASSWORD)
    assert time.process_time() > started
    assert re.match(r"\$argon2id\$v=19\$m=65536,t=3,p=4\$", stored)
