"""WHAT IS A MENTION OF THE BRAND? The brand-query language: parse, find, explain.

`parse` makes a `Query` of text or raises QueryError; `evaluate` tells a `Match` (places and reason) from a `Miss`
(reason) on a `Document`. Words, "phrases", `prefix*`, `{Exact}`, `raw:"…"`, AND, OR, NOT, brackets, NEAR/n and ONEAR/n
work; the other forms of the language are refused with code `not_yet`.
"""

from triage.domain.queries.documents import Document, Span
from triage.domain.queries.matching import Match, Miss, Prefilter, Query, evaluate, find, parse

__all__ = ["Document", "Match", "Miss", "Prefilter", "Query", "Span", "evaluate", "find", "parse"]
