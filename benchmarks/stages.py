"""Where does the CPU of the pipeline go? The same run with a clock around each stage, the cost of clocks included."""

from __future__ import annotations

import json
import resource
import time
from collections import defaultdict
from functools import wraps

from config.bootstrap import Container
from config.settings import load_settings
from triage.domain import identity
from triage.language.reader import TextReader
from triage.language.term_index import QuerySet
from triage.net import Net
from triage.services import assessment, ingest
from triage.storage.unit_of_work import Store
from workers.commands.context import InlineDispatcher
from workers.commands.once import run_all

SPENT: dict[str, float] = defaultdict(float)


def clocked(name, function):
    @wraps(function)
    def timed(*args, **kwargs):
        began = time.thread_time()
        try:
            return function(*args, **kwargs)
        finally:
            SPENT[name] += time.thread_time() - began

    return timed


def main() -> None:
    start = time.process_time()
    container = Container(load_settings(), InlineDispatcher())
    _ = container.net, container.parser, container.store
    Net.get = clocked("fetch", Net.get)
    ingest.identify = clocked("identity", identity.identify)
    QuerySet.match = clocked("match", QuerySet.match)
    container.reader.warm()
    SPENT["load models"] = time.process_time() - start
    TextReader.read = clocked("read (language, tone, flags)", TextReader.read)
    assessment.assess_risk = clocked("risk", assessment.assess_risk)
    assessment.route = clocked("route", assessment.route)
    Store.write = clocked("store and audit (transactions)", Store.write)
    run_all(container)
    container.close()
    SPENT["parse (in the child)"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    total = time.process_time() + SPENT["parse (in the child)"]
    SPENT["everything else"] = total - sum(SPENT.values())
    print(json.dumps({name: round(seconds, 3) for name, seconds in sorted(SPENT.items(), key=lambda each: -each[1])}))


main()
