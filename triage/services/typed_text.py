"""What may the text hold that a person typed? Nothing that a database refuses or that a page could not show."""

from __future__ import annotations

import re
from typing import Final

_UNWANTED: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def tidy(text: str) -> str:
    """Return `text` without outer blanks and controls, on lines that end in a line feed.

    PostgreSQL refuses NUL, and half of a surrogate pair cannot be encoded at all.
    """
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def tidy_line(text: str) -> str:
    """Return `text` tidy and on one line."""
    return " ".join(tidy(text).split())
