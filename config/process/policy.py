"""What may people say, and who may say it? Reads and validates the participation policy.

A policy stands in a file of its own, under the one key `participation_policy`; it is accepted whole or refused whole,
as a process file is. The format is documented in docs/participation-policy.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from config.process.document import Listing, Map, decode, encode, parse, read_limited
from config.process.policy_shapes import POLICY_KEY, POLICY_SHAPES
from config.process.reading import Reader, is_null
from triage.domain.errors import InvalidFile, QueryError
from triage.domain.policy import (
    DEFAULT_CHANNEL,
    KNOWN_CHANNELS,
    ConfidentialTopic,
    Policy,
    SensitiveTopic,
    Training,
    topics_in,
)
from triage.domain.queries import Document
from triage.domain.queries import parse as parse_query
from triage.domain.text import split_words

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from config.process.document import Entry, Node
    from triage.domain.errors import Fault
    from triage.domain.queries import Query

_TOPICS: Final = ("confidential_topics", "sensitive_topics")
MAX_TERMS: Final = 2_000
_TEN_YEARS_DAYS: Final = 3_660


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """An accepted file: the policy, how many examples it passes, what deserves a look, the text, and its SHA-256."""

    policy: Policy
    examples: int
    warnings: tuple[Fault, ...]
    source: str
    digest: str


def holds_policy(path: Path) -> bool:
    """Say whether a file is meant as a participation policy, by its first keys; False for what cannot be read."""
    try:
        root, _ = parse(decode(read_limited(path, str(path)), str(path)), str(path))
    except InvalidFile:
        return False
    return isinstance(root, Map) and root.get(POLICY_KEY) is not None


def load_policy(path: Path, roles: Collection[str] | None = None) -> LoadedPolicy:
    """Read and validate a policy file; `roles` are those of the process, None = not known. Raises InvalidFile."""
    name = str(path)
    return load_policy_text(decode(read_limited(path, name), name), name, roles)


def load_policy_text(text: str, name: str, roles: Collection[str] | None = None) -> LoadedPolicy:
    """Validate the text of a policy; `name` stands before the line in every message. Raises InvalidFile."""
    digest = hashlib.sha256(encode(text, name)).hexdigest()
    root, doubled = parse(text, name)
    reader = Reader(name, POLICY_SHAPES)
    reader.faults.extend(doubled)
    file = reader.section(root, "policy file", "the file") or Map(1, 1, ())
    section = reader.section(file.get(POLICY_KEY), "policy", POLICY_KEY) or Map(1, 1, ())
    policy = _Sections(reader, section, roles).policy(digest)
    examples = _check_examples(reader, section, policy)
    if reader.faults:
        raise InvalidFile(name, sorted(dict.fromkeys(reader.faults), key=lambda fault: (fault.line, fault.column)))
    warnings = sorted(reader.warnings, key=lambda fault: (fault.line, fault.column))
    return LoadedPolicy(policy, examples, tuple(warnings), text, digest)


class _Sections:
    """Reads the sections of one policy; `roles` None = nothing is said about names of roles."""

    def __init__(self, reader: Reader, section: Map, roles: Collection[str] | None) -> None:
        self._reader = reader
        self._section = section
        self._roles = roles
        self._terms = 0

    def policy(self, digest: str) -> Policy:
        """Return the policy; only meaningful when no fault was recorded."""
        reader, section = self._reader, self._section
        confidential = tuple(map(self._confidential, self._topics("confidential_topics")))
        sensitive = tuple(map(self._sensitive, self._topics("sensitive_topics")))
        self._refuse_twins({topic.name for topic in confidential})
        lasting = reader.section(section.get("acknowledgements"), "acknowledgements", "acknowledgements")
        return Policy(
            version=reader.integer(section.get("version"), "version", 1, 1_000_000) or 0,
            digest=digest,
            statement=reader.text(section.get("statement"), "statement") or "",
            confidential=confidential,
            sensitive=sensitive,
            disclosure=self._disclosure(section.get("disclosure")),
            acknowledged_for_seconds=self._lasting(lasting and lasting.get("valid_for"), "acknowledgements"),
            training=tuple(map(self._training, self._topics("training"))),
        )

    def _topics(self, section: str) -> Sequence[Entry]:
        """Return the entries of a section that may be empty."""
        node = self._section.get(section)
        if isinstance(node, Map) and not node.entries:
            return ()
        return self._reader.named(node, section)

    def _confidential(self, entry: Entry) -> ConfidentialTopic:
        where = f'confidential topic "{entry.key.text}"'
        found = self._reader.section(entry.value, "confidential topic", where) or Map(1, 1, ())
        return ConfidentialTopic(
            name=entry.key.text,
            what=self._reader.text(found.get("what"), f"what of {where}") or "",
            terms=self._queries(found.get("terms"), where),
            approver=self._role(found.get("approver"), where) or "",
        )

    def _sensitive(self, entry: Entry) -> SensitiveTopic:
        where = f'sensitive topic "{entry.key.text}"'
        found = self._reader.section(entry.value, "sensitive topic", where) or Map(1, 1, ())
        approver = found.get("approver")
        return SensitiveTopic(
            name=entry.key.text,
            what=self._reader.text(found.get("what"), f"what of {where}") or "",
            terms=self._queries(found.get("terms"), where),
            owner=self._role(found.get("owner"), where) or "",
            responders=self._reader.some_of(found.get("responders"), "role", self._roles, where),
            approver=None if is_null(approver) else self._role(approver, where),
        )

    def _training(self, entry: Entry) -> Training:
        where = f'training "{entry.key.text}"'
        found = self._reader.section(entry.value, "training", where) or Map(1, 1, ())
        return Training(
            module=entry.key.text,
            what=self._reader.text(found.get("what"), f"what of {where}") or "",
            valid_for_seconds=self._lasting(found.get("valid_for"), where),
            roles=self._reader.some_of(found.get("roles"), "role", self._roles, where),
        )

    def _role(self, node: Node | None, where: str) -> str | None:
        name = self._reader.one_of(node, "role", self._roles, where)
        return name if name is None or self._roles is not None else self._reader.name(node, f"a role of {where}")

    def _lasting(self, node: Node | None, where: str) -> int | None:
        if is_null(node):
            return None
        return self._reader.duration(node, f"valid_for of {where}", longest_days=_TEN_YEARS_DAYS)

    def _queries(self, node: Node | None, where: str) -> tuple[Query, ...]:
        found = []
        for item in self._reader.listing(node, f"terms of {where}"):
            self._terms += 1
            if self._terms > MAX_TERMS:
                self._reader.fault(item, f"there are more than {MAX_TERMS} terms", "join some of them with OR")
                break
            query = self._query(item, where)
            if query is not None:
                found.append(query)
        return tuple(found)

    def _query(self, node: Node, where: str) -> Query | None:
        text = self._reader.text(node, f"a term of {where}")
        if text is None:
            return None
        try:
            query = parse_query(text)
        except QueryError as error:
            message = f'the term "{text[:60]}" of {where} is no query: {error.code} at character {error.offset + 1}'
            self._reader.fault(node, message, error.hint)
            return None
        for warning in query.warnings:
            self._reader.warn(node, f'look at the term "{text[:60]}" of {where}', warning)
        return query

    def _disclosure(self, node: Node | None) -> dict[str, str | None]:
        lines: dict[str, str | None] = {}
        for entry in self._reader.named(node, "disclosure"):
            channel = self._reader.one_of(entry.key, "channel", KNOWN_CHANNELS, "disclosure")
            line = None if is_null(entry.value) else self._reader.text(entry.value, f'disclosure on "{entry.key.text}"')
            if line is not None and not split_words(line):
                self._reader.fault(entry.value, f'disclosure on "{entry.key.text}" has no words', "say who is speaking")
            if channel is not None:
                lines[channel] = line
        if isinstance(node, Map) and node.get(DEFAULT_CHANNEL) is None:
            fix = "it is used on every channel without its own line"
            self._reader.fault(node, f'disclosure lacks the channel "{DEFAULT_CHANNEL}"', fix)
        return lines

    def _refuse_twins(self, confidential: Collection[str]) -> None:
        for entry in self._topics("sensitive_topics"):
            if entry.key.text in confidential:
                message = f'"{entry.key.text}" is a confidential and a sensitive topic'
                self._reader.fault(entry.key, message, "give one of them another name")


def _check_examples(reader: Reader, section: Map, policy: Policy) -> int:
    """Run the examples and return how many there are; a topic without one is a warning with an example to paste."""
    before = len(reader.faults)
    # While a whole section is missing, nothing is said about the names in it.
    known = [topic.name for topic in policy.topics] if all(map(section.get, _TOPICS)) else None
    node = section.get("tests")
    rows = () if isinstance(node, Listing) and not node.items else reader.listing(node, "tests")
    placed = [_example(reader, row, f"test {number}", known) for number, row in enumerate(rows, 1)]
    examples = [example for example in placed if example is not None]
    if len(reader.faults) > before or before:
        return len(examples)
    for text, expected, at in examples:
        found = topics_in(policy, Document("", text))
        if set(found) != set(expected):
            message = f"this test expects {_listed(expected)} but the policy finds {_listed(found)}"
            reader.fault(at, message, "mend the terms, or the example")
    shown = {name for _, expected, _ in examples for name in expected}
    for topic in policy.topics:
        if topic.name not in shown and node is not None:
            example = f"add - {{text: …{topic.terms[0].text}…, finds: [{topic.name}]}}"
            reader.warn(node, f'topic "{topic.name}" has no test', example)
    return len(examples)


def _example(
    reader: Reader, node: Node, where: str, known: Collection[str] | None
) -> tuple[str, tuple[str, ...], Node] | None:
    before = len(reader.faults)
    row = reader.section(node, "policy test", where)
    if row is None:
        return None
    text, finds = reader.text(row.get("text"), f"text of {where}"), row.get("finds")
    reader.text(row.get("note"), f"note of {where}")
    nothing = isinstance(finds, Listing) and not finds.items
    expected = () if nothing else reader.some_of(finds, "topic", known, where)
    return None if text is None or len(reader.faults) > before else (text, expected, finds or row)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
