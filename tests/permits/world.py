"""What permits knows before a test begins: units, organisations, mandates; who acts; what a good dossier is."""

import atexit
import functools
import io
import shutil
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from PIL import Image
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.registry import Change, Mandate, OrganisationItem, OrganisationVersion, UnitItem
from kernel.auth import Actor
from kernel.clock import LOCAL
from kernel.db import new_id
from kernel.seals import make_development_seal
from services.permits import commands
from services.permits.commands import Filing
from services.permits.domain.application import PartDraft, SiteDraft
from services.permits.settings import PermitsSettings

AREA = "96"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=LOCAL)


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=LOCAL)  # type: ignore[misc,arg-type]


@functools.cache
def seal_file() -> Path:
    """Of a development key, made once a run."""
    file = Path(tempfile.mkdtemp(prefix="hatang-seal-")) / "seal.p12"
    make_development_seal(file, "secret", now=NOW)
    atexit.register(shutil.rmtree, file.parent, ignore_errors=True)
    return file


def settings(url: str = "postgresql://nowhere/none", **more: Any) -> PermitsSettings:
    given = {"nats_url": "nats://127.0.0.1:1", "form_key": "tests", "demo": True}
    given |= {"seal_file": seal_file(), "seal_password": "secret", **more}
    return PermitsSettings(name="permits", database_url=url, **given)


def _change(on: date) -> Change:
    return Change(id=new_id(), act="register", valid_from=on, patch={}, evidence=2, recorded_at=NOW)


def organisation(code: str, *mandates: Mandate, no: int = 1, successor: str | None = None) -> OrganisationItem:
    version = OrganisationVersion(
        valid_from=date(2000, 1, 1),
        name_vi=f"Tổ chức {code}",
        name_en=f"Org {code}",
        kind="x",
        legal_entity=code,
        successor=successor,
    )
    return OrganisationItem(
        code=code, no=no, change=_change(date(2000, 1, 1)), versions=[version], mandates=list(mandates)
    )


def mandate(function: str, start: date = date(2000, 1, 1), end: date | None = None, *, area: str = AREA) -> Mandate:
    return Mandate(function=function, area=area, valid_from=start, valid_to=end, source="test")


MERGED = date(2025, 3, 1)
UNITS = [
    UnitItem(id="96@2023", no=1, code="96", name="Tỉnh Cà Mau", level="province"),
    UnitItem(
        id="32002@2023",
        no=1,
        code="32002",
        name="Phường 4",
        level="commune",
        parent="96@2023",
        valid_to=date(2024, 12, 1),
    ),
    UnitItem(
        id="32002@2025",
        no=1,
        code="32002",
        name="Phường An Xuyên",
        level="commune",
        parent="96@2023",
        valid_from=date(2025, 7, 1),
    ),
    UnitItem(
        id="32044@2023",
        no=1,
        code="32044",
        name="Xã Khánh An",
        level="commune",
        parent="96@2023",
        valid_to=date(2025, 7, 1),
    ),
]
ORGANISATIONS = [
    organisation("SXD", mandate("construction"), mandate("transport", MERGED)),
    organisation("SGTVT", mandate("transport", date(2000, 1, 1), MERGED), successor="SXD"),
    organisation("SNNMT", mandate("natural_resources", MERGED)),
    organisation("STNMT", mandate("natural_resources", date(2000, 1, 1), MERGED), successor="SNNMT"),
    organisation("BCH", mandate("defence")),
    organisation("SKHCN", mandate("telecom")),
    organisation("UBND32002", mandate("commune", date(2025, 7, 1), area="32002")),
    organisation("VIETTEL"),
    organisation("VNPT"),
]


async def populate(tx: AsyncSession) -> None:
    await commands.take_units(tx, UNITS)
    await commands.take_organisations(tx, ORGANISATIONS, {})


def person(name: str, org: str, *capabilities: str, functions: tuple[str, ...] = ()) -> Actor:
    return Actor(name, org, "person", name, frozenset(capabilities), frozenset(functions), f"session-{name}")


AN = person("viettel.an", "VIETTEL", "applicant", "owner")
BINH = person("vnpt.binh", "VNPT", "applicant", "owner")
LAN = person("sxd.lan", "SXD", "reviewer", "registrar", functions=("construction",))
HUNG = person("sxd.hung", "SXD", "reviewer", "head", "lead", functions=("construction",))
MINH = person("sgtvt.minh", "SXD", "reviewer", functions=("transport",))
TUAN = person("sgtvt.tuan", "SXD", "reviewer", "head", functions=("transport",))
LIEN = person("sgtvt.lien", "SXD", "reviewer", functions=("transport",))
BAO = person("sgtvt.bao", "SXD", "head", functions=("transport",))
HOA = person("stnmt.hoa", "SNNMT", "reviewer", functions=("natural_resources",))
XUYEN = person("anxuyen.phuong", "UBND32002", "reviewer", "head", "lead", "registrar", functions=("commune",))
MAI = person("skhcn.mai", "SKHCN", "auditor", "publisher", "registrar", functions=("telecom",))
ADMIN = person("quantri", "SKHCN", "administrator")


def site(**more: Any) -> SiteDraft:
    given = {
        "kind": "mast",
        "lon": 105.15,
        "lat": 9.17,
        "commune": "32002@2025",
        "name": "BTS An Xuyên 1",
        "code": ("ND163", "A1"),
        "height_m": Decimal("45.0"),
        "capacity": 3,
        **more,
    }
    return SiteDraft(**given)


async def stored(tx: AsyncSession, actor: Actor, now: datetime = NOW) -> UUID:
    async def body() -> Any:
        yield pdf()

    async with commands.take(body(), "ban-ve.pdf", settings()) as taken:
        row = await commands.store_file(tx, actor, taken, file_id=new_id(), now=now)
    return row.id


NOTICE_PARTS = ("land_paper", "drawings")
PERMIT_PARTS = ("application_form", "land_paper", "drawings")


async def filing(
    tx: AsyncSession,
    actor: Actor = AN,
    parts: tuple[str, ...] = NOTICE_PARTS,
    work: str = "mast.new",
    sites: int = 1,
    **more: Any,
) -> Filing:
    file_id = await stored(tx, actor)
    return Filing(work, [site(**more)] * sites, [PartDraft(code, file_id) for code in parts])


async def filed(tx: AsyncSession, actor: Actor = AN, now: datetime = NOW, **more: Any) -> commands.Receipt:
    given = await filing(tx, actor, **more)
    return await commands.file(tx, actor, given, application_id=new_id(), settings=settings(), now=now)


def pdf(pages: int = 1) -> bytes:
    """A small real PDF with as many empty pages."""
    kids = " ".join(f"{3 + n} 0 R" for n in range(pages))
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>"]
    objects += ["<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"] * pages
    out, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n".encode()
    start = len(out)
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    return out + f"xref\n0 {size}\n0000000000 65535 f \n{rows}{trailer}".encode()


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, kind)
    return out.getvalue()
