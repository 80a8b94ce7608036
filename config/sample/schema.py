"""What may stand in the files of the sample organisation? The shape of each file, before references are resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from config.sample.model import (
    STRICT,
    Category,
    Language,
    LinkStyle,
    Revision,
    SampleAuthor,
    SampleBrand,
    SampleSource,
    SampleUser,
    Seconds,
    Slug,
    Text,
)


@dataclass(frozen=True, slots=True)
class OrganisationFile:
    """`organisation.yaml`."""

    version: Literal[1]
    name: Text
    about: Text
    check_every_seconds: Seconds
    brands: tuple[SampleBrand, ...]
    users: tuple[SampleUser, ...]
    authors: tuple[SampleAuthor, ...]
    sources: tuple[SampleSource, ...]
    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class ItemEntry:
    """One entry of an items file. A repost names the item whose title, body, author and brands it takes over.

    `minutes_ago` dates the item before the demo began, `appears_after_seconds` holds it back until then; both together
    make an item that arrives late with an old date. `guid: none` leaves the guid out.
    """

    id: Slug
    expect: Category
    title: str = ""
    body: str = ""
    author: str = ""
    brands: tuple[Slug, ...] | None = None
    reads_as: Category | None = None
    language: Language | None = None
    minutes_ago: Annotated[int, Field(ge=1, le=20_160)] | None = None
    appears_after_seconds: Seconds | None = None
    undated: bool = False
    guid: Text | None = None
    link: LinkStyle = LinkStyle.PLAIN
    repost_of: Slug | None = None
    revision: Revision | None = None
    note: str = ""
    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True)
class ItemsFile:
    """`items/<source>.yaml`: what one source says."""

    source: Slug
    items: tuple[ItemEntry, ...]
    __pydantic_config__: ClassVar[ConfigDict] = STRICT
