"""WHAT DOES THE PRODUCT CONSIST OF? Its source files, read once for the tests in this folder."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("triage", "workers", "dashboard", "config")
# A migration is a record of what was done to a schema, never edited again: it is not held to the budgets of living code.
MIGRATIONS: Final = "triage/storage/migrations/versions/"


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file; `path` is relative to the project, with `/`."""

    path: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        """The dotted name under which the file is imported."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def sources() -> tuple[Source, ...]:
    """Return every Python file of the four packages, migrations excepted, ordered by path."""
    files = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    paths = [(file, file.relative_to(ROOT).as_posix()) for file in files]
    return tuple(_read(file, path) for file, path in paths if not path.startswith(MIGRATIONS))


def _read(file: Path, path: str) -> Source:
    text = file.read_text(encoding="utf-8")
    return Source(path, text, ast.parse(text, path))
