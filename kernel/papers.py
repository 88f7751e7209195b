"""Papers: a Typst template and plain values give a PDF, the same bytes for the same values and moment."""

import asyncio
import functools
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import segno
import typst

ROOT = Path(__file__).parents[1]


async def paper(template: Path, content: Mapping[str, Any], *, now: datetime, locale: str = "vi") -> bytes:
    """PDF/A-2b of `template`, whose `content` is what is given here, already in the reader's words.

    A template imports `/kernel/paper/sheet.typ`. Raises typst.TypstError when the template is wrong.
    """
    given = orjson.dumps({"content": content, "locale": locale}, default=str).decode()
    return await asyncio.to_thread(_compiled, template, given, now)


def _compiled(template: Path, given: str, now: datetime) -> bytes:
    compiled = typst.compile(
        template,
        root=ROOT,
        font_paths=[],
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"sheet": given},
        pdf_standards=["a-2b"],
        timestamp=int(now.astimezone(UTC).timestamp()),
    )
    assert isinstance(compiled, bytes)
    return compiled


@functools.lru_cache(256)
def qr_svg(text: str, *, sized: bool = True) -> str:
    """A QR code as an SVG drawing, quiet zone included; not `sized`: as large as its place."""
    drawing = io.BytesIO()
    segno.make(text, error="m").save(drawing, kind="svg", scale=4, xmldecl=False, nl=False, omitsize=not sized)
    return drawing.getvalue().decode()
