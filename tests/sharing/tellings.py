"""What a registry would tell: logs of changes played through the two-time engine into events with whole beliefs."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from contracts import registry
from kernel.history import REGISTER, Change, Version, believe

START = datetime(2023, 1, 2, 2, 0, tzinfo=UTC)
SETS = ["CM-2023", "CM-2024-12"]


def change(
    no: int,
    act: str,
    valid_from: date,
    patch: dict[str, Any],
    *,
    at: datetime | None = None,
    valid_to: date | None = None,
    corrects: UUID | None = None,
    evidence: int = 1,
) -> Change:
    recorded = at or START + timedelta(days=no)
    return Change(uuid4(), no, act, valid_from, patch, recorded, valid_to, evidence, corrects)


def register(valid_from: date, *, at: datetime | None = None, evidence: int = 1, **patch: Any) -> Change:
    return change(1, REGISTER, valid_from, patch, at=at, evidence=evidence)


def _told(one: Change) -> registry.Change:
    return registry.Change(
        id=one.id,
        act=one.act,
        corrects=one.corrects,
        valid_from=one.valid_from,
        valid_to=one.valid_to,
        patch=dict(one.patch),
        evidence=one.evidence,
        recorded_at=one.recorded_at,
    )


def _evidence(version: Version, changes: Sequence[Change]) -> int:
    by_no = {c.no: c.evidence for c in changes}
    return min((by_no[no] for no in version.sources.values()), default=1)


def structure_items(
    structure_id: UUID, public_no: str, changes: Sequence[Change], *, kind: str = "mast", name: str = ""
) -> list[registry.StructureItem]:
    items = []
    for count, newest in enumerate(changes, start=1):
        known = changes[:count]
        versions = [
            registry.StructureVersion(
                valid_from=v.valid_from,
                valid_to=v.valid_to,
                owner=v.values.get("owner", "NOBODY"),
                status=v.values.get("status", "planned"),
                code=v.values.get("code"),
                commune=v.values.get("commune"),
                lon=v.values.get("lon", 105.15),
                lat=v.values.get("lat", 9.17),
                capacity=v.values.get("capacity", 3),
                evidence=_evidence(v, known),
            )
            for v in believe(known).versions
        ]
        items.append(
            registry.StructureItem(
                id=structure_id,
                no=newest.no,
                kind=kind,
                public_no=public_no,
                name=name,
                change=_told(newest),
                versions=versions,
            )
        )
    return items


def station_items(station_id: UUID, structure_id: UUID, changes: Sequence[Change]) -> list[registry.StationItem]:
    items = []
    for count, newest in enumerate(changes, start=1):
        known = changes[:count]
        versions = [
            registry.StationVersion(
                valid_from=v.valid_from,
                valid_to=v.valid_to,
                operator=v.values.get("operator", "NOBODY"),
                status=v.values.get("status", "planned"),
                technologies=["4G"],
                evidence=_evidence(v, known),
            )
            for v in believe(known).versions
        ]
        items.append(
            registry.StationItem(
                id=station_id, no=newest.no, structure_id=structure_id, change=_told(newest), versions=versions
            )
        )
    return items


def organisation_items(code: str, changes: Sequence[Change]) -> list[registry.OrganisationItem]:
    items = []
    for count, newest in enumerate(changes, start=1):
        versions = [
            registry.OrganisationVersion(
                valid_from=v.valid_from,
                valid_to=v.valid_to,
                name_vi=v.values.get("name", code),
                name_en=v.values.get("name", code),
                kind=v.values.get("kind", "operator"),
                legal_entity=v.values.get("legal_entity", code),
            )
            for v in believe(changes[:count]).versions
        ]
        items.append(registry.OrganisationItem(code=code, no=newest.no, change=_told(newest), versions=versions))
    return items


def organisation(code: str, kind: str = "operator", legal_entity: str = "") -> list[registry.OrganisationItem]:
    return organisation_items(code, [register(date(2000, 1, 1), kind=kind, legal_entity=legal_entity or code)])


def unit(
    unit_id: str,
    name: str,
    *,
    level: str = "commune",
    parent: str | None = None,
    sets: Sequence[str] = SETS,
    **more: Any,
) -> registry.UnitItem:
    return registry.UnitItem(
        id=unit_id,
        no=more.pop("no", 1),
        code=unit_id.split("@")[0],
        name=name,
        level=level,
        parent=parent,
        boundary_sets=list(sets),
        **more,
    )


def units() -> list[registry.UnitItem]:
    """A little Cà Mau: two districts, three communes, and what they become in 2025; one commune of Bạc Liêu."""
    whole, part = "whole", "part"
    return [
        unit("964@2023", "Thành phố Cà Mau", level="district"),
        unit("969@2023", "Huyện Cái Nước", level="district"),
        unit("32005@2023", "Phường 1", parent="964@2023", successors=[{"unit": "32002@2025-07", "relation": whole}]),
        unit("32128@2023", "Xã Cái Nước", parent="969@2023", successors=[{"unit": "32128@2025-07", "relation": whole}]),
        unit(
            "32141@2023",
            "Xã Hòa Mỹ",
            parent="969@2023",
            successors=[{"unit": "32140@2025-07", "relation": part}, {"unit": "32128@2025-07", "relation": part}],
        ),
        unit("32002@2025-07", "Phường An Xuyên", sets=["CM-2025-07"]),
        unit("32128@2025-07", "Xã Cái Nước", sets=["CM-2025-07"]),
        unit("32140@2025-07", "Xã Hưng Mỹ", sets=["CM-2025-07"]),
        unit("31825@2025-07", "Phường Bạc Liêu", sets=["CM-2025-07"]),
    ]
