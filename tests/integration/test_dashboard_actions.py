"""What happens when a person presses a button? Claim, release, close, hand over, note, undo; with and without htmx."""

from __future__ import annotations

import pytest

from tests.dashboard_world import World
from triage.domain.mentions import Disposition
from triage.storage.views import Views


def state(world, item_id):
    with world.store.read() as tx:
        return Views(tx.connection).item(item_id).row


def audit(world, item_id):
    with world.store.read() as tx:
        rows = tx.connection.exec_driver_sql(
            f"SELECT action, actor FROM audit_event WHERE subject = 'item' AND subject_id = {item_id:d} ORDER BY id"  # noqa: S608  # a number
        )
        return [(row[0], row[1]) for row in rows]


@pytest.fixture
def world(database_url, tmp_path):
    """An installation on each kind of database in turn."""
    built = World(tmp_path, DATABASE_URL=database_url)
    yield built
    built.close()


@pytest.fixture
def item(world):
    return world.add_item()


@pytest.fixture
def ana(world):
    return world.browser("ana")


@pytest.fixture
def ben(world):
    return world.browser("ben")


def test_a_claim_from_a_list_answers_the_row_and_a_message_with_undo(world, item, ana):
    answer = ana.post(f"/items/{item}/claim", {"view": "row"}, htmx=True)
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith(f'<li class="row mine" id="item-{item}"')
    assert '<hx-partial hx-target="#messages"' in answer.text
    assert "Undo" in answer.text
    assert state(world, item).owner == "Ana Ruiz"


def test_a_claim_without_javascript_leads_back_to_the_list_with_the_message(world, item, ana):
    answer = ana.post(f"/items/{item}/claim", {"view": "row", "back": "/queues/care"})
    assert answer.status_code == 303
    assert answer.location.startswith("/queues/care?notice=claimed")
    page = ana.get(answer.location)
    assert "You have this item now." in page.text
    assert ">Yours</span>" in page.text


def test_i6_the_second_claim_answers_409_with_the_name_of_the_first(world, item, ana, ben):
    ana.post(f"/items/{item}/claim", {"view": "row"}, htmx=True)
    answer = ben.post(f"/items/{item}/claim", {"view": "row"}, htmx=True)
    assert answer.status_code == 409
    assert "Ana Ruiz has had this item since" in answer.text
    assert f'id="item-{item}"' in answer.text  # the row as it is now
    assert 'data-verb="claim"' not in answer.text
    assert state(world, item).owner == "Ana Ruiz"
    page = ben.post(f"/items/{item}/claim")
    assert page.status_code == 409
    assert "Ana Ruiz has had this item since" in page.text
    assert f'href="/items/{item}"' in page.text


@pytest.mark.parametrize("action", ["release", "close", "reassign"])
def test_i6_what_somebody_else_holds_cannot_be_moved(world, item, ana, ben, action):
    ana.post(f"/items/{item}/claim")
    fields = {"disposition": "spam", "queue": "review", "view": "item"}
    answer = ben.post(f"/items/{item}/{action}", fields, htmx=True)
    assert answer.status_code == 409
    assert "Ana Ruiz has had this item" in answer.text
    assert state(world, item).owner == "Ana Ruiz"


def test_closing_from_a_list_takes_the_row_away(world, item, ana):
    answer = ana.post(f"/items/{item}/close", {"view": "row", "disposition": "not_worthwhile"}, htmx=True)
    assert answer.headers["HX-Reswap"] == "delete"
    assert f"Item {item}</a> is closed." in answer.text
    closed = state(world, item)
    assert (closed.state, closed.disposition) == ("closed", "not_worthwhile")


def test_u01_closing_from_the_page_lands_on_the_next_item_of_the_queue(world, ana, ben):
    first, second, third = (world.add_item(title=f"Brévane {n}") for n in range(3))
    ben.post(f"/items/{second}/claim")
    answer = ana.post(f"/items/{first}/close", {"view": "item", "disposition": "spam"}, htmx=True)
    assert answer.headers["HX-Redirect"].startswith(f"/items/{third}?notice=closed")  # the second is Ben's
    answer = ana.post(f"/items/{third}/close", {"view": "item", "disposition": "spam"})
    assert answer.location.startswith("/queues/care?notice=closed")


