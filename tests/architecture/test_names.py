"""Does every folder answer a question, and does every module carry a name of the field?"""

from __future__ import annotations

import ast
import re
from pathlib import PurePosixPath

import pytest

from tests.architecture.source_tree import PACKAGES, ROOT, sources

NOT_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc", "shared", "stuff"}
FOLDERS = sorted({str(PurePosixPath(source.path).parent) for source in sources()})
BY_PATH = {source.path: source for source in sources()}


def test_no_module_is_called_by_a_name_that_says_nothing():
    words = {source.path: set(re.split(r"[_/.]", source.path)) for source in sources()}
    assert {path: found & NOT_NAMES for path, found in words.items() if found & NOT_NAMES} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_begins_with_the_question_that_it_answers(folder):
    assert f"{folder}/__init__.py" in BY_PATH, f"{folder} has no __init__.py"
    docstring = ast.get_docstring(BY_PATH[f"{folder}/__init__.py"].tree) or ""
    assert "?" in docstring.partition("\n")[0], f"the first line of {folder}/__init__.py asks no question"


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.path)
def test_a_module_says_what_it_is_for(source):
    assert ast.get_docstring(source.tree)


def test_no_file_of_code_stands_outside_the_house():
    not_ours = {"build", "dist", "tocsin-data"}  # .gitignore
    folders = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")]
    with_code = {path.name for path in folders if path.name not in not_ours and next(path.rglob("*.py"), None)}
    assert with_code <= {*PACKAGES, "tests", "benchmarks"}
