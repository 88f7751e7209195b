"""The copies of the registry's words: names of organisations and units."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession


async def organisations(read: AsyncSession) -> dict[str, dict[str, str]]:
    """Code -> newest names; `short` for tables, the full ones in text and print."""
    rows = await read.execute(
        sa.text(
            "SELECT DISTINCT ON (code) code, name_vi, name_en, short, kind FROM organisation_copy"
            " ORDER BY code, valid_from DESC"
        )
    )
    return {r.code: {"vi": r.name_vi, "en": r.name_en, "short": r.short or r.name_vi, "kind": r.kind} for r in rows}


async def unit_names(read: AsyncSession, ids: Iterable[str]) -> dict[str, str]:
    """Unit id -> its name, with the district's behind it where it has one."""
    rows = await read.execute(
        sa.text(
            "SELECT u.id, u.name, d.name AS district FROM unit_copy u LEFT JOIN unit_copy d ON d.id = u.parent"
            " AND d.level = 'district' WHERE u.id = ANY(CAST(:ids AS text[]))"
        ),
        {"ids": sorted(set(ids))},
    )
    return {row.id: f"{row.name}, {row.district}" if row.district else row.name for row in rows}


async def communes(read: AsyncSession, day: date) -> list[dict[str, Any]]:
    """The communes that stand on that day, by name, for the choice in a form."""
    rows = await read.execute(
        sa.text(
            "SELECT u.id, u.name, d.name AS district FROM unit_copy u LEFT JOIN unit_copy d ON d.id = u.parent"
            " AND d.level = 'district' WHERE u.level = 'commune' AND u.valid_from <= :day AND u.valid_to > :day"
            " ORDER BY u.name_fold, u.id"
        ),
        {"day": day},
    )
    return [{"id": r.id, "name": f"{r.name}, {r.district}" if r.district else r.name} for r in rows]


async def organisation_numbers(read: AsyncSession, codes: Iterable[str]) -> dict[str, int]:
    """Code -> the change number its copy stands at."""
    rows = await read.execute(
        sa.text("SELECT code, max(no) FROM organisation_copy WHERE code = ANY(CAST(:codes AS text[])) GROUP BY code"),
        {"codes": sorted(set(codes))},
    )
    return {row[0]: row[1] for row in rows}
