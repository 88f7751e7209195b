"""Uploads: what is taken, what is refused, who reads it back, and how."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable
from email.message import Message
from typing import Any

import httpx
import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject

from services.permits.commands.keep import clean_name
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.world import AN, BINH, HUNG, MAI

pytestmark = pytest.mark.database
Header = Callable[..., dict[str, str]]
URL = "/api/permits/v1/files"


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims to be huge in a few bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 10)) + chunk(b"IEND", b"")


def acting_pdf(act: Callable[[PdfWriter], None]) -> bytes:
    """Its objects compressed, so that only who reads it as a PDF finds what it does."""
    writer, out = PdfWriter(), io.BytesIO()
    writer.append(PdfReader(io.BytesIO(world.pdf())))
    act(writer)
    writer.write(out)
    return out.getvalue()


def action(kind: str, **more: Any) -> DictionaryObject:
    return DictionaryObject({NameObject("/S"): NameObject(kind), **{NameObject(f"/{k}"): v for k, v in more.items()}})


def opening(found: Any) -> Callable[[PdfWriter], None]:
    return lambda writer: writer.root_object.__setitem__(NameObject("/OpenAction"), found)


def naming(writer: PdfWriter) -> None:
    scripts = DictionaryObject({NameObject("/JavaScript"): DictionaryObject()})
    writer.root_object[NameObject("/Names")] = scripts


def closing(writer: PdfWriter) -> None:
    writer.root_object[NameObject("/AA")] = DictionaryObject({NameObject("/WC"): action("/JavaScript")})


def deep(levels: int) -> DictionaryObject:
    found = action("/GoTo")
    for _ in range(levels):
        found = action("/GoTo", Next=found)
    return found


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr("a.txt", "x")
        book.comment = b"two in one"
    return out.getvalue()


def inflating_pdf() -> bytes:
    """Its table of objects is 100 MB of nothing in 100 kB."""
    squeeze = zlib.compressobj(9)
    content = b"".join(squeeze.compress(b"\0" * 1_000_000) for _ in range(100)) + squeeze.flush()
    head = (
        b"%PDF-1.5\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Count 1 >>\nendobj\n"
    )
    table = b"<< /Type /XRef /Size 4 /W [1 2 1] /Root 1 0 R /Filter /FlateDecode /Length %d >>" % len(content)
    body = b"3 0 obj\n" + table + b"\nstream\n" + content + b"\nendstream\nendobj\n"
    return head + body + b"startxref\n%d\n%%%%EOF\n" % len(head)


def huge_jpg() -> bytes:
    """A small picture whose header says 60,000 by 60,000."""
    content = bytearray(world.picture("JPEG"))
    start = content.index(b"\xff\xc0") + 5
    content[start : start + 4] = struct.pack(">HH", 60_000, 60_000)
    return bytes(content)


def texting_png() -> bytes:
    """Its comment inflates to 20 MB."""
    text = b"Comment\0\0" + zlib.compress(b"\0" * 20_000_000, 9)
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text + struct.pack(">I", zlib.crc32(b"zTXt" + text))
    plain = world.picture("PNG")
    return plain[:33] + chunk + plain[33:]


def locked_pdf() -> bytes:
    writer, out = PdfWriter(), io.BytesIO()
    writer.append(PdfReader(io.BytesIO(world.pdf())))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "media_type", "name"),
    [
        (world.pdf(), "application/pdf", "Bản vẽ.pdf"),
        (world.picture("PNG"), "image/png", "Bản vẽ.png"),
        (world.picture("JPEG"), "image/jpeg", "Bản vẽ.jpg"),
    ],
)
async def test_what_is_taken_comes_back_byte_for_byte(
    client: httpx.AsyncClient, header: Header, content: bytes, media_type: str, name: str
) -> None:
    answer = await client.post(f"{URL}?name=Bản vẽ.exe", content=content, headers=header(AN))
    assert answer.status_code == 201, answer.text
    assert (answer.json()["media_type"], answer.json()["size"], answer.json()["name"]) == (
        media_type,
        len(content),
        name,
    )
    back = await client.get(answer.headers["location"], headers=header(AN))
    assert back.content == content
    assert back.headers["content-type"] == media_type
    assert back.headers["content-length"] == str(len(content))
    assert back.headers["x-content-type-options"] == "nosniff"
    assert back.headers["content-disposition"].startswith("attachment; filename*=UTF-8''B%E1%BA%A3n")
    assert "default-src 'none'" in back.headers["content-security-policy"]


CUT = world.pdf()[:-30]
REFUSED = {
    "empty": (b"", "empty"),
    "html": (b"<html><script>alert(1)</script>", "type_wrong"),
    "zip": (b"PK\x03\x04" + b"\0" * 100, "type_wrong"),
    "program": (b"MZ" + b"\0" * 100, "type_wrong"),
    "pdf not at the start": (b"junk" + world.pdf(), "type_wrong"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "type_wrong"),
    "pdf cut off": (CUT, "broken"),
    "pdf of a header only": (b"%PDF-1.7\n%%EOF\n", "broken"),
    "pdf with a far pointer": (world.pdf().replace(b"startxref\n", b"startxref\n99"), "broken"),
    "pdf without pages": (world.pdf().replace(b"/Count 1", b"/Count 0"), "broken"),
    "pdf locked": (locked_pdf(), "locked"),
    "pdf with html behind": (world.pdf() + b"<script>1</script>", "broken"),
    "png cut off": (world.picture("PNG")[:-20], "broken"),
    "jpg cut off": (world.picture("JPEG")[:-20], "broken"),
    "jpg in name only": (b"\xff\xd8\xff" + b"\0" * 200, "broken"),
    "png with too many pixels": (bomb(8000, 8000), "too_many_pixels"),
    "png bomb": (bomb(60_000, 60_000), "too_many_pixels"),
    "jpg of huge size": (huge_jpg(), "too_many_pixels"),
    "png whose comment is a bomb": (texting_png(), "broken"),
    "pdf whose table is a bomb": (inflating_pdf(), "broken"),
    "pdf that runs a script when opened": (acting_pdf(opening(action("/JavaScript"))), "active"),
    "pdf with a script by name": (acting_pdf(naming), "active"),
    "pdf that starts a program": (acting_pdf(opening(action("/Launch"))), "active"),
    "pdf that acts after a harmless step": (acting_pdf(opening(action("/GoTo", Next=action("/JavaScript")))), "active"),
    "pdf whose steps have no end in sight": (acting_pdf(opening(deep(30))), "active"),
    "pdf that acts when closed": (acting_pdf(closing), "active"),
    "pdf with a script in the open": (world.pdf().replace(b"/Count 1", b"/X << /S /JavaScript >> /Count 1"), "active"),
    "jpg and zip": (world.picture("JPEG") + archive(), "mixed"),
    "png and zip": (world.picture("PNG") + archive(), "mixed"),
    "pdf and zip": (world.pdf() + archive(), "broken"),
    "zip and pdf": (archive() + world.pdf(), "type_wrong"),
    "office document": (archive(), "type_wrong"),
    "xml": (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "type_wrong"),
    "gif with a script": (b"GIF89a/*<svg/onload=alert(1)>*/=1;", "type_wrong"),
    "webp": (b"RIFF\0\0\0\0WEBPVP8 ", "type_wrong"),
    "mark of utf-8 before html": (b"\xef\xbb\xbf<html>", "type_wrong"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_not_what_it_claims_is_refused(client: httpx.AsyncClient, header: Header, case: str) -> None:
    content, code = REFUSED[case]
    answer = await client.post(f"{URL}?name=a.pdf", content=content, headers=header(AN))
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "FileRefused"
    assert [error["code"] for error in answer.json()["errors"]] == [code]


@pytest.mark.parametrize(
    "content",
    [
        acting_pdf(lambda writer: writer.add_outline_item(title="Trang 1", page_number=0)),
        acting_pdf(opening(action("/GoTo", Next=action("/GoTo")))),
        world.picture("JPEG") + b"\0" * 40,
    ],
    ids=["outline", "opens at a page", "padded"],
)
async def test_what_is_harmless_is_taken(client: httpx.AsyncClient, header: Header, content: bytes) -> None:
    answer = await client.post(f"{URL}?name=a", content=content, headers=header(AN))
    assert answer.status_code == 201, answer.text


NAMES = [
    'a";x="b.pdf',
    "a;b=c.pdf",
    "a'b%41.pdf",
    "Bản vẽ số 1.pdf",
    "a\u202efdp.exe",
    "a\r\nX-Evil: 1.pdf",
    "\U0001f3d7.pdf",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("inline", [False, True])
async def test_no_name_breaks_out_of_its_header(
    client: httpx.AsyncClient, header: Header, name: str, inline: bool
) -> None:
    sent = await client.post(URL, params={"name": name}, content=world.pdf(), headers=header(AN))
    back = await client.get(sent.headers["location"], params={"inline": inline}, headers=header(AN))
    told = back.headers["content-disposition"]
    assert re.fullmatch(r"(inline|attachment); filename\*=UTF-8''[A-Za-z0-9._~%-]+", told)
    read = Message()
    read["Content-Disposition"] = told
    assert read.get_content_disposition() == ("inline" if inline else "attachment")
    assert read.get_filename() == sent.json()["name"] == clean_name(name, "application/pdf")
    assert "x-evil" not in back.headers
    assert back.headers["x-content-type-options"] == "nosniff"
    assert back.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


async def test_a_declared_size_is_refused_before_the_body_is_read(client: httpx.AsyncClient, header: Header) -> None:
    headers = header(AN, **{"Content-Length": str(51_000_000)})
    answer = await client.post(URL, content=b"%PDF-", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "TooLarge")


async def test_a_body_without_a_declared_size_is_cut_at_the_limit(client: httpx.AsyncClient, header: Header) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b"%PDF-1.7\n"
        for _ in range(200):
            sent += 1
            yield b"\0" * 1_000_000

    answer = await client.post(URL, content=endless(), headers=header(AN))
    assert answer.status_code == 413
    assert sent <= 51


async def test_who_reads_a_file(client: httpx.AsyncClient, header: Header, database: RolledBack) -> None:
    async with database.tx() as tx:
        loose = await world.stored(tx, AN)
        filing = await world.filing(tx)
        from kernel.db import new_id
        from services.permits import commands

        await commands.file(tx, AN, filing, application_id=new_id(), settings=world.settings(), now=world.NOW)
        held = filing.parts[0].file_id
    seen = {}
    for who in (AN, BINH, HUNG, MAI, world.MINH):
        answers = [await client.get(f"{URL}/{f}", headers=header(who)) for f in (loose, held)]
        seen[who.id] = tuple(answer.status_code for answer in answers)
    assert seen == {
        "viettel.an": (200, 200),
        "vnpt.binh": (404, 404),
        "sxd.hung": (404, 200),
        "skhcn.mai": (404, 200),
        "sgtvt.minh": (404, 404),
    }


@pytest.mark.unit
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\x\\Bản vẽ.PDF", "Bản vẽ.pdf"),
        ("", "file.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie: x.pdf"),
        ("...", "file.pdf"),
        ("a.exe", "a.pdf"),
    ],
)
def test_a_name_is_only_a_name(given: str, kept: str) -> None:
    assert clean_name(given, "application/pdf") == kept
