"""The structures of the copy, as a person looks them up, and what a command must know of one."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from kernel.clock import local_date
from kernel.texts import fold
from services.sharing.queries.reach import reach


async def structure(tx: AsyncSession, structure_id: UUID, *, lock: bool = False) -> Any | None:
    """Row (id, kind, public_no, name), or None while the structure has not arrived."""
    if lock:
        await tx.execute(sa.text("SELECT FROM structure WHERE id = :id FOR UPDATE"), {"id": structure_id})
    rows = await tx.execute(
        sa.text("SELECT id, kind, public_no, name FROM structure WHERE id = :id AND kind IS NOT NULL"),
        {"id": structure_id},
    )
    return rows.first()


async def standing(read: AsyncSession, structure_id: UUID, day: date) -> Any | None:
    """Row (owner, status, commune) of that day as believed now."""
    rows = await read.execute(
        sa.text(
            "SELECT owner, status, commune FROM structure_copy WHERE id = :id AND recorded_to = 'infinity'"
            " AND valid_from <= :day AND valid_to > :day"
        ),
        {"id": structure_id, "day": day},
    )
    return rows.first()


async def legal_entities(read: AsyncSession, codes: Sequence[str], day: date) -> dict[str, str]:
    """The enterprise behind each code on a day as believed now; outside its days the nearest one known."""
    rows = await read.execute(
        sa.text(
            "SELECT DISTINCT ON (code) code, legal_entity FROM organisation_copy WHERE code = ANY(:codes)"
            " AND recorded_to = 'infinity' ORDER BY code, (valid_from <= :day AND valid_to > :day) DESC,"
            " CASE WHEN valid_from > :day THEN valid_from - CAST(:day AS date)"
            " ELSE CAST(:day AS date) - least(valid_to, DATE '9999-12-31') END"
        ),
        {"codes": list(codes), "day": day},
    )
    return {row.code: row.legal_entity for row in rows}


async def enterprises(read: AsyncSession) -> Sequence[Any]:
    """Rows (code, name_vi, name_en) of those who may be tenants, by code."""
    rows = await read.execute(
        sa.text(
            "SELECT DISTINCT ON (code) code, name_vi, name_en FROM organisation_copy"
            " WHERE recorded_to = 'infinity' AND kind NOT IN ('department', 'committee') ORDER BY code, valid_from DESC"
        )
    )
    return rows.all()


IN_FULL = ("department", "committee")


async def organisation_names(read: AsyncSession) -> dict[str, tuple[str, str]]:
    """Code -> what it is called (Vietnamese, English): enterprises by the short form where one is known."""
    rows = await read.execute(
        sa.text(
            "SELECT DISTINCT ON (o.code) o.code, coalesce(s.short, o.name_vi) AS vi, coalesce(s.short, o.name_en) AS en"
            ", o.name_vi, o.name_en, o.kind"
            " FROM organisation_copy o LEFT JOIN LATERAL (SELECT short FROM organisation_copy n WHERE n.code = o.code"
            " AND n.short <> '' ORDER BY n.no DESC LIMIT 1) s ON true WHERE o.recorded_to = 'infinity'"
            " ORDER BY o.code, o.valid_from DESC"
        )
    )
    return {r.code: (r.name_vi, r.name_en) if r.kind in IN_FULL else (r.vi, r.en) for r in rows}


_TODAY = (
    "SELECT s.id, s.public_no, s.name, s.kind, c.owner, c.status, w.name AS unit_name FROM structure s"
    " LEFT JOIN structure_copy c ON c.id = s.id AND c.recorded_to = 'infinity' AND c.valid_from <= :day"
    " AND c.valid_to > :day LEFT JOIN unit_copy w ON w.id = c.commune WHERE s.kind IS NOT NULL AND {seen} AND "
)
_CALLED = (
    "(s.public_no ILIKE :begin OR s.name_fold LIKE :within)"
    " ORDER BY (c.owner = :org) DESC NULLS LAST, s.public_no LIMIT :size"
)


async def found_structures(
    read: AsyncSession, text: str, *, actor: Actor, now: datetime, size: int = 10
) -> Sequence[Any]:
    """Rows (id, public_no, name, kind, owner, status, unit_name) by number or name, the caller's own first."""
    seen = reach(actor, now)
    plain = text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    values = {"begin": f"{plain}%", "within": f"%{fold(text) or plain}%", "org": actor.org, "size": size}
    statement = sa.text(_TODAY.format(seen=seen.structure) + _CALLED)
    return (await read.execute(statement, {**values, **seen.values, "day": local_date(now)})).all()


async def structure_today(read: AsyncSession, structure_id: UUID, *, actor: Actor, now: datetime) -> Any | None:
    """Row as `found_structures` gives, of one structure that has arrived and that the caller may see."""
    seen = reach(actor, now)
    statement = sa.text(_TODAY.format(seen=seen.structure) + "s.id = :id")
    return (await read.execute(statement, {"id": structure_id, **seen.values, "day": local_date(now)})).first()


async def districts(read: AsyncSession, boundary_set: str) -> Sequence[Any]:
    """Rows (id, name) of the units between province and commune, if the set has any."""
    rows = await read.execute(
        sa.text("SELECT id, name FROM unit_copy WHERE level = 'district' AND :code = ANY(boundary_sets) ORDER BY name"),
        {"code": boundary_set},
    )
    return rows.all()


async def unit_name(read: AsyncSession, unit_id: str) -> str | None:
    return (await read.execute(sa.text("SELECT name FROM unit_copy WHERE id = :id"), {"id": unit_id})).scalar()


async def unit_names(read: AsyncSession, ids: Sequence[str]) -> dict[str, str]:
    rows = await read.execute(sa.text("SELECT id, name FROM unit_copy WHERE id = ANY(:ids)"), {"ids": list(ids)})
    return {row.id: row.name for row in rows}
