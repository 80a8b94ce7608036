"""How does a file change the decision table and the examples of the one that it extends?

The rows of `categories` are carried out from the top down. A row with `remove: true` takes its category out. A row
with `when` is a whole category: it takes the place of the one with its id. A row without `when` changes only the keys
that it states. A new id needs `before` or `after`; a known one may have it, and moves. Examples append; one with the
same facts as an example of the base replaces it, and the examples of a category that is taken out go with it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from config.process.categories import facts_in
from config.process.document import Listing, Map, Scalar
from config.process.reading import Reader, hint_for, is_null, line_of
from config.process.shapes import COMPOSING, SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from config.process.document import Node
    from triage.domain.process import Facts


def merged_categories(reader: Reader, base: Node, top: Node, merge: Callable[[Node, Node], Node]) -> Node:
    """Return the table of the base after the changes of `top`; `merge` joins two maps by key."""
    if not isinstance(base, Listing) or not isinstance(top, Listing):
        return top
    table = _Table(reader, list(base.items), merge)
    for row in top.items:
        table.change(row)
    return replace(top, items=tuple(table.rows))


def merged_tests(reader: Reader, base: Node, top: Node | None) -> Node:
    """Return the examples of the base that still hold, then those of `top`. Call it after `merged_categories`."""
    if not isinstance(base, Listing):
        return top or base
    if top is None:
        return replace(base, items=tuple(_still_there(reader, base.items)))
    if not isinstance(top, Listing):
        return top
    restated = {facts for facts in map(_given, top.items) if facts is not None}
    kept = [test for test in base.items if _given(test) not in restated]
    return replace(top, items=(*_still_there(reader, kept), *top.items))


def refuse_changes(reader: Reader, root: Map) -> None:
    """Record a fault for what only means something in a file that extends another."""
    rows = root.get("categories")
    for row in rows.items if isinstance(rows, Listing) else ():
        for entry in row.entries if isinstance(row, Map) else ():
            if entry.key.text in COMPOSING:
                message = f'"{entry.key.text}" means something only in a file that extends another'
                reader.fault(entry.key, message, "remove it, or write extends: starter at the top")


def id_of(row: Node) -> str | None:
    """Return the id that a category is given, None when it has none."""
    found = row.get("id") if isinstance(row, Map) else None
    return found.text if isinstance(found, Scalar) and not found.is_null else None


class _Table:
    """The rows so far; a change finds its category by id."""

    def __init__(self, reader: Reader, rows: list[Node], merge: Callable[[Node, Node], Node]) -> None:
        self.rows = rows
        self._reader = reader
        self._merge = merge
        self._seen: dict[str, Node] = {}

    def change(self, row: Node) -> None:
        """Carry out one row."""
        name = id_of(row)
        if not isinstance(row, Map) or name is None:
            self.rows.append(row)  # the reader of categories says what is wrong with it
            return
        at = row.get("id") or row
        if name in self._seen:
            message = f'category "{name}" is already changed on {line_of(self._seen[name], at)}'
            self._doubt(at, message, "join the two")
            return
        self._seen[name] = at
        known = self._place(name)
        if row.get("remove") is not None:
            self._remove(row, name, known)
        elif known is None:
            self._insert(row, name)
        else:
            self.rows[known] = self._changed(self.rows[known], row, name)
            self._move(row, known)

    def _place(self, name: str) -> int | None:
        return next((place for place, row in enumerate(self.rows) if id_of(row) == name), None)

    def _remove(self, row: Map, name: str, known: int | None) -> None:
        at = row.get("id") or row
        others = [entry.key for entry in row.entries if entry.key.text not in {"id", "remove"}]
        if others:
            self._doubt(others[0], f'category "{name}" is taken out, so it needs no "{others[0].text}"', "remove it")
        if self._reader.boolean(row.get("remove"), f'remove of category "{name}"') is False:
            self._doubt(row.get("remove") or row, f'remove of category "{name}" can only be true', "leave it out")
        if known is None:
            self._doubt(at, f'there is no category "{name[:60]}" to take out', self._known_names(name))
            return
        del self.rows[known]
        self._reader.taken_out["category", name] = at

    def _insert(self, row: Map, name: str) -> None:
        if row.get("before") is None and row.get("after") is None:
            hint = self._known_names(name)
            fix = hint if hint.startswith("did you mean") else "add before: or after: with the id of another category"
            self._doubt(row.get("id") or row, f'category "{name[:60]}" is new: say where it stands', fix)
            if row.get("when") is None:
                return  # meant as a change of a category whose name is spelt otherwise
        self._reader.taken_out.pop(("category", name), None)
        self.rows.insert(len(self.rows) - 1, _as_row(row))
        self._move(row, max(len(self.rows) - 2, 0))

    def _changed(self, base: Node, row: Map, name: str) -> Node:
        """Return the row that takes the place of `base`: all of it when it has `when`, else what it states."""
        missing = [key for key in SHAPES["category"].required if row.get(key) is None]
        if row.get("when") is None or not missing:
            return self._merge(base, _as_row(row)) if missing else _as_row(row)
        message = f'category "{name}" has `when`, so it must be stated whole, but it lacks {", ".join(missing)}'
        self._doubt(row, message, "add them, or leave `when` out to change only what is stated")
        return self._merge(base, _as_row(row))

    def _move(self, row: Map, place: int) -> None:
        """Put the row at `place` where its `before` or `after` says, if it has one."""
        before, after = row.get("before"), row.get("after")
        if before is not None and after is not None:
            message = f'category "{id_of(row)}" stands before one and after another'
            self._doubt(after, message, "keep one of the two")
            return
        beside = before or after
        if beside is None:
            return
        name = id_of(row)
        known = [found for found in map(id_of, self.rows) if found]
        target = self._reader.one_of(
            beside, "category", known, f'"{"before" if before else "after"}" of category "{name}"'
        )
        if target == name:
            self._doubt(beside, f'category "{name}" cannot stand beside itself', "name another category")
        if target in {None, name}:
            return
        moving = self.rows.pop(place)
        self.rows.insert((self._place(target) or 0) + (after is not None), moving)

    def _doubt(self, at: Node, message: str, hint: str) -> None:
        """Record a mistake after which it is not sure which rule stands where."""
        self._reader.order_in_doubt = True
        self._reader.fault(at, message, hint)

    def _known_names(self, name: str) -> str:
        return hint_for(name, [found for found in map(id_of, self.rows) if found])


def _as_row(row: Map) -> Map:
    """Return a row without what it says about its place."""
    return replace(row, entries=tuple(entry for entry in row.entries if entry.key.text not in COMPOSING))


def _given(test: Node) -> Facts | None:
    """Return the facts of an example; None when they cannot be read, so that nothing equals them."""
    given = test.get("in") if isinstance(test, Map) else None
    if not isinstance(given, Map):
        return None
    silent = Reader()
    facts = facts_in(silent, given, "")
    return None if silent.faults else facts


def _still_there(reader: Reader, tests: Sequence[Node]) -> list[Node]:
    """Return the examples whose category was not taken out."""
    return [test for test in tests if ("category", _out(test)) not in reader.taken_out]


def _out(test: Node) -> str:
    found = test.get("out") if isinstance(test, Map) else None
    return found.text if isinstance(found, Scalar) and not is_null(found) else ""
