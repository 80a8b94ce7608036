"""What happens when a brand or a source is added? Refused if it cannot work, due at once if it can."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from triage.domain.errors import AddressRefused, NotPermitted, SourceError
from triage.domain.jobs import POLL_BATCH, Job
from triage.domain.queries import parse
from triage.domain.text import fold
from triage.services.typed_text import tidy_line
from triage.services.watchlist import phrase
from triage.storage.audit import SYSTEM, AuditRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from triage.storage.brands import NewBrand
    from triage.storage.sources import NewSource
    from triage.storage.unit_of_work import Store, Transaction

_MAX_NAME: Final = 200
_USER_INFO: Final = re.compile("//[^/]*@")
_MAX_ADDRESS: Final = 2_048
"""Bytes; more would not fit into the index that keeps a source from being watched twice."""


def add_brand(store: Store, brand: NewBrand) -> None:
    """Watch a brand.

    Raises:
        QueryError: its query, or a phrase known to be false about it, cannot be understood.
        NotPermitted: its name is empty or too long, or there is already a brand with this slug.
    """
    if not brand.name.strip() or len(brand.name) > _MAX_NAME or brand.name != tidy_line(brand.name):
        raise NotPermitted(f"A brand needs a name of at most {_MAX_NAME} characters, on one line.")
    for query in (brand.query, *map(phrase, brand.known_myths)):
        parse(query)
    store.write(partial(_add_brand, brand))


def add_sources(store: Store, check: Callable[[str], str], sources: Sequence[NewSource]) -> int:
    """Watch sources that are not watched yet; return how many were new.

    `check` is the address rule of `net`; it gives an address its one spelling. A host that does not answer now is no
    reason to refuse: its source will say so.

    Raises:
        AddressRefused: an address is not allowed (none is added then); the message names it.
    """
    return store.write(partial(_add_sources, [_checked(source, check) for source in sources]))


def _checked(source: NewSource, check: Callable[[str], str]) -> NewSource:
    if len(source.address.encode(errors="replace")) > _MAX_ADDRESS:
        raise AddressRefused(f"{source.address[:60]}…: this address is too long")
    if source.kind != "feed":
        return source
    try:
        return replace(source, address=check(source.address))
    except AddressRefused as error:
        shown = _USER_INFO.sub("//…@", source.address)  # it may hold a password
        raise AddressRefused(f"{shown}: {error}") from None
    except SourceError:
        return source


def slug_of(name: str) -> str:
    """Return the short name of a brand: folded, words joined by hyphens, at most 64 characters."""
    return re.sub(r"[^a-z0-9]+", "-", fold(name)).strip("-")[:64] or "brand"


def _add_brand(brand: NewBrand, tx: Transaction) -> None:
    brand_id = tx.brands.add(brand, tx.now)
    if brand_id is None:
        raise NotPermitted(f"There is already a brand named {brand.slug}.")
    tx.audit.append(tx.now, SYSTEM, [AuditRecord("brand.add", "brand", brand_id, {"query": brand.query})])


def _add_sources(sources: Sequence[NewSource], tx: Transaction) -> int:
    added = tx.sources.add(sources, tx.now)
    tx.audit.append(tx.now, SYSTEM, [AuditRecord("source.add", "source", source_id) for source_id in added])
    for start in range(0, len(added), POLL_BATCH):
        tx.after_commit(Job.POLL, added[start : start + POLL_BATCH])
    return len(added)
