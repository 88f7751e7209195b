"""Outlines of units, as an administrator imports them: all features or none."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit
from kernel.auth import Actor
from kernel.db import new_id
from kernel.errors import N_, Fault, Invalid
from services.registry.domain import policy
from services.registry.domain.outline import outline
from services.registry.queries import places
from services.registry.tables import metadata

NO_FILE = N_("Choose a GeoJSON file.")
FILE_TOO_LARGE = N_("The file is larger than {limit} MB. Simplify its outlines.")


class NotJson(Invalid):
    detail = N_("This is not valid JSON.")


class BoundariesRefused(Invalid):
    detail = N_("These outlines cannot be taken over; nothing was imported.")


async def import_boundaries(
    tx: AsyncSession,
    actor: Actor,
    collection: object,
    *,
    now: datetime,
    boundary_set: str | None = None,
    source: str = "",
) -> dict[str, int]:
    """How many per set. A feature names its unit by `code`, its set by `boundary_set` or `vintage` (the set's year).

    Raises NotAllowed (403), BoundariesRefused (422) naming every fault.
    """
    policy.require(actor, "registry:boundary:import")
    features = collection.get("features") if isinstance(collection, Mapping) else None
    if not isinstance(features, list) or not features:
        raise BoundariesRefused(
            errors=[Fault("/features", "missing", N_("This is no GeoJSON FeatureCollection with features."))]
        )
    sets = [row.code for row in await places.boundary_sets(tx)]
    units = await places.units_by_code(tx, {_code(feature) for feature in features})
    rows, faults = _rows(features, sets, units, boundary_set, source, now)
    if faults:
        raise BoundariesRefused(errors=faults)
    statement = insert(metadata.tables["boundary"])
    changed = {name: statement.excluded[name] for name in rows[0] if name not in ("unit_id", "boundary_set")}
    await tx.execute(statement.on_conflict_do_update(index_elements=["unit_id", "boundary_set"], set_=changed), rows)
    counts = dict(Counter(row["boundary_set"] for row in rows))
    await audit.record(tx, actor, "registry:boundary:import", new_id(), now=now, after={"source": source, **counts})
    return counts


def _rows(
    features: Sequence[Any],
    sets: Sequence[str],
    units: Mapping[tuple[str, str], str],
    boundary_set: str | None,
    source: str,
    now: datetime,
) -> tuple[list[dict[str, Any]], list[Fault]]:
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    faults: list[Fault] = []
    for place, feature in enumerate(features):
        pointer = f"/features/{place}"
        within = _set_of(feature, sets, boundary_set)
        unit = units.get((within or "", _code(feature)))
        if within is None:
            text = N_("The set of boundaries is not known.")
            faults.append(Fault(f"{pointer}/properties/boundary_set", "unknown_set", text))
        elif unit is None:
            text = N_("No unit has code {name} in {set}.")
            faults.append(Fault(f"{pointer}/properties/code", "unknown_unit", text, name=_code(feature), set=within))
        shape, wrong = outline(_of(feature, "geometry"), f"{pointer}/geometry")
        faults += wrong
        if within and unit and shape:
            said = str(_of(feature, "properties", "source") or source)
            rows[(unit, within)] = {
                "unit_id": unit, "boundary_set": within, **shape._asdict(), "source": said[:500], "recorded_at": now,
            }  # fmt: skip
    return list(rows.values()), faults


def _of(feature: Any, *path: str) -> Any:
    for name in path:
        feature = feature.get(name) if isinstance(feature, Mapping) else None
    return feature


def _code(feature: Any) -> str:
    return str(_of(feature, "properties", "code") or "")


def _set_of(feature: Any, sets: Sequence[str], given: str | None) -> str | None:
    said = _of(feature, "properties", "boundary_set") or given
    if said is not None:
        return str(said) if said in sets else None
    vintage = str(_of(feature, "properties", "vintage") or "")
    fitting = [code for code in sets if vintage and code.split("-", 1)[1].startswith(vintage) and code.startswith("CM")]
    return fitting[0] if len(fitting) == 1 else None
