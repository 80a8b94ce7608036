"""How does a file change the one that it extends? One map of nodes out of two, each node with its own place.

* Maps merge by key. `null` takes a name out of roles, calendars, queues, thresholds, outcome levels and policies.
* Lists replace; written as `{also: […]}` they stand after those of the base.
* `when` and `week` are one thought each and replace whole.
* Categories and tests: config/process/table_changes.py.
* `version` is never inherited: it is the number of the text at hand.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from config.process.document import Entry, Listing, Map, Scalar
from config.process.reading import hint_for, is_null
from config.process.table_changes import merged_categories, merged_tests

if TYPE_CHECKING:
    from config.process.document import Node
    from config.process.reading import Reader

_ALSO: Final = "also"
_WHOLE: Final = frozenset({"when", "week"})
_NAMED: Final = {
    "roles": "role",
    "calendars": "calendar",
    "queues": "queue",
    "thresholds": "threshold",
    "escalation": "escalation policy",
    "outcome_levels": "outcome level",
}
"""Sections whose keys the organisation invents, and what one of them is called."""


def merged_files(reader: Reader, base: Map, top: Map) -> Map:
    """Return the file that `top` makes of `base`; mistakes in the changes themselves go to the reader."""
    own = {entry.key.text: entry for entry in top.entries if entry.key.text != "extends"}
    below = [entry for entry in base.entries if entry.key.text not in {"version", "extends"}]
    # Examples come last: which of the base still hold depends on the categories.
    below.sort(key=lambda entry: entry.key.text == "tests")
    entries = [_section(reader, entry, own.pop(entry.key.text, None)) for entry in below]
    version = [Entry(entry.key, entry.value) for entry in top.entries if entry.key.text == "version"]
    added = [Entry(entry.key, _alone(entry.value)) for name, entry in own.items() if name != "version"]
    return replace(top, entries=(*version, *added, *entries))


def _section(reader: Reader, base: Entry, top: Entry | None) -> Entry:
    name, change = base.key.text, top.value if top else None
    key = top.key if top else base.key
    if name == "tests":
        return Entry(key, merged_tests(reader, base.value, change))
    if change is None:
        return base
    if name == "categories":
        return Entry(key, merged_categories(reader, base.value, change, merged))
    if name in _NAMED:
        return Entry(key, _merged_names(reader, name, base.value, change))
    result = merged(base.value, change)
    if name == "actions":
        _note_what_is_gone(reader, base.value, result)
    return Entry(key, result)


def merged(base: Node, top: Node) -> Node:
    """Return `base` changed by `top`: maps by key, everything else replaces."""
    if isinstance(base, Listing | Scalar):
        return _appended(base, top)
    if not isinstance(top, Map):
        return top
    own = {entry.key.text: entry for entry in top.entries}
    entries = [_key(entry, own.pop(entry.key.text, None)) for entry in base.entries]
    entries += [Entry(entry.key, _alone(entry.value)) for entry in own.values()]
    return replace(top, entries=tuple(entries))


def _key(base: Entry, top: Entry | None) -> Entry:
    if top is None:
        return base
    return Entry(top.key, top.value if top.key.text in _WHOLE else merged(base.value, top.value))


def _appended(base: Listing | Scalar, top: Node) -> Node:
    """Return `top`, or the items of the base and then those of `{also: […]}`."""
    more = _addition(top)
    if more is None:
        return top
    first = base.items if isinstance(base, Listing) else (() if base.is_null else (base,))
    return Listing(top.line, top.column, (*first, *more), top.file)


def _alone(top: Node) -> Node:
    """Return a value that has no counterpart in the base; what it adds is then all there is."""
    more = _addition(top)
    if more is not None:
        return Listing(top.line, top.column, more, top.file)
    if not isinstance(top, Map):
        return top
    return replace(top, entries=tuple(Entry(entry.key, _alone(entry.value)) for entry in top.entries))


def _addition(node: Node) -> tuple[Node, ...] | None:
    """Return what `{also: […]}` adds; None for everything else."""
    if not isinstance(node, Map) or [entry.key.text for entry in node.entries] != [_ALSO]:
        return None
    value = node.entries[0].value
    if isinstance(value, Listing):
        return value.items
    return (value,) if isinstance(value, Scalar) and not value.is_null else None


def _merged_names(reader: Reader, section: str, base: Node, top: Node) -> Node:
    """Return a section of invented names; `null` takes one out."""
    if not isinstance(base, Map) or not isinstance(top, Map):
        return top
    kind, known = _NAMED[section], {entry.key.text for entry in base.entries}
    gone = {entry.key.text: entry.key for entry in top.entries if is_null(entry.value)}
    for entry in top.entries:
        reader.taken_out.pop((kind, entry.key.text), None)
    for name, at in gone.items():
        if name in known:
            reader.taken_out[kind, name] = at
        else:
            reader.fault(at, f'there is no {kind} "{name[:60]}" to take out', hint_for(name, known))
    kept = replace(top, entries=tuple(entry for entry in top.entries if entry.key.text not in gone))
    return merged(replace(base, entries=tuple(entry for entry in base.entries if entry.key.text not in gone)), kept)


def _note_what_is_gone(reader: Reader, base: Node, result: Node) -> None:
    """Remember the actions that a new list leaves out, so that a rule of the base that offers one says why it fails."""
    if isinstance(base, Listing) and isinstance(result, Listing):
        kept = {item.text for item in result.items if isinstance(item, Scalar)}
        lost = [item for item in base.items if isinstance(item, Scalar) and item.text not in kept]
        reader.taken_out.update({("action", item.text): result for item in lost})
