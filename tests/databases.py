"""WHERE DOES A TEST GET A DATABASE? A private PostgreSQL that lives in a temporary directory and leaves with the test.

Nothing here knows pytest: fixtures call these classes. PostgreSQL refuses to run as uid 0, so as root the cluster belongs
to `nobody`. It listens on 127.0.0.1 on a port of its own, because tests also speak to it from other processes by URL, and
on a socket in its own directory. Connections from loopback are trusted: the cluster holds nothing but test rows.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil
import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Any, Self

PROGRAMS: Final = ("initdb", "postgres")
OLDEST_MAJOR: Final = 15
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 20.0
UNPRIVILEGED_USER: Final = "nobody"
SUPERUSER: Final = "tocsin"

# Durability costs a test suite half its time and proves nothing when the machine stays up. A test that kills the server
# and counts rows asks for `durable=True`.
FAST_SETTINGS: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
COMMON_SETTINGS: Final = (
    "max_connections=100",
    "shared_buffers=32MB",
    "wal_level=minimal",
    "max_wal_senders=0",
    "log_min_messages=warning",
    "timezone=UTC",
)


class NoPostgres(Exception):
    """No usable PostgreSQL binaries were found; the message is the reason in one line."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The directory that holds `initdb` and `postgres`, and their major version."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """Return the full path of one program."""
        return str(self.folder / name)


def find_binaries(candidates: Sequence[Path] | None = None) -> Binaries:
    """Return the newest PostgreSQL of at least version 15 on PATH or under /usr/lib/postgresql.

    `candidates` are the directories to look at. Raises NoPostgres with the reason in one line.
    """
    folders = _usual_folders() if candidates is None else list(candidates)
    found = [Binaries(folder, _major(folder)) for folder in folders if _complete(folder)]
    if not found:
        raise NoPostgres("no PostgreSQL binaries (initdb, postgres) on PATH or in /usr/lib/postgresql/*/bin")
    newest = max(found, key=lambda binaries: binaries.major)
    if newest.major < OLDEST_MAJOR:
        raise NoPostgres(f"PostgreSQL {newest.major} is older than {OLDEST_MAJOR}, the oldest that Tocsin supports")
    return newest


def _usual_folders() -> list[Path]:
    on_path = shutil.which("postgres")
    # Debian keeps the server's programs out of PATH, one directory per major version.
    return ([Path(on_path).resolve().parent] if on_path else []) + sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def _complete(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in PROGRAMS)


def _major(folder: Path) -> int:
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True, timeout=10)
    match = re.search(r"(\d+)", answer.stdout)
    return int(match[1]) if match else 0


class PrivatePostgres:
    """A throw-away PostgreSQL cluster.

    Use it as a context manager, or call `start()` and `remove()`. Between them it can be stopped, killed and started
    again any number of times, on the same port and with the same data.
    """

    def __init__(self, *, durable: bool = False, binaries: Binaries | None = None) -> None:
        self.binaries = binaries or find_binaries()
        self.durable = durable
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-pg-"))
        self.port = 0
        self._server: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._owner = _unprivileged_owner()
        if self._owner:
            os.chown(self.folder, *self._owner)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    @property
    def pid(self) -> int:
        """The process id of the running postmaster."""
        if self._server is None:
            raise RuntimeError("this private cluster is not running")
        return self._server.pid

    @property
    def log(self) -> str:
        """Everything the server has written so far."""
        file = self.folder / "server.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL of one database of this cluster."""
        return f"postgresql+psycopg://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, creating the cluster first if needed; return when it accepts connections."""
        if not (self.folder / "data").exists():
            self._init_cluster()
        self.port = self.port or free_port()
        settings = COMMON_SETTINGS + (() if self.durable else FAST_SETTINGS)
        with (self.folder / "server.log").open("ab") as log:
            self._server = subprocess.Popen(
                [
                    self.binaries.program("postgres"),
                    *("-D", str(self.folder / "data"), "-k", str(self.folder)),
                    *("-h", "127.0.0.1", "-p", str(self.port)),
                    *itertools.chain.from_iterable(("-c", setting) for setting in settings),
                ],
                stdout=log,
                stderr=log,
                **self._identity(),
            )
        self._wait_until_ready()

    def create_database(self, name: str | None = None, *, template: str = "template1") -> str:
        """Create a database as a copy of `template` and return its name.

        To test on a migrated schema, migrate one database once and hand its name as the template of all others; nobody
        may be connected to a template while it is copied.
        """
        name = name or f"test_{os.getpid()}_{next(self._numbers)}"
        # FILE_COPY of a small template takes about half as long as PostgreSQL 15's default WAL_LOG with fsync off.
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._execute(command.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database and end the sessions that still use it."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """Stop in the ordinary way: sessions are ended, everything is written (fast shutdown)."""
        self._signal_and_wait(signal.SIGINT)

    def stop_immediate(self) -> None:
        """Stop like `pg_ctl stop -m immediate`: the next start recovers from the log."""
        self._signal_and_wait(signal.SIGQUIT)

    def kill(self) -> None:
        """Kill -9 the postmaster and all its children, as a power cut would end them."""
        if self._server is None:
            return
        # Each backend calls setsid(), so the children are found by their parent and not by a process group.
        family = [psutil.Process(self._server.pid), *psutil.Process(self._server.pid).children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family[1:], timeout=STOP_SECONDS)
        self._server.wait(timeout=STOP_SECONDS)
        self._server = None

    def remove(self) -> None:
        """Stop the server if it runs and delete the cluster; may be called twice."""
        try:
            self.stop_immediate()
        except subprocess.TimeoutExpired:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _init_cluster(self) -> None:
        command = [
            *(self.binaries.program("initdb"), "-D", str(self.folder / "data"), "-U", SUPERUSER),
            *("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"),
        ]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **self._identity())
        if answer.returncode:
            raise NoPostgres(f"initdb failed: {(answer.stderr or answer.stdout).strip().splitlines()[-1:]}")

    def _identity(self) -> dict[str, Any]:
        """How a child is started: as the cluster's owner, in a session of its own, in a directory that owner may enter."""
        identity: dict[str, Any] = {"cwd": self.folder, "start_new_session": True, "env": _plain_environment()}
        if self._owner:
            identity |= {"user": self._owner[0], "group": self._owner[1], "extra_groups": []}
        return identity

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._server is None or self._server.poll() is not None:
                raise NoPostgres(f"postgres stopped while it started:\n{self.log[-2000:]}")
            try:
                psycopg.connect(self._dsn(), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.02)  # the server offers no event to wait for
            else:
                return
        raise NoPostgres(f"postgres was not ready within {START_SECONDS:.0f} s:\n{self.log[-2000:]}")

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._dsn(), autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement)

    def _dsn(self) -> str:
        return f"host=127.0.0.1 port={self.port} user={SUPERUSER} dbname=postgres"

    def _signal_and_wait(self, number: signal.Signals) -> None:
        if self._server is None:
            return
        if self._server.poll() is None:
            self._server.send_signal(number)
        self._server.wait(timeout=STOP_SECONDS)
        self._server = None


def _unprivileged_owner() -> tuple[int, int] | None:
    """Return (uid, gid) of the cluster's owner when we are root, else None: it is ours."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(UNPRIVILEGED_USER)
    return entry.pw_uid, entry.pw_gid


def _plain_environment() -> dict[str, str]:
    """Our environment without the PG* variables that would redirect the server or the client."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def free_port() -> int:
    """Return a loopback port that nobody used a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
