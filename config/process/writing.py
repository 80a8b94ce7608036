"""How is a process of several files written as one text? The same values in plain YAML, ready to be read again.

The text is canonical: the order of the sections is fixed, each value has one spelling, comments are left out. What fits
on a line stands on a line.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from config.process.document import Listing, Map, Scalar
from config.process.shapes import SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from config.process.composition import Part
    from config.process.document import Entry, Node

_WIDTH: Final = 118
_FEW: Final = 6
"""Maps with more keys than this, which are the categories, stand in lines of their own."""
# Words that mean the same with and without quotes, and numbers; everything else is quoted.
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*|[-+]?\.?[0-9][A-Za-z0-9_.+-]*")
_ORDER: Final = {key: place for place, key in enumerate(SHAPES["file"].table)}


def written(root: Node, parts: Sequence[Part]) -> str:
    """Return the text of a composed process, with a head that names its parts, the one with the last word first."""
    head = ["# One process made of these files; each changes the one below it. This text is complete without them."]
    head += [f"#   {_quoted(PurePath(part.name).name)}  sha256 {part.digest}" for part in parts]
    if isinstance(root, Map):
        entries = sorted(root.entries, key=lambda entry: _ORDER.get(entry.key.text, len(_ORDER)))
        root = Map(root.line, root.column, tuple(entries))
    return "\n".join([*head, *_lines(root, 0)]) + "\n"


def _lines(node: Node, depth: int) -> Iterator[str]:
    """Yield the lines of a value in block style, each indented by two spaces per depth."""
    indent = "  " * depth
    if isinstance(node, Map) and node.entries:
        for entry in node.entries:
            yield from _entry(entry, depth, indent)
    elif isinstance(node, Listing) and node.items:
        for item in node.items:
            first, *others = _inside(item, depth)
            yield f"{indent}- {first.lstrip()}"
            yield from others
    else:
        yield indent + _flow(node)


def _entry(entry: Entry, depth: int, indent: str) -> Iterator[str]:
    line = f"{indent}{_key(entry.key)}: {_flow(entry.value)}"
    if _is_short(entry.value, line) and (depth or not isinstance(entry.value, Map)):
        yield line
        return
    yield f"{indent}{_key(entry.key)}:"
    yield from _lines(entry.value, depth + 1)


def _inside(item: Node, depth: int) -> Iterator[str]:
    """Yield the lines of an item of a list, with room for its dash."""
    line = "  " * (depth + 1) + _flow(item)
    if _is_short(item, line):
        yield line
    else:
        yield from _lines(item, depth + 1)


def _is_short(node: Node, line: str) -> bool:
    if isinstance(node, Scalar):
        return True
    if isinstance(node, Listing):
        return not node.items or (len(line) <= _WIDTH and all(isinstance(item, Scalar) for item in node.items))
    return not node.entries or (len(line) <= _WIDTH and len(node.entries) <= _FEW)


def _flow(node: Node) -> str:
    """Return a value on one line."""
    if isinstance(node, Scalar):
        return _word(node)
    if isinstance(node, Listing):
        return f"[{', '.join(map(_flow, node.items))}]"
    return f"{{{', '.join(f'{_key(entry.key)}: {_flow(entry.value)}' for entry in node.entries)}}}"


def _key(scalar: Scalar) -> str:
    return scalar.text if _PLAIN.fullmatch(scalar.text) else _quoted(scalar.text)


def _word(scalar: Scalar) -> str:
    if scalar.is_null:
        return "null"
    return scalar.text if not scalar.quoted and _PLAIN.fullmatch(scalar.text) else _quoted(scalar.text)


def _quoted(text: str) -> str:
    """Return a text in double quotes; what a line cannot show is written as an escape."""
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the last four-digit character
