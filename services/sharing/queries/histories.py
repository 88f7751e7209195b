"""All that is known of some structures, as the rules of the ratio want it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.sharing.domain.ratio import NEVER, NO_DAY, Held, History, Identity, Station, Structure, Tenancy

Fact = TypeVar("Fact")

# asyncpg reads an open end as a naive maximum, which cannot be compared with an aware instant.
_SPAN = "valid_from, valid_to, recorded_from, NULLIF(recorded_to, 'infinity') AS recorded_to"
_STRUCTURES = sa.text(
    f"SELECT id, owner, status, code_system, code, commune, capacity, evidence, {_SPAN}"  # noqa: S608
    " FROM structure_copy WHERE id = ANY(:ids)"
)
_STATIONS = sa.text(
    f"SELECT id, structure_id, operator, status, evidence, {_SPAN}"  # noqa: S608
    " FROM station_copy WHERE structure_id = ANY(:ids)"
)
_TENANCIES = sa.text(
    "SELECT a.id, a.structure_id, a.tenant, v.kind, v.status, v.evidence, v.valid_from, v.valid_to, v.recorded_from,"
    " NULLIF(v.recorded_to, 'infinity') AS recorded_to"
    " FROM agreement a JOIN agreement_version v ON v.agreement_id = a.id WHERE a.structure_id = ANY(:ids)"
)
_IDENTITIES = sa.text(
    f"SELECT code, kind, legal_entity, no, {_SPAN} FROM organisation_copy"  # noqa: S608
    " WHERE code = ANY(:codes) ORDER BY code, no, valid_from"
)
_KNOWN = sa.text("SELECT id, kind, public_no FROM structure WHERE id = ANY(:ids) AND kind IS NOT NULL ORDER BY id")


@dataclass(frozen=True)
class Known:
    id: UUID
    kind: str
    public_no: str
    history: History


async def histories(read: AsyncSession, ids: Sequence[UUID]) -> list[Known]:
    """Of those ids that have arrived; four statements however many they are."""
    known = (await read.execute(_KNOWN, {"ids": list(ids)})).all()
    found = [row.id for row in known]
    structures = await _held(read, _STRUCTURES, found, lambda r: r.id, _structure)
    stations = await _held(read, _STATIONS, found, lambda r: r.structure_id, _station)
    tenancies = await _held(read, _TENANCIES, found, lambda r: r.structure_id, _tenancy)
    identities = await _identities(read, _mentioned(structures, stations, tenancies))
    result = []
    for row in known:
        own = structures[row.id], stations[row.id], tenancies[row.id]
        mentioned = {code: identities[code] for code in _codes(*own) if code in identities}
        result.append(Known(row.id, row.kind, row.public_no, History(*own, mentioned)))
    return result


def _structure(row: Any) -> Structure:
    return Structure(row.owner, row.status, row.code_system, row.code, row.commune, row.capacity, row.evidence)


def _station(row: Any) -> Station:
    return Station(str(row.id), row.operator, row.status, row.evidence)


def _tenancy(row: Any) -> Tenancy:
    return Tenancy(str(row.id), row.tenant, row.kind, row.status, row.evidence)


async def _held(
    read: AsyncSession, statement: sa.TextClause, ids: Sequence[UUID], key: Any, fact: Any
) -> Mapping[UUID, list[Held[Any]]]:
    found: dict[UUID, list[Held[Any]]] = defaultdict(list)
    for row in (await read.execute(statement, {"ids": list(ids)})).all():
        found[key(row)].append(held(row, fact(row)))
    return found


def held(row: Any, fact: Fact) -> Held[Fact]:
    return Held(row.valid_from, row.valid_to, row.recorded_from, row.recorded_to or NEVER, fact)


def _codes(
    structures: Iterable[Held[Structure]], stations: Iterable[Held[Station]], tenancies: Iterable[Held[Tenancy]]
) -> set[str]:
    codes = {each.fact.owner for each in structures}
    codes |= {each.fact.operator for each in stations}
    return codes | {each.fact.tenant for each in tenancies}


def _mentioned(*by_structure: Mapping[UUID, list[Held[Any]]]) -> list[str]:
    structures, stations, tenancies = ([h for held in each.values() for h in held] for each in by_structure)
    return sorted(_codes(structures, stations, tenancies))


async def _identities(read: AsyncSession, codes: Sequence[str]) -> dict[str, list[Held[Identity]]]:
    found: dict[str, list[Held[Identity]]] = defaultdict(list)
    if codes:
        for row in (await read.execute(_IDENTITIES, {"codes": list(codes)})).all():
            found[row.code].append(held(row, Identity(row.legal_entity, row.kind)))
    return {code: lasting(versions) for code, versions in found.items()}


BEGINNING = datetime.min.replace(tzinfo=UTC)


def lasting(versions: Sequence[Held[Identity]]) -> list[Held[Identity]]:
    """Who stands behind a brand is also assumed before the first record and outside its days.

    An enterprise that the register learnt of late, or only from some day on, must not fall out of earlier figures.
    """
    by_belief: dict[datetime, list[Held[Identity]]] = defaultdict(list)
    for version in versions:
        by_belief[version.recorded_from].append(version)
    result: list[Held[Identity]] = []
    for number, recorded_from in enumerate(sorted(by_belief)):
        belief = sorted(by_belief[recorded_from], key=lambda v: v.valid_from)
        belief[0] = replace(belief[0], valid_from=date.min)
        belief[-1] = replace(belief[-1], valid_to=NO_DAY)
        result += [replace(v, recorded_from=BEGINNING) if number == 0 else v for v in belief]
    return result


_ALL_IDS = sa.text("SELECT id FROM structure WHERE kind IS NOT NULL AND id > :after ORDER BY id LIMIT :size")
_BY_ORGANISATION = sa.text(
    "SELECT id FROM structure_copy WHERE owner = ANY(:codes)"
    " UNION SELECT structure_id FROM station_copy WHERE operator = ANY(:codes)"
    " UNION SELECT structure_id FROM agreement WHERE tenant = ANY(:codes)"
)
_BY_COMMUNE = sa.text("SELECT DISTINCT id FROM structure_copy WHERE commune = ANY(:units)")


async def structure_ids_after(read: AsyncSession, after: UUID, size: int) -> list[UUID]:
    return list((await read.execute(_ALL_IDS, {"after": after, "size": size})).scalars())


async def structure_ids_of_organisations(read: AsyncSession, codes: Sequence[str]) -> list[UUID]:
    """Every structure in whose history one of these organisations is owner, tenant or operator."""
    return list((await read.execute(_BY_ORGANISATION, {"codes": list(codes)})).scalars())


async def structure_ids_of_communes(read: AsyncSession, units: Sequence[str]) -> list[UUID]:
    return list((await read.execute(_BY_COMMUNE, {"units": list(units)})).scalars())
