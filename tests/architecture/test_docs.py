"""Do the docs name every setting, command and test that exists, and nothing that does not?"""

from __future__ import annotations

import re

import click
import pytest

from config.settings import Settings
from tests.architecture.command_line import the_command_line, walk
from tests.architecture.source_tree import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TEXT = {page.relative_to(ROOT).as_posix(): page.read_text() for page in PAGES}
README = TEXT["README.md"]
TARGETS = set(re.findall(r"^([a-z][a-z0-9.-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
TWO_COMMANDS = [
    "python3 -m venv .venv && .venv/bin/pip install -q uv && .venv/bin/uv run --locked tocsin demo",
    "python3 -m venv .venv && .venv/bin/pip install -q uv && .venv/bin/uv run --locked pytest",
]


def variable(name: str) -> str:
    return Settings.model_fields[name].alias or f"TOCSIN_{name.upper()}"


@pytest.fixture(scope="module")
def commands() -> dict[tuple[str, ...], click.Command]:
    return dict(walk(the_command_line()))


def test_the_readme_shows_the_two_commands_to_the_letter():
    assert [line for line in README.splitlines() if line.startswith("python3 -m venv")] == TWO_COMMANDS


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_has_its_row_in_operations(name):
    assert f"\n| `{variable(name)}` |" in TEXT["docs/operations.md"]


def test_operations_describes_no_setting_that_does_not_exist():
    described = set(re.findall(r"^\| `([A-Z_]+)` \|", TEXT["docs/operations.md"], re.MULTILINE))
    assert described == {variable(name) for name in Settings.model_fields}


def test_every_command_is_named_in_the_docs(commands):
    text = "\n".join(TEXT.values())
    leaves = [" ".join(path) for path, command in commands.items() if not isinstance(command, click.Group)]
    assert leaves
    assert [name for name in leaves if not re.search(rf"tocsin {name}(?![\w-])", text)] == []


def test_the_readme_names_no_command_that_does_not_exist(commands):
    table = "\n".join(line for line in README.splitlines() if line.startswith("| `tocsin "))
    named = [tuple(words.split()) for words in re.findall(r"`tocsin ([a-z -]+)`", table)]
    assert named
    # `health worker` is a command with an argument: the longest prefix that is a command must not be a group.
    unknown = [path for path in named if not any(path[:length] in commands for length in range(len(path), 0, -1))]
    groups = [path for path in named if isinstance(commands.get(path[:1]), click.Group) and path not in commands]
    assert unknown == groups == []


def test_every_command_teaches(commands):
    assert [" ".join(path) for path, command in commands.items() if not (command.help or "").strip()] == []


@pytest.mark.parametrize("page", sorted(TEXT))
def test_every_link_between_pages_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", TEXT[page])
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_every_make_target_that_the_docs_name_exists_and_is_explained():
    # In code only: `make check`, or a line of a code block.
    named = set(re.findall(r"(?:`|^)make ([a-z][a-z0-9.-]*)", "\n".join(TEXT.values()), re.MULTILINE))
    explained = set(re.findall(r"^([a-z][a-z0-9.-]*):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named
    assert named - TARGETS == set()
    assert explained == TARGETS


def test_the_architecture_page_names_every_test_that_holds_it_up():
    tests = {path.name for path in (ROOT / "tests" / "architecture").glob("test_*.py")}
    assert tests == set(re.findall(r"tests/architecture/(test_\w+\.py)", TEXT["docs/architecture.md"]))


def test_every_decision_record_has_its_status_options_and_consequences():
    records = {page: text for page, text in TEXT.items() if page.startswith("docs/adr/")}
    numbers = sorted(int(re.match(r"docs/adr/(\d{4})-", page)[1]) for page in records)
    assert numbers == list(range(1, len(numbers) + 1))
    for page, text in records.items():
        assert re.search(r"^Status: (accepted|superseded)", text, re.MULTILINE), page
        assert "\n## Consequences" in text, page
        assert "\n## Decision" in text, page
