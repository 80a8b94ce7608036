"""How is one value read, and what is said when it is wrong?

A `Reader` collects faults instead of stopping at the first. Its methods return None for a value that is absent or
wrong; a wrong one has left a fault, so the caller goes on.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from config.process.document import Entry, FaultIn, Listing, Map, Scalar
from config.process.shapes import SHAPES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from config.process.document import Node
    from config.process.shapes import Shape

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NUMBER: Final = re.compile(r"[-+]?(\d[\d_]*)?(\.\d+)?([eE][-+]?\d+)?")
_DURATION: Final = re.compile(r"(\d{1,7})([smhd])")
_DURATION_FIX: Final = "write a number and a unit: 30s, 15m, 4h or 1d"
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
DAY_SECONDS: Final = 86_400
MAX_DURATION_DAYS: Final = 366
_LIST_ALL: Final = 12  # more known names than this do not fit into one hint
MAX_TEXT: Final = 1_000


def hint_for(wrong: str, known: Iterable[str]) -> str:
    """Return `did you mean …?`, else the known names when they are few, else where to find them."""
    names = sorted(known)
    close = get_close_matches(wrong, names, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    if 0 < len(names) <= _LIST_ALL:
        return f"known: {', '.join(names)}"
    return "the known names are in docs/response-process-file.md" if names else ""


class Reader:
    """Reads typed values out of nodes and collects what is wrong with them.

    `file` is the file that is read, as messages name it; nodes of a file that it extends name their own. `taken_out`
    holds the names that it takes away from a base, by kind and name, with the place where it does. `order_in_doubt` is
    set when a category has no sure place in the table, so that proofs and examples would mislead.
    """

    def __init__(self, file: str = "", shapes: Mapping[str, Shape] = SHAPES) -> None:
        self.file: Final = file
        self.faults: list[FaultIn] = []
        self.warnings: list[FaultIn] = []
        self.taken_out: dict[tuple[str, str], Node] = {}
        self.order_in_doubt = False
        self._shapes = shapes

    def fault(self, at: Node, message: str, hint: str = "") -> None:
        """Record a mistake for which the file is refused."""
        self.faults.append(FaultIn(message, at.line, at.column, hint, at.file))

    def warn(self, at: Node, message: str, hint: str = "") -> None:
        """Record what the file may do but probably does not mean."""
        self.warnings.append(FaultIn(message, at.line, at.column, hint, at.file))

    # Containers ------------------------------------------------------------------------------------------------------

    def section(self, node: Node | None, shape: str, what: str) -> Map | None:
        """Return a map after checking its keys against `SHAPES[shape]`; unknown and missing keys are faults."""
        if node is None:
            return None
        if not isinstance(node, Map):
            self.fault(node, f"{what} must be a map of keys", f"keys: {', '.join(self._shapes[shape].keys)}")
            return None
        allowed = self._shapes[shape]
        missing = [key for key in allowed.required if node.get(key) is None]
        for entry in node.entries:
            key = entry.key.text
            if key not in allowed.keys:
                self.fault(entry.key, f'unknown key "{key[:60]}" in {what}', hint_for(key, allowed.keys))
                # A misspelt key is one mistake, not an unknown key and a missing one.
                missing = [name for name in missing if name not in get_close_matches(key, allowed.keys, n=1)]
        for key in missing:
            self.fault(node, f'{what} lacks the key "{key}"', f"add {key}: {allowed.required[key]}")
        return node

    def named(self, node: Node | None, what: str) -> tuple[Entry, ...]:
        """Return the entries of a map whose keys are names the organisation invents."""
        if node is None:
            return ()
        if not isinstance(node, Map) or not node.entries:
            self.fault(node, f"{what} must be a map with at least one name", "write each name with its keys below it")
            return ()
        return tuple(entry for entry in node.entries if self.name(entry.key, f"a name in {what}") is not None)

    def listing(self, node: Node | None, what: str) -> tuple[Node, ...]:
        """Return the items of a list that must not be empty."""
        if node is None:
            return ()
        if not isinstance(node, Listing) or not node.items:
            self.fault(node, f"{what} must be a list with at least one item", "write it in brackets: [a, b]")
            return ()
        return node.items

    # Words -----------------------------------------------------------------------------------------------------------

    def text(self, node: Node | None, what: str) -> str | None:
        """Return free text of 1..1000 characters on one line."""
        if node is None:
            return None
        if not isinstance(node, Scalar) or node.is_null or not node.text.strip() or len(node.text) > MAX_TEXT:
            self.fault(node, f"{what} is no text", f"write one line of at most {MAX_TEXT} characters")
            return None
        return " ".join(node.text.split())

    def name(self, node: Node | None, what: str) -> str | None:
        """Return a name: lower-case letters, digits and underscores."""
        if node is None:
            return None
        if not isinstance(node, Scalar) or node.is_null or not _NAME.fullmatch(node.text):
            self.fault(node, f"{what} is {_shown(node)}", "use lower-case letters, digits and _, a letter first")
            return None
        return node.text

    def one_of(self, node: Node | None, kind: str, known: Collection[str] | None, where: str) -> str | None:
        """Return a name that must be known; `known` is None while its own section is broken (no follow-up faults)."""
        if node is None:
            return None
        if not isinstance(node, Scalar) or node.is_null:
            self.fault(node, f"{where} needs one {kind} here", hint_for("", known or ()))
            return None
        if known is not None and node.text not in known:
            hint = self._why_gone(kind, node) or hint_for(node.text, known)
            self.fault(node, f'unknown {kind} "{node.text[:60]}" in {where}', hint)
            return None
        return node.text

    def _why_gone(self, kind: str, node: Scalar) -> str:
        gone = self.taken_out.get((kind, node.text))
        return f"it is taken out on {line_of(gone, node)}; change what uses it there too" if gone else ""

    def some_of(self, node: Node | None, kind: str, known: Collection[str] | None, where: str) -> tuple[str, ...]:
        """Return known names without doubles; a single name may stand without brackets."""
        if node is None:
            return ()
        found: list[str] = []
        for item in (node,) if isinstance(node, Scalar) else self.listing(node, f"the {kind}s of {where}"):
            name = self.one_of(item, kind, known, where)
            if name is not None and name in found:
                self.fault(item, f'{kind} "{name}" stands twice in {where}', "keep one of the two")
            elif name is not None:
                found.append(name)
        return tuple(found)

    def names(self, node: Node | None, what: str) -> tuple[str, ...]:
        """Return a list of names that the file itself introduces, without doubles."""
        found: list[str] = []
        for item in self.listing(node, what):
            name = self.name(item, f"an item of {what}")
            if name is not None and name in found:
                self.fault(item, f'"{name}" stands twice in {what}', "keep one of the two")
            elif name is not None:
                found.append(name)
        return tuple(found)

    # Numbers ---------------------------------------------------------------------------------------------------------

    def number(self, node: Node | None, what: str, low: float, high: float) -> float | None:
        """Return a number between `low` and `high`, both included."""
        if node is None:
            return None
        value = number_of(node)
        if value is None or not low <= value <= high:
            self.fault(node, f"{what} is {_shown(node)}", f"write a number from {low:g} to {high:g}")
            return None
        return value

    def integer(self, node: Node | None, what: str, low: int, high: int) -> int | None:
        """Return a whole number between `low` and `high`, both included."""
        if node is None:
            return None
        value = number_of(node)
        if value is None or not value.is_integer() or not low <= value <= high:
            self.fault(node, f"{what} is {_shown(node)}", f"write a whole number from {low} to {high}")
            return None
        return int(value)

    def boolean(self, node: Node | None, what: str) -> bool | None:
        """Return true or false; other spellings of YAML 1.1 are refused, since they surprise."""
        if node is None:
            return None
        if not isinstance(node, Scalar) or node.quoted or node.text not in {"true", "false"}:
            self.fault(node, f"{what} is {_shown(node)}", "write true or false, without quotes")
            return None
        return node.text == "true"

    def duration(
        self, node: Node | None, what: str, day_seconds: int = DAY_SECONDS, longest_days: int = MAX_DURATION_DAYS
    ) -> int | None:
        """Return seconds of `30s`, `15m`, `4h` or `1d`; a day is `day_seconds` long."""
        if node is None:
            return None
        match = _DURATION.fullmatch(node.text) if isinstance(node, Scalar) else None
        if match is None:
            self.fault(node, f"{what} is {_shown(node)}", _DURATION_FIX)
            return None
        seconds = int(match[1]) * _UNIT_SECONDS.get(match[2], day_seconds)
        if not 0 < seconds <= longest_days * DAY_SECONDS:
            self.fault(node, f"{what} is {_shown(node)}", f"{_DURATION_FIX}, up to {longest_days}d")
            return None
        return seconds


def _shown(node: Node) -> str:
    """Return the value as a message quotes it."""
    if isinstance(node, Scalar):
        return "empty" if node.is_null else f'"{node.text[:40]}"'
    return "a list" if isinstance(node, Listing) else "a map"


def line_of(node: Node, seen_from: Node) -> str:
    """Return where a node stands, with its file when that is another one: `line 12`, `line 12 of starter.yaml`."""
    return f"line {node.line}" if node.file == seen_from.file else f"line {node.line} of {PurePath(node.file).name}"


def number_of(node: Node) -> float | None:
    """Return the number that a plain word spells, None when it spells none."""
    if not isinstance(node, Scalar) or node.quoted or not node.text or not _NUMBER.fullmatch(node.text):
        return None
    try:
        return float(node.text)
    except ValueError:
        return None


def is_null(node: Node | None) -> bool:
    """Say whether a value is absent or written as null."""
    return node is None or (isinstance(node, Scalar) and node.is_null)
