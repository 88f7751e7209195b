"""What a sent file really is: first bytes, then header and end of the format it claims. Reads, never renders."""

import re
import warnings
from typing import Any, BinaryIO

from PIL import Image
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from kernel.errors import N_, Fault
from services.permits.domain.refusals import FileRefused

EMPTY = N_("The file is empty.")
TYPE_WRONG = N_("Only PDF, JPG and PNG files are taken, and this is none of them, whatever its name says.")
BROKEN = N_("The file is damaged or cut off. Save it again and send the new copy.")
LOCKED = N_("The PDF is locked by a password. Send it without.")
TOO_MANY_PIXELS = N_("The picture has more than {limit} million pixels. Save it smaller.")
ACTIVE = N_("The PDF would run a program when it is opened. Print it to PDF and send that.")
MIXED = N_("The file is two kinds of file in one. Save it again as one of them and send that.")
_TAIL = 2048
# Where a ZIP has its directory: at most a comment of 64 kB behind it.
_ARCHIVE_END, _ARCHIVE_TAIL = b"PK\x05\x06", 22 + 65_535
_RUNS = re.compile(rb"/S\s*/(?:JavaScript|Launch)\b")
_PIECE, _OVERLAP = 1 << 20, 64
_DEEP = 8
_SIGNATURES = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG"}
EXTENSIONS = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


def examine(content: BinaryIO, size: int, max_pixels: int) -> str:
    """The media type. Raises FileRefused (422)."""
    if size == 0:
        raise _refused("empty", EMPTY)
    content.seek(0)
    head = content.read(16)
    media_type = next((kind for mark, kind in _SIGNATURES.items() if head.startswith(mark)), None)
    if media_type is None:
        raise _refused("type_wrong", TYPE_WRONG)
    if media_type == "application/pdf":
        _examine_pdf(content, size)
    else:
        _examine_image(content, size, _FORMATS[media_type], max_pixels)
    if _is_archive_too(content, size):
        raise _refused("mixed", MIXED)
    return media_type


def _is_archive_too(content: BinaryIO, size: int) -> bool:
    """Programs read a ZIP from its end, whatever it begins with."""
    content.seek(max(0, size - _ARCHIVE_TAIL))
    tail = content.read()
    place = tail.find(_ARCHIVE_END)
    while place >= 0:
        comment = int.from_bytes(tail[place + 20 : place + 22], "little")
        if place + 22 + comment == len(tail):
            return True
        place = tail.find(_ARCHIVE_END, place + 1)
    return False


def _examine_pdf(content: BinaryIO, size: int) -> None:
    content.seek(max(0, size - _TAIL))
    tail = content.read()
    start = re.search(rb"startxref\s+(\d+)\s+%%EOF\s*$", tail.rstrip(b"\x00"))
    if start is None or int(start[1]) >= size:
        raise _refused("broken", BROKEN)
    content.seek(0)
    try:
        reader = PdfReader(content)
        if reader.is_encrypted:
            raise _refused("locked", LOCKED)
        root: Any = reader.trailer["/Root"].get_object()
        pages: Any = root["/Pages"].get_object()
        well = int(pages["/Count"]) > 0 and root.get("/Type") == "/Catalog"
        active = _acts(root) or _acts_openly(content)
    except (PyPdfError, KeyError, ValueError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise _refused("broken", BROKEN) from error
    if not well:
        raise _refused("broken", BROKEN)
    if active:
        raise _refused("active", ACTIVE)


def _acts(root: Any) -> bool:
    """Whether opening, closing or printing runs something. Looks at a bounded number of objects: each may be a bomb."""
    names = root.get("/Names")
    if names is not None and "/JavaScript" in names.get_object():
        return True
    more = root.get("/AA")
    actions = [root.get("/OpenAction"), *(more.get_object().values() if more is not None else ())]
    return any(_runs(action, _DEEP) for action in actions[:_DEEP])


def _runs(action: Any, depth: int) -> bool:
    found = action.get_object() if action is not None else None
    if not isinstance(found, dict) or depth == 0:
        return isinstance(found, dict)
    if found.get("/S") in ("/JavaScript", "/Launch"):
        return True
    after = found.get("/Next")
    after = after.get_object() if after is not None else None
    return any(_runs(each, depth - 1) for each in (after[:_DEEP] if isinstance(after, list) else [after]))


def _acts_openly(content: BinaryIO) -> bool:
    """An action anywhere in what is not compressed: of a page, a field, a link."""
    content.seek(0)
    end = b""
    while piece := content.read(_PIECE):
        if _RUNS.search(end + piece):
            return True
        end = piece[-_OVERLAP:]
    return False


def _examine_image(content: BinaryIO, size: int, kind: str, max_pixels: int) -> None:
    content.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(content, formats=[kind]) as image:
                pixels = image.width * image.height
                if pixels > max_pixels:
                    raise _refused("too_many_pixels", TOO_MANY_PIXELS, limit=max_pixels // 1_000_000)
                image.verify()
    except Image.DecompressionBombError as error:
        raise _refused("too_many_pixels", TOO_MANY_PIXELS, limit=max_pixels // 1_000_000) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise _refused("broken", BROKEN) from error
    content.seek(max(0, size - _TAIL))
    if (b"\xff\xd9" if kind == "JPEG" else b"IEND\xaeB`\x82") not in content.read():
        raise _refused("broken", BROKEN)


def _refused(code: str, detail: str, **params: object) -> FileRefused:
    return FileRefused(errors=[Fault("/body", code, detail, **params)])
