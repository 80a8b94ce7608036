"""Does an open list stay current, cheaply? ETag and 304, what is sent again, and what every page shows about the whole."""

from __future__ import annotations

import gzip
from datetime import timedelta

import pytest

from dashboard.glance import Glances
from tests.dashboard_world import Nudges


@pytest.fixture
def ana(world):
    return world.browser("ana")


@pytest.fixture(autouse=True)
def _no_memory(monkeypatch):
    """Let every request read the counts again; that they are kept for two seconds has a test of its own."""
    monkeypatch.setattr("dashboard.glance._KEEP_SECONDS", 0)


def ask(browser, path="/queues/care/rows", tag=None):
    headers = {"HX-Request": "true", **({"If-None-Match": tag} if tag else {})}
    return browser.get(path, headers=headers)


@pytest.fixture
def same_minute(world):
    """A clock that stands still: the tag of the rows names the minute, because spans of time are made here."""
    with world.store.read() as tx:
        now = tx.now
    world.store._clock = lambda: now
    return now


@pytest.mark.parametrize("path", ["/queues/care/rows", "/mine/rows"])
def test_a_list_without_changes_is_not_sent_again(world, ana, same_minute, path):
    ana.post(f"/items/{world.add_item()}/claim")
    first = ask(ana, path)
    assert first.status_code == 200
    again = ask(ana, path, first.headers["ETag"])
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert again.headers["Cache-Control"] == "no-store"


def test_u06_a_new_item_and_another_persons_claim_are_sent(world, ana, same_minute):
    item = world.add_item()
    tag = ask(ana).headers["ETag"]
    other = world.add_item(title="Brévane is new")
    fresh = ask(ana, tag=tag)
    assert fresh.status_code == 200
    assert f'id="item-{other}"' in fresh.text
    world.browser("ben").post(f"/items/{item}/claim")
    claimed = ask(ana, tag=fresh.headers["ETag"])
    assert claimed.status_code == 200
    assert "Ben Okafor" in claimed.text


def test_work_in_another_queue_changes_the_counts_beside_the_list(world, ana, same_minute):
    world.add_item()
    tag = ask(ana).headers["ETag"]
    world.add_item(queue="emergency")
    fresh = ask(ana, tag=tag)
    assert fresh.status_code == 200
    assert '<hx-partial hx-target="#rail-queues"' in fresh.text


def test_a_new_minute_is_a_change_because_spans_of_time_are_made_on_the_server(world, ana, same_minute):
    world.add_item()
    tag = ask(ana).headers["ETag"]
    world.store._clock = lambda: same_minute + timedelta(minutes=1)
    assert ask(ana, tag=tag).status_code == 200


def test_two_persons_do_not_share_a_tag_because_their_buttons_differ(world, ana, same_minute):
    ana.post(f"/items/{world.add_item()}/claim")
    assert ask(ana).headers["ETag"] != ask(world.browser("ben")).headers["ETag"]


def test_u41_fifty_rows_are_sent_in_less_than_15_kb(world, ana):
    for number in range(50):
        world.add_item(
            title=f"Brévane bill went up again, part {number}", text=f"The {number}th rise, and no letter. " * 9
        )
    answer = ana.get("/queues/care/rows", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data).count(b'<li class="row') == 50
    assert len(answer.data) < 15_000


def test_pages_that_hold_a_form_token_are_never_compressed(world, ana):
    for path in ("/queues/care", f"/items/{world.add_item()}", "/login", "/help"):
        assert "Content-Encoding" not in ana.get(path, headers={"Accept-Encoding": "gzip"}).headers


def test_rows_hold_no_form_token(world, ana):
    world.add_item()
    assert "csrf_token" not in ask(ana).text


def test_a_long_queue_comes_in_pages_that_neither_repeat_nor_lose_a_row(world, ana):
    items = {world.add_item(title=f"Brévane {number}", due=timedelta(minutes=7)) for number in range(120)}
    seen, path = [], "/queues/care"
    for _ in range(3):
        page = ana.get(path).text
        seen += [int(part.partition('"')[0]) for part in page.split('<li class="row" id="item-')[1:]]
        path = page.partition('class="more"><a class="button" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert path == ""
    assert len(seen) == 120
    assert set(seen) == items


@pytest.mark.parametrize(
    "after",
    [
        "x",
        "2026-01-01_1",
        "2026-01-01T00:00:00+00:00_",
        "_",
        "2026-01-01T00:00:00+00:00_-1",
        f"2026-01-01T00:00:00+00:00_{2**63}",
        "%00",
    ],
)
def test_a_cursor_that_is_none_is_answered_404(world, ana, after):
    assert ana.get("/queues/care", query_string={"after": after}).status_code == 404


# The glance ----------------------------------------------------------------------------------------------------------


class CountingContainer:
    """Counts how often the state of the whole is read."""

    def __init__(self, world):
        self.shelf, self.reads, self._store, self.alive = world.container.shelf, 0, world.store, True

    @property
    def store(self):
        self.reads += 1
        return self._store

    def broker_alive(self):
        return self.alive


def test_u42_the_state_of_the_whole_is_read_once_in_two_seconds(world, monkeypatch):
    monkeypatch.undo()
    container, now = CountingContainer(world), [0.0]
    glances = Glances(container, clock=lambda: now[0])
    for _ in range(200):
        glances.current()
    assert container.reads == 1
    now[0] = 2.1
    glances.current()
    assert container.reads == 2
    glances.forget()
    glances.current()
    assert container.reads == 3


def test_one_thread_reads_while_the_others_go_on_with_what_is_known(world, monkeypatch):
    container = CountingContainer(world)
    glances = Glances(container)
    known = glances.current()
    glances.forget()
    glances._lock.acquire()
    assert glances.current() is known


def test_f05_without_a_broker_the_banner_says_what_still_works(world, ana):
    container = CountingContainer(world)
    container.alive = False
    world.app.extensions["tocsin.glances"] = Glances(container)
    page = ana.get("/queues/care").text
    assert "Updates are delayed" in page
    assert "Claims and everything else on these pages work." in page


def test_f05_claims_work_when_no_nudge_can_be_sent(world, ana, monkeypatch):
    monkeypatch.setattr(Nudges, "send", lambda *_: False)
    assert ana.post(f"/items/{world.add_item()}/claim").status_code == 303
    assert world.browser("mia").post("/sources/1/poll").status_code == 303


def test_the_first_page_is_the_most_urgent_queue_with_open_work(world, ana):
    assert ana.get("/").location == "/queues/emergency"  # nothing waits: the most urgent
    world.add_item(queue="discard")
    assert ana.get("/").location == "/queues/emergency"  # what awaits no action is no reason to go there
    world.add_item(queue="review")
    assert ana.get("/").location == "/queues/review"
    world.add_item(queue="care")
    assert ana.get("/").location == "/queues/care"


def test_a_queue_that_the_process_no_longer_has_is_shown_until_it_is_empty(world, ana):
    item = world.add_item(queue="old_queue")
    page = ana.get("/queues/old_queue")
    assert page.status_code == 200
    assert "no longer has this queue" in page.text
    assert "Old queue" in ana.get("/queues").text
    ana.post(f"/items/{item}/close", {"disposition": "spam"})
    assert ana.get("/queues/old_queue").status_code == 404
