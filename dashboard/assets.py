"""Which files does the browser need? Ours and the vendored ones, under addresses that change with their content."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, abort, request, url_for

from dashboard.permissions import Permission, requires

blueprint = Blueprint("assets", __name__)

_FOLDER: Final = Path(__file__).with_name("static")
_SUFFIXES: Final = frozenset({".css", ".js", ".svg"})
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent: its bytes, the same compressed, its media type, and the start of its SHA-256."""

    body: bytes
    compressed: bytes
    media_type: str
    version: str


@cache
def shelf() -> dict[str, Asset]:
    """Return every file by its path below `static`; read once per process."""
    files = (file for file in sorted(_FOLDER.rglob("*")) if file.suffix in _SUFFIXES)
    return {file.relative_to(_FOLDER).as_posix(): _load(file) for file in files}


def _load(file: Path) -> Asset:
    body = file.read_bytes()
    media_type = mimetypes.types_map[file.suffix]
    return Asset(body, gzip.compress(body, 9, mtime=0), media_type, hashlib.sha256(body).hexdigest()[:12])


def asset(name: str) -> str:
    """Return the address of a file below `static`; KeyError for one that is not there."""
    return url_for("assets.static", version=shelf()[name].version, name=name)


@blueprint.get("/static/<version>/<path:name>")
@requires(Permission.PUBLIC)
def static(version: str, name: str) -> Response:
    """Send a file; an address of another version is unknown, so that nothing old is kept for ever under a new name."""
    found = shelf().get(name)
    if found is None or found.version != version:
        abort(404)
    packed = takes_gzip()
    response = Response(found.compressed if packed else found.body, content_type=f"{found.media_type}; charset=utf-8")
    response.headers["Cache-Control"] = _FOR_EVER
    response.headers["Vary"] = "Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return response


def takes_gzip() -> bool:
    """Say whether the browser takes compressed answers."""
    return request.accept_encodings.best_match(["gzip"]) == "gzip"
