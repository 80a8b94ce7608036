"""Fixtures of the tests that drive a real chromium; skipped when none is installed."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.dashboard_world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


@pytest.fixture(scope="session")
def chromium():
    """One browser process for all tests of this run."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def world(tmp_path):
    """An installation of this test's own."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    built = World(tmp_path)
    yield built
    built.close()


@pytest.fixture
def desk(world, chromium):
    """A served dashboard and people who look at it; at the end nothing may have gone wrong in any of their browsers."""
    with world.served() as address:
        desk = Desk(world, chromium, address.replace("127.0.0.1", "localhost"))
        yield desk
        desk.close()
    assert desk.trouble == []


class Desk:
    """Opens pages and watches them: dialogs, errors, violations of the policy, requests to elsewhere."""

    def __init__(self, world: World, chromium: Browser, address: str) -> None:
        self.world, self.address = world, address
        self._chromium = chromium
        self._contexts = []
        self.trouble: list[str] = []
        self.expected_statuses: set[int] = set()

    def person(self, name: str | None, **options) -> Page:
        """Return a page in a browser of its own, logged in as `name`."""
        context = self._chromium.new_context(base_url=self.address, **options)
        context.set_default_timeout(10_000)
        self._contexts.append(context)
        page = context.new_page()
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        page.on("console", self._console)
        page.on("request", self._request)
        if name is not None:
            token = self.world.browser(name).client.get_cookie("tocsin").value
            context.add_cookies([{"name": "tocsin", "value": token, "url": self.address}])
        return page

    def close(self) -> None:
        """Close every browser window."""
        for context in self._contexts:
            context.close()

    def _dialog(self, dialog) -> None:
        self.trouble.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _console(self, message) -> None:
        expected = any(f"status of {status}" in message.text for status in self.expected_statuses)
        if message.type in {"error", "warning"} and not expected:
            self.trouble.append(f"console: {message.text} {message.location}")

    def _request(self, request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.trouble.append(f"request: {request.url}")
