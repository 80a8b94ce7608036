"""Does a process refuse to run on somebody else's packages?"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workers.packaging_guard import OUR_PACKAGES, foreign_packages, refuse_foreign_packages

ROOT = Path(__file__).resolve().parents[2]
HOUSE = Path("/srv/house")
OUR_HOMES = {name: HOUSE / name for name in OUR_PACKAGES}


def test_this_environment_holds_only_our_packages():
    refuse_foreign_packages()


def test_a_wheel_installation_is_accepted_because_all_four_names_belong_to_tocsin():
    owners = {name: ["tocsin"] for name in OUR_PACKAGES}
    assert foreign_packages(owners=owners, homes=OUR_HOMES, house=HOUSE) == ()


def test_an_editable_installation_is_accepted_because_no_distribution_lists_the_four_names():
    assert foreign_packages(owners={"flask": ["Flask"]}, homes=OUR_HOMES, house=HOUSE) == ()


@pytest.mark.parametrize("name", OUR_PACKAGES)
def test_a_distribution_that_installed_files_under_one_of_our_names_is_named(name):
    faults = foreign_packages(owners={name: ["tocsin", f"python-{name}"]}, homes=OUR_HOMES, house=HOUSE)
    assert faults == (f"the package {name} also belongs to the installed distribution python-{name}",)


def test_a_package_that_hides_ours_is_told_with_both_places():
    homes = OUR_HOMES | {"config": Path("/usr/lib/elsewhere/config")}
    (fault,) = foreign_packages(owners={}, homes=homes, house=HOUSE)
    assert "/usr/lib/elsewhere/config" in fault
    assert "/srv/house/config" in fault


def test_a_missing_package_is_told():
    (fault,) = foreign_packages(owners={}, homes=OUR_HOMES | {"dashboard": None}, house=HOUSE)
    assert fault == "the package dashboard is missing from this installation"


def test_a_foreign_config_in_front_of_ours_stops_a_real_process(tmp_path):
    """The whole check in a process of its own, with a real stranger that a package installer left behind."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "__init__.py").write_text("")
    installed = tmp_path / "stranger-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (installed / "RECORD").write_text("config/__init__.py,,\nstranger-1.0.dist-info/METADATA,,\n")
    program = "from workers.packaging_guard import refuse_foreign_packages as check; check()"
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answer.returncode != 0
    assert "SettingsError: the package config also belongs to the installed distribution stranger" in answer.stderr
    assert "virtual environment" in answer.stderr
