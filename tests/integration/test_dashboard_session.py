"""Who gets in, for how long, and how hard is guessing? (S08, S09)"""

from __future__ import annotations

import pytest

from dashboard.security import own_path
from tests.dashboard_world import PASSWORD

COOKIE = "tocsin"


def session_of(browser):
    cookie = browser.client.get_cookie(COOKIE)
    return cookie.value if cookie else None


def test_s08_the_session_id_changes_at_login_and_the_old_one_ends(world):
    browser = world.browser("ana")
    first = session_of(browser)
    browser.log_in(world.email("ana"))
    assert session_of(browser) != first
    thief = world.browser()
    thief.client.set_cookie(COOKIE, first)
    assert thief.get("/queues").status_code == 302


def test_s08_a_session_id_that_an_attacker_planted_is_never_adopted(world):
    victim = world.browser()
    victim.client.set_cookie(COOKIE, "planted-by-an-attacker")
    victim.log_in(world.email("ana"))
    assert session_of(victim) != "planted-by-an-attacker"
    attacker = world.browser()
    attacker.client.set_cookie(COOKIE, "planted-by-an-attacker")
    assert attacker.get("/queues").status_code == 302


def test_s08_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(world):
    browser = world.browser()
    answer = browser.log_in(world.email("ana"))
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


def test_logging_out_ends_the_session_on_the_server(world):
    browser = world.browser("ana")
    kept = session_of(browser)
    assert browser.post("/logout").location == "/login"
    assert session_of(browser) is None
    browser.client.set_cookie(COOKIE, kept)
    assert browser.get("/queues").status_code == 302


def test_s08_a_new_password_ends_every_other_session_and_keeps_this_one(world):
    here, there = world.browser("ana"), world.browser("ana")
    answer = here.post("/password", {"old": PASSWORD, "new": "another good password", "again": "another good password"})
    assert answer.status_code == 303
    assert here.get("/queues").status_code == 200
    assert there.get("/queues").status_code == 302
    assert world.browser().log_in(world.email("ana")).status_code == 403
    assert world.browser().log_in(world.email("ana"), "another good password").status_code == 303


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"old": "not it at all", "new": "another good password", "again": "another good password"},
            "old password is wrong",
        ),
        ({"old": PASSWORD, "new": "another good password", "again": "a different password"}, "differ"),
        ({"old": PASSWORD, "new": "short", "again": "short"}, "at least 12"),
        ({}, "old password is wrong"),
    ],
)
def test_a_password_that_cannot_be_set_says_why_and_changes_nothing(world, fields, words):
    browser = world.browser("ana")
    answer = browser.post("/password", fields)
    assert answer.status_code in {400, 403}
    assert words in answer.text
    assert world.browser().log_in(world.email("ana")).status_code == 303


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "/\t/evil.example",
        "/\n/evil.example",
        "///evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        "/\x00",
        "http:evil.example",
    ],
)
def test_s08_a_login_leads_to_paths_of_our_own_only(world, wanted):
    assert own_path(wanted) == "/"
    browser = world.browser()
    assert browser.log_in(world.email("ana"), next=wanted).location == "/"
    assert browser.get("/login", query_string={"next": wanted}).location == "/"


def test_s08_a_login_leads_back_to_the_page_that_was_asked_for(world):
    browser = world.browser()
    answer = browser.get("/queues/care?after=x")
    assert answer.location == "/login?next=/queues/care%3Fafter%3Dx"
    assert 'name="next" value="/queues/care?after=x"' in browser.get(answer.location).text
    assert browser.log_in(world.email("ana"), next="/queues/care?after=x").location == "/queues/care?after=x"


def test_a_page_that_refreshes_itself_after_the_session_ended_leads_to_the_login(world):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/queues/care"}
    answer = world.browser().get("/queues/care/rows", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login?next=/queues/care"


def test_s09_an_unknown_account_and_a_wrong_password_get_the_same_answer(world):
    known = world.browser().log_in(world.email("ana"), "not her password")
    unknown = world.browser().log_in("nobody@tocsin.example", "not her password")
    assert known.status_code == unknown.status_code == 403
    assert "The e-mail address or the password is wrong." in known.text
    assert "The e-mail address or the password is wrong." in unknown.text
    assert 'value="nobody@tocsin.example"' in unknown.text  # no re-entry of what was right (WCAG 3.3.7)
    assert "not her password" not in unknown.text


def test_s09_after_ten_failures_even_the_right_password_must_wait(world):
    browser = world.browser()
    for _ in range(10):
        assert browser.log_in(world.email("ana"), "a wrong password").status_code == 403
    answer = browser.log_in(world.email("ana"))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) == 900
    assert "Try again in 15 minutes" in answer.text
    assert world.browser().log_in(world.email("ben")).status_code == 303


def test_s09_guessing_the_old_password_is_limited_too(world):
    browser = world.browser("ana")
    for _ in range(10):
        browser.post(
            "/password", {"old": "a wrong password", "new": "another good password", "again": "another good password"}
        )
    assert (
        browser.post(
            "/password", {"old": PASSWORD, "new": "another good password", "again": "another good password"}
        ).status_code
        == 429
    )


def test_a_name_with_a_null_character_is_refused_and_breaks_nothing(world):
    assert world.browser().log_in("ana\0@tocsin.example", "x").status_code == 403


def test_activity_is_noted_once_a_minute_and_never_by_a_page_that_refreshes_itself(world):
    browser = world.browser("ana")
    with world.store.read() as tx:
        before = tx.connection.exec_driver_sql("SELECT seen_at FROM session").scalar_one()
    world.store.write(lambda tx: tx.connection.exec_driver_sql("UPDATE session SET seen_at = '2026-01-01 00:00:00'"))
    visitors = world.app.extensions["tocsin.visitors"]
    visitors._noted.clear()

    def seen():
        with world.store.read() as tx:
            return tx.connection.exec_driver_sql("SELECT seen_at FROM session").scalar_one()

    world.store.write(
        lambda tx: tx.connection.exec_driver_sql("UPDATE session SET seen_at = datetime('now', '-1 hour')")
    )
    old = seen()
    browser.get("/queues/care/rows")
    assert seen() == old
    browser.get("/queues/care")
    assert seen() != old
    assert before is not None
