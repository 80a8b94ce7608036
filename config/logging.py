"""How are log lines written? One line a record, JSON for machines, no secrets and no line breaks (S15, S16)."""

from __future__ import annotations

import logging
import re
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from config.settings import Settings

_NAMES: Final = "token|key|secret|password|passwd|passphrase|pwd|signature|sig|auth|session"
_NAMED: Final = rf"(?:[\w-]{{0,40}}[_-])?(?:{_NAMES})"
"""Bounded, so that a long hostile text costs no more than its length."""
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/\s?#\"']{0,500}@")
"""All that stands before the last @ of an address's host: also `:password@`, `token@` and passwords that hold an @."""
_PARAMETER: Final = re.compile(rf"(?i)\b({_NAMED})=[^&\s\"',;)]+")
_QUOTED: Final = re.compile(rf"(?i)([\"']{_NAMED}[\"']\s{{0,3}}:\s{{0,3}})(\"[^\"]*\"|'[^']*')")
_HEADER: Final = re.compile(r"(?i)\b(authorization|cookie)([\"']?\s{0,3}[:=]\s{0,3}[\"']?)[^\"'\r\n]+")
_BEARER: Final = re.compile(r"(?i)\bbearer\s{1,3}[\w.~+/=-]{8,}")
_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Everything that starts a new line or a terminal's command somewhere (S16)."""

_UNDER_ITS_RECORD: Final = "\n    | "
"""Sets a traceback off from records, so that no text inside an exception can pass for one."""


def set_up_logging(settings: Settings) -> None:
    """Send all records of this process to standard error in the configured form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_FormatterOnDemand(as_json=settings.log_format == "json"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())


class _FormatterOnDemand(logging.Formatter):
    """Builds structlog's formatter for the first record: most commands write none, and its import is slow."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    @cached_property
    def _formatter(self) -> logging.Formatter:
        import structlog  # noqa: PLC0415  # see the class

        shared: list[Any] = [
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            clean,
        ]
        last: Any = structlog.processors.JSONRenderer() if self._as_json else _plain
        without_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
        return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[without_meta, last])

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        return self._formatter.format(record)


def clean(_logger: object, _method: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redact credentials and make every value one line; of a traceback, every line one that is its own."""
    for name, value in record.items():
        if name == "exception":
            record[name] = "\n".join(_one_line(line) for line in str(value).split("\n"))
        elif isinstance(value, str):
            record[name] = _one_line(value)
        elif not isinstance(value, int | float | None) and not name.startswith("_"):
            record[name] = _one_line(repr(value))
    return record


def _one_line(text: str) -> str:
    return _BREAKS.sub(" ", redact(text))


def redact(text: str) -> str:
    """Return `text` without user names and passwords in addresses, and without the values of what is named a secret."""
    text = _PARAMETER.sub(r"\1=***", _CREDENTIALS.sub("***@", text))
    text = _HEADER.sub(r"\1\2***", _QUOTED.sub(r"\1'***'", text))
    return _BEARER.sub("Bearer ***", text)


def _plain(_logger: object, _method: str, record: MutableMapping[str, Any]) -> str:
    exception = f"\n{record.pop('exception')}" if record.get("exception") else ""
    timestamp, level, logger, event = (record.pop(name, "") for name in ("timestamp", "level", "logger", "event"))
    head = f"{timestamp} {level:<7} {logger}: {event}"
    rest = " ".join(f"{name}={value}" for name, value in sorted(record.items()))
    return " ".join(part for part in (head, rest) if part) + exception.replace("\n", _UNDER_ITS_RECORD)
