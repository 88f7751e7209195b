"""Local copies of the registry's units and organisations: the newest belief wins, however often or late it comes."""

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.registry import Mandate, OrganisationItem, OrganisationVersion, UnitItem
from kernel.db import open_end
from kernel.texts import fold
from services.permits.tables import MandateCopy, OrganisationCopy, UnitCopy


async def empty_copies(tx: AsyncSession) -> None:
    """Before a rebuild: nobody else writes the copies until this transaction ends."""
    await tx.execute(sa.text("LOCK TABLE unit_copy, organisation_copy, mandate_copy IN EXCLUSIVE MODE"))
    for copy in (UnitCopy, OrganisationCopy, MandateCopy):
        await tx.execute(sa.delete(copy))


async def take_units(tx: AsyncSession, items: Sequence[UnitItem]) -> None:
    newest: dict[str, UnitItem] = {}
    for item in items:
        if item.id not in newest or newest[item.id].no < item.no:
            newest[item.id] = item
    if not newest:
        return
    statement = insert(UnitCopy)
    columns = ("no", "code", "name", "name_fold", "level", "parent", "valid_from", "valid_to")
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={name: statement.excluded[name] for name in columns},
            where=statement.excluded.no > col(UnitCopy.no),
        ),
        [_unit_row(item) for item in newest.values()],
    )


def _unit_row(item: UnitItem) -> dict[str, object]:
    return {
        "id": item.id,
        "no": item.no,
        "code": item.code,
        "name": item.name,
        "name_fold": fold(item.name),
        "level": item.level,
        "parent": item.parent,
        "valid_from": item.valid_from or date.min,
        "valid_to": open_end(item.valid_to),
    }


async def take_organisations(tx: AsyncSession, items: Sequence[OrganisationItem], known: dict[str, int]) -> None:
    """`known`: the change number each copy stands at."""
    newest: dict[str, OrganisationItem] = {}
    for item in items:
        if item.no > max(known.get(item.code, 0), newest[item.code].no if item.code in newest else 0):
            newest[item.code] = item
    if not newest:
        return
    codes = list(newest)
    await tx.execute(sa.delete(OrganisationCopy).where(col(OrganisationCopy.code).in_(codes)))
    await tx.execute(sa.delete(MandateCopy).where(col(MandateCopy.org).in_(codes)))
    versions = [_version_row(item, version) for item in newest.values() for version in item.versions]
    held = [_mandate_row(item.code, mandate) for item in newest.values() for mandate in item.mandates]
    if versions:
        await tx.execute(sa.insert(OrganisationCopy), versions)
    if held:
        await tx.execute(sa.insert(MandateCopy), held)


def _version_row(item: OrganisationItem, version: OrganisationVersion) -> dict[str, object]:
    return {
        "code": item.code,
        "no": item.no,
        "valid_from": version.valid_from,
        "valid_to": open_end(version.valid_to),
        "name_vi": version.name_vi,
        "name_en": version.name_en,
        "short": version.short or str(item.change.patch.get("short") or ""),
        "kind": version.kind,
        "legal_entity": version.legal_entity,
        "successor": version.successor,
    }


def _mandate_row(org: str, mandate: Mandate) -> dict[str, object]:
    return {
        "org": org,
        "function": mandate.function,
        "area": mandate.area,
        "valid_from": mandate.valid_from,
        "valid_to": open_end(mandate.valid_to),
        "source": mandate.source,
    }
