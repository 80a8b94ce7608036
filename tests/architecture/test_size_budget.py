"""Is the code still in small pieces? The tail is what makes code ugly, so the tail is bounded.

How we count:
- a function's length is the number of physical lines of its body after the docstring, comments and blank lines included;
  its decorators, signature and docstring do not count. A nested function counts by itself and again in its parent.
- a function whose body is only `...`, `pass` or a docstring (a Protocol's method, an overload) has no length;
- a file's length is the number of its physical lines;
- parameters are all that a caller can pass, without `self` and `cls`; `*args` and `**kwargs` count as one each.
- percentiles are nearest-rank over the four packages together. Migrations do not count.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass

from tests.architecture.source_tree import sources

# Functions with more than five parameters in all (never more than five positional ones), each with its reason.
MORE_KEYWORDS: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    lines: int
    positional: int
    parameters: int


def measured(tree: ast.Module, module: str = "example") -> list[Function]:
    found: list[Function] = []

    def walk(node: ast.AST, prefix: str, *, in_class: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append(_measure(child, f"{prefix}.{child.name}", in_class=in_class))
                walk(child, f"{prefix}.{child.name}", in_class=False)
            elif isinstance(child, ast.ClassDef):
                walk(child, f"{prefix}.{child.name}", in_class=True)
            else:
                walk(child, prefix, in_class=in_class)

    walk(tree, module, in_class=False)
    return found


def _measure(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str, *, in_class: bool) -> Function:
    arguments = node.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    if in_class and "staticmethod" not in {getattr(decorator, "id", "") for decorator in node.decorator_list}:
        positional -= 1
    others = len(arguments.kwonlyargs) + (arguments.vararg is not None) + (arguments.kwarg is not None)
    return Function(name, _body_lines(node), positional, positional + others)


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    stub = all(isinstance(line, ast.Pass) or _is_ellipsis(line) for line in body)
    if stub:
        return 0
    start = node.body[0].end_lineno + 1 if body is not node.body else node.body[0].lineno
    return node.end_lineno - start + 1


def _is_ellipsis(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and line.value.value is ...


def percentile(values: list[int], share: float) -> int:
    """Nearest rank: the smallest value that at least `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


FUNCTIONS = [function for source in sources() for function in measured(source.tree, source.module)]
LENGTHS = [function.lines for function in FUNCTIONS if function.lines]
FILES = {source.path: len(source.text.splitlines()) for source in sources()}


def test_no_function_is_longer_than_60_lines():
    assert {function.name: function.lines for function in FUNCTIONS if function.lines > 60} == {}


def test_nine_functions_of_ten_have_at_most_30_lines():
    assert percentile(LENGTHS, 0.9) <= 30


def test_half_of_the_functions_have_at_most_10_lines():
    assert percentile(LENGTHS, 0.5) <= 10


def test_no_file_is_longer_than_500_lines():
    assert {path: lines for path, lines in FILES.items() if lines > 500} == {}


def test_nine_files_of_ten_have_at_most_300_lines():
    assert percentile(list(FILES.values()), 0.9) <= 300


def test_no_function_takes_more_than_5_positional_parameters():
    assert {function.name: function.positional for function in FUNCTIONS if function.positional > 5} == {}


def test_a_function_with_more_than_5_parameters_is_listed_with_its_reason():
    crowded = {function.name: function.parameters for function in FUNCTIONS if function.parameters > 5}
    assert {name: count for name, count in crowded.items() if not MORE_KEYWORDS.get(name)} == {}
    assert [name for name in MORE_KEYWORDS if name not in crowded] == []


EXAMPLE = '''
class Shop:
    def sell(self, what, /, price, *, to, **options):
        """One line.

        And more.
        """
        # a comment counts
        total = price

        return total

    @staticmethod
    def open(hour): ...

    def close(self):
        """Only a docstring."""

def outer(a, b):
    def inner(c):
        return c
    return inner
'''


def test_the_ruler_counts_what_its_docstring_says():
    found = {function.name: function for function in measured(ast.parse(EXAMPLE))}
    assert found["example.Shop.sell"] == Function("example.Shop.sell", lines=4, positional=2, parameters=4)
    assert found["example.Shop.open"] == Function("example.Shop.open", lines=0, positional=1, parameters=1)
    assert found["example.Shop.close"].lines == 0
    assert found["example.outer"].lines == 3
    assert found["example.outer.inner"] == Function("example.outer.inner", lines=1, positional=1, parameters=1)
    assert percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 100], 0.9) == 9
    assert percentile([4], 0.5) == 4
