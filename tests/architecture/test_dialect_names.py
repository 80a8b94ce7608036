"""Is there one place that may ask which database this is?

A dialect's name in lower case is code (`sqlite`, `postgresql_where`, `postgresql+psycopg://`); prose spells the products
SQLite and PostgreSQL. Comments and docstrings are not looked at, and neither are migrations, which are frozen.
"""

from __future__ import annotations

import ast
import re

from tests.architecture.source_tree import sources

ALLOWED = {"triage/storage/dialect.py", "config/settings.py", "config/bootstrap.py"}
DIALECT = re.compile(r"sqlite|postgres|psycopg")


def dialect_names(tree: ast.Module) -> list[tuple[int, str]]:
    """Return (line, text) of each name, keyword, import and string of `tree` that names a dialect."""
    docstrings = {id(node) for node in _docstrings(tree)}
    return [
        (node.lineno, word)
        for node in ast.walk(tree)
        if hasattr(node, "lineno") and id(node) not in docstrings
        for word in _words(node)
        if DIALECT.search(word)
    ]


def _docstrings(tree: ast.Module) -> list[ast.Constant]:
    """Strings that stand alone as a statement: docstrings of modules, classes, functions and attributes."""
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]


def _words(node: ast.AST) -> list[str]:  # noqa: PLR0911 - one return per kind of node
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return [name]
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
        case ast.arg(arg=name) | ast.keyword(arg=str(name)):
            return [name]
        case ast.ImportFrom(module=str(module), names=names):
            return [module, *(alias.name for alias in names)]
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case _:
            return []


def test_only_the_dialect_module_and_the_settings_name_a_dialect():
    found = {source.path: names for source in sources() if (names := dialect_names(source.tree))}
    assert {path: names for path, names in found.items() if path not in ALLOWED} == {}


def test_the_search_sees_code_and_not_prose():
    code = (
        '"""sqlite in a docstring."""\n'
        "# sqlite in a comment\n"
        "from sqlalchemy.dialects import postgresql\n"
        "url = 'sqlite:///x'\n"
        "index(postgresql_where=None)\n"
        "message = 'PostgreSQL does not answer'\n"
        "if engine.sqlite: pass\n"
    )
    assert sorted(line for line, _ in dialect_names(ast.parse(code))) == [3, 4, 5, 7]
