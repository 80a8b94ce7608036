"""Fixtures of the dashboard's integration tests."""

from __future__ import annotations

import pytest

from tests.dashboard_world import World


@pytest.fixture
def world(tmp_path):
    """An installation of this test's own."""
    built = World(tmp_path)
    yield built
    built.close()


@pytest.fixture(scope="module")
def still_world(tmp_path_factory):
    """An installation that the tests of a module share and only look at."""
    built = World(tmp_path_factory.mktemp("world"))
    built.add_item()
    built.add_item(queue="emergency", level="critical", score=0.9, tone=None, language="fr")
    built.add_dead_letter()
    yield built
    built.close()
