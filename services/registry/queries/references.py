"""What commands look up before they judge: the units and organisations that are spoken of."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry import data
from services.registry.domain.checks import OrganisationRef, References, UnitRef
from services.registry.domain.policy import Caller
from services.registry.domain.times import Times
from services.registry.queries.reach import reach

_UNITS = sa.text(
    "SELECT u.id, u.code, u.level, u.valid_from, u.valid_to, concat_ws(', ', u.name, p.name) AS name"
    " FROM unit u LEFT JOIN unit p ON p.id = u.parent_id AND p.level = 'district'"
    " WHERE u.id = ANY(:said) OR u.code = ANY(:said)"
)
_ORGANISATIONS = sa.text(
    "SELECT DISTINCT ON (organisation_code) organisation_code AS code, kind, short AS name FROM organisation_version"
    " WHERE recorded_to = 'infinity' AND organisation_code = ANY(:said) ORDER BY organisation_code, valid_from DESC"
)


async def references(read: AsyncSession, patches: Iterable[Mapping[str, Any]]) -> References:
    """Two statements, however many rows are judged."""
    units, organisations = set[str](), set[str]()
    for patch in patches:
        units.update(said for said in [patch.get("commune")] if said)
        organisations.update(said for said in [patch.get("owner"), patch.get("operator")] if said)
        organisations.update([*(patch.get("occupants") or ()), *(patch.get("external_ids") or ())])
    found = (await read.execute(_UNITS, {"said": sorted(units)})).all() if units else []
    known = (await read.execute(_ORGANISATIONS, {"said": sorted(organisations)})).all() if organisations else []
    return References(
        codes=data.codes(),
        limits=data.limits(),
        bands=data.bands(),
        units=[UnitRef(row.id, row.code, row.level, row.name, row.valid_from, row.valid_to) for row in found],
        organisations=[OrganisationRef(row.code, row.kind, row.name) for row in known],
    )


async def registered(read: AsyncSession, kind: str, keys: Collection[tuple[str, str, float, float]]) -> set[Any]:
    """Those of the given (owner, name, longitude, latitude) that a structure already has, as believed now."""
    if not keys:
        return set()
    # LATERAL with OFFSET 0: each key by the index of names, whatever the planner believes of the array's length.
    statement = sa.text(
        "SELECT k.owner_id, k.name, v.lon, v.lat FROM unnest(CAST(:owners AS text[]), CAST(:names AS text[]))"
        " AS k(owner_id, name) CROSS JOIN LATERAL (SELECT n.point[0] AS lon, n.point[1] AS lat"
        " FROM structure_version n WHERE n.owner_id = k.owner_id AND n.name = k.name AND n.kind = :kind"
        " AND n.recorded_to = 'infinity' OFFSET 0) v"
    )
    asked = {"kind": kind, "owners": [key[0] for key in keys], "names": [key[1] for key in keys]}
    rows = (await read.execute(statement, asked)).all()
    return {(row.owner_id, row.name, row.lon, row.lat) for row in rows} & set(keys)


async def seen_structures(read: AsyncSession, actor: Caller, ids: Collection[UUID], at: Times) -> set[UUID]:
    """Those of the ids that are structures which the caller may see: others are to him as if they were not there."""
    seen = reach(actor, at)
    statement = sa.text(
        "SELECT DISTINCT v.structure_id FROM structure_version v WHERE v.structure_id = ANY(:ids)"  # noqa: S608
        f" AND v.recorded_to = 'infinity' AND {seen.structure}"
    )
    values = {name: value for name, value in seen.values.items() if f":{name}" in seen.structure}
    return set((await read.execute(statement, {**values, "ids": list(ids)})).scalars())


async def existing_structures(read: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    statement = sa.text("SELECT id FROM structure WHERE id = ANY(:ids)")
    return set((await read.execute(statement, {"ids": list(ids)})).scalars())


async def publication(read: AsyncSession, name: str) -> tuple[int, str] | None:
    """The newest version of a shipped file that was loaded, and its digest."""
    statement = sa.text("SELECT version, digest FROM publication WHERE name = :name ORDER BY version DESC LIMIT 1")
    row = (await read.execute(statement, {"name": name})).first()
    return None if row is None else (row.version, row.digest)
