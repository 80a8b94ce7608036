"""Whom and what does `tocsin demo` show? An invented group of three brands, its sources, its people, their words.

`organisation.yaml` names the brands, sources, authors and users; `items/<source>.yaml` holds what each source says.
Both are package data, read and validated whole by `read_sample()`.
"""

from __future__ import annotations

from config.sample.model import (
    AuthorKind,
    FeedFault,
    FeedFormat,
    LinkStyle,
    Revision,
    SampleAuthor,
    SampleBrand,
    SampleItem,
    SampleOrganisation,
    SampleSource,
    SampleUser,
    SourceKind,
)
from config.sample.reading import read_sample

__all__ = [
    "AuthorKind",
    "FeedFault",
    "FeedFormat",
    "LinkStyle",
    "Revision",
    "SampleAuthor",
    "SampleBrand",
    "SampleItem",
    "SampleOrganisation",
    "SampleSource",
    "SampleUser",
    "SourceKind",
    "read_sample",
]
