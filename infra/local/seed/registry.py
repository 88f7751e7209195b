"""The invented masts and stations, told to the registry by its own import command, in the order of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from infra.local.seed.province import DemoMast, Place, masts
from kernel.auth import Actor
from kernel.db import Database
from services.registry.commands.imports import ImportRow, import_structures
from services.registry.commands.stations import import_stations
from services.registry.commands.structures import change_status, correct
from services.registry.data import units
from services.registry.domain.station import StationRow
from services.registry.domain.structure import MastFacts
from services.registry.queries.logs import STRUCTURES, logs

DEMO = Actor(
    id="demo",
    org="SKHCN",
    kind="system",
    name="demo",
    capabilities=frozenset({"registrar", "owner", "auditor", "applicant", "lead", "administrator"}),
)
BATCH = 500
FIRST_RECORDED = datetime(2023, 7, 3, 2, 0, tzinfo=UTC)
CORRECTED = datetime(2024, 5, 6, 3, 0, tzinfo=UTC)
CORRECTIONS = 6


@dataclass(frozen=True)
class Standing:
    """A demo mast with the id that the registry gave it."""

    id: UUID
    mast: DemoMast


def places() -> list[Place]:
    """The communes of old Cà Mau, as of 2023."""
    return [
        Place(unit.id, unit.name, unit.lat, unit.lon, unit.area_km2)
        for unit in units().units
        if unit.level == "commune" and "CM-2023" in unit.sets and unit.lat and unit.lon and unit.area_km2
    ]


async def fill(database: Database) -> list[Standing]:
    """1,353 masts, their stations, what became of some, and a few corrections recorded a year later."""
    moment = FIRST_RECORDED
    standing: list[Standing] = []
    for batch in _batches(masts(places())):
        async with database.tx() as tx:
            moment += timedelta(minutes=10)
            standing += await _masts(tx, batch, moment)
            await _stations(tx, standing[-len(batch) :], moment + timedelta(minutes=5))
    for one in standing:
        if one.mast.ended is not None:
            status, day = one.mast.ended
            moment += timedelta(minutes=1)
            async with database.tx() as tx:
                await change_status(tx, DEMO, "mast", one.id, status, on=day, now=moment, evidence=2)
    await _corrections(database, standing)
    return standing


def _batches(made: list[DemoMast]) -> list[list[DemoMast]]:
    return [made[start : start + BATCH] for start in range(0, len(made), BATCH)]


async def _masts(tx: AsyncSession, batch: Sequence[DemoMast], now: datetime) -> list[Standing]:
    rows = [
        ImportRow(no, _facts(mast), mast.since, mast.evidence, "Dữ liệu mẫu") for no, mast in enumerate(batch, start=1)
    ]
    done = await import_structures(tx, DEMO, "mast", rows, now=now, source="demo")
    return [Standing(found, mast) for found, mast in zip(done.ids, batch, strict=True)]


def _facts(mast: DemoMast) -> MastFacts:
    facts = {
        "owner": mast.owner,
        "status": "in_service",
        "code": ("TT14", mast.code),
        "height_m": mast.height_m,
        "point": (mast.lon, mast.lat),
        "commune": mast.unit,
        "capacity": mast.capacity,
        "name": mast.name,
        "foundation": mast.foundation,
        "building_height_m": mast.building_height_m,
        "synthetic": True,
    }
    return MastFacts.model_validate({key: value for key, value in facts.items() if value is not None})


async def _stations(tx: AsyncSession, standing: Sequence[Standing], now: datetime) -> None:
    rows = [
        StationRow(
            structure_id=str(one.id),
            operator=station.operator,
            status="active",
            technologies=list(station.technologies),
            valid_from=station.since,
            evidence=station.evidence,
        )
        for one in standing
        for station in one.mast.stations
    ]
    await import_stations(tx, DEMO, rows, now=now)


async def _corrections(database: Database, standing: Sequence[Standing]) -> None:
    """Six were said to be in service two years too early: past days look different as known then and as known now."""
    early = [one for one in standing if not one.mast.agreements and one.mast.since.year == 2019][:CORRECTIONS]
    for no, one in enumerate(early):
        now = CORRECTED + timedelta(days=no)
        async with database.tx() as tx:
            first = await _first_change(tx, one.id)
            moved = one.mast.since + timedelta(days=730)
            reason = "Biên bản nghiệm thu ghi ngày đưa vào sử dụng khác ngày kê khai"
            await correct(
                tx, DEMO, "mast", one.id, first, MastFacts(), now=now, reason=reason, valid_from=moved, evidence=2
            )


async def _first_change(tx: AsyncSession, structure: UUID) -> UUID:
    found = await logs(tx, STRUCTURES, [structure])
    return found[structure].changes[0].id
