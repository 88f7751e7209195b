"""Published definitions, plans with their targets, kinds of agreement, boundary sets."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession


async def published_hashes(read: AsyncSession) -> dict[str, str]:
    """What is published already: definition id or plan code -> hash of its content."""
    rows = await read.execute(
        sa.text("SELECT code || '.' || version AS key, sha256 FROM definition UNION ALL SELECT code, sha256 FROM plan")
    )
    return {row.key: row.sha256 for row in rows}


async def definitions(read: AsyncSession) -> Sequence[Any]:
    """Rows (id, kind, is_default, valid_from, valid_to, content, sha256), the newest version of a code first."""
    rows = await read.execute(
        sa.text(
            "SELECT code || '.' || version AS id, code, version, kind, is_default, valid_from,"
            " NULLIF(valid_to, 'infinity') AS valid_to, content, sha256, published_at"
            " FROM definition ORDER BY kind, is_default DESC, code, version DESC"
        )
    )
    return rows.all()


async def targets(read: AsyncSession, kind: str | None = None) -> Sequence[Any]:
    """Rows (plan, title_vi, title_en, source, boundary_set, kind, due_on, is_base, percent text), by kind and day."""
    rows = await read.execute(
        sa.text(
            "SELECT t.plan, p.title_vi, p.title_en, p.source, p.boundary_set, t.kind, t.due_on, t.is_base,"
            " trim_scale(t.percent)::text AS percent FROM target t JOIN plan p ON p.code = t.plan"
            " WHERE CAST(:kind AS text) IS NULL OR t.kind = :kind ORDER BY t.kind, t.due_on, t.is_base DESC"
        ),
        {"kind": kind},
    )
    return rows.all()


async def agreement_kinds(read: AsyncSession) -> Sequence[Any]:
    return (await read.execute(sa.text("SELECT code, title_vi, title_en FROM agreement_kind ORDER BY code"))).all()


async def boundary_sets(read: AsyncSession) -> Sequence[Any]:
    rows = await read.execute(
        sa.text(
            "SELECT code, title_vi, title_en, valid_from, valid_to, reported FROM boundary_set"
            " ORDER BY reported DESC, valid_from NULLS FIRST, code"
        )
    )
    return rows.all()


def valid_on(row: Any, day: date) -> bool:
    return (row.valid_from is None or row.valid_from <= day) and (row.valid_to is None or day < row.valid_to)
