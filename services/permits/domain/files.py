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
_TAIL = 2048
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
    return media_type


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
    except (PyPdfError, KeyError, ValueError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise _refused("broken", BROKEN) from error
    if not well:
        raise _refused("broken", BROKEN)


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
