"""Our exceptions: one tree, each with a message that tells the user what to do.

TocsinError
├── SettingsError            a setting is missing or wrong (the command line exits with 2)
├── InvalidFile              a file of decisions was refused whole; carries every Fault with line and column
├── QueryError               a brand query was refused; carries code and offset
├── SourceError              a source could not be read; carries kind and permanent
│   └── AddressRefused       the guarded way out refused an address
├── Refusal                  a state does not permit what was asked
│   ├── AlreadyClaimed       somebody else owns the item (HTTP 409); names the owner
│   ├── NotPermitted         the item is in another state, or the person may not (HTTP 409)
│   └── NotFound             there is no such row, or it is not yours (HTTP 404)
└── Unavailable              the database or broker does not answer now (HTTP 503)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class TocsinError(Exception):
    """Root of the tree. `permanent` says that trying again unchanged cannot help."""

    permanent: bool = True


class SettingsError(TocsinError):
    """A setting is missing or wrong; the message is one sentence that names it and the fix."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in a file of decisions; `line` and `column` count from 1."""

    message: str
    line: int
    column: int
    hint: str = ""

    def located(self, path: str) -> str:
        """Return `path:line:column: message. hint`, the form editors make clickable."""
        return f"{path}:{self.line}:{self.column}: {self.message}" + (f" — {self.hint}" if self.hint else "")


class InvalidFile(TocsinError):
    """A file of decisions was refused whole; `faults` holds all of them, in file order."""

    def __init__(self, path: str, faults: Sequence[Fault]) -> None:
        self.path = path
        self.faults = tuple(faults)
        super().__init__("\n".join(fault.located(path) for fault in self.faults))


class QueryError(TocsinError):
    """A brand query was refused; `offset` counts characters of the query from 0."""

    def __init__(self, code: str, offset: int, hint: str) -> None:
        self.code = code
        self.offset = offset
        self.hint = hint
        super().__init__(f"{code} at character {offset}: {hint}")


class SourceErrorKind(StrEnum):
    """Why a source could not be read (the values of `source.last_error_kind`)."""

    TOO_LARGE = "too_large"
    ENCODING_REFUSED = "encoding_refused"
    INCOMPLETE = "incomplete"
    TIMEOUT = "timeout"
    TAG_TOO_LONG = "tag_too_long"
    PARSE_TIMEOUT = "parse_timeout"
    PARSE_MEMORY = "parse_memory"
    PARSE_ERROR = "parse_error"
    NOT_A_FEED = "not_a_feed"
    ADDRESS_REFUSED = "address_refused"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    GONE = "gone"
    RATE_LIMITED = "rate_limited"
    HTTP_ERROR = "http_error"
    UNREACHABLE = "unreachable"
    CRASHED = "crashed"


class SourceError(TocsinError):
    """A source could not be read.

    `kind` is typed for back-off and for the page; the message is plain words for the person who owns the source;
    `retry_after_seconds` is the server's own wish, if it stated one.
    """

    def __init__(
        self, kind: SourceErrorKind, message: str, *, permanent: bool = False, retry_after_seconds: float | None = None
    ) -> None:
        self.kind = kind
        self.permanent = permanent
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


class AddressRefused(SourceError):
    """The guarded way out refused an address; the text is the same for open and closed ports (S01)."""

    def __init__(self, message: str = "this address is not allowed") -> None:
        super().__init__(SourceErrorKind.ADDRESS_REFUSED, message, permanent=True)


class Refusal(TocsinError):
    """A state does not permit what was asked; nothing was changed."""


class AlreadyClaimed(Refusal):
    """Somebody else owns the item."""

    def __init__(self, owner: str, since: datetime | None) -> None:
        self.owner = owner
        self.since = since
        super().__init__(f"{owner} has this item" + (f" since {since:%H:%M} UTC" if since else ""))


class NotPermitted(Refusal):
    """The row is in a state from which this move does not start."""


class NotFound(Refusal):
    """There is no such row, or it is not visible to the person who asked."""


class Unavailable(TocsinError):
    """The database or the broker does not answer now; trying again later can help."""

    permanent = False
