"""Style, script, fonts and icons from our own origin, kept in memory with their compressed form."""

import gzip
import mimetypes
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kernel.web.frame import STATIC_DIR

OWN_DIR = Path(__file__).parent / "static"
_OWN_PREFIX = "gateway/"
_TEXT = ("text/", "application/json", "image/svg+xml", "application/javascript")
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_AN_HOUR = "public, max-age=3600"

mimetypes.add_type("font/woff2", ".woff2")
mimetypes.add_type("text/javascript", ".js")


@dataclass(frozen=True, slots=True)
class Asset:
    content: bytes
    compressed: bytes | None
    media_type: str
    tag: str


async def asset(request: Request) -> Response:
    """`?v=<digest>` in the address means that the content never changes under it."""
    path = _find(request.path_params["path"])
    found = _load(path, path.stat().st_mtime_ns)
    cache = _FOR_EVER if request.query_params.get("v") else _FOR_AN_HOUR
    said = {"ETag": found.tag, "Cache-Control": cache, "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=said)
    if found.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        said["Content-Encoding"] = "gzip"
        return Response(found.compressed, headers=said, media_type=found.media_type)
    return Response(found.content, headers=said, media_type=found.media_type)


@cache
def own(name: str) -> str:
    """Address of one of the gateway's own files, with a digest of its content."""
    digest = sha256((OWN_DIR / name).read_bytes()).hexdigest()[:10]
    return f"/static/{_OWN_PREFIX}{name}?v={digest}"


def _find(name: str) -> Path:
    root = OWN_DIR if name.startswith(_OWN_PREFIX) else STATIC_DIR
    path = (root / name.removeprefix(_OWN_PREFIX)).resolve()
    if not path.is_relative_to(root.resolve()) or path.name.startswith(".") or not _is_file(path):
        raise HTTPException(404)
    return path


def _is_file(path: Path) -> bool:
    """A name longer than the file system's names is an error there, and no file here."""
    try:
        return path.is_file()
    except OSError:
        return False


@lru_cache(maxsize=256)
def _load(path: Path, _modified: int) -> Asset:
    content = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    compressed = gzip.compress(content, 6) if media_type.startswith(_TEXT) and len(content) > 500 else None
    return Asset(content, compressed, media_type, f'"{sha256(content).hexdigest()[:20]}"')
