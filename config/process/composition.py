"""Which files make a process, and where may they be read from?

A file may say `extends:` with the name of a shipped process, or with the path of a file beside it or below its folder.
Nothing outside that folder and the shipped one is ever opened; links are followed before this is asked. At most
MAX_BASES files stand below the first one, and none of them twice.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from config.process.document import FaultIn, Map, Scalar, decode, encode, parse, read_limited
from config.process.merging import merged_files
from config.process.policy_shapes import POLICY_KEY
from config.process.reading import hint_for
from config.process.table_changes import refuse_changes
from triage.domain.errors import InvalidFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.process.document import Node
    from config.process.reading import Reader

SHIPPED_FOLDER: Final = Path(__file__).resolve().parents[1] / "processes"
SHIPPED: Final = ("starter", "regulated", "consumer-goods", "public-body")
"""The processes that come with Tocsin; each is a file of this name in SHIPPED_FOLDER."""

MAX_BASES: Final = 3
_PATH: Final = re.compile(r"(\./)?[\w. -]+(/[\w. -]+)*\.ya?ml")


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a process: its name as messages show it, and the SHA-256 of its bytes in hex."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Text:
    """A file that was read: its text, its name as messages show it, and where its own bases may be.

    `path` is the file with all links followed, None for a text that came by form. Bases are looked up beside `path` and
    must lie in `limit`; None = only shipped processes.
    """

    text: str
    name: str
    path: Path | None = None
    limit: Path | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    """What the files make together; `parts` has the file itself first, then its bases from the top down."""

    root: Node
    parts: tuple[Part, ...]


def shipped_path(name: str) -> Path:
    """Return the file of a shipped process; KeyError for another name."""
    if name not in SHIPPED:
        raise KeyError(name)
    return SHIPPED_FOLDER / f"{name}.yaml"


def read_text(path: Path, name: str, limit: Path | None = None) -> Text:
    """Read one file. Raises InvalidFile when it is absent, too large, or not UTF-8."""
    found = path.resolve()
    return Text(decode(read_limited(path, name), name), name, found, limit or found.parent)


def compose(reader: Reader, first: Text) -> Composed:
    """Return the file with its bases merged in; mistakes go to the reader. InvalidFile if one is unreadable."""
    layers: list[tuple[Text, Node]] = []
    text: Text | None = first
    while text is not None:
        root = _parsed(reader, text, first.name)
        layers.append((text, root))
        text = _base(reader, layers)
    *changes, (_, root) = layers
    if isinstance(root, Map):
        refuse_changes(reader, root)
    for _, top in reversed(changes):
        root = _on_top(reader, first.name, top, root)
    parts = tuple(Part(text.name, hashlib.sha256(encode(text.text, text.name)).hexdigest()) for text, _ in layers)
    return Composed(root, parts)


def _parsed(reader: Reader, text: Text, first: str) -> Node:
    """Parse one part; when it is no YAML at all, refuse with what was found in the parts above it too."""
    try:
        root, doubled = parse(text.text, text.name)
    except InvalidFile as error:
        found = [FaultIn(fault.message, fault.line, fault.column, fault.hint, error.path) for fault in error.faults]
        raise InvalidFile(first, [*reader.faults, *found]) from None
    reader.faults.extend(doubled)
    policy = root.get(POLICY_KEY) if isinstance(root, Map) else None
    if policy is not None:
        reader.fault(root, "this is a participation policy and no response process", "it stands in a file of its own")
        raise InvalidFile(first, reader.faults)
    return root


def _on_top(reader: Reader, first: str, top: Node, base: Node) -> Node:
    if not isinstance(base, Map):
        reader.fault(base, "the file must be a map of keys", "only such a file can be extended")
    if not isinstance(base, Map) or not isinstance(top, Map):
        raise InvalidFile(first, reader.faults)
    return merged_files(reader, base, top)


def _base(reader: Reader, layers: Sequence[tuple[Text, Node]]) -> Text | None:
    """Return the file that the last layer extends, None when it extends none. Raises InvalidFile when it cannot."""
    text, root = layers[-1]
    value = root.get("extends") if isinstance(root, Map) else None
    if value is None:
        return None
    found = _found(reader, text, value)
    if found is not None and found.path in {seen.path for seen, _ in layers}:
        way = " -> ".join(Path(each.name).name for each in (*(seen for seen, _ in layers), found))
        reader.fault(value, f"files extend each other in a circle: {way}", "let the last one extend nothing")
    elif found is not None and len(layers) > MAX_BASES:
        message = f"more than {MAX_BASES} files stand below {Path(layers[0][0].name).name}"
        reader.fault(value, message, "join two of them")
    elif found is not None:
        return found
    raise InvalidFile(layers[0][0].name, reader.faults)


def _found(reader: Reader, text: Text, value: Node) -> Text | None:
    if not isinstance(value, Scalar) or value.is_null:
        reader.fault(
            value, "extends needs one name", f"a shipped process ({', '.join(SHIPPED)}) or a file, as base.yaml"
        )
        return None
    if value.text.endswith((".yaml", ".yml")):
        return _beside(reader, text, value)
    if value.text in SHIPPED:
        path = shipped_path(value.text)
        return read_text(path, str(path))
    message = f'there is no shipped process "{value.text[:60]}"'
    reader.fault(value, message, f"{hint_for(value.text, SHIPPED)} (a file is named with its ending, as base.yaml)")
    return None


def _beside(reader: Reader, text: Text, value: Scalar) -> Text | None:
    """Return the file of a path that `text` names, if it lies where it may be read."""
    if text.path is None or text.limit is None:
        message = f'"{value.text[:60]}" cannot be found: this text lies in no folder'
        reader.fault(value, message, f"extend a shipped process: {', '.join(SHIPPED)}")
        return None
    path = (text.path.parent / value.text).resolve() if _PATH.fullmatch(value.text) else None
    if path is None or not path.is_relative_to(text.limit):
        message = f'"{value.text[:60]}" is not in the folder of this file'
        reader.fault(value, message, "only files beside it or below its folder are read; write the path as base.yaml")
        return None
    if not path.is_file():
        names = [found.name for pattern in ("*.yaml", "*.yml") for found in path.parent.glob(pattern)]
        reader.fault(value, f'there is no file "{value.text[:60]}" beside this one', hint_for(path.name, names))
        return None
    return read_text(path, str(Path(text.name).parent / value.text), text.limit)
