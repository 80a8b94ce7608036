"""Is there insecure code, and does the lock file name a version with a known vulnerability?

bandit and ruff know the same rules by the same numbers (B314 is S314). A line that carries `# noqa: S314` with its
reason has been looked at, so one marker serves both tools; anything else of medium severity or more is a failure.

pip-audit asks PyPI about every locked version. Where PyPI's vulnerability service cannot be reached, pip-audit reports
each package as "not found" and still succeeds; this script tells the difference. It asks about one package first, says
plainly that nothing was audited if that gets no answer, and fails only on a vulnerability.
"""

# A script beside the package: it prints its finding and starts our own tools with fixed arguments.
# ruff: noqa: INP001, T201, S603

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("triage", "workers", "dashboard", "config")
TIMEOUT_SECONDS = 300


def main() -> int:
    """Return 0 if nothing was found or if PyPI's vulnerability service does not answer, else 1."""
    return max(insecure_code(), vulnerable_versions())


def insecure_code() -> int:
    """Print what bandit found on lines that nobody has looked at; return 1 if there are any."""
    found = _json(["bandit", "--quiet", "--severity-level", "medium", "--format", "json", "--recursive", *PACKAGES])
    results = found.get("results", [])
    new = [finding for finding in results if not _looked_at(finding)]
    for finding in new:
        print(f"{finding['filename']}:{finding['line_number']}: {finding['test_id']} {finding['issue_text']}")
    files = len(found.get("metrics", {})) - 1  # one entry holds the totals
    print(f"bandit: {files} files, {len(results) - len(new)} findings with a reason on the line, {len(new)} without")
    return 1 if new or files < 1 else 0


def _looked_at(finding: dict[str, Any]) -> bool:
    lines = (ROOT / finding["filename"]).read_text().splitlines()
    first, last = min(finding["line_range"]), max(finding["line_range"])
    marks = [line.partition("# noqa:")[2] for line in lines[first - 1 : last]]
    return any(f"S{finding['test_id'].removeprefix('B')}" in mark for mark in marks)


def vulnerable_versions() -> int:
    """Print each locked version with a known vulnerability; return 1 if there are any."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        export = ["uv", "export", "--quiet", "--locked", "--no-emit-project", "--output-file", str(requirements)]
        _run(export).check_returncode()
        lines = [line for line in requirements.read_text().splitlines() if "==" in line]
        probe = Path(folder) / "probe.txt"
        probe.write_text(f"{lines[0].split(' ')[0]}\n")
        if not _audited(_audit(probe)):
            print("pip-audit: the vulnerability service does not answer here; NOTHING WAS AUDITED.")
            print(f"pip-audit: run `make audit` where PyPI's JSON API is reachable ({len(lines)} locked versions).")
            return 0
        return _report(_audit(requirements))


def _report(answer: list[dict[str, Any]]) -> int:
    audited = _audited(answer)
    vulnerable = [entry for entry in audited if entry["vulns"]]
    for entry in vulnerable:
        for vulnerability in entry["vulns"]:
            fixed = ", ".join(vulnerability["fix_versions"]) or "no fixed version yet"
            print(f"{entry['name']} {entry['version']}: {vulnerability['id']} (fixed in: {fixed})")
    unknown = len(answer) - len(audited)
    print(f"pip-audit: {len(audited)} versions audited, {len(vulnerable)} vulnerable, {unknown} not known to PyPI")
    return 1 if vulnerable or not audited else 0


def _audit(requirements: Path) -> list[dict[str, Any]]:
    options = ["--disable-pip", "--no-deps", "--format", "json"]
    return _json(["pip-audit", "--requirement", str(requirements), *options]).get("dependencies", [])


def _audited(answer: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in answer if "skip_reason" not in entry]


def _json(command: list[str]) -> dict[str, Any]:
    """Return what a tool printed as JSON, or nothing (and its last word on the terminal) if it printed none."""
    answer = _run(command)
    try:
        return json.loads(answer.stdout)
    except json.JSONDecodeError:
        print(f"{command[0]}: {(answer.stderr.strip().splitlines() or ['no report'])[-1]}")
        return {}


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    program, *arguments = command
    return subprocess.run(
        [str(BIN / program), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )


if __name__ == "__main__":
    sys.exit(main())