@pytest.mark.parametrize("disposition", list(Disposition))
def test_every_disposition_can_be_chosen_on_the_page(world, ana, disposition):
    item = world.add_item()
    assert f'value="{disposition}"' in ana.get(f"/items/{item}").text
    ana.post(f"/items/{item}/close", {"disposition": disposition, "reason": "because"})
    assert state(world, item).disposition == disposition
    assert ": because." in ana.get(f"/items/{item}").text


@pytest.mark.parametrize(
    ("fields", "status"),
    [({}, 400), ({"disposition": "lost"}, 400), ({"disposition": "spam", "reason": "x" * 501}, 409)],
)
def test_a_closing_that_says_nothing_sensible_is_refused(world, item, ana, fields, status):
    assert ana.post(f"/items/{item}/close", fields).status_code == status
    assert state(world, item).state == "open"


def test_an_item_that_is_handed_over_is_open_in_its_new_queue(world, item, ana):
    ana.post(f"/items/{item}/claim")
    answer = ana.post(f"/items/{item}/reassign", {"view": "item", "queue": "press"}, htmx=True)
    assert answer.headers["HX-Redirect"].startswith("/queues/care?notice=reassigned")
    assert (state(world, item).queue, state(world, item).state) == ("press", "open")


def test_a_queue_that_does_not_exist_is_refused_with_the_names_of_those_that_do(world, item, ana):
    answer = ana.post(f"/items/{item}/reassign", {"view": "row", "queue": "lost"}, htmx=True)
    assert answer.status_code == 409
    assert "There is no queue named lost" in answer.text


def test_a_note_appears_on_the_page_and_keeps_its_lines(world, item, ana, ben):
    ana.post(f"/items/{item}/note", {"view": "item", "text": "Called back.\r\nSecond line <b>\x00\x07"}, htmx=True)
    page = ben.get(f"/items/{item}").text
    assert "Called back.\nSecond line &lt;b&gt;<" in page
    assert "Ana Ruiz" in page


@pytest.mark.parametrize("text", ["", "   ", "x" * 4001])
def test_a_note_that_is_empty_or_too_long_is_refused(world, item, ana, text):
    assert ana.post(f"/items/{item}/note", {"text": text}).status_code == 409


def test_every_action_may_be_sent_twice_with_one_effect(world, item, ana):
    for action, fields in (
        ("claim", {}),
        ("note", {"text": "Called back."}),
        ("release", {}),
        ("reassign", {"queue": "review"}),
        ("close", {"disposition": "spam"}),
    ):
        for _ in range(2):
            assert ana.post(f"/items/{item}/{action}", fields).status_code == 303, action
    moves = [action for action, _ in audit(world, item)]
    assert moves == ["item.queue", "item.claim", "item.note", "item.release", "item.reassign", "item.close"]


def test_u08_undo_takes_back_the_newest_own_step_and_says_so(world, item, ana):
    ana.post(f"/items/{item}/close", {"disposition": "spam"})
    answer = ana.post("/undo", {"view": "row"}, htmx=True)
    assert answer.headers["HX-Trigger"] == "tocsin:refresh"
    assert "Undone." in answer.text
    assert state(world, item).state == "open"
    assert ana.post("/undo").status_code == 409


def test_u08_the_undo_of_a_message_takes_back_that_step_or_nothing(world, ana):
    first, second = world.add_item(), world.add_item()
    step = ana.post(f"/items/{first}/claim").location.partition("step=")[2]
    ana.post(f"/items/{second}/claim")
    answer = ana.post("/undo", {"step": step}, htmx=True)
    assert answer.status_code == 409
    assert "undone before, or you have done something since" in answer.text
    assert state(world, first).owner == state(world, second).owner == "Ana Ruiz"
    newest = ana.post(f"/items/{second}/release").location.partition("step=")[2]
    assert ana.post("/undo", {"step": newest}).status_code == 303
    assert ana.post("/undo", {"step": newest}).status_code == 409  # pressed twice: one effect


