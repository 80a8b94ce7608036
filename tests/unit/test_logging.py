"""Are log lines one line each, and free of secrets (S15, S16)?"""

from __future__ import annotations

import io
import json
import logging
import sys
import time

import pytest
import structlog

from config.logging import redact, set_up_logging
from config.settings import load_settings

CANARY = "hunter2canary"


@pytest.fixture
def log_lines(monkeypatch, tmp_path):
    """A function that sets logging up in one format, lets the test log, and returns what was written."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)

    def written(log_format, write):
        stream = io.StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        set_up_logging(load_settings(home=tmp_path, log_format=log_format))
        write(logging.getLogger("tocsin.test"))
        return stream.getvalue()

    yield written
    root.handlers[:], root.level = before


def break_down(logger, message):
    """Log an exception that carries `message`."""
    try:
        int(message)
    except ValueError as error:
        logger.exception("it broke", exc_info=ValueError(message).with_traceback(error.__traceback__))


@pytest.mark.parametrize(
    "text",
    [
        f"https://user:{CANARY}@feeds.example/rss",
        f"https://{CANARY}@feeds.example/rss",
        f"redis://:{CANARY}@broker.example:6379/0",
        f"postgresql+psycopg://tocsin:p@{CANARY}@db.example/tocsin",
        f"https://feeds.example/rss?token={CANARY}&page=2",
        f"https://feeds.example/rss?a=1&access_token={CANARY}",
        f"https://feeds.example/rss?api_key={CANARY}",
        f"https://feeds.example/?X-Amz-Signature={CANARY}",
        f"host=db password={CANARY} user=x",
        f"client_secret={CANARY}",
        f"{{'password': '{CANARY}', 'user': 'ana'}}",
        f'{{"api_token": "{CANARY}"}}',
        f"Authorization: Basic {CANARY}",
        f"'Authorization': 'Bearer {CANARY}'",
        f"Cookie: tocsin={CANARY}; theme=dark",
        f"sent with bearer {CANARY}",
    ],
)
def test_s15_a_secret_is_redacted_wherever_it_stands(text):
    assert CANARY not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://forum.example/@nadia/42 was read",
        "Polling https://feeds.example/rss?page=2#top failed after 3 tries",
        "ana@example.org has this item",
        "author=Nadia title=A basic understanding of keys",
    ],
)
def test_s15_what_is_no_secret_is_left_as_it_is(text):
    assert redact(text) == text


def test_s15_what_stays_of_an_address_still_says_which_one_it_was():
    assert redact("https://u:p@feeds.example/rss?token=x&page=2") == "https://***@feeds.example/rss?token=***&page=2"


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_s15_arguments_and_tracebacks_are_redacted(log_lines, log_format):
    def write(logger):
        logger.warning("reading %s failed", f"https://u:{CANARY}@h.example/")
        break_down(logger, f"no answer from redis://:{CANARY}@h.example/0")

    lines = log_lines(log_format, write)
    assert CANARY not in lines
    assert "h.example" in lines


HOSTILE = "a title\r\n2026-11-25T10:00:00Z error   tocsin: forged\x1b[31m\x9b2J\u2028next\u2029last\x85\x00"


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_s16_a_record_is_one_line_whatever_its_text(log_lines, log_format):
    lines = log_lines(log_format, lambda logger: logger.error("could not read %s", HOSTILE))
    assert len(lines.splitlines()) == 1
    assert not any(mark in lines for mark in "\x1b\x9b\u2028\u2029\x85\x00\r")
    if log_format == "json":
        assert json.loads(lines)["event"].startswith("could not read a title")


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_s16_values_of_the_log_context_are_cleaned_too(log_lines, log_format):
    def write(logger):
        with structlog.contextvars.bound_contextvars(agent=HOSTILE, ids=["x\ny", 2], trace_id="abc"):
            logger.info("polled")

    lines = log_lines(log_format, write)
    assert len(lines.splitlines()) == 1
    assert "abc" in lines
    assert "\x1b" not in lines


def test_s16_text_inside_an_exception_cannot_pass_for_a_record_of_its_own(log_lines):
    first, *rest = log_lines("console", lambda logger: break_down(logger, HOSTILE)).splitlines()
    assert "it broke" in first
    assert rest
    assert all(line.startswith("    | ") for line in rest)
    assert "\x1b" not in "".join(rest)


def test_s16_json_keeps_a_traceback_inside_its_record(log_lines):
    (line,) = log_lines("json", lambda logger: break_down(logger, HOSTILE)).splitlines()
    record = json.loads(line)
    assert record["event"] == "it broke"
    assert record["level"] == "error"
    assert "forged" in record["exception"]
    assert "\x1b" not in record["exception"]


def test_s13_redacting_a_long_hostile_text_takes_no_more_than_its_length():
    def seconds(size):
        started = time.process_time()
        for text in ("a-" * size, "://" + "a" * size, "key" * size, '"key"' + " " * size, "cookie" + " " * size):
            redact(text)
        return time.process_time() - started

    seconds(100)
    assert seconds(40_000) < 40 * max(seconds(4_000), 0.001)
