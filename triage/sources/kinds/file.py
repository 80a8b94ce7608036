"""HOW IS A FILE READ? A feed document on this machine, in any format that a feed can have."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from triage.domain.errors import AddressRefused, SourceError, SourceErrorKind
from triage.sources.admission import MAX_BODY_BYTES
from triage.sources.base import Harvest, cursor_of, text_mark

if TYPE_CHECKING:
    from collections.abc import Mapping

    from triage.sources.base import Parser


class FileSource:
    """A document in a file; the address is a path or a `file:` URL.

    With a `root`, files outside of it are refused, also behind links; a path is then taken from there. Without one any
    file may be read: right for the command line, never for addresses that come from a web page.
    """

    def __init__(self, parser: Parser, root: Path | None = None) -> None:
        self._parser = parser
        self._root = root.resolve() if root else None

    def fetch(self, address: str, cursor: Mapping[str, object] | None) -> Harvest:
        """Return the entries of the file, or no feed when its content has not changed (see `Source`)."""
        body = _read(self._path(address))
        body_hash = sha256(body).hexdigest()
        next_cursor = cursor_of(body_hash=body_hash)
        if body_hash == text_mark(cursor, "body_hash"):
            return Harvest(None, next_cursor)
        return Harvest(self._parser.parse(body, content_type=None, base_url=""), next_cursor)

    def _path(self, address: str) -> Path:
        parts = urlsplit(address)
        path = Path(unquote(parts.path) if parts.scheme == "file" else address)
        if self._root is None:
            return path
        resolved = (self._root / path).resolve()
        if not resolved.is_relative_to(self._root):
            raise AddressRefused
        return resolved


def _read(path: Path) -> bytes:
    try:
        # Without O_NONBLOCK opening a named pipe would wait for its writer for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            body = _content(descriptor, path.name)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no such path"
        raise SourceError(SourceErrorKind.UNREACHABLE, f"{path.name} cannot be read: {reason}") from error
    if len(body) > MAX_BODY_BYTES:
        raise SourceError(SourceErrorKind.TOO_LARGE, f"{path.name} is larger than {MAX_BODY_BYTES >> 20} MiB")
    return body


def _content(descriptor: int, name: str) -> bytes:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise SourceError(SourceErrorKind.NOT_A_FEED, f"{name} is not a file")
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(MAX_BODY_BYTES + 1)
