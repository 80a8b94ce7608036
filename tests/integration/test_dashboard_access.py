"""May each person call each page, and nobody else? The walk over every route (S10, S11, S17)."""

from __future__ import annotations

import re

import pytest

from dashboard import create_app
from dashboard.permissions import Permission, permission_of, requires
from tests.dashboard_world import World, rows_of
from triage.domain.mentions import Role

EVERYBODY = {"anonymous", "ana", "olu", "mia", "adam"}
LOGGED_IN = EVERYBODY - {"anonymous"}
OPERATORS = {"olu", "mia", "adam"}

# Who may call what. A new route must be added here, with a thought about who needs it.
MAY = {
    ("GET", "assets.static"): EVERYBODY,
    ("GET", "health.healthz"): EVERYBODY,
    ("GET", "health.readyz"): EVERYBODY,
    ("GET", "session.login"): EVERYBODY,
    ("POST", "session.log_in"): EVERYBODY,
    ("POST", "session.log_out"): EVERYBODY,
    ("GET", "session.password"): LOGGED_IN,
    ("POST", "session.set_password"): LOGGED_IN,
    ("GET", "queues.home"): LOGGED_IN,
    ("GET", "queues.overview"): LOGGED_IN,
    ("GET", "queues.show"): LOGGED_IN,
    ("GET", "queues.show_rows"): LOGGED_IN,
    ("GET", "queues.mine"): LOGGED_IN,
    ("GET", "queues.mine_rows"): LOGGED_IN,
    ("GET", "queues.closed"): LOGGED_IN,
    ("GET", "items.show"): LOGGED_IN,
    ("POST", "items.claim"): LOGGED_IN,
    ("POST", "items.release"): LOGGED_IN,
    ("POST", "items.close"): LOGGED_IN,
    ("POST", "items.reassign"): LOGGED_IN,
    ("POST", "items.note"): LOGGED_IN,
    ("POST", "items.undo"): LOGGED_IN,
    ("GET", "sources.show"): LOGGED_IN,
    ("POST", "sources.poll"): OPERATORS,
    ("GET", "dead_letters.show"): LOGGED_IN,
    ("POST", "dead_letters.replay"): OPERATORS,
    ("POST", "dead_letters.discard"): OPERATORS,
    ("GET", "process.show"): LOGGED_IN,
    ("GET", "help.show"): LOGGED_IN,
}
ARGUMENTS = {"name": "care", "item_id": 1, "source_id": 1, "letter_id": 1}
POSTS = sorted(endpoint for method, endpoint in MAY if method == "POST")
GETS = sorted(endpoint for method, endpoint in MAY if method == "GET")


def address(world, endpoint):
    if endpoint == "assets.static":
        page = world.browser().get("/login").text
        return re.search(r'href="(/static/[^"]+\.css)"', page)[1]
    (rule,) = [rule for rule in world.app.url_map.iter_rules() if rule.endpoint == endpoint]
    adapter = world.app.url_map.bind("localhost")
    return adapter.build(endpoint, {name: ARGUMENTS[name] for name in rule.arguments})


@pytest.fixture(scope="module")
def browsers(still_world):
    return {name: still_world.browser(None if name == "anonymous" else name) for name in sorted(EVERYBODY)}


def test_s10_every_route_is_in_the_table_and_declares_its_permission(still_world):
    rules = list(still_world.app.url_map.iter_rules())
    walked = {(method, rule.endpoint) for rule in rules for method in rule.methods - {"HEAD", "OPTIONS"}}
    assert walked == set(MAY)
    undeclared = [
        rule.endpoint for rule in rules if permission_of(still_world.app.view_functions[rule.endpoint]) is None
    ]
    assert undeclared == []


def test_the_people_of_these_tests_cover_every_role(still_world):
    with still_world.store.read() as tx:
        roles = {tx.accounts.by_email(still_world.email(name)).role for name in LOGGED_IN}
    assert roles == set(Role)


