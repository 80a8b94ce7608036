"""Can everybody use each page? axe in light and dark, 320 px, targets, and the weight of what is sent (U40, U41, U45)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.architecture.source_tree import ROOT
from triage.storage.sources import NewSource

pytestmark = pytest.mark.browser

PAGES = {
    "login": "/login",
    "queue": "/queues/care",
    "empty queue": "/queues/press",
    "all queues": "/queues",
    "mine": "/mine",
    "closed": "/closed",
    "free item": "/items/1?why=1&notice=noted&about=1&step=1",
    "own item": "/items/2",
    "another's item": "/items/3?why=1",
    "closed item": "/items/4",
    "sources": "/sources",
    "dead letters": "/dead-letters",
    "process": "/process",
    "help": "/help",
    "password": "/password",
    "no such page": "/nope",
}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def world(world):
    """Every state that a page can show."""
    levels = ["critical", "high", "medium", "low"]
    items = [
        world.add_item(
            title=f"Brévane complaint {number}",
            html="<p>formatted <a href='https://x.example/'>text</a></p>",
            level=level,
            due=timedelta(minutes=15 * number - 10),
            age=timedelta(minutes=20),
            story=1,
        )
        for number, level in enumerate(levels)
    ]
    world.add_item(title="", language="fr", tone=None, due=None)
    ana, ben = world.browser("ana"), world.browser("ben")
    ana.post(f"/items/{items[1]}/claim")
    ana.post(f"/items/{items[1]}/note", {"text": "Called back."})
    ben.post(f"/items/{items[2]}/claim")
    ana.post(f"/items/{items[3]}/close", {"disposition": "spam", "reason": "a bot"})
    broken = world.add_source(NewSource("feed", "https://news.example/f", "News", "news", tier=1))
    world.fail_source(broken, "timeout", "no answer")
    world.add_dead_letter()
    return world


def violations(page):
    answer = Axe().run(page, options=RULES).response
    assert len(answer["passes"]) > 15  # it did look
    found = answer["violations"]
    return [(each["id"], each["help"], [node["html"][:160] for node in each["nodes"][:3]]) for each in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_u40_axe_finds_nothing_on_any_page(desk, scheme):
    desk.expected_statuses = {404}
    people = {name: desk.person(name, color_scheme=scheme, reduced_motion="reduce") for name in (None, "ana", "olu")}
    for name, path in PAGES.items():
        page = people[None] if name == "login" else people["olu" if name in {"sources", "dead letters"} else "ana"]
        page.goto(path)
        page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
        assert violations(page) == [], name
    ana = people["ana"]
    ana.goto("/queues/care")
    for key, dialog in (("?", "#help-dialog"), ("3", "#dismiss-dialog")):
        ana.keyboard.press("j")
        ana.keyboard.press(key)
        expect(ana.locator(dialog)).to_be_visible()
        assert violations(ana) == [], dialog
        ana.keyboard.press("Escape")


def test_u40_axe_would_find_a_planted_fault(desk):
    ana = desk.person("ana")
    ana.goto("/queues/care")
    ana.evaluate(
        "document.querySelector('.meta').className = 'planted'; document.querySelector('.planted').setAttribute('lang', 'no such')"
    )
    ana.evaluate("document.querySelector('#rows').insertAdjacentHTML('beforebegin', '<button></button>')")
    assert {"valid-lang", "button-name"} <= {rule for rule, *_ in violations(ana)}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_u40_axe_finds_nothing_on_a_phone(desk, scheme):
    ana = desk.person("ana", color_scheme=scheme, reduced_motion="reduce", viewport={"width": 320, "height": 640})
    for path in ("/queues/care", "/items/1?why=1", "/items/2"):
        ana.goto(path)
        assert violations(ana) == [], path
    ana.get_by_role("button", name="Menu").click()
    expect(ana.get_by_role("link", name="Mine")).to_be_visible()
    assert violations(ana) == []


def test_nothing_scrolls_sideways_at_320_px_and_targets_are_large_enough_for_a_thumb(desk):
    desk.expected_statuses = {404}
    olu = desk.person("olu", viewport={"width": 320, "height": 640})
    anonymous = desk.person(None, viewport={"width": 320, "height": 640})
    for name, path in PAGES.items():
        page = anonymous if name == "login" else olu
        page.goto(path)
        page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
        small = page.locator("button:visible, a.button:visible, select:visible, textarea:visible").evaluate_all(
            "all => all.map(each => [each.outerHTML.slice(0, 90), each.getBoundingClientRect().height]).filter(([, height]) => height < 43.5)"
        )
        assert small == [], name


def test_targets_are_at_least_24_px_on_a_desk(desk):
    olu = desk.person("olu")
    for path in ("/queues/care", "/items/1", "/sources"):
        olu.goto(path)
        small = olu.locator(
            "button:visible, a.button:visible, select:visible, .rail a:visible, .title:visible"
        ).evaluate_all(
            "all => all.map(each => [each.outerHTML.slice(0, 90), each.getBoundingClientRect().height]).filter(([, height]) => height < 24)"
        )
        assert small == [], path


def test_the_focus_is_never_hidden_and_always_visible(desk):
    for number in range(12):
        desk.world.add_item(title=f"Brévane more {number}")
    ana = desk.person("ana", viewport={"width": 1200, "height": 600})
    ana.goto("/queues/care")
    for _ in range(14):
        ana.keyboard.press("j")
        seen = ana.evaluate(
            """() => {
                const box = document.activeElement.getBoundingClientRect();
                const there = document.elementFromPoint(box.x + 3, box.y + 3);
                return box.top >= 0 && box.bottom <= innerHeight && getComputedStyle(document.activeElement).outlineStyle !== "none"
                    && document.activeElement.closest(".row").contains(there);
            }"""
        )
        assert seen


def test_the_way_through_a_page_begins_with_a_link_past_the_menu(desk):
    ana = desk.person("ana")
    ana.goto("/queues/care")
    ana.keyboard.press("Tab")
    expect(ana.get_by_role("link", name="Skip to the content")).to_be_focused()
    ana.keyboard.press("Enter")
    ana.keyboard.press("Tab")
    assert ana.evaluate("Boolean(document.activeElement.closest('main'))")


# U41 -----------------------------------------------------------------------------------------------------------------


def test_u41_a_full_queue_weighs_at_most_120_kb_cold(desk):
    for number in range(50):
        desk.world.add_item(title=f"Brévane bill went up again, part {number}", text="The second rise this year. " * 20)
    ana = desk.person("ana")
    client = ana.context.new_cdp_session(ana)
    client.send("Network.enable")
    weights = []
    client.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))
    ana.goto("/queues/care", wait_until="load")
    expect(ana.locator("#rows > .row")).to_have_count(50)
    assert 40_000 < sum(weights) <= 120_000


def test_u41_our_own_script_is_one_file_of_at_most_15_kb():
    scripts = [file for file in (ROOT / "dashboard" / "static").rglob("*.js") if "vendor" not in file.parts]
    assert [file.name for file in scripts] == ["tocsin.js"]
    assert scripts[0].stat().st_size <= 15_000


def test_u41_nothing_but_our_own_files_is_loaded_and_no_font(desk):
    ana = desk.person("ana")
    loaded = []
    ana.on("request", lambda request: loaded.append((request.resource_type, request.url)))
    ana.goto("/queues/care", wait_until="load")
    assert {kind for kind, _ in loaded} <= {"document", "stylesheet", "script", "fetch", "xhr", "other", "image"}
    assert all(url.startswith(desk.address) for _, url in loaded)
