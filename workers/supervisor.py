"""What keeps one machine running? Starts broker, web, workers and scheduler; restarts what dies or goes deaf.

The supervisor holds no state: every part can be killed at any moment, and the rows say what is left to do. Our own
parts are forked from it after their modules were loaded once, so that they share that memory (docs/adr/0006).
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from workers.processes import Process, end, fork, spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_TICK_SECONDS: Final = 0.25
_DEAFNESS_EVERY_SECONDS: Final = 3.0
_STOP_SECONDS: Final = 11.5
_STOP_PROGRAM_SECONDS: Final = 3.0
_MOST_LOG_BYTES: Final = 10 * 2**20
_STEADY_SECONDS: Final = 20.0
_SLOWEST_RESTART_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the stack: our own code (`run`), or another program (`command`), on which the others may rely.

    `is_ready` says when the next part may start; `is_deaf`, given the process's age in seconds, that it lives but hears
    nothing.
    """

    name: str
    run: Callable[[], None] | None = None
    command: tuple[str, ...] = ()
    is_ready: Callable[[], bool] = lambda: True
    is_deaf: Callable[[float], bool] = lambda _age_seconds: False

    def start(self, log: IO[bytes]) -> Process:
        """Start the process; Ctrl-C reaches the supervisor alone, which stops parts in order."""
        return spawn(self.command, log) if self.run is None else fork(self.run, f"tocsin {self.name}", log)


class _Running:
    """A started part and how often it had to be started again."""

    def __init__(self, part: Part, log: IO[bytes]) -> None:
        self.part = part
        self.log = log
        self.process: Process | None = None
        self.started_at = 0.0
        self.start_again_at = 0.0
        self.restarts_in_a_row = 0

    def start(self) -> None:
        """Start the process."""
        self.process = self.part.start(self.log)
        self.started_at = time.monotonic()

    @property
    def age_seconds(self) -> float:
        """Seconds since the process was started last."""
        return time.monotonic() - self.started_at

    def has_died(self) -> bool:
        """Say whether the process ended."""
        return self.process is not None and self.process.poll() is not None


class Supervisor:
    """Runs parts in their order until it is told to stop."""

    def __init__(self, parts: Sequence[Part], logs: Path, say: Callable[[str], None]) -> None:
        self._parts = parts
        self._logs = logs
        self._say = say
        self._running: list[_Running] = []
        self._stopping = False
        self._next_deafness_check = 0.0

    def stop_on_signals(self) -> None:
        """Let SIGINT and SIGTERM end the run in order."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.request_stop())

    def request_stop(self) -> None:
        """Make `run` return after it has stopped every part."""
        self._stopping = True

    def start(self, *, ready_within_seconds: float = 30.0) -> bool:
        """Start every part, each when the one before is ready; False when told to stop meanwhile.

        Raises:
            TimeoutError: a part was not ready in time; the message names it and its log file.
        """
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in self._parts:
            if self._stopping:
                return False
            running = _Running(part, self._open_log(part.name))
            self._running.append(running)
            running.start()
            self._await_ready(running, ready_within_seconds)
            self._say(f"{part.name} is running")
        return not self._stopping

    def run(self) -> None:
        """Watch the parts until `request_stop`."""
        while not self._stopping:
            self.watch_once()
            time.sleep(_TICK_SECONDS)

    def watch_once(self) -> None:
        """Restart what died; kill what is deaf, so that the next look restarts it."""
        for running in self._running:
            if running.has_died():
                self._restart(running)
        if time.monotonic() >= self._next_deafness_check:
            self._next_deafness_check = time.monotonic() + _DEAFNESS_EVERY_SECONDS
            self._kill_deaf()
            self._begin_long_logs_again()

    def stop(self) -> None:
        """End our own parts, all at once, then the programs they rely on; kill what does not end in time."""
        ours = [each.process for each in self._running if each.process and each.part.run is not None]
        programs = [each.process for each in self._running if each.process and each.part.run is None]
        end(ours, _STOP_SECONDS)
        end(programs, _STOP_PROGRAM_SECONDS)
        for running in self._running:
            running.log.close()
        self._running.clear()

    def _restart(self, running: _Running) -> None:
        now = time.monotonic()
        if running.start_again_at == 0.0 and running.process is not None:
            steady = running.age_seconds > _STEADY_SECONDS
            running.restarts_in_a_row = 1 if steady else running.restarts_in_a_row + 1
            wait = min(0.1 * 2 ** min(running.restarts_in_a_row - 1, 10), _SLOWEST_RESTART_SECONDS)
            running.start_again_at = now + wait
            self._say(f"{running.part.name} ended (code {running.process.poll()}); it is started again")
        if now >= running.start_again_at:
            running.start_again_at = 0.0
            running.start()

    def _kill_deaf(self) -> None:
        for running in self._running:
            if running.process is None or running.has_died() or not running.part.is_deaf(running.age_seconds):
                continue
            self._say(f"{running.part.name} has gone deaf; it is killed and started again")
            running.process.kill()

    def _await_ready(self, running: _Running, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._stopping and not running.part.is_ready():
            if running.has_died() or time.monotonic() > deadline:
                raise TimeoutError(f"{running.part.name} did not start; see {self._log_path(running.part.name)}")
            time.sleep(0.05)

    def _open_log(self, name: str) -> IO[bytes]:
        return self._log_path(name).open("ab", buffering=0)

    def _begin_long_logs_again(self) -> None:
        """Keep a long log as `.log.1` and empty it; the processes go on writing at its new end."""
        for running in self._running:
            path = self._log_path(running.part.name)
            with suppress(OSError):  # a full disk must not stop the supervisor
                if path.stat().st_size > _MOST_LOG_BYTES:
                    shutil.copyfile(path, path.with_suffix(".log.1"))
                    os.truncate(path, 0)

    def _log_path(self, name: str) -> Path:
        return self._logs / f"{name}.log"