@pytest.mark.parametrize("endpoint", GETS)
@pytest.mark.parametrize("name", sorted(EVERYBODY))
def test_s10_each_page_opens_for_those_who_may_and_leads_others_to_the_login(still_world, browsers, name, endpoint):
    answer = browsers[name].get(address(still_world, endpoint))
    if name in MAY["GET", endpoint]:
        assert answer.status_code == (302 if endpoint == "queues.home" or (endpoint, name) in LOGIN_WHILE_IN else 200)
    else:
        assert answer.status_code == 302
        assert answer.location.startswith("/login")


LOGIN_WHILE_IN = {("session.login", name) for name in LOGGED_IN}


@pytest.mark.parametrize("name", sorted(EVERYBODY))
def test_s10_each_action_is_open_to_those_who_may_and_unknown_to_others(world, name):
    world.add_item()
    world.add_dead_letter()
    for endpoint in sorted(POSTS, key="session.log_out".__eq__):
        browser, before = world.browser(None if name == "anonymous" else name), rows_of(world)
        answer = browser.post(address(world, endpoint))
        if name in MAY["POST", endpoint]:
            # 400, 403 and 409: the view ran and found that this empty form asks for nothing it can do.
            assert answer.status_code in {303, 400, 403, 409}, endpoint
            assert not (answer.location or "").startswith("/login") or endpoint == "session.log_out"
            continue
        if name == "anonymous":
            assert (answer.status_code, answer.location) == (303, "/login"), endpoint
        else:
            assert answer.status_code == 404, endpoint
        assert rows_of(world) == before, endpoint


def test_s10_a_route_that_declares_nothing_is_closed_to_everybody(world):
    app = create_app(world.container)
    app.add_url_rule("/naked", view_func=lambda: "secret")
    world.app = app
    for name in (None, "adam"):
        answer = world.browser(name).get("/naked")
        assert answer.status_code == 404
        assert "secret" not in answer.text


@pytest.mark.parametrize("marked_first", [True, False])
def test_s10_the_order_of_decorators_does_not_matter(world, marked_first):
    app = create_app(world.container)

    def view():
        return "for eyes that are logged in"

    mark, route = requires(Permission.SEE), app.get("/late")
    if marked_first:
        route(mark(view))
    else:
        mark(route(view))
    world.app = app
    assert world.browser().get("/late").status_code == 302
    assert world.browser("ana").get("/late").status_code == 200


def test_s10_what_is_forbidden_looks_like_what_does_not_exist(world):
    ana = world.browser("ana")
    forbidden = ana.post("/sources/1/poll")
    unknown = ana.post("/sources/77/nothing")
    assert forbidden.status_code == unknown.status_code == 404
    assert re.sub(r"404 · \w+", "", forbidden.text) == re.sub(r"404 · \w+", "", unknown.text)


# S11 -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", POSTS)
@pytest.mark.parametrize(
    ("attack", "status"),
    [
        ("no token", 400),
        ("empty token", 400),
        ("token of another session", 400),
        ("token signed by another key", 400),
        ("JSON sent as text", 400),
        ("cross-site", 403),
        ("same-site but another host", 403),
        ("wrong origin", 403),
        ("origin null", 403),
    ],
)
def test_s11_a_forged_change_is_refused(still_world, browsers, endpoint, attack, status):
    adam, before = browsers["adam"], rows_of(still_world)
    form = {"csrf_token": adam.token()}
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    options = {}
    match attack:
        case "no token":
            form = {}
        case "empty token":
            form = {"csrf_token": ""}
        case "token of another session":
            form = {"csrf_token": browsers["mia"].token()}
        case "token signed by another key":
            form = {"csrf_token": form["csrf_token"][:-4] + "AAAA"}
        case "JSON sent as text":
            form, options = None, {"content_type": "text/plain", "input_stream": None}
        case "cross-site":
            headers["Sec-Fetch-Site"] = "cross-site"
        case "same-site but another host":
            headers["Sec-Fetch-Site"] = "same-site"
        case "wrong origin":
            headers["Origin"] = "http://evil.example"
        case "origin null":
            headers["Origin"] = "null"
    if attack == "JSON sent as text":
        answer = adam.client.post(
            address(still_world, endpoint), data='{"csrf_token":"x"}', headers=headers, content_type="text/plain"
        )
    else:
        answer = adam.client.post(address(still_world, endpoint), data=form, headers=headers, **options)
    assert answer.status_code == status
    assert rows_of(still_world) == before


