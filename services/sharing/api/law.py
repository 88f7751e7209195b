from datetime import date
from typing import Any

import orjson

from kernel.clock import local_date
from kernel.edge import CurrentActor, Now, Read, api_router
from services.sharing.api import schemas
from services.sharing.api.gate import needs
from services.sharing.domain import targets as rules
from services.sharing.queries import law, ratios

router = api_router("/api/sharing/v1", ["plan"])
READ = "sharing:ratio:read"


@router.get("/targets", dependencies=[needs(READ)], response_model=schemas.TargetList)
async def targets(
    actor: CurrentActor,
    read: Read,
    now: Now,
    kind: schemas.Kind = "mast",
    as_of: date | None = None,
    known_at: str | None = None,
    definition: str | None = None,
    boundary_set: str | None = None,
) -> Any:
    """The plan's targets beside the figure of a day: how many shared structures each needs, how many are missing.

    Without `boundary_set` each target is held against the borders its plan meant: Cà Mau before the merger.
    """
    day, instant = as_of or local_date(now), ratios.known_instant(known_at, now)
    found = await law.targets(read, kind)
    figures: dict[str, dict[str, Any]] = {}
    for code in sorted({boundary_set or row.boundary_set for row in found}):
        scope = await ratios.scope(
            read, actor=actor, kind=kind, as_of=day, known_at=instant, definition=definition, boundary_set=code
        )
        figures[code] = orjson.loads(await ratios.ratio(read, scope))
    items = [target(row, figures[boundary_set or row.boundary_set], boundary_set) for row in found]
    return {"as_of": day, "known_at": instant, "items": items}


def target(row: Any, figure: dict[str, Any], boundary_set: str | None = None) -> dict[str, Any]:
    shared, counted = figure["shared"], figure["counted"]
    return {
        **{name: getattr(row, name) for name in ("plan", "source", "kind", "due_on", "is_base", "percent")},
        "boundary_set": boundary_set or row.boundary_set,
        "shared": shared,
        "counted": counted,
        "needed": rules.needed(row.percent, counted) if counted else None,
        "gap": rules.gap(row.percent, shared, counted) if counted else None,
        "met": rules.met(row.percent, shared, counted),
    }


@router.get("/definitions", dependencies=[needs(READ)])
async def definitions(read: Read) -> schemas.DefinitionList:
    """Every published definition with its content and the hash of it."""
    rows = await law.definitions(read)
    return schemas.DefinitionList(
        items=[schemas.DefinitionRead.model_validate(row, from_attributes=True) for row in rows]
    )


@router.get("/boundary-sets", dependencies=[needs(READ)])
async def boundary_sets(read: Read) -> schemas.BoundarySetList:
    """The borders by which figures can be cut, and when the province reports by which."""
    rows = await law.boundary_sets(read)
    return schemas.BoundarySetList(
        items=[schemas.BoundarySetRead.model_validate(row, from_attributes=True) for row in rows]
    )
