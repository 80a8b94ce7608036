"""Are the four packages `triage`, `workers`, `dashboard` and `config` really ours?

PyPI holds distributions that install packages of these very names, and installing one overwrites or hides ours without
a word. Every process therefore asks at its start, before it imports the rest, and refuses to run on foreign code.
"""

from __future__ import annotations

from importlib.machinery import PathFinder
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Final

from triage.domain.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DISTRIBUTION: Final = "tocsin"
OUR_PACKAGES: Final = ("triage", "workers", "dashboard", "config")


def refuse_foreign_packages() -> None:
    """Raise SettingsError if another distribution has put its files under one of our four names."""
    faults = foreign_packages(
        owners=_owners(),
        homes={name: _home_of(name) for name in OUR_PACKAGES},
        house=Path(__file__).resolve().parents[1],
    )
    if faults:
        raise SettingsError(
            f"{'; '.join(faults)}: make an empty virtual environment and install only {DISTRIBUTION} in it"
        )


def foreign_packages(
    *, owners: Mapping[str, Sequence[str]], homes: Mapping[str, Path | None], house: Path
) -> tuple[str, ...]:
    """Return one sentence for each of our names that is not ours alone.

    `owners` lists the distributions that installed files under a name. An editable installation lists none, because its
    files stay in the work tree; there `homes`, the directory from which Python would import each name, decides: all
    four must stand side by side in `house`.
    """
    return tuple(
        fault
        for name in OUR_PACKAGES
        if (fault := _fault_of(name, owners.get(name, ()), homes.get(name), house)) is not None
    )


def _owners() -> dict[str, list[str]]:
    """Return the distributions that installed files under each of our names.

    `importlib.metadata.packages_distributions()` answers the same for every name there is, in ten times the time.
    """
    owners: dict[str, list[str]] = {}
    for distribution in distributions():
        record = "\n" + (distribution.read_text("RECORD") or "")
        for name in OUR_PACKAGES:
            if f"\n{name}/" in record:
                owners.setdefault(name, []).append(distribution.name)
    return owners


def _fault_of(name: str, owners: Sequence[str], home: Path | None, house: Path) -> str | None:
    strangers = sorted({owner for owner in owners if owner != DISTRIBUTION})
    if strangers:
        return f"the package {name} also belongs to the installed distribution {', '.join(strangers)}"
    if home is None:
        return f"the package {name} is missing from this installation"
    if home != house / name:
        return f"the package {name} would be imported from {home} and not from {house / name}"
    return None


def _home_of(name: str) -> Path | None:
    """Return the directory from which Python would import `name`, without importing it."""
    spec = PathFinder.find_spec(name)
    return Path(spec.origin).resolve().parent if spec is not None and spec.origin is not None else None