def test_s11_no_get_changes_a_row(still_world, browsers):
    before = rows_of(still_world)
    for name, browser in browsers.items():
        for endpoint in GETS:
            for headers in ({}, {"HX-Request": "true"}):
                assert browser.get(address(still_world, endpoint), headers=headers).status_code < 500, (name, endpoint)
    assert rows_of(still_world) == before


def test_s11_no_address_of_an_action_answers_a_get(still_world, browsers):
    both = {"session.log_in", "session.set_password"}  # their addresses show the form
    for endpoint in set(POSTS) - both:
        assert browsers["adam"].get(address(still_world, endpoint)).status_code == 405


# S17 -----------------------------------------------------------------------------------------------------------------

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def has_every_header(answer):
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert not re.search(r"\d", answer.headers.get("Server", ""))
    assert "X-Powered-By" not in answer.headers
    if not answer.request.path.startswith("/static/") or answer.status_code != 200:
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("endpoint", GETS)
def test_s17_every_answer_carries_the_headers(still_world, browsers, endpoint):
    for name in ("anonymous", "ana"):
        has_every_header(browsers[name].get(address(still_world, endpoint)))


def test_s17_failures_carry_the_headers_too(still_world, browsers):
    ana = browsers["ana"]
    answers = {
        404: ana.get("/nope"),
        405: ana.get("/undo"),
        400: ana.post("/items/1/close"),
        409: ana.post("/items/1/note", {"text": ""}),
        413: ana.post("/items/1/note", {"text": "x" * 300_000}),
        403: ana.post("/items/1/claim", headers={"Origin": "http://evil.example"}),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        has_every_header(answer)
    has_every_header(ana.get("/healthz", headers={"Host": "evil.example"}))
    has_every_header(ana.get("/", headers={"Host": "evil.example"}))


def test_s17_with_https_cookies_and_hsts_are_strict(tmp_path):
    world = World(tmp_path, https=True)
    browser = world.browser()
    page = browser.client.get("/login", base_url="https://localhost")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
    answer = browser.client.post(
        "/login",
        data={"csrf_token": token, "email": world.email("ana"), "password": "a long enough password"},
        headers={"Origin": "https://localhost"},
        base_url="https://localhost",
    )
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-tocsin=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert browser.client.get("/queues", base_url="https://localhost").status_code == 200
    world.close()


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "localhost@evil.example", "", "[::1", "a b"]
)
def test_s17_a_foreign_host_is_refused(still_world, browsers, host):
    answer = browsers["ana"].get("/queues", headers={"Host": host})
    assert answer.status_code == 400


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:80", "LOCALHOST"])
def test_s17_our_own_names_are_served_on_any_port(still_world, browsers, host):
    assert browsers["ana"].get("/login", headers={"Host": host}).status_code in {200, 302}


def test_s17_static_files_are_kept_for_ever_under_an_address_that_names_their_content(still_world, browsers):
    sheet = address(still_world, "assets.static")
    answer = browsers["anonymous"].get(sheet)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert browsers["anonymous"].get(re.sub(r"/static/\w+/", "/static/000000000000/", sheet)).status_code == 404
    assert browsers["anonymous"].get(sheet.replace("tocsin.css", "../__init__.py")).status_code == 404
    assert browsers["anonymous"].get(sheet.replace("tocsin.css", "vendor/htmx-4.0.1/vendor.toml")).status_code == 404


def test_s22_an_id_beyond_64_bits_is_unknown_and_not_an_error(still_world, browsers):
    for number in ("0", str(2**63), "9" * 40, "-1", "1e3"):
        assert browsers["ana"].get(f"/items/{number}").status_code == 404
