"""What did a command cost? CPU of it and of all that it started, and the memory of the whole tree at its highest."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SAMPLE_SECONDS = 0.02


@dataclass(frozen=True)
class Cost:
    """Seconds of user CPU (children included) and of wall clock; MB (10^6) of memory, summed over the tree."""

    user_s: float
    wall_s: float
    peak_rss_mb: float


def run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[Cost, str]:
    """Run a command and return its cost and what it printed. Raises RuntimeError when it fails."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    peak = _Peak(process.pid)
    peak.start()
    output = process.stdout.read().decode() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.monotonic() - began
    peak.stop()
    if status:
        raise RuntimeError(f"{' '.join(command)} ended with status {status}")
    return Cost(round(usage.ru_utime, 3), round(wall_s, 3), round(peak.bytes / 1e6, 1)), output


class _Peak(threading.Thread):
    """Samples the memory of a process tree; pages that processes share count once (PSS)."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._root = psutil.Process(pid)
        self._done = threading.Event()
        self.bytes = 0

    def run(self) -> None:
        while not self._done.wait(_SAMPLE_SECONDS):
            self.bytes = max(self.bytes, tree_bytes(self._root))

    def stop(self) -> None:
        self._done.set()
        self.join()


def tree_bytes(root: psutil.Process) -> int:
    """Return the PSS of a process and its descendants; of a single process that is its RSS less what is shared."""
    try:
        return sum(_pss_bytes(each.pid) for each in [root, *root.children(recursive=True)])
    except psutil.Error:
        return 0


def _pss_bytes(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:")), 0)
