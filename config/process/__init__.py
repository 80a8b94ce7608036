"""What has this organisation declared about how it answers? Reads and validates process files.

A file is accepted whole or refused whole, with every fault at once; nothing here changes a running process, so a
refusal leaves the running one in place. The format is documented in docs/response-process-file.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isnan
from typing import TYPE_CHECKING, Final

from config.process import alarms, categories, checks, foundations
from config.process.categories import Names
from config.process.composition import Text, compose, read_text
from config.process.document import MAX_BYTES, Map, encode
from config.process.reading import Reader
from config.process.writing import written
from triage.domain.errors import InvalidFile
from triage.domain.process import DEFAULT_RAISE_RELEVANCE, Process

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from config.process.categories import PlacedCategory, PlacedTest
    from config.process.composition import Composed, Part
    from config.process.document import FaultIn, Node
    from triage.domain.errors import Fault
    from triage.domain.process import CrisisLevel

__all__ = ["LoadedProcess", "load_process", "load_process_text"]

_YEARS_BEHIND: Final = 1
_YEARS_AHEAD: Final = 3


@dataclass(frozen=True, slots=True)
class LoadedProcess:
    """An accepted process: what it is, what deserves a look, its text, and the SHA-256 of the text in hex.

    The text is complete: a file that extends others is written out, so that the text alone gives the same process.
    `parts` are the files that it came from, the one with the last word first.
    """

    process: Process
    warnings: tuple[Fault, ...]
    source: str
    digest: str
    parts: tuple[Part, ...] = ()


def load_process(path: Path, *, years: range | None = None) -> LoadedProcess:
    """Read and validate a process file, with the files that it extends.

    `years` are those whose public holidays are resolved; by default last year to three years ahead. Raises InvalidFile
    with all faults, each with its own file; a file that cannot be read is such a fault too.
    """
    return _load(read_text(path, str(path)), years)


def load_process_text(text: str, name: str, *, years: range | None = None) -> LoadedProcess:
    """Validate the text of a process file; `name` stands before the line in every message. Raises InvalidFile.

    Such a text lies in no folder, so it may extend a shipped process, but no file.
    """
    return _load(Text(text, name), years)


def _load(text: Text, years: range | None) -> LoadedProcess:
    reader = Reader(text.name)
    encode(text.text, text.name)
    composed = compose(reader, text)
    source = text.text if len(composed.parts) == 1 else written(composed.root, composed.parts)
    digest = hashlib.sha256(_storable(reader, composed, source)).hexdigest()
    process = _read(reader, composed.root, digest, years or _default_years())
    order = {part.name: place for place, part in enumerate(composed.parts)}
    if reader.faults:
        raise InvalidFile(text.name, _in_file_order(reader.faults, order))
    return LoadedProcess(process, _in_file_order(reader.warnings, order), source, digest, composed.parts)


def _storable(reader: Reader, composed: Composed, source: str) -> bytes:
    raw = source.encode()
    if len(raw) > MAX_BYTES:
        reader.fault(
            composed.root, f"the files together are larger than {MAX_BYTES // 1024} KiB", "shorten one of them"
        )
    return raw


def _in_file_order(faults: list[FaultIn], order: Mapping[str, int]) -> tuple[FaultIn, ...]:
    return tuple(sorted(dict.fromkeys(faults), key=lambda fault: (order.get(fault.file, 0), fault.line, fault.column)))


def _default_years() -> range:
    this_year = datetime.now(UTC).year
    return range(this_year - _YEARS_BEHIND, this_year + _YEARS_AHEAD + 1)


def _read(reader: Reader, root: Node, digest: str, years: range) -> Process:
    """Read every section; the result is only meaningful when no fault was recorded."""
    file = reader.section(root, "file", "the file") or Map(1, 1, ())
    names = _names(reader, file, years)
    placed = categories.read_categories(reader, file.get("categories"), names)
    by_id = {row.category.id: row.category for row in placed}
    levels = _levels(reader, file, names, placed)
    tests = categories.read_tests(reader, file.get("tests"), by_id)
    _check_rules(reader, file, names, placed, tests)
    return Process(
        version=reader.integer(file.get("version"), "version", 1, 1_000_000) or 0,
        digest=digest,
        roles=names.roles or {},
        calendars=names.calendars or {},
        queues=names.queues or {},
        thresholds=names.thresholds or {},
        actions=names.actions or (),
        categories=tuple(by_id.values()),
        crisis_levels=levels,
        notification=alarms.read_notification(reader, file.get("notification")),
        escalation=alarms.read_escalation(reader, file.get("escalation"), names),
        scct=alarms.read_scct(reader, file.get("scct")),
        outcome_levels=alarms.read_outcome_levels(reader, file.get("outcome_levels")),
        crisis_causes=reader.names(file.get("crisis_causes"), "crisis_causes"),
        response_considerations=reader.names(file.get("response_considerations"), "response_considerations"),
        tests=tuple(example.test for example in tests),
    )


def _names(reader: Reader, file: Map, years: range) -> Names:
    roles = foundations.read_roles(reader, file.get("roles"))
    calendars = foundations.read_calendars(reader, file.get("calendars"), years)
    return Names(
        roles=roles,
        calendars=calendars,
        queues=foundations.read_queues(reader, file.get("queues"), roles, calendars),
        thresholds=foundations.read_thresholds(reader, file.get("thresholds")),
        actions=reader.names(file.get("actions"), "actions") or None,
    )


def _levels(reader: Reader, file: Map, names: Names, placed: Sequence[PlacedCategory]) -> dict[str, CrisisLevel]:
    """Read the ladder and, when it is sound, compare it with what the categories raise."""
    before = len(reader.faults)
    levels = alarms.read_levels(reader, file.get("crisis_levels"), names, [row.category.id for row in placed] or None)
    if len(reader.faults) == before and levels:
        checks.check_raises(reader, [row for row in placed if row.sound], levels)
    return levels


def _check_rules(
    reader: Reader, file: Map, names: Names, placed: Sequence[PlacedCategory], tests: Sequence[PlacedTest]
) -> None:
    """Check the table as a whole. Proof and examples wait for a table without faults: else they would mislead."""
    if names.queues is not None:
        checks.check_sampling(reader, file.get("queues"), placed, names.queues)
    complete = checks.check_last_is_empty(reader, placed)
    if names.queues is None or names.thresholds is None or any(map(isnan, names.thresholds.values())):
        return
    if reader.order_in_doubt or not all(row.routes for row in placed):
        return
    if checks.check_reachable(reader, placed) and complete:
        floor = names.thresholds.get("relevance", DEFAULT_RAISE_RELEVANCE)
        checks.check_examples(reader, placed, tests, names.queues, floor)
