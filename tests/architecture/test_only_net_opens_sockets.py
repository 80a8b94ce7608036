"""Only `triage.net` opens outbound connections (S01): a second way out is a way round the guard."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("triage", "config", "workers", "dashboard")
THE_WAY_OUT = ("triage/net/", "triage/net.py")

# Modules that can open a connection to a place of somebody's choice.
CONNECTING = frozenset(
    {
        "aiohttp", "apprise", "curl_cffi", "ftplib", "h11", "httpcore", "http.client", "httplib2", "httpx", "imaplib",
        "niquests", "nntplib", "paramiko", "poplib", "pycurl", "requests", "smtplib", "socket", "ssl", "telnetlib",
        "tornado", "treq", "twisted", "urllib.request", "urllib3", "websocket", "websockets", "xmlrpc.client",
    }
)  # fmt: skip
# Functions of harmless modules that connect all the same.
CONNECTING_CALLS = frozenset({"open_connection", "create_connection", "open_unix_connection", "urlopen", "urlretrieve"})

# (folder, module): why it may. Nothing here may take an address from a user or a source.
ALLOWED = {
    ("workers/", "socket"): "our own broker on a unix socket or loopback, and the name of this host",
}


def module_names(node):
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(level=0):
            return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        case ast.Call(func=ast.Name(id="__import__" | "import_module"), args=[ast.Constant(value=str(name)), *_]):
            return [name]
        case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]):
            return [name]
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in CONNECTING_CALLS:
            return [f"{name}()"]
    return []


def forbidden(name):
    """Return the connecting module that this name is or lies in, if any."""
    if name.endswith("()"):
        return name
    parts = name.split(".")
    prefixes = {".".join(parts[: end + 1]) for end in range(len(parts))}
    return next(iter(sorted(prefixes & CONNECTING)), None)


def ways_out(path, source):
    """Return `path:line module` for each way to open a connection that the source text holds."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        for name in map(forbidden, module_names(node)):
            if name and not any(path.startswith(folder) and name == module for folder, module in ALLOWED):
                found.add(f"{path}:{node.lineno} {name}")
    return sorted(found)


def our_files():
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            path = file.relative_to(ROOT).as_posix()
            if not path.startswith(THE_WAY_OUT):
                yield path, file.read_text(encoding="utf-8")


def test_s01_no_module_but_net_can_open_a_connection():
    assert [found for path, source in our_files() for found in ways_out(path, source)] == []


def test_the_check_reads_every_package():
    assert {path.split("/")[0] for path, _ in our_files()} == set(PACKAGES)


@pytest.mark.parametrize(
    "line",
    [
        "import httpx",
        "import os, requests.sessions as r",
        "from urllib import request",
        "from urllib.request import urlopen",
        "from http.client import HTTPConnection",
        "if True:\n    import socket",
        "import importlib\nimportlib.import_module('urllib3')",
        "__import__('aiohttp')",
        "import asyncio\nasyncio.open_connection('a', 1)",
        "import smtplib",
    ],
)
def test_each_way_to_write_a_second_way_out_is_found(line):
    assert ways_out("triage/sources/planted.py", line)


@pytest.mark.parametrize(
    "line",
    [
        "from urllib.parse import urlsplit",
        "import http",
        "from http import HTTPStatus",
        "import feedparser",
        "import redis",
    ],
)
def test_modules_that_do_not_connect_by_themselves_are_not_found(line):
    assert ways_out("triage/sources/harmless.py", line) == []


def test_the_exception_for_workers_holds_for_workers_only():
    assert ways_out("workers/supervisor.py", "import socket") == []
    assert ways_out("workers/supervisor.py", "import httpx") == ["workers/supervisor.py:1 httpx"]
    assert ways_out("triage/workers/x.py", "import socket") == ["triage/workers/x.py:1 socket"]
