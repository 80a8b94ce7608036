"""What has just been done? A short confirmation that travels in the address after a redirect, and offers to undo."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import request

from dashboard.context import acting, reading
from triage.services.response import UNDOABLE


class Notice(StrEnum):
    """A confirmation; its words stand in the template, so that an address cannot put its own words on a page."""

    CLAIMED = "claimed"
    RELEASED = "released"
    CLOSED = "closed"
    REASSIGNED = "reassigned"
    NOTED = "noted"
    UNDONE = "undone"
    POLLING = "polling"
    REPLAYED = "replayed"
    DISCARDED = "discarded"
    PASSWORD = "password"  # noqa: S105  # the name of a notice
    WELCOME = "welcome"


_UNDO_OFFERED: Final = frozenset({Notice.CLAIMED, Notice.RELEASED, Notice.CLOSED, Notice.REASSIGNED, Notice.NOTED})
_PARAMETERS: Final = ("notice", "about", "step")


@dataclass(frozen=True, slots=True)
class Shown:
    """A notice on a page: the item it is about (0 for none), and the step that its undo button takes back (0: none)."""

    notice: Notice
    about: int = 0
    step: int = 0

    def leading_to(self, path: str) -> str:
        """Return the address of a page of ours with this notice on it."""
        parts = urlsplit(path)
        kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in _PARAMETERS]
        mine = [("notice", self.notice.value), ("about", self.about), ("step", self.step)]
        query = urlencode([*kept, *((name, value) for name, value in mine if value)])
        return urlunsplit(("", "", parts.path, query, ""))


def asked_for() -> Shown | None:
    """Return the notice in this request's address, or None."""
    try:
        notice = Notice(request.args.get("notice", ""))
    except ValueError:
        return None
    return Shown(notice, request.args.get("about", 0, _small_number), request.args.get("step", 0, _small_number))


def confirm(notice: Notice, about: int = 0) -> Shown:
    """Return a notice about what this person has just done, with the step that would undo it."""
    return Shown(notice, about, newest_step() if notice in _UNDO_OFFERED else 0)


def newest_step() -> int:
    """Return the id of the person's newest step that can be undone, or 0."""
    with reading() as (_, tx):
        event = tx.audit.last_undoable(acting().id, UNDOABLE)
    return int(event["id"]) if event is not None else 0


def _small_number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:  # noqa: PLR2004  # what a 64-bit key may hold
        raise ValueError(text)
    return int(text)
