"""WHO RUNS A STACK THAT LOSES PATIENCE SOONER? `python -m tests.deaf_stack SECONDS`: `tocsin up`, but with less patience.

A test cannot wait for the thirty seconds after which a silent worker counts as deaf.
"""

from __future__ import annotations

import sys
from functools import partial
from unittest import mock

from workers import cli
from workers.commands import stack

if __name__ == "__main__":
    hasty = partial(stack.build_parts, deaf_after_seconds=float(sys.argv[1]))
    # The command has no option for it, because nobody but a test would use one.
    with mock.patch.object(stack, "build_parts", hasty):
        cli.main(["up"])
