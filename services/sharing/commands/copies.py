"""What the registry tells, stored as rectangles: in any order, any number of times, with the same result.

A belief is kept under its number; it ends where the next number that is known begins. When a missing one arrives
late, its neighbours are cut anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.registry import OrganisationItem, StationItem, StructureItem, UnitItem
from kernel.db import open_end
from kernel.texts import fold
from services.sharing.commands.recount import copy_rows, recount, recount_all
from services.sharing.domain.placement import places
from services.sharing.queries import histories as history_queries
from services.sharing.queries import series as series_queries

_KEYS = {
    "structure": ("structure_copy", "id"),
    "station": ("station_copy", "id"),
    "organisation": ("organisation_copy", "code"),
}
_TYPES = {"id": "uuid", "code": "text"}
_SPAN = ("valid_from", "valid_to", "recorded_from")
_STRUCTURE = (
    "id", "no", "owner", "status", "code_system", "code", "height_m", "lon", "lat", "commune", "capacity", "evidence",
)  # fmt: skip
_STATION = ("id", "no", "structure_id", "operator", "status", "technologies", "evidence")
_ORGANISATION = ("code", "no", "name_vi", "name_en", "short", "kind", "legal_entity", "successor")
Row = tuple[Any, ...]
Key = tuple[str, int]


async def store_structures(tx: AsyncSession, items: Sequence[StructureItem]) -> None:
    """Beliefs about structures, then their figures."""
    await recount(tx, await keep_structures(tx, items))


async def keep_structures(tx: AsyncSession, items: Sequence[StructureItem]) -> set[UUID]:
    """The beliefs alone; answers the structures that a new one speaks of, locked."""
    await _mention(tx, (item.id for item in items))
    fresh = await _believe(tx, "structure", [(str(item.id), item.no, item.change.recorded_at) for item in items])
    first = _first(items, lambda item: (str(item.id), item.no))
    await copy_rows(
        tx, "structure_copy", (*_STRUCTURE, *_SPAN), [row for key in fresh for row in _structure_rows(first[key])]
    )
    await tx.execute(_NAME_STRUCTURE, _names(items))
    await _cut(tx, "structure", fresh)
    return {UUID(key[0]) for key in fresh}


async def store_stations(tx: AsyncSession, items: Sequence[StationItem]) -> None:
    """Beliefs about stations; a structure that is not there yet is counted when it arrives."""
    await recount(tx, await keep_stations(tx, items))


async def keep_stations(tx: AsyncSession, items: Sequence[StationItem]) -> set[UUID]:
    """The beliefs alone; answers the structures that a new one speaks of, locked."""
    await _mention(tx, (item.structure_id for item in items))
    fresh = await _believe(tx, "station", [(str(item.id), item.no, item.change.recorded_at) for item in items])
    first = _first(items, lambda item: (str(item.id), item.no))
    await copy_rows(
        tx, "station_copy", (*_STATION, *_SPAN), [row for key in fresh for row in _station_rows(first[key])]
    )
    await _cut(tx, "station", fresh)
    return {first[key].structure_id for key in fresh}


async def store_organisations(tx: AsyncSession, items: Sequence[OrganisationItem]) -> None:
    """Beliefs about organisations; whoever stands behind a brand decides who is distinct from whom."""
    codes = await keep_organisations(tx, items)
    if codes:
        await _recount_locked(tx, await history_queries.structure_ids_of_organisations(tx, sorted(codes)))


async def keep_organisations(tx: AsyncSession, items: Sequence[OrganisationItem]) -> set[str]:
    """The beliefs alone; answers the organisations that a new one speaks of."""
    fresh = await _believe(tx, "organisation", [(item.code, item.no, item.change.recorded_at) for item in items])
    first = _first(items, lambda item: (item.code, item.no))
    await copy_rows(
        tx,
        "organisation_copy",
        (*_ORGANISATION, *_SPAN),
        [row for key in fresh for row in _organisation_rows(first[key])],
    )
    await _cut(tx, "organisation", fresh)
    return {code for code, _ in fresh}


async def store_units(tx: AsyncSession, items: Sequence[UnitItem], now: datetime) -> None:
    """Units, the newest word on each; then where every declared unit lies, and the figures that this moves."""
    moved = await keep_units(tx, items, now)
    await add_series(tx)
    await _recount_locked(tx, await history_queries.structure_ids_of_communes(tx, sorted(moved)))


async def keep_units(tx: AsyncSession, items: Sequence[UnitItem], now: datetime) -> set[str]:
    """Answers the declared units whose place in some boundary set changed."""
    newest = {item.id: item for item in sorted(items, key=lambda item: item.no)}
    await _believe(tx, "unit", [(item.id, item.no, now) for item in items])
    await tx.execute(_UPSERT_UNIT, [_unit_row(item) for item in newest.values()])
    await _add_boundary_sets(tx, {code for item in newest.values() for code in item.boundary_sets})
    return await _place(tx)


async def add_series(tx: AsyncSession) -> None:
    """A series for every definition in every boundary set; a new one counts all that is there."""
    missing = await series_queries.missing_series(tx)
    if not missing:
        return
    last = await series_queries.last_series_id(tx)
    await tx.execute(
        sa.text(
            "INSERT INTO ratio_series (id, definition_code, definition_version, kind, boundary_set)"
            " VALUES (:id, :code, :version, :kind, :boundary_set)"
        ),
        [{"id": last + n, **row._mapping} for n, row in enumerate(missing, start=1)],
    )
    await recount_all(tx)


async def _recount_locked(tx: AsyncSession, ids: Sequence[UUID]) -> None:
    await series_queries.lock_structures(tx, ids)
    await recount(tx, ids)


async def _mention(tx: AsyncSession, ids: Iterable[UUID]) -> None:
    """A row for each structure spoken of, then its lock: whoever writes about one structure waits in line."""
    wanted = sorted(set(ids))
    await tx.execute(
        sa.text("INSERT INTO structure (id) SELECT unnest(CAST(:ids AS uuid[])) ON CONFLICT DO NOTHING"),
        {"ids": wanted},
    )
    await series_queries.lock_structures(tx, wanted)


async def _believe(tx: AsyncSession, thing: str, beliefs: Iterable[tuple[str, int, datetime]]) -> list[Key]:
    """Notes the numbered beliefs; answers those that were not known."""
    first = {(key, no): at for key, no, at in reversed(list(beliefs))}
    rows = await tx.execute(
        sa.text(
            "INSERT INTO belief (thing, id, no, recorded_at) SELECT :thing, b.id, b.no, b.at"
            " FROM unnest(CAST(:ids AS text[]), CAST(:nos AS int[]), CAST(:moments AS timestamptz[])) b(id, no, at)"
            " ON CONFLICT DO NOTHING RETURNING id, no"
        ),
        {"thing": thing, "ids": [k[0] for k in first], "nos": [k[1] for k in first], "moments": list(first.values())},
    )
    return sorted((row.id, row.no) for row in rows)


async def _cut(tx: AsyncSession, thing: str, fresh: Sequence[Key]) -> None:
    """Each belief ends where the next known one begins."""
    table, key = _KEYS[thing]
    if fresh:
        await tx.execute(
            sa.text(
                f"UPDATE {table} c SET recorded_to = b.until FROM (SELECT id, no,"  # noqa: S608
                " lead(recorded_at, 1, 'infinity') OVER (PARTITION BY id ORDER BY no) AS until FROM belief"
                f" WHERE thing = :thing AND id = ANY(:ids)) b WHERE c.{key} = CAST(b.id AS {_TYPES[key]})"
                " AND c.no = b.no"
                " AND c.recorded_to <> b.until"
            ),
            {"thing": thing, "ids": sorted({k[0] for k in fresh})},
        )


# The newest word on what a thing is called stands, whatever arrives after it.
_NAME_STRUCTURE = sa.text(
    "UPDATE structure s SET kind = n.kind, public_no = n.public_no, name = n.name, name_fold = n.fold"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:nos AS int[]), CAST(:kinds AS text[]), CAST(:numbers AS text[]),"
    " CAST(:names AS text[]), CAST(:folds AS text[])) n(id, no, kind, public_no, name, fold) WHERE s.id = n.id"
    " AND (s.kind, s.public_no, s.name) IS DISTINCT FROM (n.kind, n.public_no, n.name)"
    " AND NOT EXISTS (SELECT FROM belief b WHERE b.thing = 'structure' AND b.id = CAST(n.id AS text) AND b.no > n.no)"
)


def _names(items: Iterable[StructureItem]) -> dict[str, Any]:
    newest = list({item.id: item for item in sorted(items, key=lambda item: item.no)}.values())
    return {
        "ids": [item.id for item in newest],
        "nos": [item.no for item in newest],
        "kinds": [item.kind for item in newest],
        "numbers": [item.public_no for item in newest],
        "names": [item.name for item in newest],
        "folds": [fold(item.name) for item in newest],
    }


def _first(items: Iterable[Any], key: Any) -> Mapping[Key, Any]:
    found: dict[Key, Any] = {}
    for item in items:
        found.setdefault(key(item), item)
    return found


def _structure_rows(item: StructureItem) -> list[Row]:
    return [
        (
            item.id, item.no, v.owner, v.status, *(v.code or (None, None)), v.height_m, v.lon, v.lat, v.commune,
            v.capacity, v.evidence, v.valid_from, open_end(v.valid_to), item.change.recorded_at,
        )
        for v in item.versions
    ]  # fmt: skip


def _station_rows(item: StationItem) -> list[Row]:
    return [
        (
            item.id, item.no, item.structure_id, v.operator, v.status, v.technologies, v.evidence,
            v.valid_from, open_end(v.valid_to), item.change.recorded_at,
        )
        for v in item.versions
    ]  # fmt: skip


def _short(item: OrganisationItem) -> str:
    """What versions recorded before they carried the short name leave to the change."""
    return str(item.change.patch.get("short") or "")


def _organisation_rows(item: OrganisationItem) -> list[Row]:
    return [
        (
            item.code, item.no, v.name_vi, v.name_en, v.short or _short(item), v.kind, v.legal_entity, v.successor,
            v.valid_from, open_end(v.valid_to), item.change.recorded_at,
        )
        for v in item.versions
    ]  # fmt: skip


_UPSERT_UNIT = sa.text(
    "INSERT INTO unit_copy (id, no, code, name, level, parent, valid_from, valid_to, boundary_sets, successors, source)"
    " VALUES (:id, :no, :code, :name, :level, :parent, :valid_from, :valid_to, :boundary_sets,"
    " CAST(:successors AS jsonb), :source)"
    " ON CONFLICT (id) DO UPDATE SET no = excluded.no, code = excluded.code, name = excluded.name,"
    " level = excluded.level, parent = excluded.parent, valid_from = excluded.valid_from, valid_to = excluded.valid_to,"
    " boundary_sets = excluded.boundary_sets, successors = excluded.successors, source = excluded.source"
    " WHERE unit_copy.no < excluded.no"
).bindparams(sa.bindparam("successors", type_=sa.JSON))


def _unit_row(item: UnitItem) -> dict[str, Any]:
    return {**item.model_dump(), "successors": [successor.model_dump() for successor in item.successors]}


async def _add_boundary_sets(tx: AsyncSession, codes: set[str]) -> None:
    """A set that no shipped file describes can still be asked for by its code."""
    unknown = codes - await series_queries.boundary_sets(tx)
    if unknown:
        await tx.execute(
            sa.text(
                "INSERT INTO boundary_set (code, title_vi, title_en, reported) VALUES (:code, :code, :code, false)"
                " ON CONFLICT DO NOTHING"
            ),
            [{"code": code} for code in sorted(unknown)],
        )


async def _place(tx: AsyncSession) -> set[str]:
    """Writes the placements anew; answers the declared units whose place changed."""
    before = await series_queries.placements(tx)
    after = places(await series_queries.units(tx))
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    if not changed:
        return set()
    await tx.execute(
        sa.text(
            "DELETE FROM placement p USING unnest(CAST(:declared AS text[]), CAST(:sets AS text[])) c(d, s)"
            " WHERE (p.declared, p.boundary_set) = (c.d, c.s)"
        ),
        {"declared": [key[0] for key in changed], "sets": [key[1] for key in changed]},
    )
    rows = [(*key, after[key].unit, after[key].how, after[key].provisional) for key in sorted(changed & after.keys())]
    await copy_rows(tx, "placement", ("declared", "boundary_set", "unit_id", "how", "provisional"), rows)
    return {key[0] for key in changed}
