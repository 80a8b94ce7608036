"""How is a process started, watched and ended? By fork for our own code, by exec for other programs."""

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

import psutil
from setproctitle import getproctitle, setproctitle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PR_SET_PDEATHSIG: Final = 1
_M_ARENA_MAX: Final = -8
_POLL_SECONDS: Final = 0.02


class Process:
    """A child process that leads its own session and group; what it started ends with it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, minus the signal's number for a killed process; None while it runs."""
        if self._code is None and self._has_died():
            self._kill_group()
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code

    def ask_to_end(self) -> None:
        """Ask the process to end in its own time."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
            os.kill(self.pid, signal.SIGCONT)  # one that was stopped could not hear it

    def kill(self) -> None:
        """Kill the process and all that it started, and wait for its end."""
        if self.poll() is None:
            self._kill_group()
        while self.poll() is None:
            time.sleep(_POLL_SECONDS)

    def _has_died(self) -> bool:
        """Say whether it has; its id stays taken meanwhile, so that its group cannot be anybody else's yet."""
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            return psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def end(processes: Sequence[Process], within_seconds: float) -> None:
    """Ask processes to end, all at the same time; kill those, with what they started, that take too long."""
    for process in processes:
        process.ask_to_end()
    deadline = time.monotonic() + within_seconds
    while any([process.poll() is None for process in processes]) and time.monotonic() < deadline:  # noqa: C419  # reap all
        time.sleep(_POLL_SECONDS)
    for process in processes:
        process.kill()


def spawn(command: Sequence[str], log: IO[bytes]) -> Process:
    """Start another program. It inherits what was marked inheritable: the lock of the installation's folder."""
    child = subprocess.Popen(  # noqa: S603  # our own broker
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        close_fds=False,
        start_new_session=True,
        preexec_fn=_ending_with(os.getpid()),  # noqa: PLW1509  # the supervisor has no threads
    )
    process = Process(child.pid)
    child.returncode = 0  # `process` waits for it; Popen must not
    return process


def fork(run: Callable[[], None], title: str, log: IO[bytes]) -> Process:
    """Call `run` in a fork of this process; the child ends when it returns or raises SystemExit."""
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(run, title, log, parent)
    return Process(pid)


def prepare_to_fork() -> None:
    """Leave this process as its forks shall share it: no garbage, no holes, one heap for all threads."""
    gc.collect()
    gc.freeze()  # what is loaded now stays shared: a child's collector never writes to it
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        for function, arguments in (("mallopt", (_M_ARENA_MAX, 1)), ("malloc_trim", (0,))):
            if hasattr(libc, function):  # glibc has them; musl has not and needs not
                getattr(libc, function)(*arguments)


def choose_soft_shutdown() -> None:
    """Let SIGTERM give Celery's running tasks a limited time; it reads this when billiard is imported, and only then.

    Raises:
        RuntimeError: it is too late.
    """
    wanted = os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")
    billiard = sys.modules.get("billiard.common")
    if billiard is not None and wanted != billiard.REMAP_SIGTERM:
        raise RuntimeError("Celery's process pool was imported before its shutdown was chosen")


def remember_title() -> None:
    """Find where the system keeps this process's title; to be called before the environment is changed."""
    getproctitle()


def _become(run: Callable[[], None], title: str, log: IO[bytes], parent: int) -> NoReturn:
    code = 1
    try:
        os.setsid()
        _ending_with(parent)()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123  # a descriptor is all that is wanted
            os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        setproctitle(title)
        run()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001  # a forked child must never return into its parent's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _ending_with(parent: int) -> Callable[[], None]:
    """Return what a child calls so that it ends when the supervisor does, even when that is killed (Linux)."""

    def end_with_parent() -> None:
        if sys.platform != "linux":
            return
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was killed before we asked
            os._exit(1)

    return end_with_parent
