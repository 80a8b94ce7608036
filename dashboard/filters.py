"""Which words does a template know? Filters that turn values into what a person reads; sentences stay in templates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit, urlunsplit

from markupsafe import Markup

from dashboard import conditions, times
from dashboard.assets import asset
from dashboard.permissions import Permission, may
from triage.domain.mentions import DISMISSALS, Disposition
from triage.domain.urls import safe_link

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from triage.storage.views import ItemDetail

_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_SECRET: Final = re.compile(r"(?i)(token|key|secret|password|signature|auth)[^=&]*=[^&]+")
_THOUSAND: Final = 1_000


def teach(app: Flask) -> None:
    """Give `app`'s templates their filters and constants."""
    app.jinja_env.filters.update(
        compact=compact,
        cursor=cursor,
        due=times.due_of,
        exact=times.exact,
        exact_short=times.exact_short,
        language=language,
        machine=times.machine,
        plain=plain,
        published=published,
        safe_link=safe_link,
        shown_address=shown_address,
        signed=signed,
        span=times.span,
        until=times.until,
    )
    app.jinja_env.globals.update(
        Permission=Permission,
        asset=asset,
        clauses=conditions.clauses,
        due_state=times.due_state,
        dispositions=tuple(Disposition),
        dismissals=tuple(each for each in Disposition if each in DISMISSALS),
        may=may,
    )


def plain(name: str) -> str:
    """Return a name of the process file as words: `threat_to_life` → `Threat to life`."""
    words = name.replace("_", " ").replace(".", " ")
    return words[:1].upper() + words[1:]


def compact(number: int) -> str:
    """Return a count of people short enough for a row: 950, 12 k, 1.2 M."""
    if number < _THOUSAND:
        return str(number)
    if number < 999_500:  # noqa: PLR2004  # what still rounds to three digits and a k
        return f"{number / _THOUSAND:.3g} k"
    return f"{number / _THOUSAND**2:.3g} M"


def signed(value: float) -> str:
    """Return a number with its sign, two digits and a true minus."""
    return f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")


def language(tag: str | None) -> str:
    """Return a language tag that may stand in `lang`, or an empty string (which says: unknown)."""
    return tag if tag and _LANGUAGE.fullmatch(tag) else ""


def shown_address(address: str) -> str:
    """Return a source's address without user-info and without the values of secret parameters (S15)."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    query = _SECRET.sub(r"\1=…", parts.query)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, parts.fragment))


def cursor(place: tuple[datetime, int]) -> str:
    """Return a keyset cursor as it stands in an address; `queues.cursor_of` reads it back."""
    return quote(f"{place[0].isoformat()}_{place[1]}", safe="")


def published(detail: ItemDetail) -> Markup:
    """Return an entry's own formatting.

    The only place that marks anything as safe: the column `entry.html` was cleaned by nh3 when the entry was read
    (tags and `href` only, http and https only); cleaning again here would be slow work in a web request (security.md
    §4). Everything else that a page shows is text and is escaped.
    """
    return Markup(detail.html)  # noqa: S704  # see the docstring
