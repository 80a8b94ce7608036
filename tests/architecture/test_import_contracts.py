"""Do imports point down, and can nobody soften the contracts without being seen?"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = {
    "1 workers and dashboard stand on config, config on triage": ["workers | dashboard", "config", "triage"],
    "2 inside triage imports point down": ["services", "storage | sources | channels | language", "net", "domain"],
}
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"


def test_all_seven_contracts_are_kept():
    answer = subprocess.run(
        [sys.executable, "-c", LINT], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )
    kept = re.findall(r"^(\d) .* KEPT", answer.stdout, re.MULTILINE)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert kept == ["1", "2", "3", "4", "5", "6", "7"], answer.stdout


def test_no_contract_ignores_an_import():
    assert [contract["name"] for contract in CONTRACTS if "ignore_imports" in contract] == []


def test_the_layers_are_those_of_the_architecture_and_leave_no_folder_out():
    found = {contract["name"]: contract["layers"] for contract in CONTRACTS if contract["type"] == "layers"}
    assert found == LAYERS
    (inside,) = [contract for contract in CONTRACTS if contract.get("containers") == ["triage"]]
    assert inside["exhaustive"] is True
