"""Stations on structures: who is on which mast since when, with the same two times."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import registry as said
from kernel import audit
from kernel.auth import Actor
from kernel.db import new_id
from kernel.errors import N_, Fault, NotFound
from kernel.history import REGISTER, Version
from services.registry.commands.ledger import Page, Statement, add, page, write
from services.registry.commands.records import Recorded, refuse
from services.registry.commands.structures import Check, evidence_faults
from services.registry.commands.telling import change_said, station_versions, tell
from services.registry.domain import checks, policy, station
from services.registry.domain.station import StationFacts, StationRow
from services.registry.domain.times import times
from services.registry.queries import logs
from services.registry.queries import stations as queries
from services.registry.queries.logs import STATIONS
from services.registry.queries.references import references, seen_structures

NEEDED = ("operator", "status")


class StationNotFound(NotFound):
    detail = N_("There is no such station, or you may not see it.")


async def register_station(
    tx: AsyncSession,
    actor: Actor,
    facts: StationFacts,
    *,
    structure_id: UUID,
    valid_from: date,
    now: datetime,
    evidence: int = 1,
) -> Recorded:
    """Raises NotAllowed (403), FactsRefused (422)."""
    given = facts.model_dump(exclude_unset=True)
    row = StationRow(**given, structure_id=str(structure_id), valid_from=valid_from, evidence=evidence)
    policy.require(actor, "registry:station:register", facts.operator)
    (recorded,) = await import_stations(tx, actor, [row], now=now, pointer=lambda _: "")
    return recorded


async def import_stations(
    tx: AsyncSession,
    actor: Actor,
    rows: Sequence[StationRow],
    *,
    now: datetime,
    pointer: Any = "/rows/{}".format,
) -> list[Recorded]:
    """All or none, in the order given; `now` is when they are recorded. Raises FactsRefused (422)."""
    patches = [_stated(row) for row in rows]
    known = await references(tx, patches)
    there = await seen_structures(tx, actor, {UUID(row.structure_id) for row in rows}, times(None, None, now))
    faults: list[Fault] = []
    for no, (row, patch) in enumerate(zip(rows, patches, strict=True), start=1):
        at = pointer(no)
        faults += checks.station_faults(patch, known, at) + evidence_faults(actor, row.evidence, at)
        faults += _missing(patch, at) + _may(actor, patch, at)
        if UUID(row.structure_id) not in there:
            faults.append(Fault(f"{at}/structure_id", "unknown_structure", N_("There is no such structure.")))
    refuse(faults)
    return await _record_new(tx, actor, list(zip(rows, patches, strict=True)), now)


def _stated(row: StationRow) -> dict[str, Any]:
    patch = {name: value for name, value in row.patch().items() if name in StationFacts.model_fields}
    return {"status": "active", **patch}


def _missing(patch: Mapping[str, Any], pointer: str) -> list[Fault]:
    text = N_("This value is required.")
    return [Fault(f"{pointer}/{name}", "missing", text) for name in NEEDED if patch.get(name) is None]


def _may(actor: Actor, patch: Mapping[str, Any], pointer: str) -> list[Fault]:
    if policy.may(actor, "registry:station:register", patch.get("operator")):
        return []
    return [Fault(f"{pointer}/operator", "not_yours", N_("You may only import what belongs to you."))]


async def _record_new(
    tx: AsyncSession, actor: Actor, rows: Sequence[tuple[StationRow, dict[str, Any]]], now: datetime
) -> list[Recorded]:
    batch = new_id()
    places = {new_id(): (row, patch) for row, patch in rows}
    statement = sa.text(
        "INSERT INTO station (id, structure_id, last_no, created_at) SELECT id, structure_id, 1, :now"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:structures AS uuid[])) AS s(id, structure_id)"
    )
    structures = {identifier: UUID(row.structure_id) for identifier, (row, _) in places.items()}
    await tx.execute(statement, {"ids": list(places), "structures": list(structures.values()), "now": now})
    pages = []
    for identifier, (row, patch) in places.items():
        fresh = page(identifier)
        add(fresh, Statement(REGISTER, row.valid_from, patch, row.evidence), actor, now)
        pages.append(fresh)
    thing, after = (pages[0].id, places[pages[0].id][1]) if len(pages) == 1 else (batch, {"stations": len(pages)})
    await audit.record(tx, actor, "registry:station:register", thing, now=now, after=after)
    return await _finish(tx, pages, structures, now=now, batch=batch)


async def _finish(
    tx: AsyncSession, pages: Sequence[Page], structures: Mapping[UUID, UUID], *, now: datetime, batch: UUID
) -> list[Recorded]:
    def row_of(of: Page, version: Version) -> dict[str, Any]:
        return station.row(structures[of.id], version, of.evidence())

    await write(tx, STATIONS, pages, row_of)
    spoken = [
        (
            actor,
            said.StationItem(
                id=of.id,
                no=change.no,
                structure_id=structures[of.id],
                change=change_said(change),
                versions=station_versions(of, of.beliefs[change.no]),
            ),
        )
        for of in pages
        for change, _, actor in of.added
    ]
    await tell(tx, said.StationChanged, spoken, subject=batch, now=now)
    return [Recorded(of.id, "", of.changes[-1].no, of.changes[-1].id) for of in pages]


async def change_station(
    tx: AsyncSession,
    actor: Actor,
    station_id: UUID,
    facts: StationFacts,
    *,
    valid_from: date,
    now: datetime,
    valid_to: date | None = None,
    evidence: int = 1,
    reason: str = "",
    check: Check = lambda _: None,
) -> Recorded:
    """It became so from `valid_from` on. Raises NotAllowed, StationNotFound, Stale, FactsRefused."""
    log = (await logs.logs(tx, STATIONS, [station_id], lock=True)).get(station_id)
    if log is None:
        raise StationNotFound
    opened = page(station_id, log)
    operator = opened.versions[-1].values["operator"] if opened.versions else None
    if not policy.may(actor, "registry:station:change", operator):
        if await queries.station(tx, actor, station_id, times(None, None, now)) is None:
            raise StationNotFound
        raise policy.NotAllowed(permission="registry:station:change")
    check(opened.changes[-1].no)
    patch = facts.patch()
    if patch.get("operator"):
        policy.require(actor, "registry:station:change", patch["operator"])
    refuse(
        checks.station_faults(patch, await references(tx, [patch]))
        + evidence_faults(actor, evidence)
        + _missing({**dict.fromkeys(NEEDED, True), **patch}, "")
        + _days(valid_from, valid_to)
    )
    statement = Statement("change", valid_from, patch, evidence, valid_to, None, None, reason)
    add(opened, statement, actor, now)
    await audit.record(tx, actor, "registry:station:change", station_id, now=now, after=patch)
    (recorded,) = await _finish(tx, [opened], {station_id: log.thing.structure_id}, now=now, batch=new_id())
    return recorded


def _days(valid_from: date, valid_to: date | None) -> list[Fault]:
    if valid_to is None or valid_to > valid_from:
        return []
    return [Fault("/valid_to", "before_start", N_("The end lies before the beginning."))]
