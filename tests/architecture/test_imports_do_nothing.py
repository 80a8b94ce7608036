"""Does importing every module open nothing, start nothing and build nothing?

The imports run in a process of their own with an audit hook, which sees what no patch can miss: sockets, child processes,
databases and files opened for writing, also from C.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.architecture.source_tree import ROOT, sources

# Scripts that another program runs inside its own context; nobody imports them.
SCRIPTS = {"triage.storage.migrations.env": "Alembic runs it for each migration"}
MODULES = [source.module for source in sources() if source.module not in SCRIPTS]

PROBE = r"""
import gc, importlib, json, logging, os, sys, threading, traceback

WATCHED = {"socket.__new__", "socket.connect", "socket.bind", "sqlite3.connect", "subprocess.Popen", "os.system",
           "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.mkdir", "os.remove", "os.rename", "os.putenv"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
seen, current = [], ["start"]

def hook(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING and arguments[0] != os.devnull:
        seen.append([current[0], event, repr(arguments[0]), "".join(traceback.format_stack(limit=6))])
    elif event in WATCHED:
        seen.append([current[0], event, repr(arguments)[:120], "".join(traceback.format_stack(limit=6))])

modules = json.loads(sys.argv[1])
sys.addaudithook(hook)
for name in modules:
    current[0] = name
    importlib.import_module(name)
sys.path_hooks  # the hook stays: it cannot be removed

built = []
for kind in ("flask.Flask", "celery.Celery", "sqlalchemy.Engine", "redis.Redis"):
    package, _, name = kind.rpartition(".")
    cls = getattr(sys.modules.get(package), name, None)
    # type(), not isinstance(): a lazy proxy would be woken by the question.
    if isinstance(cls, type) and any(issubclass(type(thing), cls) for thing in gc.get_objects()):
        built.append(kind)
json.dump({
    "seen": seen,
    "threads": [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()],
    "built": built,
    "handlers": [repr(handler) for handler in logging.getLogger().handlers],
}, sys.stdout)
"""


@pytest.fixture(scope="module")
def after_importing_everything(tmp_path_factory):
    """What a process has done once it has imported every module, with an empty environment and an unwritable home."""
    return _probe(MODULES, tmp_path_factory.mktemp("empty"))


def _probe(modules, folder):
    answer = subprocess.run(
        [sys.executable, "-B", "-c", PROBE, json.dumps(modules)],
        cwd=folder,
        env={"PATH": os.defpath, "HOME": "/nonexistent", "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_nothing_is_opened_started_or_written(after_importing_everything):
    seen = after_importing_everything["seen"]
    assert seen == [], "\n".join(f"{module}: {event} {what}\n{stack}" for module, event, what, stack in seen)


def test_no_thread_runs(after_importing_everything):
    assert after_importing_everything["threads"] == []


def test_no_application_engine_or_client_exists(after_importing_everything):
    assert after_importing_everything["built"] == []


def test_logging_is_not_configured(after_importing_everything):
    assert after_importing_everything["handlers"] == []


def test_the_probe_sees_a_module_that_does_something(tmp_path):
    (tmp_path / "busy.py").write_text(
        "import socket, threading, flask, logging\n"
        "probe = socket.socket()\n"
        "threading.Thread(target=threading.Event().wait, daemon=True, name='restless').start()\n"
        "app = flask.Flask('busy')\n"
        "logging.basicConfig()\n"
        "open('written.txt', 'w').close()\n"
    )
    report = _probe(["busy"], tmp_path)
    assert {event for _, event, _, _ in report["seen"]} >= {"socket.__new__", "open"}
    assert report["threads"] == ["restless"]
    assert report["built"] == ["flask.Flask"]
    assert report["handlers"]
