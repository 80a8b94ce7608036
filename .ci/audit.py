"""Does the lock file name a version with a known vulnerability?

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

BIN = Path(sys.executable).parent
TIMEOUT_SECONDS = 300


def main() -> int:
    """Return 0 if no locked version is known to be vulnerable or if the service does not answer, else 1."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        _run(str(BIN / "uv"), "export", "--quiet", "--locked", "--no-emit-project", "--output-file", str(requirements))
        lines = [line for line in requirements.read_text().splitlines() if "==" in line]
        probe = Path(folder) / "probe.txt"
        probe.write_text(f"{lines[0].split(' ')[0]}\n")
        if not _audited(_audit(probe)):
            print("pip-audit: the vulnerability service does not answer here; NOTHING WAS AUDITED.")
            print(
                f"pip-audit: run `make audit` where https://pypi.org/pypi is reachable ({len(lines)} locked versions)."
            )
            return 0
        return _report(_audit(requirements))


def _report(answer: list[dict[str, object]]) -> int:
    audited = _audited(answer)
    skipped = [entry["name"] for entry in answer if entry not in audited]
    vulnerable = [entry for entry in audited if entry["vulns"]]
    for entry in vulnerable:
        for vulnerability in entry["vulns"]:
            fixed = ", ".join(vulnerability["fix_versions"]) or "no fixed version yet"
            print(f"{entry['name']} {entry['version']}: {vulnerability['id']} (fixed in: {fixed})")
    print(f"pip-audit: {len(audited)} versions audited, {len(vulnerable)} vulnerable, {len(skipped)} not known to PyPI")
    return 1 if vulnerable else 0


def _audit(requirements: Path) -> list[dict[str, object]]:
    """Return pip-audit's entries, or none if it ended without a report."""
    answer = subprocess.run(
        [str(BIN / "pip-audit"), "--requirement", str(requirements), "--disable-pip", "--no-deps", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    try:
        return json.loads(answer.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        print(answer.stderr.strip().splitlines()[-1] if answer.stderr.strip() else "pip-audit gave no report")
        return []


def _audited(answer: list[dict[str, object]]) -> list[dict[str, object]]:
    return [entry for entry in answer if "skip_reason" not in entry]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=TIMEOUT_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
