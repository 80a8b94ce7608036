"""Are the front-end files byte for byte what their `vendor.toml` says, and is nothing loaded from elsewhere?

`dashboard/static/vendor/NAME-VERSION/` holds the files as their authors published them, their LICENSE, and `vendor.toml`
with `name`, `version`, `licence`, and a table `[files]` of file name = "sha384-…" (the form of Subresource Integrity).
"""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib

import pytest

from tests.architecture.source_tree import ROOT

VENDOR = ROOT / "dashboard" / "static" / "vendor"
FOLDERS = sorted(folder for folder in VENDOR.glob("*") if folder.is_dir())
LICENCES = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}
# What makes a browser load or run something from another host.
FOREIGN = re.compile(r"""(?:src|href|action|hx-[a-z]+)\s*=\s*["'](?:https?:)?//|@import|url\(\s*["']?(?:https?:)?//""")


def digest(data: bytes) -> str:
    return "sha384-" + base64.b64encode(hashlib.sha384(data).digest()).decode()


def test_there_are_vendored_files():
    assert FOLDERS, "dashboard/static/vendor holds nothing"
    assert [file.name for file in VENDOR.iterdir() if file.is_file()] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
class TestVendoredFolder:
    def test_is_named_after_what_it_holds(self, folder):
        about = tomllib.loads((folder / "vendor.toml").read_text())
        assert folder.name == f"{about['name']}-{about['version']}"

    def test_carries_a_licence_that_ours_permits(self, folder):
        about = tomllib.loads((folder / "vendor.toml").read_text())
        assert about["licence"] in LICENCES
        assert (folder / "LICENSE").stat().st_size > 200

    def test_lists_every_file_with_the_hash_of_its_bytes(self, folder):
        about = tomllib.loads((folder / "vendor.toml").read_text())
        found = {
            file.relative_to(folder).as_posix(): digest(file.read_bytes())
            for file in folder.rglob("*")
            if file.is_file() and file.name not in {"vendor.toml", "LICENSE"}
        }
        assert found
        assert found == about["files"]


def test_no_template_style_or_script_of_ours_names_another_host():
    files = [
        file
        for kind in ("*.html", "*.css", "*.js", "*.svg")
        for file in (ROOT / "dashboard").rglob(kind)
        if VENDOR not in file.parents
    ]
    assert files
    found = {str(file.relative_to(ROOT)): FOREIGN.findall(file.read_text()) for file in files}
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_the_search_for_other_hosts_sees_them():
    for line in ('<script src="https://cdn.example/x.js">', "a{background:url(//cdn.example/x)}", "@import 'x.css'"):
        assert FOREIGN.search(line), line
    assert not FOREIGN.search('<a href="{{ link }}"> <script src="/static/x.js">')
