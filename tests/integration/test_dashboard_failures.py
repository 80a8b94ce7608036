"""What does a person see when something fails? What happened, what still works, what to do (U44, F08)."""

from __future__ import annotations

import logging
import re

import pytest
from werkzeug.exceptions import HTTPException

from dashboard import create_app
from dashboard.permissions import Permission, requires
from triage.domain.errors import Unavailable


@pytest.fixture
def ana(world):
    return world.browser("ana")


def break_database(world, monkeypatch):
    def unavailable(*_):
        raise Unavailable("The database does not answer.")

    monkeypatch.setattr(world.store, "read", unavailable)
    monkeypatch.setattr(world.store, "write", unavailable)


@pytest.mark.parametrize("path", ["/", "/queues/care", "/queues/care/rows", "/items/1", "/sources", "/help"])
def test_f08_without_a_database_every_page_is_503_and_tries_again_by_itself(world, ana, monkeypatch, path):
    break_database(world, monkeypatch)
    answer = ana.get(path)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "Nothing was lost" in answer.text
    assert '<meta http-equiv="refresh" content="5">' in answer.text


def test_f08_an_action_without_a_database_says_that_nothing_was_changed(world, ana, monkeypatch):
    item, token = world.add_item(), ana.token()
    break_database(world, monkeypatch)
    form = {"csrf_token": token, "view": "item", "text": "a long note"}
    answer = ana.client.post(f"/items/{item}/note", data=form, headers={"HX-Request": "true"})
    assert answer.status_code == 503
    assert answer.text.lstrip().startswith('<hx-partial hx-target="#messages"')  # nothing else: the form keeps its text
    assert "nothing was changed" in answer.text
    assert 'http-equiv="refresh"' not in ana.client.post(f"/items/{item}/note", data=form).text


def test_f08_pages_work_again_without_a_restart(world, ana, monkeypatch):
    with monkeypatch.context() as broken:
        break_database(world, broken)
        assert ana.get("/queues/care").status_code == 503
    assert ana.get("/queues/care").status_code == 200


def test_a_busy_database_is_no_reason_to_lose_a_page_because_activity_could_not_be_noted(world, ana, monkeypatch):
    world.app.extensions["tocsin.visitors"]._noted.clear()
    item = world.add_item()

    def busy(*_):
        raise Unavailable("The database is busy.")

    monkeypatch.setattr(world.store, "write", busy)
    assert ana.get(f"/items/{item}").status_code == 200


def failing(world, error):
    app = create_app(world.container)

    @app.get("/failing")
    @requires(Permission.PUBLIC)
    def fails():
        raise error

    world.app = app
    return world.browser()


def test_an_error_of_ours_is_logged_with_the_number_that_the_page_shows(world, caplog):
    browser = failing(world, RuntimeError("secret detail of the fault"))
    with caplog.at_level(logging.ERROR):
        answer = browser.get("/failing")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    trace = re.search(r"500 · (\w{12})", answer.text)[1]
    assert answer.headers["X-Request-Id"] == trace
    (record,) = [record for record in caplog.records if trace in record.getMessage()]
    assert "secret detail" in str(record.exc_info[1])


def test_u44_each_status_has_its_own_words(world, ana):
    item = world.add_item()
    world.browser("ben").post(f"/items/{item}/claim")
    pages = {
        400: ana.post(f"/items/{item}/close"),
        403: ana.post(f"/items/{item}/claim", headers={"Sec-Fetch-Site": "cross-site"}),
        404: ana.get("/items/404"),
        405: ana.get("/undo"),
        409: ana.post(f"/items/{item}/claim"),
        413: ana.post(f"/items/{item}/note", {"text": "x" * 300_000}),
    }
    titles = {}
    for status, answer in pages.items():
        assert answer.status_code == status
        titles[status] = re.search(r"<h1>([^<]+)</h1>", answer.text)[1]
        assert "Werkzeug" not in answer.text
        assert "The browser (or proxy)" not in answer.text
    assert len(set(titles.values())) == len(titles)


@pytest.mark.parametrize("status", [410, 418, 429, 501])
def test_rare_statuses_are_answered_in_words_too(world, status):
    class Rare(HTTPException):
        code = status

    answer = failing(world, Rare()).get("/failing")
    assert answer.status_code == status
    assert re.search(r"<h1>[^<]{8,}</h1>", answer.text)


def test_u44_a_conflict_names_the_owner_and_since_when(world, ana):
    item = world.add_item()
    world.browser("ben").post(f"/items/{item}/claim")
    page = ana.post(f"/items/{item}/claim").text
    assert re.search(r"Ben Okafor has had this item since \d\d:\d\d UTC, <time[^>]+>for &lt; 1 min</time>\.", page)


def test_s16_a_hostile_address_stays_on_one_line_of_the_log(world, caplog):
    browser = failing(world, RuntimeError("x"))
    with caplog.at_level(logging.ERROR):
        browser.get("/failing?a=\r\nINJECTED")
    assert all("\n" not in record.getMessage() for record in caplog.records)


# O1, O2 --------------------------------------------------------------------------------------------------------------


def test_o1_healthz_answers_without_touching_anything(world, monkeypatch):
    break_database(world, monkeypatch)
    assert world.browser().get("/healthz").text == "ok\n"


def test_o1_probes_may_name_any_host(world):
    for path in ("/healthz", "/readyz"):
        assert world.browser().get(path, headers={"Host": "10.1.2.3:8080"}).status_code == 200


def test_o2_readyz_says_what_is_ready(world):
    answer = world.browser().get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"ready": True, "database": "ok", "schema": "ok", "broker": "ok"}


def test_o2_a_broker_that_is_down_is_reported_and_not_fatal(world):
    world.container.broker_alive = lambda: False
    answer = world.browser().get("/readyz")
    assert (answer.status_code, answer.json["broker"]) == (200, "down")


def test_o2_without_a_database_or_its_schema_it_is_not_ready(world, monkeypatch):
    world.store.write(lambda tx: tx.connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'older'"))
    answer = world.browser().get("/readyz")
    assert (answer.status_code, answer.json["ready"]) == (503, False)
    assert "tocsin migrate" in answer.json["schema"]
    break_database(world, monkeypatch)
    answer = world.browser().get("/readyz")
    assert (answer.status_code, answer.json["database"]) == (503, "down")
