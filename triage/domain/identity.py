"""WHEN ARE TWO ENTRIES OF ONE SOURCE THE SAME? The identity ladder.

The first rung that an entry has gives its key: (1) the publisher's id, (2) the canonical link, (3) title and date,
(4) the content. Author and summary never enter a key, because parsers differ on them. Some publishers give one id to
different entries; an id that repeats **inside one document** for different links identifies nothing, so the source
falls to id and link together, then to the link alone. The caller stores the policy and passes it back: it never
returns by itself, since each change of policy makes every old entry of the source look new.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING

from triage.domain.urls import canonical_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from triage.domain.entries import ParsedEntry


class IdentityPolicy(StrEnum):
    """What the publisher's id is worth, best first; a source moves down this list and never up by itself."""

    GUID = "guid"
    GUID_LINK = "guid_link"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Identified:
    """An entry and its key: 64 hex digits that stay equal for as long as the entry is the same one.

    `rung` names what the key was made of. The same `key` with another `content_hash` is a revision of the entry.
    """

    entry: ParsedEntry
    key: str
    rung: str
    content_hash: str


def identify(
    source_id: int, entries: Sequence[ParsedEntry], policy: IdentityPolicy
) -> tuple[tuple[Identified, ...], IdentityPolicy]:
    """Return the different entries of one document in its order, each with its key, and the policy to store.

    Of entries with one key the most recently dated is kept, in the place of the first. The result holds the policy
    given or a later one.
    """
    drafts = [_Draft(entry) for entry in entries]
    policy = _policy_for(drafts, policy)
    shared_links = _shared_links(draft for draft in drafts if not _has_own_id(draft, policy))
    chosen: dict[str, Identified] = {}
    for draft in drafts:
        rung, value = _rung(draft, policy, shared_links)
        key = sha256(f"{source_id}\0{rung}\0{value}".encode()).hexdigest()
        known = chosen.get(key)
        if known is None or _newer(draft.entry, known.entry):
            chosen[key] = Identified(draft.entry, key, rung, draft.content_hash)
    return tuple(chosen.values()), policy


class _Draft:
    """An entry whose link is made canonical only when a rung needs it: most feeds have good ids and never do."""

    __slots__ = ("_link", "content_hash", "entry")

    def __init__(self, entry: ParsedEntry) -> None:
        self.entry = entry
        self.content_hash = sha256(f"{entry.title}\0{entry.text}".encode()).hexdigest()
        self._link: str | None = None

    @property
    def link(self) -> str:
        """The canonical link, or an empty string."""
        if self._link is None:
            url = self.entry.url
            self._link = (canonical_url(url) or url) if url else ""
        return self._link

    @property
    def place(self) -> str:
        """What tells two entries with one id apart: the link, or the content where there is none."""
        return self.link or self.content_hash


def _policy_for(drafts: Sequence[_Draft], policy: IdentityPolicy) -> IdentityPolicy:
    if policy is IdentityPolicy.GUID and _one_id_for_different_links(drafts):
        policy = IdentityPolicy.GUID_LINK
    if policy is IdentityPolicy.GUID_LINK and _same_entry_under_different_ids(drafts):
        policy = IdentityPolicy.LINK
    return policy


def _one_id_for_different_links(drafts: Sequence[_Draft]) -> bool:
    with_id = [draft for draft in drafts if draft.entry.native_id]
    if len({draft.entry.native_id for draft in with_id}) == len(with_id):
        return False
    first: dict[str | None, _Draft] = {}
    return any(first.setdefault(draft.entry.native_id, draft).place != draft.place for draft in with_id)


def _same_entry_under_different_ids(drafts: Sequence[_Draft]) -> bool:
    """Tell whether ids split what the link and the content hold together, and no link holds different contents.

    The second half guards against loss: where links are shared, the link alone would merge different entries.
    """
    if _shared_links(drafts):
        return False
    first: dict[str, _Draft] = {}
    with_both = (draft for draft in drafts if draft.link and draft.entry.native_id)
    return any(first.setdefault(draft.link, draft).entry.native_id != draft.entry.native_id for draft in with_both)


def _shared_links(drafts: Iterable[_Draft]) -> frozenset[str]:
    """Return the links that this document uses for different contents: they identify nothing here."""
    contents: dict[str, str] = {}
    return frozenset(
        draft.link
        for draft in drafts
        if draft.link and contents.setdefault(draft.link, draft.content_hash) != draft.content_hash
    )


def _has_own_id(draft: _Draft, policy: IdentityPolicy) -> bool:
    return policy is not IdentityPolicy.LINK and bool(draft.entry.native_id)


def _rung(draft: _Draft, policy: IdentityPolicy, shared_links: frozenset[str]) -> tuple[str, str]:
    entry = draft.entry
    if policy is IdentityPolicy.GUID and entry.native_id:
        return "guid", entry.native_id
    if policy is IdentityPolicy.GUID_LINK and entry.native_id:
        return "guid_link", f"{entry.native_id}\0{draft.place}"
    if draft.link and draft.link not in shared_links:
        return "link", draft.link
    # A link that different entries share still keeps them apart from entries of other pages.
    if entry.title and entry.published_at is not None:
        return "title_published", f"{draft.link}\0{entry.title}\0{entry.published_at.isoformat()}"
    return "content", f"{draft.link}\0{draft.content_hash}"


def _newer(entry: ParsedEntry, known: ParsedEntry) -> bool:
    mine, theirs = entry.updated_at or entry.published_at, known.updated_at or known.published_at
    return mine is not None and theirs is not None and mine > theirs
