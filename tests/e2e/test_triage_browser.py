"""Can a community manager do her work with the keyboard alone, and do two of them stay out of each other's way?"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.dashboard_world import PASSWORD
from triage.storage.views import Views

pytestmark = pytest.mark.browser


def state(desk, item_id):
    with desk.world.store.read() as tx:
        return Views(tx.connection).item(item_id).row


def reason(desk, item_id):
    with desk.world.store.read() as tx:
        return Views(tx.connection).item(item_id).disposition_reason


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


@pytest.fixture
def items(world):
    return [world.add_item(title=f"Brévane complaint number {number}") for number in range(1, 6)]


def test_a_new_user_claims_and_closes_an_item_by_keyboard(desk, items):
    ana = desk.person(None)
    ana.goto("/queues/care")
    ana.keyboard.type(desk.world.email("ana"))  # the first field has the focus
    press(ana, "Tab")
    ana.keyboard.type(PASSWORD)
    press(ana, "Enter")
    expect(ana.get_by_role("heading", name="Care")).to_be_visible()
    press(ana, "j")
    expect(ana.locator(f"#open-{items[0]}")).to_be_focused()
    press(ana, "c")
    expect(ana.locator(f"#item-{items[0]} .owner")).to_have_text("Yours")
    expect(ana.locator("#messages")).to_contain_text("You have this item now.")
    assert state(desk, items[0]).owner == "Ana Ruiz"
    press(ana, "j", "k", "Enter")
    ana.wait_for_url(f"**/items/{items[0]}")
    press(ana, "w")
    expect(ana.locator(".waterfall")).to_be_visible()
    press(ana, "3")
    expect(ana.locator("#dismiss-dialog")).to_be_visible()
    press(ana, "1")
    ana.wait_for_url(f"**/items/{items[1]}?notice=closed*")
    expect(ana.locator("#messages")).to_contain_text(f"Item {items[0]} is closed.")
    assert state(desk, items[0]).disposition == "not_worthwhile"


def test_u01_two_keys_dismiss_a_row_and_land_on_the_next(desk, items):
    ana = desk.person("ana")
    ana.goto("/queues/care")
    press(ana, "j", "j")
    press(ana, "3", "1")
    expect(ana.locator(f"#item-{items[1]}")).to_have_count(0)
    expect(ana.locator(f"#open-{items[2]}")).to_be_focused()
    assert state(desk, items[1]).disposition == "not_worthwhile"
    press(ana, "3", "2")
    expect(ana.locator(f"#open-{items[3]}")).to_be_focused()
    assert state(desk, items[2]).disposition == "not_about_us"
    press(ana, "1")
    expect(ana.locator(f"#open-{items[4]}")).to_be_focused()
    assert state(desk, items[3]).disposition == "answered"


def test_u08_z_undoes_step_after_step(desk, items):
    ana = desk.person("ana")
    ana.goto("/queues/care")
    press(ana, "j", "3", "1")
    expect(ana.locator(f"#item-{items[0]}")).to_have_count(0)
    press(ana, "3", "1")
    expect(ana.locator(f"#item-{items[1]}")).to_have_count(0)
    for item in (items[1], items[0]):
        press(ana, "z")
        expect(ana.locator(f"#item-{item}")).to_be_visible()
    assert {state(desk, item).state for item in items} == {"open"}


def test_i6_the_second_of_two_who_claim_sees_who_was_first(desk, items):
    desk.expected_statuses = {409}
    ana, ben = desk.person("ana"), desk.person("ben")
    ben.route("**/rows", lambda route: route.fulfill(status=304))  # Ben's list stands still, so that he is late
    ben.goto("/queues/care")
    ana.goto("/queues/care")
    press(ana, "j", "c")
    expect(ana.locator(f"#item-{items[0]} .owner")).to_have_text("Yours")
    press(ben, "j", "c")
    expect(ben.locator("#messages")).to_contain_text("Ana Ruiz has had this item since")
    expect(ben.locator(f"#item-{items[0]} .owner")).to_contain_text("Ana Ruiz")
    expect(ben.locator(f"#open-{items[0]}")).to_be_focused()
    assert state(desk, items[0]).owner == "Ana Ruiz"


def test_u06_another_persons_claim_appears_without_moving_the_focus(desk, items):
    ana, ben = desk.person("ana"), desk.person("ben")
    ana.goto("/queues/care")
    press(ana, "j", "j")
    ben.goto(f"/items/{items[0]}")
    press(ben, "c")
    expect(ana.locator(f"#item-{items[0]} .owner")).to_contain_text("Ben Okafor", timeout=5000)
    expect(ana.locator(f"#open-{items[1]}")).to_be_focused()


def test_u06_a_new_item_waits_behind_a_button_while_somebody_is_choosing(desk, items):
    ana = desk.person("ana")
    ana.goto("/queues/care")
    press(ana, "j", "j")
    top = ana.locator(f"#item-{items[1]}").bounding_box()["y"]
    fresh = desk.world.add_item(title="Brévane is new", level="critical", due=None)
    button = ana.locator("#fresh")
    expect(button).to_have_text("1 new – press .", timeout=5000)
    expect(ana.locator(f"#item-{fresh}")).to_have_count(0)
    expect(ana.locator(f"#open-{items[1]}")).to_be_focused()
    assert ana.locator(f"#item-{items[1]}").bounding_box()["y"] == top
    press(ana, ".")
    expect(ana.locator(f"#item-{fresh}")).to_be_visible()
    expect(button).to_be_hidden()
    expect(ana.locator(f"#open-{items[1]}")).to_be_focused()


def test_u06_a_new_item_appears_by_itself_when_nobody_is_choosing(desk, items):
    ana = desk.person("ana")
    ana.goto("/queues/care")
    fresh = desk.world.add_item(title="Brévane is new")
    expect(ana.locator(f"#item-{fresh}")).to_be_visible(timeout=5000)
    expect(ana).to_have_title(re.compile(r"^\(6\) Care"))


def test_a_row_that_somebody_else_closes_hands_the_focus_to_the_one_in_its_place(desk, items):
    ana = desk.person("ana")
    ana.goto("/queues/care")
    press(ana, "j", "j")
    desk.world.browser("ben").post(f"/items/{items[1]}/close", {"disposition": "spam"})
    expect(ana.locator(f"#item-{items[1]}")).to_have_count(0, timeout=5000)
    expect(ana.locator(f"#open-{items[2]}")).to_be_focused()


def test_a_list_without_changes_is_answered_304(desk, items):
    ana = desk.person("ana")
    ana.goto("/queues/care")
    with ana.expect_response(lambda answer: answer.url.endswith("/rows") and answer.status == 304):
        pass
    expect(ana.locator(f"#item-{items[0]}")).to_be_visible()


def test_u44_when_the_server_is_away_the_page_says_how_old_it_is_and_recovers(desk, items):
    ana = desk.person("ana")
    desk.expected_statuses = {503}
    ana.goto("/queues/care")
    ana.route("**/rows", lambda route: route.fulfill(status=503, body=""))
    expect(ana.locator("#connection")).to_contain_text("Reconnecting. What you see is", timeout=10_000)
    expect(ana.locator(f"#item-{items[0]}")).to_be_visible()
    ana.unroute("**/rows")
    press(ana, ".")
    expect(ana.locator("#connection")).to_be_hidden()


def test_keys_never_act_while_a_person_types(desk, items):
    ana = desk.person("ana")
    ana.goto(f"/items/{items[0]}")
    press(ana, "n")
    expect(ana.locator("#note")).to_be_focused()
    ana.keyboard.type("c3z1.gq?w")
    expect(ana.locator("#note")).to_have_value("c3z1.gq?w")
    assert ana.url.endswith(f"/items/{items[0]}")
    assert state(desk, items[0]).state == "open"
    ana.get_by_role("button", name="Save the note").click()
    expect(ana.locator(".note-row")).to_contain_text("c3z1.gq?w")
    expect(ana.locator("#note")).to_have_value("")


def test_keys_can_be_switched_off_and_stay_off(desk, items):
    ana = desk.person("ana")
    ana.goto("/queues/care")
    press(ana, "?")
    ana.locator("#help-dialog [data-keys-switch]").uncheck()
    press(ana, "Escape")
    ana.reload()
    press(ana, "j", "c")
    ana.wait_for_timeout(300)
    assert state(desk, items[0]).state == "open"
    ana.goto("/help")
    ana.locator("main [data-keys-switch]").check()
    ana.goto("/queues/care")
    press(ana, "j")
    expect(ana.locator(f"#open-{items[0]}")).to_be_focused()


def test_keys_lead_from_page_to_page(desk, items):
    ana = desk.person("ana")
    ana.goto("/queues/care")
    press(ana, "g", "q")
    ana.wait_for_url("**/queues")
    press(ana, "g", "m")
    ana.wait_for_url("**/mine")
    ana.goto("/queues/care")
    press(ana, "j", "j", "o")
    ana.wait_for_url(f"**/items/{items[1]}")
    press(ana, "Escape")
    ana.wait_for_url("**/queues/care")
    press(ana, "j", "w")
    ana.wait_for_url(f"**/items/{items[0]}?why=1#why")
    expect(ana.locator(".waterfall")).to_be_visible()


def test_v_opens_the_original_without_telling_it_where_we_come_from(desk, items):
    ana = desk.person("ana")
    context = ana.context
    asked = []
    context.route(
        "https://forum.example/**", lambda route: (asked.append(route.request.headers), route.fulfill(body="original"))
    )
    ana.goto(f"/items/{items[0]}")
    with context.expect_page() as opened:
        press(ana, "v")
    opened.value.wait_for_load_state()
    assert "referer" not in asked[0]
    assert opened.value.evaluate("window.opener") is None


def test_a_chosen_theme_stays_and_wins_over_the_system(desk, items):
    ana = desk.person("ana", color_scheme="dark")
    ana.goto("/queues/care")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = ana.evaluate(ground)
    ana.locator("[data-theme-switch]").click()
    light = ana.evaluate(ground)
    assert light != dark
    ana.goto("/queues")
    assert ana.evaluate(ground) == light
    ana.locator("[data-theme-switch]").click()
    assert ana.evaluate(ground) == dark


def test_everything_works_without_javascript(desk, items):
    ana = desk.person("ana", java_script_enabled=False)
    ana.goto("/queues/care")
    ana.locator(f"#item-{items[0]}").get_by_role("button", name="Claim").click()
    expect(ana.locator("#messages")).to_contain_text("You have this item now.")
    ana.locator(f"#item-{items[0]}").get_by_role("link", name="Close").click()
    ana.get_by_label("Not worth an answer").check()
    ana.locator("#reason").fill("asked and answered")
    ana.get_by_role("button", name="Close the item").click()
    expect(ana.locator("#messages")).to_contain_text(f"Item {items[0]} is closed.")
    assert reason(desk, items[0]) == "asked and answered"
    ana.get_by_role("button", name="Undo").click()
    expect(ana.locator("#messages")).to_contain_text("Undone.")
    ana.goto(f"/items/{items[1]}")
    ana.get_by_label("A note for colleagues").fill("Called back.")
    ana.get_by_role("button", name="Save the note").click()
    expect(ana.locator(".note-row")).to_contain_text("Called back.")
    ana.get_by_label("To the queue").select_option("press")
    ana.get_by_role("button", name="Hand over").click()
    assert state(desk, items[1]).queue == "press"
    ana.locator(".rail").get_by_role("link", name="Help").click()
    expect(ana.get_by_role("heading", name="Keys")).to_be_visible()


def test_u05_a_key_shows_within_100_ms_that_it_was_heard(desk, items):
    ana = desk.person("ana")
    ana.goto("/queues/care")
    ana.route("**/claim", lambda _: None)  # the server never answers
    press(ana, "j")
    waited = ana.evaluate(
        """async () => {
            const row = document.activeElement.closest(".row"), start = performance.now();
            document.dispatchEvent(new KeyboardEvent("keydown", {key: "c", bubbles: true}));
            while (!row.querySelector(".htmx-request")) {
                if (performance.now() - start > 2000) return Infinity;
                await new Promise(requestAnimationFrame);
            }
            return performance.now() - start;
        }"""
    )
    assert waited <= 100


def test_the_dialog_can_be_used_with_the_mouse_and_with_a_reason(desk, items):
    ana = desk.person("ana")
    ana.goto("/queues/care")
    ana.locator(f"#item-{items[2]}").get_by_role("link", name="Close").click()
    ana.get_by_label("Reason, if there is more to say").fill("3 bots")
    ana.get_by_role("button", name="Spam").click()
    expect(ana.locator(f"#item-{items[2]}")).to_have_count(0)
    assert (state(desk, items[2]).disposition, reason(desk, items[2])) == ("spam", "3 bots")
