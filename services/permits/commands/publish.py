"""Shipped law into the database: the same code, version and hash is nothing new, another hash is an error."""

import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit
from kernel.auth import Actor, system
from kernel.db import open_end
from kernel.errors import Fault
from services.permits import queries
from services.permits.commands.phrases import publish_phrases
from services.permits.commands.reckon import recompute
from services.permits.domain.calendar import CalendarFile
from services.permits.domain.procedure import Procedure, digest, faults_of
from services.permits.domain.refusals import ProcedureBroken, PublishedDiffers
from services.permits.tables import CalendarDay, CalendarVersion, CodeEntry, ProcedureVersion

PUBLISHER = system("publish")
SHIPPED = Path(__file__).parent.parent / "data"


async def publish(tx: AsyncSession, *, now: datetime, folder: Path = SHIPPED) -> None:
    """Raises ProcedureBroken (422), PublishedDiffers (409)."""
    lists = await _publish_lists(tx, folder)
    await _publish_procedures(tx, folder, lists, now)
    await _publish_calendars(tx, folder, now)
    await publish_phrases(tx, folder, now)


async def _publish_lists(tx: AsyncSession, folder: Path) -> dict[str, list[str]]:
    """Words of a code may be mended at any time; codes are only ever added."""
    rows: list[dict[str, Any]] = []
    for path in sorted((folder / "lists").glob("*.toml")):
        listed = tomllib.loads(path.read_text())
        for position, entry in enumerate(listed["entries"]):
            body = {key: value for key, value in entry.items() if key != "code"}
            rows.append({"list": listed["list"], "code": entry["code"], "position": position, "body": body})
    statement = insert(CodeEntry)
    changed = {"position": statement.excluded.position, "body": statement.excluded.body}
    await tx.execute(statement.on_conflict_do_update(index_elements=["list", "code"], set_=changed), rows)
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["list"], []).append(row["code"])
    return found


def read_procedure(path: Path) -> Procedure:
    """Raises ProcedureBroken (422) naming each fault of the file."""
    try:
        return Procedure.model_validate(tomllib.loads(path.read_text()))
    except ValidationError as error:
        faults = [Fault("/" + "/".join(str(p) for p in e["loc"]), e["type"], e["msg"]) for e in error.errors()]
        raise ProcedureBroken(errors=faults) from error


async def _publish_procedures(tx: AsyncSession, folder: Path, lists: dict[str, list[str]], now: datetime) -> None:
    shipped = [read_procedure(path) for path in sorted((folder / "procedures").glob("*.toml"))]
    published = [procedure for _, procedure in await queries.procedures(tx)]
    known = {(each.code, each.version) for each in published}
    fresh = [each for each in shipped if (each.code, each.version) not in known]
    hashes = await queries.procedure_rows(tx)
    for each in shipped:
        if hashes.get((each.code, each.version), digest(each)) != digest(each):
            raise PublishedDiffers(name=each.label)
    faults = faults_of([*published, *fresh], facts=lists["fact"], functions=lists["function"], parts=lists["part"])
    if faults:
        raise ProcedureBroken(errors=[Fault("/", "broken", "{fault}", fault=fault) for fault in faults])
    for each in fresh:
        await insert_procedure(tx, each, now)


async def insert_procedure(tx: AsyncSession, procedure: Procedure, now: datetime, *, actor: Actor = PUBLISHER) -> UUID:
    sha256 = digest(procedure)
    version_id = uuid5(NAMESPACE_URL, f"procedure:{procedure.label}:{sha256}")
    await tx.execute(
        sa.insert(ProcedureVersion).values(
            id=version_id,
            code=procedure.code,
            version=procedure.version,
            work=procedure.work,
            valid_from=procedure.valid_from,
            valid_to=open_end(procedure.valid_to),
            body=procedure.model_dump(mode="json", by_alias=True),
            sha256=sha256,
            state="published",
            published_at=now,
        )
    )
    after = {"procedure": procedure.label, "sha256": sha256}
    await audit.record(tx, actor, "permits:procedure:publish", version_id, now=now, after=after)
    return version_id


async def _publish_calendars(tx: AsyncSession, folder: Path, now: datetime) -> None:
    shipped = [
        CalendarFile.model_validate(tomllib.loads(path.read_text())) for path in (folder / "calendars").glob("*.toml")
    ]
    published = await queries.published_calendars(tx)
    for each in sorted(shipped, key=lambda c: (c.area, c.no)):
        sha256 = digest(each)
        known = published.get((each.area, each.no))
        if known is None:
            await publish_calendar(tx, each, sha256, now)
        elif known != sha256:
            raise PublishedDiffers(name=f"calendar {each.area}.{each.no}")


async def publish_calendar(
    tx: AsyncSession, calendar: CalendarFile, sha256: str, now: datetime, *, actor: Actor = PUBLISHER
) -> UUID:
    """A new calendar reads the running clocks anew; each deadline then names it."""
    version_id = uuid5(NAMESPACE_URL, f"calendar:{calendar.area}.{calendar.no}:{sha256}")
    head = calendar.model_dump(exclude={"days"})
    await tx.execute(sa.insert(CalendarVersion).values(id=version_id, sha256=sha256, published_at=now, **head))
    days: Sequence[dict[str, Any]] = [{"version_id": version_id, **day.model_dump()} for day in calendar.days]
    if days:
        await tx.execute(sa.insert(CalendarDay), days)
    after = {"calendar": f"{calendar.area}.{calendar.no}", "sha256": sha256}
    await audit.record(tx, actor, "permits:calendar:publish", version_id, now=now, after=after)
    published = await queries.calendar_version(tx, version_id)
    await recompute(tx, published)
    return version_id
