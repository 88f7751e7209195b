"""Which numbered beliefs the copies hold, and whether they are cut where the next one begins."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

THINGS = ("structure", "station", "organisation", "unit")


async def keys(read: AsyncSession, thing: str) -> set[tuple[str, int]]:
    rows = await read.execute(sa.text("SELECT id, no FROM belief WHERE thing = :thing"), {"thing": thing})
    return {(row.id, row.no) for row in rows}


async def holes(read: AsyncSession, thing: str) -> Sequence[Any]:
    """Rows (id, missing) of things whose numbers do not run from 1 to the last without a hole."""
    rows = await read.execute(
        sa.text(
            "SELECT id, max(no) - count(*) AS missing FROM belief WHERE thing = :thing"
            " GROUP BY id HAVING max(no) <> count(*) ORDER BY id LIMIT 20"
        ),
        {"thing": thing},
    )
    return rows.all()


_COPIES = {
    "structure": ("structure_copy", "id"),
    "station": ("station_copy", "id"),
    "organisation": ("organisation_copy", "code"),
}


async def wrongly_cut(read: AsyncSession, thing: str) -> int:
    """Rectangles that do not end where the next belief begins, or that no belief stands behind."""
    table, key = _COPIES[thing]
    rows = await read.execute(
        sa.text(
            f"SELECT count(*) FROM {table} c LEFT JOIN (SELECT id, no, recorded_at,"  # noqa: S608
            " lead(recorded_at, 1, 'infinity') OVER (PARTITION BY id ORDER BY no) AS until FROM belief"
            f" WHERE thing = :thing) b ON b.id = c.{key}::text AND b.no = c.no"
            " WHERE b.id IS NULL OR (c.recorded_from, c.recorded_to) <> (b.recorded_at, b.until)"
        ),
        {"thing": thing},
    )
    return int(rows.scalar_one())


async def unplaced_stations(read: AsyncSession) -> int:
    """Stations whose structure has not arrived."""
    rows = await read.execute(
        sa.text(
            "SELECT count(DISTINCT c.id) FROM station_copy c JOIN structure s ON s.id = c.structure_id"
            " WHERE s.kind IS NULL"
        )
    )
    return int(rows.scalar_one())


async def agreement_ids_after(read: AsyncSession, after: Any, size: int) -> list[Any]:
    rows = await read.execute(
        sa.text("SELECT id FROM agreement WHERE id > :after ORDER BY id LIMIT :size"), {"after": after, "size": size}
    )
    return list(rows.scalars())


async def agreement_logs(read: AsyncSession, ids: Sequence[Any]) -> Sequence[Any]:
    rows = await read.execute(
        sa.text(
            "SELECT agreement_id, id, no, act, valid_from, NULLIF(valid_to, 'infinity') AS valid_to, patch, evidence,"
            " corrects, recorded_at FROM agreement_change WHERE agreement_id = ANY(:ids) ORDER BY agreement_id, no"
        ),
        {"ids": list(ids)},
    )
    return rows.all()


async def agreement_rectangles(read: AsyncSession, ids: Sequence[Any]) -> Sequence[Any]:
    rows = await read.execute(
        sa.text(
            "SELECT agreement_id, opened_no, closed_no, valid_from, NULLIF(valid_to, 'infinity') AS valid_to,"
            " recorded_from, NULLIF(recorded_to, 'infinity') AS recorded_to, status, evidence, sources"
            " FROM agreement_version WHERE agreement_id = ANY(:ids)"
        ),
        {"ids": list(ids)},
    )
    return rows.all()


async def moments(read: AsyncSession) -> Any:
    """Row (first_day, last_day, first, last): the corners between which figures can change."""
    rows = await read.execute(
        sa.text("SELECT min(v) AS first_day, max(v) AS last_day, min(r) AS first, max(r) AS last FROM ratio_delta")
    )
    return rows.one()


async def sums(read: AsyncSession, day: Any, instant: Any) -> dict[tuple[int, str, str], tuple[int, int]]:
    """(series, unit, owner) -> (shared, counted) at (D, K), from the deltas; groups without anything left out."""
    rows = await read.execute(
        sa.text(
            "SELECT q.series_id, q.unit_id, q.owner_id, sum(t.num) AS num, sum(t.den) AS den FROM ratio_delta t"
            " JOIN ratio_group q ON q.series_id = t.series_id AND q.g = t.g WHERE t.v <= :d AND t.r <= :k"
            " GROUP BY q.series_id, q.unit_id, q.owner_id HAVING sum(t.den) <> 0 OR sum(t.num) <> 0"
        ),
        {"d": day, "k": instant},
    )
    return {(row.series_id, row.unit_id, row.owner_id): (row.num, row.den) for row in rows}
