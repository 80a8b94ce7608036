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

_CREDENTIALS: Final = re.compile(r"(?<=://)[^/\s@]+:[^/\s@]*@")
_SECRET_PARAMETER: Final = re.compile(r"(?i)\b(token|key|secret|password|signature|auth)=[^&\s\"']+")
_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


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
    """Redact credentials and make every value one line."""
    for name, value in record.items():
        if isinstance(value, str):
            record[name] = redact(value) if name == "exception" else _BREAKS.sub(" ", redact(value))
    return record


def redact(text: str) -> str:
    """Return `text` without user names and passwords in addresses, and without the values of secret parameters."""
    return _SECRET_PARAMETER.sub(r"\1=***", _CREDENTIALS.sub("***@", text))


def _plain(_logger: object, _method: str, record: MutableMapping[str, Any]) -> str:
    exception = record.pop("exception", "")
    timestamp, level, logger, event = (record.pop(name, "") for name in ("timestamp", "level", "logger", "event"))
    head = f"{timestamp} {level:<7} {logger}: {event}"
    rest = " ".join(f"{name}={value}" for name, value in sorted(record.items()))
    return " ".join(part for part in (head, rest) if part) + (f"\n{exception}" if exception else "")
