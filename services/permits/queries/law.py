"""Published law. A version never changes and its id follows from its content, so what was read once is kept."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from kernel import texts
from kernel.listing import Listing, Order, Rows, Shape, Word, Words, conditions, operator, page
from services.permits.domain.calendar import Calendar
from services.permits.domain.calendar import CalendarDay as Day
from services.permits.domain.procedure import Procedure
from services.permits.domain.refusals import NoCalendar
from services.permits.tables import CalendarDay, CalendarVersion, CodeEntry, ProcedureVersion

_procedures: dict[UUID, Procedure] = {}
_calendars: dict[UUID, Calendar] = {}


async def procedure(read: AsyncSession, version_id: UUID) -> Procedure:
    if version_id not in _procedures:
        found = await read.execute(select(col(ProcedureVersion.body)).where(col(ProcedureVersion.id) == version_id))
        _procedures[version_id] = Procedure.model_validate(found.scalar_one())
    return _procedures[version_id]


async def procedures(read: AsyncSession) -> list[tuple[UUID, Procedure]]:
    """All published versions, by validity."""
    rows = await read.execute(
        select(col(ProcedureVersion.id))
        .where(col(ProcedureVersion.state) == "published")
        .order_by(col(ProcedureVersion.work), col(ProcedureVersion.valid_from), col(ProcedureVersion.version))
    )
    return [(version_id, await procedure(read, version_id)) for version_id in rows.scalars().all()]


async def procedure_rows(read: AsyncSession) -> dict[tuple[str, int], str]:
    """(code, version) -> hash of what is published."""
    rows = await read.execute(
        select(col(ProcedureVersion.code), col(ProcedureVersion.version), col(ProcedureVersion.sha256))
    )
    return {(code, version): sha256 for code, version, sha256 in rows}


async def newest_calendar(read: AsyncSession, area: str) -> Calendar:
    """Raises NoCalendar (409)."""
    found = await read.execute(
        select(col(CalendarVersion.id))
        .where(col(CalendarVersion.area) == area)
        .order_by(col(CalendarVersion.no).desc())
        .limit(1)
    )
    version_id = found.scalar_one_or_none()
    if version_id is None:
        raise NoCalendar
    return await calendar_version(read, version_id)


calendar = newest_calendar


async def calendar_version(read: AsyncSession, version_id: UUID) -> Calendar:
    if version_id not in _calendars:
        row = (await read.execute(select(CalendarVersion).where(col(CalendarVersion.id) == version_id))).scalar_one()
        days = await read.execute(select(CalendarDay).where(col(CalendarDay.version_id) == version_id))
        named = tuple(
            Day(day=d.day, kind=d.kind, vi=d.vi, en=d.en, source=d.source, cutoff=d.cutoff) for d in days.scalars()
        )
        _calendars[version_id] = Calendar(
            row.id, row.area, row.no, row.starts_on, row.ends_on, row.cutoff, row.half_cutoff, named
        )
    return _calendars[version_id]


async def published_calendars(read: AsyncSession) -> dict[tuple[str, int], str]:
    """(area, no) -> hash of what is published."""
    rows = await read.execute(select(col(CalendarVersion.area), col(CalendarVersion.no), col(CalendarVersion.sha256)))
    return {(area, no): sha256 for area, no, sha256 in rows}


async def entries(read: AsyncSession, *lists: str) -> dict[str, dict[str, dict[str, Any]]]:
    """The named code lists: list -> code -> its words and settings, in their order."""
    rows = await read.execute(
        select(col(CodeEntry.list), col(CodeEntry.code), col(CodeEntry.body))
        .where(col(CodeEntry.list).in_(lists))
        .order_by(col(CodeEntry.list), col(CodeEntry.position))
    )
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in lists}
    for name, code, body in rows:
        found[name][code] = body
    return found


async def procedure_in_force(read: AsyncSession, work: str, day: date) -> UUID | None:
    """The published version for dossiers of this work received on that local day."""
    found = await read.execute(
        select(col(ProcedureVersion.id))
        .where(
            col(ProcedureVersion.work) == work,
            col(ProcedureVersion.state) == "published",
            col(ProcedureVersion.valid_from) <= day,
            sa.literal(day) < col(ProcedureVersion.valid_to),
        )
        .order_by(col(ProcedureVersion.version).desc())
        .limit(1)
    )
    return found.scalar_one_or_none()


class ProceduresAsked(Listing):
    """The published procedures."""

    work: Word | None = None
    code: Word | None = None
    lead: Word | None = None
    valid_on: Annotated[texts.Day | None, Field(description="In force for what is received on this day.")] = None


_BODY = ("title", "source", "kinds", "outcomes", "may_build", "lead", "four_eyes", "paper", "supplements", "parts")
_NAMED = (
    "(SELECT json_object_agg(c.code, json_build_object('vi', c.body->>'vi', 'en', c.body->>'en')) FROM code_entry c"
    " WHERE c.list = '{list}' AND c.code IN (SELECT e->>'{key}' FROM jsonb_array_elements(v.body->'{of}') e))"
)
_PARTS = _NAMED.format(list="part", key="code", of="parts")
_FUNCTIONS = _NAMED.format(list="function", key="function", of="agencies")
PROCEDURE = Shape(
    {
        "id": "v.id",
        "code": "v.code",
        "version": "v.version",
        "work": "v.work",
        "valid_from": "v.valid_from",
        "valid_to": "NULLIF(v.valid_to, 'infinity')",
        **{name: f"v.body->'{name}'" for name in (*_BODY, "agencies", "clocks")},
        "words": f"json_build_object('parts', {_PARTS}, 'functions', {_FUNCTIONS})",
    }
)
_BY_VALIDITY = Order({"v.work": "text", "v.valid_from": "date", "v.version": "int", "v.id": "uuid"})


async def procedure_list(
    read: AsyncSession, asked: ProceduresAsked, *, limit: int, after: Sequence[Any] | None = None
) -> Rows:
    """Every published version, by work and validity. Raises BadCursor, UnknownField (422)."""
    clauses, values = conditions(asked, {"work": "v.work", "code": "v.code", "lead": "v.body->>'lead'"})
    if asked.valid_on is not None:
        clauses.append("v.valid_from <= :valid_on AND v.valid_to > :valid_on")
        values["valid_on"] = asked.valid_on
    source = f"FROM procedure_version v WHERE {' AND '.join(['v.state = :published', *clauses])}"
    values["published"] = "published"
    row = PROCEDURE.sql(asked.fields)
    return await page(read, row, source, _BY_VALIDITY, values, limit=limit, after=after, total=asked.total)


class CodesAsked(Listing):
    """The code lists."""

    list: Word | None = None
    list_in: Words | None = operator("list", "in", "Of these lists.")
    code: Word | None = None


CODE = Shape(
    {
        "list": "c.list",
        "code": "c.code",
        "vi": "c.body->>'vi'",
        "en": "c.body->>'en'",
        "settings": "c.body - 'vi' - 'en'",
    }
)
_AS_PUBLISHED = Order({"c.list": "text", "c.position": "int", "c.code": "text"})


async def codes(read: AsyncSession, asked: CodesAsked, *, limit: int, after: Sequence[Any] | None = None) -> Rows:
    """What may stand in a dossier: works, parts, facts, functions, structure codes. Raises BadCursor, UnknownField."""
    clauses, values = conditions(asked, {"list": "c.list", "code": "c.code"})
    source = f"FROM code_entry c WHERE {' AND '.join(['true', *clauses])}"
    row = CODE.sql(asked.fields)
    return await page(read, row, source, _AS_PUBLISHED, values, limit=limit, after=after, total=asked.total)
