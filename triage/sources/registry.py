"""WHICH KINDS OF SOURCE ARE THERE? Adding one means one file in `kinds/` and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from triage.sources.kinds.feed import FeedSource
from triage.sources.kinds.file import FileSource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from triage.sources.base import Parser, Source
    from triage.sources.kinds.feed import Fetcher


def build_sources(net: Fetcher, parser: Parser, *, files_root: Path | None = None) -> Mapping[str, Source]:
    """Return every kind of source by the name that the database stores.

    `files_root` confines the kind "file" (see `FileSource`).
    """
    return {
        "feed": FeedSource(net, parser),
        "file": FileSource(parser, files_root),
    }
