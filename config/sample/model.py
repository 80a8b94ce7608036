"""What is the sample organisation made of? The values that `read_sample` returns, as the files spell them.

Plain frozen dataclasses, so that nothing below `config` needs pydantic to use them. The annotations carry the limits
which pydantic checks while the files are read; an unknown key is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import ConfigDict, Field

STRICT: Final = ConfigDict(extra="forbid", str_strip_whitespace=True)
NO_MENTION: Final = "no_mention"
"""The `expect` of an item that names no brand: it must not become a mention."""

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)]
Category = Annotated[str, Field(pattern=r"^[a-z][a-z_]*$", max_length=40)]
Text = Annotated[str, Field(min_length=1)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Email = Annotated[str, Field(pattern=r"^[a-z.]+@example\.org$")]
FeedPath = Annotated[str, Field(pattern=r"^/feeds/[a-z0-9-]+\.[a-z]+$")]
Seconds = Annotated[int, Field(ge=1, le=600)]


class SourceKind(StrEnum):
    """What sort of place a source is."""

    NEWS = "news"
    BLOG = "blog"
    FORUM = "forum"
    SOCIAL = "social"
    REVIEW = "review"
    PRESS = "press"


class AuthorKind(StrEnum):
    """Why an author is known by name; the first two are words of the process file's `author` condition."""

    JOURNALIST = "journalist"
    KNOWN_TROLL = "known_troll"
    REGULATOR = "regulator"
    VIP = "vip"


class FeedFormat(StrEnum):
    """How the demo server writes the feed of a source."""

    RSS1 = "rss1"
    RSS2 = "rss2"
    ATOM = "atom"
    JSON = "json"


class FeedFault(StrEnum):
    """What is deliberately wrong with the feed of a source."""

    NONE = "none"
    UNESCAPED_AMPERSAND = "unescaped_ampersand"
    ERROR_500 = "error_500"
    HTML_PAGE = "html_page"


class LinkStyle(StrEnum):
    """How an item links to its article: plainly, or with tracking parameters that are no part of its identity."""

    PLAIN = "plain"
    TRACKING = "tracking"


@dataclass(frozen=True, slots=True)
class SampleBrand:
    """A brand and its query; `context_terms` is empty when the name can mean nothing else."""

    slug: Slug
    name: Text
    about: Text
    query: Text
    context_terms: tuple[Text, ...]
    known_myths: tuple[Text, ...]
    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class SampleSource:
    """A feed on the demo server. `reach` is readers a day or None for unknown; `owner` is the email of a user."""

    slug: Slug
    name: Text
    path: FeedPath
    format: FeedFormat
    kind: SourceKind
    tier: Annotated[int, Field(ge=1, le=3)] | None
    reach: Annotated[int, Field(ge=0)] | None
    language: Language | None
    owner: Email
    hostile: bool = False
    fault: FeedFault = FeedFault.NONE
    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class SampleAuthor:
    """An author the organisation knows; `handle` is compared with the author of an item as written."""

    handle: Text
    kind: AuthorKind
    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class SampleUser:
    """Somebody who works with the demo; `roles` are names of the process file. The demo makes up the password."""

    name: Text
    email: Email
    title: Text
    language: Language
    roles: tuple[Category, ...]
    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class Revision:
    """The text that replaces an item's, `appears_after_seconds` into the demo, under the same guid and date."""

    appears_after_seconds: Seconds
    title: str
    body: Text
    expect: Category
    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    def appears_at(self, started_at: datetime) -> datetime:
        """The moment from which the feed holds this text."""
        return started_at + timedelta(seconds=self.appears_after_seconds)


@dataclass(frozen=True, slots=True)
class SampleItem:
    """One text of one source.

    `expect` is the category that the starter process should give it; `reads_as` is what a person would have said where
    a missing scorer makes that differ. `language` None: the source does not say. `guid` None: the feed carries none.
    """

    id: Slug
    source: Slug
    title: str
    body: str
    author: str
    language: str | None
    brands: tuple[str, ...]
    expect: str
    reads_as: str
    minutes_ago: int | None = None
    appears_after_seconds: int | None = None
    undated: bool = False
    guid: str | None = None
    link: LinkStyle = LinkStyle.PLAIN
    repost_of: str | None = None
    revision: Revision | None = None
    note: str = ""

    def published_at(self, started_at: datetime) -> datetime:
        """The date of the item in a demo that began at `started_at` (aware UTC), whether or not its feed shows it."""
        if self.minutes_ago is not None:
            return started_at - timedelta(minutes=self.minutes_ago)
        return self.appears_at(started_at)

    def appears_at(self, started_at: datetime) -> datetime:
        """The moment from which the feed holds the item: its date, unless it is held back."""
        if self.appears_after_seconds is None:
            return self.published_at(started_at)
        return started_at + timedelta(seconds=self.appears_after_seconds)


@dataclass(frozen=True, slots=True)
class SampleOrganisation:
    """Everything that `tocsin demo` shows; `items` in the order of the files."""

    name: str
    about: str
    check_every_seconds: int
    brands: tuple[SampleBrand, ...]
    users: tuple[SampleUser, ...]
    authors: tuple[SampleAuthor, ...]
    sources: tuple[SampleSource, ...]
    items: tuple[SampleItem, ...] = field(repr=False)

    def items_of(self, source: str) -> tuple[SampleItem, ...]:
        """Return the items of the source with this slug, in file order."""
        return tuple(item for item in self.items if item.source == source)