def test_u08_nobody_undoes_what_another_person_did(world, item, ana, ben):
    ana.post(f"/items/{item}/claim")
    assert ben.post("/undo").status_code == 409
    assert state(world, item).owner == "Ana Ruiz"


@pytest.mark.parametrize("action", ["claim", "release", "close", "reassign", "note"])
def test_an_action_on_an_item_that_does_not_exist_is_answered_404(world, ana, action):
    fields = {"disposition": "spam", "queue": "review", "text": "x"}
    assert ana.post(f"/items/404/{action}", fields).status_code == 404
    answer = ana.post(f"/items/404/{action}", fields | {"view": "row"}, htmx=True)
    assert answer.status_code == 404
    assert "<hx-partial" in answer.text


def test_s08_an_action_leads_back_to_paths_of_our_own_only(world, item, ana):
    answer = ana.post(f"/items/{item}/claim", {"view": "row", "back": "//evil.example/"})
    assert answer.location.startswith("/?notice=claimed")


def test_a_notice_in_an_address_cannot_put_words_on_a_page(world, ana):
    page = ana.get("/queues/care?notice=<b>evil</b>&about=<b>1&step=99999999999999999999999").text
    assert "evil" not in page
    assert "is closed" in ana.get("/queues/care?notice=closed&about=x&step=-3").text


def test_reading_a_source_now_makes_it_due_and_nudges_a_worker(world):
    mia = world.browser("mia")
    world.fail_source(world.sources[0], "gone", "410")
    answer = mia.post(f"/sources/{world.sources[0]}/poll")
    assert answer.location == f"/sources?notice=polling&about={world.sources[0]}"
    assert world.nudges.sent == [("poll", (world.sources[0],))]
    assert "will be read in a moment" in mia.get(answer.location).text
    assert mia.post("/sources/77/poll").status_code == 404


@pytest.mark.parametrize(("action", "nudged"), [("replay", True), ("discard", False)])
def test_o5_a_dead_letter_is_settled_once(world, action, nudged):
    world.add_dead_letter("ValueError: <script>alert(1)</script>")
    olu = world.browser("olu")
    page = olu.get("/dead-letters").text
    assert "ValueError: &lt;script&gt;" in page
    assert olu.post(f"/dead-letters/1/{action}").status_code == 303
    assert bool(world.nudges.sent) is nudged
    assert olu.post(f"/dead-letters/1/{action}").status_code == 409
    assert "Everything that came in was worked on." in olu.get("/dead-letters").text


def test_nothing_that_a_browser_can_send_makes_the_database_refuse(world, ana):
    item = world.add_item()
    for path in (f"/items/{2**63}", f"/items/{2**63 - 1}", "/queues/%00", "/queues/care?after=%00", "/login?next=%00"):
        assert ana.get(path).status_code in {302, 404}
    for text in ("\0", "\x00\x01 ", "é" * 4000):
        for action, fields in (("note", {"text": text}), ("close", {"disposition": "spam", "reason": text})):
            assert ana.post(f"/items/{item}/{action}", fields).status_code in {303, 409}
    assert world.browser().log_in("\0@\0", "\0" * 50).status_code == 403


def test_every_page_opens_on_every_database(world, ana):
    item = world.add_item(story=1)
    world.add_item(story=1)
    world.add_dead_letter()
    ana.post(f"/items/{item}/claim")
    for path in (
        "/queues",
        "/queues/care",
        "/queues/care/rows",
        "/mine",
        "/mine/rows",
        "/closed",
        f"/items/{item}",
        "/sources",
        "/dead-letters",
        "/process",
        "/help",
        "/password",
        "/readyz",
    ):
        assert ana.get(path).status_code == 200, path
