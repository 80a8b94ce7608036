"""Does a skipped test fail where nothing may be skipped?"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).resolve().parents[1] / "plugins" / "no_skips.py"


@pytest.fixture
def run_pytest(tmp_path: Path):
    """Run pytest on one file in a project of its own; returns (exit code, output)."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "no_skips.py").write_text(PLUGIN.read_text())
    (project / "pytest.ini").write_text("[pytest]\nmarkers =\n    shared: uses ../shared\n")

    def run(source: str, must_not_skip: str) -> tuple[int, str]:
        (project / "test_it.py").write_text(f"import pytest\n{source}")
        answer = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no_skips", "-p", "no:cacheprovider"],
            cwd=project,
            env=os.environ
            | {"TOCSIN_TESTS_MUST_NOT_SKIP": must_not_skip, "PYTHONPATH": str(project)}
            | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # a second of imports in each run
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return answer.returncode, answer.stdout

    return run


def test_a_skip_is_only_reported_on_a_bare_machine(run_pytest):
    code, output = run_pytest("def test_browser():\n    pytest.skip('no chromium found')\n", "0")
    assert code == 0
    assert "1 skipped" in output


@pytest.mark.parametrize(
    "source",
    [
        "def test_browser():\n    pytest.skip('no chromium found')\n",
        "@pytest.mark.skipif(True, reason='no chromium found')\ndef test_browser():\n    pass\n",
        "@pytest.fixture\ndef browser():\n    pytest.skip('no chromium found')\ndef test_browser(browser):\n    pass\n",
        "pytest.skip('no chromium found', allow_module_level=True)\n",
    ],
)
def test_a_skip_of_any_kind_fails_with_its_reason_where_nothing_may_be_skipped(run_pytest, source):
    code, output = run_pytest(source, "1")
    assert code != 0
    assert "no chromium found (TOCSIN_TESTS_MUST_NOT_SKIP is set" in output


def test_an_expected_failure_is_no_skip(run_pytest):
    code, output = run_pytest("@pytest.mark.xfail\ndef test_known():\n    assert False\n", "1")
    assert code == 0
    assert "1 xfailed" in output


def test_a_test_of_the_shared_folder_may_be_skipped_only_while_that_folder_is_absent(run_pytest, tmp_path):
    source = "@pytest.mark.shared\ndef test_corpus():\n    pytest.skip('../shared is absent')\n"
    assert run_pytest(source, "1")[0] == 0
    (tmp_path / "shared").mkdir()
    assert run_pytest(source, "1")[0] == 1
