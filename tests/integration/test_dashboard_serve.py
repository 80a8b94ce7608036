"""Does the real server start after the fork, keep its files to itself, and stop when asked? gunicorn as `tocsin web` runs it."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from tests.architecture.source_tree import ROOT

pytestmark = pytest.mark.processes

PROGRAM = """
import sys
from pathlib import Path
from config.bootstrap import Container
from config.settings import load_settings
from dashboard.serve import serve

class Silent:
    def send(self, job, ids):
        return True

def build():
    print("built in", __import__("os").getpid(), flush=True)
    return Container(load_settings(home=Path(sys.argv[1])), Silent())

serve(build, sys.argv[2])
"""


@pytest.fixture
def server(world, tmp_path):
    """A running server on the world's database: (process, port)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path / "home"
    home.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), f"127.0.0.1:{port}"],
        env={"PATH": os.defpath, "HOME": str(home), "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until_it_answers(process, port)
        yield process, port
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_until_it_answers(process, port):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        try:
            if ask(port, "/readyz").status == 200:
                return
        except OSError:
            time.sleep(0.05)  # a port offers no event to wait for
    pytest.fail("the server did not answer within 20 s")


def ask(port, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def test_it_builds_its_parts_after_the_fork_and_names_no_version(server, tmp_path):
    process, port = server
    answer = ask(port, "/login")
    assert answer.status == 200
    assert answer.headers["Server"] == "gunicorn"
    children = psutil.Process(process.pid).children()
    assert len(children) == 1
    assert process.stdout.readline() == f"built in {children[0].pid}\n"
    assert list((tmp_path / "home").iterdir()) == []  # no control socket


def test_a_client_cannot_say_that_it_came_by_https(server):
    _, port = server
    assert ask(port, "/login", **{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}).status == 200
    cookies = ask(port, "/login", **{"X-Forwarded-Proto": "https"}).headers.get_all("Set-Cookie")
    assert all("Secure" not in cookie for cookie in cookies)


def test_sigterm_ends_it_within_seconds_and_leaves_no_process(server):
    process, port = server
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    assert ask(port, "/healthz").status == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 0
    assert [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE] == []
    assert "Traceback" not in process.stderr.read()
