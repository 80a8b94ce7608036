"""Which condition does a query state, and is it one that can be carried out?

A recursive descent over the grammar of query-language.md §3, one method per precedence: OR, AND, NEAR, NOT, atom.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from triage.domain.errors import QueryError
from triage.domain.queries.atoms import ATOMS, MEANT, atom, caution
from triage.domain.queries.distance import AnyOf, Near
from triage.domain.queries.lexer import Kind, Lexeme, lexemes
from triage.domain.queries.logic import And, Not, Or
from triage.domain.queries.nodes import Node, Positional
from triage.domain.queries.terms import Prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LENGTH: Final = 8_192
MAX_TERMS: Final = 500
MAX_NESTING: Final = 20
MAX_WILDCARDS: Final = 5
FAR: Final = 10  # words between, above which NEAR says little more than AND

_BEGINS_OPERAND: Final = ATOMS | {Kind.OPEN}
_TYPED_SMALL: Final = re.compile(r"and|or|not|o?near(?:/.*)?", re.IGNORECASE)


class Parser:
    """Reads one query; `warnings` are filled on the way."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise QueryError("too_long", MAX_LENGTH, f"a query has at most {MAX_LENGTH} characters; split it")
        self._lexemes: Final = lexemes(text)
        self._next = next(self._lexemes)
        self._previous = self._next
        self._brackets = self._depth = self._terms = self._wildcards = 0
        self.warnings: list[str] = []

    def query(self) -> Node:
        """Return the condition as written; raises QueryError."""
        if self._next.kind is Kind.END:
            raise QueryError("empty", 0, "write at least one word to look for")
        node = self._or()
        if self._next.kind is Kind.CLOSE:
            raise QueryError("unbalanced", self._next.start, "this ) closes nothing")
        return node

    def _take(self) -> Lexeme:
        self._previous = self._next
        if self._next.kind is not Kind.END:
            self._next = next(self._lexemes)
        return self._previous

    @contextmanager
    def _deeper(self, lexeme: Lexeme) -> Iterator[None]:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise QueryError("too_deep", lexeme.start, f"at most {MAX_NESTING} levels may be nested; write it flatter")
        yield
        self._depth -= 1

    def _or(self) -> Node:
        first, joined = self._and()
        children, mixed = [first], joined
        while self._next.kind is Kind.OR:
            self._take()
            child, joined = self._and()
            children.append(child)
            mixed = mixed or joined
        if len(children) == 1:
            return first
        node = Or(children=tuple(children), start=first.start, end=children[-1].end)
        if mixed:
            self.warnings.append(f"AND binds before OR: this reads {node.shown}; set brackets to say what you mean")
        return node

    def _and(self) -> tuple[Node, bool]:
        """Return the clause, and whether AND joins it here rather than inside brackets."""
        children = [self._near()]
        while self._next.kind in {Kind.AND, Kind.NOT} or self._next.kind in _BEGINS_OPERAND:
            if self._next.kind is Kind.AND:
                self._take()
            elif self._next.kind is not Kind.NOT:
                raise QueryError("missing_operator", self._next.start, self._missing_hint())
            children.append(self._near())
        if len(children) == 1:
            return children[0], False
        return And(children=tuple(children), start=children[0].start, end=children[-1].end), True

    def _missing_hint(self) -> str:
        before, after = self._previous.value, self._next.value
        if after in MEANT:
            return f"{after} is not an operator between words; write {MEANT[after]}"
        for word in (after, before):
            if _TYPED_SMALL.fullmatch(word):
                return f"operators are written in capitals: {word.upper()}"
        return f'write {before} AND {after} if both must occur, "{before} {after}" if one follows the other'

    def _near(self) -> Node:
        node = self._unary()
        chained = 0
        while self._next.kind is Kind.NEAR:
            operator = self._take()
            chained += 1
            if chained > MAX_NESTING:
                raise QueryError("too_deep", operator.start, f"at most {MAX_NESTING} NEAR may follow one another")
            if operator.distance > FAR:
                self.warnings.append(f"{operator.value} is far: words that distant are seldom about each other")
            left, right = _beside_near(node), _beside_near(self._unary())
            node = Near(
                left=left,
                right=right,
                distance=operator.distance,
                ordered=operator.ordered,
                start=left.start,
                end=right.end,
            )
        return node

    def _unary(self) -> Node:
        if self._next.kind is not Kind.NOT:
            return self._atom()
        operator = self._take()
        with self._deeper(operator):
            child = self._unary()
        return Not(child=child, start=operator.start, end=child.end)

    def _atom(self) -> Node:
        if self._next.kind is Kind.OPEN:
            return self._bracketed()
        if self._next.kind not in ATOMS:
            raise self._no_operand()
        lexeme = self._take()
        node = atom(lexeme)
        self._count(lexeme, node)
        if warning := caution(lexeme, node):
            self.warnings.append(warning)
        return node

    def _bracketed(self) -> Node:
        opening = self._take()
        self._brackets += 1
        with self._deeper(opening):
            node = self._or()
        if self._next.kind is not Kind.CLOSE:
            raise QueryError("unbalanced", opening.start, "this ( is never closed; add )")
        self._take()
        self._brackets -= 1
        return node

    def _no_operand(self) -> QueryError:
        found = self._next
        if found.kind is Kind.END:
            return QueryError("unexpected_end", found.start, f"something is missing behind {self._previous.value}")
        if found.kind is not Kind.CLOSE:
            return QueryError("unexpected_operator", found.start, f"{found.value} needs something to its left")
        if not self._brackets:
            return QueryError("unbalanced", found.start, "this ) closes nothing")
        if self._previous.kind is Kind.OPEN:
            return QueryError("empty_term", self._previous.start, "there is nothing between these brackets")
        return QueryError("unexpected_end", found.start, f"something is missing behind {self._previous.value}")

    def _count(self, lexeme: Lexeme, node: Node) -> None:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise QueryError("too_many_terms", lexeme.start, f"a query has at most {MAX_TERMS} terms; split it")
        self._wildcards += isinstance(node, Prefix)
        if self._wildcards > MAX_WILDCARDS:
            raise QueryError("too_many_wildcards", lexeme.start, f"a query has at most {MAX_WILDCARDS} wildcards")


def _beside_near(node: Node) -> Positional:
    """Return an operand of NEAR; raises QueryError for what has no place in the text."""
    if isinstance(node, Positional):
        return node
    if isinstance(node, Or):
        return AnyOf(children=tuple(_beside_near(child) for child in node.children), start=node.start, end=node.end)
    raise QueryError("near_operand", node.start, "beside NEAR stand words, phrases, and OR-groups of these")
