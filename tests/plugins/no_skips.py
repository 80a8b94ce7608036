"""MAY A TEST BE SKIPPED HERE? On a bare machine yes, with its reason; in CI no.

With `TOCSIN_TESTS_MUST_NOT_SKIP=1` a skip becomes a failure that carries the skip's reason, because CI installs everything
that a test may need, and a suite that quietly skips its databases proves nothing. One skip stays allowed: a test marked
`shared` when there is no `../shared` beside the project.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE: Final = "TOCSIN_TESTS_MUST_NOT_SKIP"


def skips_are_faults() -> bool:
    """True where the variable asks for it."""
    return os.environ.get(VARIABLE, "0") not in {"", "0"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn the skip of a test into its failure."""
    report = yield
    expected_failure = hasattr(report, "wasxfail")  # pytest reports an xfail as a skip
    if report.skipped and not expected_failure and skips_are_faults() and not _may_be_skipped(item):
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Turn the skip of a whole module (`importorskip`) into an error of collection."""
    report = yield
    if report.skipped and skips_are_faults():
        _fail(report)
    return report


def _may_be_skipped(item: pytest.Item) -> bool:
    marked = item.get_closest_marker("shared") is not None
    return marked and not (item.config.rootpath.parent / "shared").is_dir()


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{reason} ({VARIABLE} is set: nothing may be skipped here)"
