"""The 36 inputs that every way out must refuse (S01), for the tests of every place that takes a URL.

CORPUS holds (url, answers of the resolver in turn) in the order of the reference list, `../shared/data/ssrf_inputs.json`.
Where there are two answers, the first is the one given when the source was added: take it once, then fetch.
"""

from __future__ import annotations

import socket

PUBLIC = "93.184.216.34"
NO_DNS = None
CORPUS = [
    ("http://127.0.0.1/", NO_DNS),
    ("http://2130706433/", NO_DNS),
    ("http://0x7f.1/", NO_DNS),
    ("http://0177.0.0.1/", NO_DNS),
    ("http://127.1/", NO_DNS),
    ("http://0/", NO_DNS),
    ("http://0.0.0.0/", NO_DNS),
    ("http://localhost/", [["127.0.0.1"]]),
    ("http://localhost./", [["127.0.0.1"]]),
    ("http://[::1]/", NO_DNS),
    ("http://[::]/", NO_DNS),
    ("http://[::ffff:127.0.0.1]/", NO_DNS),
    ("http://[::ffff:7f00:1]/", NO_DNS),
    ("http://[64:ff9b::7f00:1]/", NO_DNS),
    ("http://[2002:7f00:1::]/", NO_DNS),
    ("http://[::127.0.0.1]/", NO_DNS),
    ("http://[fec0::1]/", NO_DNS),
    ("http://169.254.169.254/latest/", NO_DNS),
    ("http://[fd00:ec2::254]/", NO_DNS),
    ("http://100.64.0.1/", NO_DNS),
    ("http://100.100.100.200/", NO_DNS),
    ("http://192.0.0.8/", NO_DNS),
    ("http://192.88.99.1/", NO_DNS),
    ("http://224.0.0.1/", NO_DNS),
    ("http://198.18.0.1/", NO_DNS),
    ("http://[3fff::1]/", NO_DNS),
    ("http://127\u30020\u30020\u30021/", NO_DNS),
    ("http://\u2460\u2461\u2466.0.0.1/", NO_DNS),
    ("http://a@127.0.0.1/", NO_DNS),
    ("http://127.0.0.1\\@example.test/", [[PUBLIC]]),
    ("http://rebind.test/", [[PUBLIC], ["127.0.0.1"]]),
    ("http://mixed.test/", [[PUBLIC, "10.0.0.1"]]),
    ("http://127.0.0.1:6379/", NO_DNS),
    ("file:///etc/passwd", NO_DNS),
    ("gopher://127.0.0.1:6379/_x", NO_DNS),
    ("ftp://127.0.0.1/", NO_DNS),
]


class ScriptedResolver:
    """Gives the scripted answers in turn, the last one repeating; without a script, reads numeric forms only."""

    def __init__(self, answers=NO_DNS):
        self.asked = []
        self._answers = list(answers) if answers else None

    def __call__(self, host, port):
        self.asked.append(host)
        if self._answers is None:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
            return [place[0] for *_, place in found]
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
