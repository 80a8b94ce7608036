"""Can anybody install what the lock file names?"""

from __future__ import annotations

import tomllib
from urllib.parse import urlsplit

from tests.architecture.source_tree import ROOT

LOCK = tomllib.loads((ROOT / "uv.lock").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PUBLIC_HOSTS = {"pypi.org", "files.pythonhosted.org"}


def urls(node: object) -> list[str]:
    if isinstance(node, dict):
        return [url for value in node.values() for url in urls(value)]
    if isinstance(node, list):
        return [url for value in node for url in urls(value)]
    return [node] if isinstance(node, str) and "://" in node else []


def test_the_lock_file_names_only_the_public_python_package_index():
    found = urls(LOCK)
    assert found
    assert {urlsplit(url).hostname for url in found} == PUBLIC_HOSTS
    assert {urlsplit(url).scheme for url in found} == {"https"}


def test_every_locked_file_has_a_hash():
    files = [file for package in LOCK["package"] for file in [*package.get("wheels", []), package.get("sdist")] if file]
    assert files
    assert [file["url"] for file in files if not file.get("hash", "").startswith("sha256:")] == []


def test_only_the_project_itself_comes_from_this_folder():
    local = [package["name"] for package in LOCK["package"] if "registry" not in package["source"]]
    assert local == ["tocsin"]


def test_celery_and_kombu_stay_below_the_release_that_survives_no_broker_restart():
    """docs/adr/0003-celery-pin.md; the crash tests decide about lifting it."""
    versions = {package["name"]: package["version"] for package in LOCK["package"]}
    assert (versions["celery"], versions["kombu"]) == ("5.6.3", "5.6.2")


def test_the_wheel_is_one_distribution_of_four_packages_with_one_command():
    assert PROJECT["project"]["name"] == "tocsin"
    assert PROJECT["project"]["scripts"] == {"tocsin": "workers.cli:main"}
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == [
        "triage",
        "workers",
        "dashboard",
        "config",
    ]
