"""Series, groups and placements: what a figure is cut by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.sharing.domain.definition import Definition
from services.sharing.domain.placement import Place, Unit


@dataclass(frozen=True)
class Series:
    id: int
    definition: Definition
    boundary_set: str


async def series(read: AsyncSession) -> list[Series]:
    rows = await read.execute(
        sa.text(
            "SELECT s.id, s.boundary_set, d.content, d.sha256 FROM ratio_series s JOIN definition d"
            " ON (d.code, d.version) = (s.definition_code, s.definition_version) ORDER BY s.id"
        )
    )
    return [Series(row.id, _definition(row), row.boundary_set) for row in rows]


_parsed: dict[str, Definition] = {}


def _definition(row: Any) -> Definition:
    """Published content never changes, so that it is parsed once."""
    if row.sha256 not in _parsed:
        _parsed[row.sha256] = Definition.model_validate(row.content)
    return _parsed[row.sha256]


async def missing_series(read: AsyncSession) -> list[Any]:
    """Definitions and boundary sets that have not met yet."""
    rows = await read.execute(
        sa.text(
            "SELECT d.code, d.version, d.kind, b.code AS boundary_set FROM definition d CROSS JOIN boundary_set b"
            " WHERE NOT EXISTS (SELECT FROM ratio_series s"
            " WHERE (s.definition_code, s.definition_version, s.boundary_set) = (d.code, d.version, b.code))"
            " ORDER BY d.code, d.version, b.code"
        )
    )
    return list(rows.all())


async def last_series_id(read: AsyncSession) -> int:
    return int((await read.execute(sa.text("SELECT coalesce(max(id), 0) FROM ratio_series"))).scalar_one())


Group = tuple[int, str, str]


async def groups(read: AsyncSession, wanted: Sequence[Group]) -> dict[Group, int]:
    """Of the wanted (series, unit, owner) those that have a number."""
    rows = await read.execute(
        sa.text(
            "SELECT g.series_id, g.unit_id, g.owner_id, g.g FROM ratio_group g"
            " JOIN unnest(CAST(:series AS int[]), CAST(:units AS text[]), CAST(:owners AS text[])) w(s, u, o)"
            " ON (g.series_id, g.unit_id, g.owner_id) = (w.s, w.u, w.o)"
        ),
        {"series": [w[0] for w in wanted], "units": [w[1] for w in wanted], "owners": [w[2] for w in wanted]},
    )
    return {(row.series_id, row.unit_id, row.owner_id): row.g for row in rows}


async def group_counts(read: AsyncSession, ids: Sequence[int]) -> dict[int, int]:
    rows = await read.execute(
        sa.text("SELECT series_id, max(g) + 1 AS n FROM ratio_group WHERE series_id = ANY(:ids) GROUP BY series_id"),
        {"ids": list(ids)},
    )
    return {row.series_id: row.n for row in rows}


async def lock_series(tx: AsyncSession, ids: Sequence[int]) -> None:
    """Whoever numbers new groups of these series waits for the one before."""
    await tx.execute(
        sa.text("SELECT id FROM ratio_series WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"), {"ids": sorted(ids)}
    )


async def placements(read: AsyncSession, declared: Sequence[str] | None = None) -> dict[tuple[str, str], Place]:
    """(declared unit, boundary set) -> where that is; of all units, or of those given."""
    rows = await read.execute(
        sa.text(
            "SELECT declared, boundary_set, unit_id, how, provisional FROM placement"
            " WHERE CAST(:declared AS text[]) IS NULL OR declared = ANY(:declared)"
        ),
        {"declared": None if declared is None else list(declared)},
    )
    return {(row.declared, row.boundary_set): Place(row.unit_id, row.how, row.provisional) for row in rows}


async def units(read: AsyncSession) -> list[Unit]:
    rows = await read.execute(sa.text("SELECT id, parent, boundary_sets, successors FROM unit_copy ORDER BY id"))
    return [
        Unit(row.id, row.parent, tuple(row.boundary_sets), tuple((s["unit"], s["relation"]) for s in row.successors))
        for row in rows
    ]


async def boundary_sets(read: AsyncSession) -> set[str]:
    return set((await read.execute(sa.text("SELECT code FROM boundary_set"))).scalars())


async def lock_structures(tx: AsyncSession, ids: Sequence[UUID]) -> None:
    await tx.execute(
        sa.text("SELECT id FROM structure WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"), {"ids": sorted(ids)}
    )


async def counted_before(read: AsyncSession, ids: Sequence[UUID]) -> tuple[list[Any], list[Any]]:
    """The spans and the deltas of these structures as they stand, open ends as asyncpg reads them."""
    spans = await read.execute(
        sa.text(
            "SELECT series_id, structure_id, valid_from, recorded_from, valid_to, recorded_to, g, public_no, counted,"
            " shared, reason, sharers FROM ratio_span WHERE structure_id = ANY(:ids)"
        ),
        {"ids": list(ids)},
    )
    deltas = await read.execute(
        sa.text("SELECT series_id, structure_id, v, r, g, den, num FROM ratio_delta WHERE structure_id = ANY(:ids)"),
        {"ids": list(ids)},
    )
    return list(spans.all()), list(deltas.all())
