"""How is a process started, watched and ended? By fork for our own commands, by exec for other programs."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import subprocess
import sys
import time
import traceback
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final, NoReturn

from setproctitle import setproctitle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PR_SET_PDEATHSIG: Final = 1
_POLL_SECONDS: Final = 0.02


class Process:
    """A child process that leads its own session and group."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, minus the signal's number for a killed process; None while it runs."""
        if self._code is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                pid, status = self.pid, 0
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def kill_group(self) -> None:
        """Kill the process and all that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def end(self, within_seconds: float) -> None:
        """Ask the process to end; kill it and what it started when it takes too long."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + within_seconds
        while self.poll() is None and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        self.kill_group()
        while self.poll() is None:
            time.sleep(_POLL_SECONDS)


def spawn_program(command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> Process:
    """Start another program."""
    child = subprocess.Popen(  # noqa: S603  # our own broker or feed server
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={**os.environ, **environment},
        start_new_session=True,
        preexec_fn=_end_with_parent,  # noqa: PLW1509  # the supervisor has no threads
    )
    process = Process(child.pid)
    child.returncode = 0  # `process` waits for it; Popen must not
    return process


def fork_command(command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> Process:
    """Start one of our own commands (the words after `tocsin`) in a fork of this process."""
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # what is loaded now stays shared: the child's collector never writes to it
    pid = os.fork()
    if pid == 0:
        _become(command, environment, log)
    return Process(pid)


def _become(command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> NoReturn:
    code = 1
    try:
        os.setsid()
        _end_with_parent()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123  # a descriptor is all that is wanted
            os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        os.environ.update(environment)
        sys.argv = ["tocsin", *command]
        setproctitle(" ".join(sys.argv))
        from workers.cli import main  # noqa: PLC0415  # cli loads commands, commands load this module

        main(command)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001  # a forked child must never return into its parent's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _end_with_parent() -> None:
    """On Linux: end when the supervisor does, even when that is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
