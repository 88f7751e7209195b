"""Loading the facts that ship: idempotent by file, version and hash; told to the others as events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import registry as said
from kernel import audit, auth
from kernel.db import new_id, open_end
from kernel.errors import N_, Conflict
from kernel.history import Version
from kernel.texts import fold
from services.registry import data
from services.registry.commands.ledger import Page, Statement, add, copy, page, write
from services.registry.commands.telling import change_said, tell
from services.registry.domain import placement, words
from services.registry.domain.shipped import Mandate, Organisation, Succession, Unit, Units
from services.registry.queries import logs, references
from services.registry.queries.logs import ORGANISATIONS
from services.registry.tables import metadata

ACTOR = auth.system("registry")


class PublishedDiffers(Conflict):
    detail = N_("{name} version {version} was published with other content. Raise its version.")


async def publish(tx: AsyncSession, *, now: datetime) -> list[str]:
    """Names what was loaded; nothing when all of it stood already. Raises PublishedDiffers (409)."""
    loaded = []
    for name, version, load in (
        ("organisations", data.organisations().version, _organisations),
        ("units", data.units().version, _units),
    ):
        if await _is_new(tx, name, version, now):
            await load(tx, now)
            after = {"version": version, "digest": data.digest(name)}
            await audit.record(tx, ACTOR, f"registry:{name}:publish", name, now=now, after=after)
            loaded.append(name)
    return loaded


async def _is_new(tx: AsyncSession, name: str, version: int, now: datetime) -> bool:
    digest = data.digest(name)
    await tx.execute(sa.text("SELECT pg_advisory_xact_lock(4711)"))
    known = await references.publication(tx, name)
    if known is not None and known[0] >= version:
        if known == (version, digest) or known[0] > version:
            return False
        raise PublishedDiffers(name=name, version=version)
    row = {"name": name, "version": version, "digest": digest, "published_at": now}
    await tx.execute(metadata.tables["publication"].insert(), [row])
    return True


async def _organisations(tx: AsyncSession, now: datetime) -> None:
    """Changes beyond those recorded are appended; what stands is never rewritten."""
    shipped = data.organisations()
    known = await logs.logs(tx, ORGANISATIONS, [one.code for one in shipped.organisations], lock=True)
    fresh = [{"code": o.code, "last_no": len(o.changes), "created_at": now} for o in shipped.organisations]
    fresh = [row for row in fresh if row["code"] not in known]
    if fresh:
        await tx.execute(metadata.tables["organisation"].insert(), fresh)
    pages = [_grown(one, page(one.code, known.get(one.code)), now) for one in shipped.organisations]
    pages = [one for one in pages if one.added]
    await write(tx, ORGANISATIONS, pages, organisation_row)
    await _replace_mandates(tx, shipped.mandates)
    spoken = [
        (ACTOR, organisation_item(one, change.no, shipped.mandates)) for one in pages for change, _, _ in one.added
    ]
    await tell(tx, said.OrganisationChanged, spoken, subject=new_id(), now=now)


def _grown(shipped: Organisation, known: Page, now: datetime) -> Page:
    for change in shipped.changes[len(known.changes) :]:
        add(known, Statement(change.act, change.valid_from, change.patch, 2), ACTOR, now)
    return known


def organisation_row(of: Page, version: Version) -> dict[str, Any]:
    values = version.values
    named = f"{of.id} {values['short']} {values['name_vi']} {values['name_en']}"
    return {
        "name_vi": values["name_vi"],
        "name_en": values["name_en"],
        "short": values["short"],
        "kind": values["kind"],
        "legal_entity": values["legal_entity"],
        "active": values.get("active", True),
        "successor": values.get("successor"),
        "name_fold": fold(named),
        "sort_key": words.sort_key(values["short"]),
        "sources": dict(version.sources),
    }


def organisation_item(of: Page, no: int, mandates: Sequence[Mandate]) -> said.OrganisationItem:
    change = of.changes[no - 1]
    return said.OrganisationItem(
        code=of.id,
        no=no,
        change=change_said(change),
        versions=_standing(of.beliefs[no]),
        mandates=[
            said.Mandate(
                function=m.function, area=m.area, valid_from=m.valid_from, valid_to=m.valid_to, source=m.source
            )
            for m in mandates
            if m.organisation == of.id
        ],
    )


def _standing(versions: Sequence[Version]) -> list[said.OrganisationVersion]:
    """The days on which it exists; the last of them names the successor, once there is one."""
    shown = [v for v in versions if v.values.get("active", True)]
    ends = {v.valid_from: v.values.get("successor") for v in versions if not v.values.get("active", True)}
    return [
        said.OrganisationVersion(
            valid_from=v.valid_from,
            valid_to=v.valid_to,
            name_vi=v.values["name_vi"],
            name_en=v.values["name_en"],
            kind=v.values["kind"],
            legal_entity=v.values["legal_entity"],
            short=v.values.get("short", ""),
            successor=ends.get(v.valid_to) if v.valid_to else None,
        )
        for v in shown
    ]


async def _replace_mandates(tx: AsyncSession, mandates: Sequence[Mandate]) -> None:
    table = metadata.tables["mandate"]
    await tx.execute(table.delete())
    rows = [
        {
            "function": m.function,
            "area": m.area,
            "organisation_code": m.organisation,
            "valid_from": m.valid_from,
            "valid_to": open_end(m.valid_to),
            "source": m.source,
        }
        for m in mandates
    ]
    await tx.execute(table.insert(), rows)


async def _units(tx: AsyncSession, now: datetime) -> None:
    """Units, what became of them, and where each lies in every set of boundaries."""
    shipped = data.units()
    of = metadata.tables
    for name in ("unit_placement", "unit_succession"):
        await tx.execute(of[name].delete())
    await _upsert(tx, "boundary_set", ["code"], [s.model_dump() for s in shipped.boundary_sets])
    await _upsert(tx, "unit", ["id"], [_unit_row(unit, shipped.version) for unit in shipped.units])
    successions = [
        {"unit_id": s.unit, "successor_id": s.successor, **s.model_dump(exclude={"unit", "successor"})}
        for s in shipped.successions
    ]
    await copy(tx, of["unit_succession"], successions)
    placed = [
        {"declared_id": p.declared, "boundary_set": p.boundary_set, "unit_id": p.unit, "how": p.how,
         "provisional": p.provisional}
        for p in placement.placements(shipped)
    ]  # fmt: skip
    await copy(tx, of["unit_placement"], placed)
    spoken = [(ACTOR, _unit_item(unit, shipped)) for unit in shipped.units]
    await tell(tx, said.UnitChanged, spoken, subject=new_id(), now=now)


async def _upsert(tx: AsyncSession, name: str, keys: list[str], rows: list[dict[str, Any]]) -> None:
    statement = insert(metadata.tables[name])
    changed = {column: statement.excluded[column] for column in rows[0] if column not in keys}
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def _unit_row(unit: Unit, no: int) -> dict[str, Any]:
    return {
        **unit.model_dump(exclude={"parent", "sets"}),
        "no": no,
        "parent_id": unit.parent,
        "boundary_sets": unit.sets,
        "name_fold": fold(f"{unit.name} {unit.code}"),
        "sort_key": words.sort_key(unit.name),
    }


def _unit_item(unit: Unit, shipped: Units) -> said.UnitItem:
    """Successors come with the larger share first: the first is where a record without coordinates goes."""
    after = sorted((s for s in shipped.successions if s.unit == unit.id), key=_rank)
    return said.UnitItem(
        id=unit.id,
        no=shipped.version,
        code=unit.code,
        name=unit.name,
        level=unit.level,
        parent=unit.parent,
        valid_from=unit.valid_from,
        valid_to=unit.valid_to,
        boundary_sets=unit.sets,
        successors=[said.UnitSuccessor(unit=s.successor, relation=s.relation) for s in after],
        source=unit.source,
    )


def _rank(step: Succession) -> tuple[float, str]:
    return -(step.share or 1.0), step.successor
