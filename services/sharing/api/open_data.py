"""Open data: ratios, targets, indicators and sealed statements for whoever asks. No agreement is named."""

from datetime import date, datetime
from typing import Annotated, Any

import orjson
from fastapi import Query, Request, Response
from pydantic import Field

from kernel.clock import local_date
from kernel.edge import EVERYBODY, Now, open_router
from kernel.export import answered, listed_as
from kernel.listing import Listing, Rows, Sparse, Word
from kernel.listing import Page as ListPage
from kernel.texts import Day
from services.sharing.api import indicators as indicators_api
from services.sharing.api import law as law_api
from services.sharing.api import schemas
from services.sharing.api import statements as statements_api
from services.sharing.api.gate import opened
from services.sharing.queries import indicators, law, ratios, statements
from services.sharing.queries.ratios import Scope

router = open_router("/api/sharing/v1/open", ["open data"])


class OpenRatiosAsked(Listing):
    """Figures of a day, by kind and group."""

    kind: Annotated[schemas.Kind | None, Field(description="Of structures; all three.")] = None
    by: Annotated[schemas.By | None, Field(description="Also by owner, commune or district.")] = None
    as_of: Annotated[Day | None, Field(description="State at the end of this day; default today.")] = None
    known_at: Annotated[str | None, Field(max_length=40, description="As known then; default now.")] = None
    boundary_set: Annotated[Word | None, Field(description="Such as `CM-2023`; default the plan's own.")] = None


class OpenRatioRow(Sparse):
    """`by` total, owner, unit or district; `percent` has two decimals, half up, and is null when nothing is counted."""

    kind: str
    definition: str
    boundary_set: str
    as_of: date
    known_at: datetime
    by: str
    key: str
    name: str
    shared: int
    counted: int
    percent: str | None


class OpenRatioPage(ListPage):
    items: list[OpenRatioRow]


COLUMNS = list(OpenRatioRow.model_fields)
KINDS: tuple[schemas.Kind, ...] = ("mast", "pole", "duct")


@router.get("/ratios.csv", dependencies=[opened("sharing:ratio:read")], include_in_schema=False)
@router.get("/ratios.xlsx", dependencies=[opened("sharing:ratio:read")], include_in_schema=False)
@router.get("/ratios", dependencies=[opened("sharing:ratio:read")], **listed_as(OpenRatioPage))
async def list_open_ratios(request: Request, now: Now, asked: Annotated[OpenRatiosAsked, Query()]) -> Response:
    """Open data: the sharing ratios of a day. In total and by owner, commune or district; no sign-in."""
    day, instant = asked.as_of or local_date(now), ratios.known_instant(asked.known_at, now)

    async def fetch(read: Any, after: list[Any] | None, limit: int) -> Rows:
        begin = int(after[0]) if after else 0
        rows = await _rows(read, asked, day, instant, now)
        shown = rows[begin : begin + limit]
        told = [
            row if asked.fields is None else {name: row[name] for name in COLUMNS if name in asked.fields}
            for row in shown
        ]
        more = [begin + limit] if begin + limit < len(rows) else None
        return Rows(orjson.dumps(told).decode(), more, len(rows) if asked.total else None)

    return await answered(request, asked, fetch, name="ratios", columns=COLUMNS)


async def _rows(read: Any, asked: OpenRatiosAsked, day: date, instant: datetime, now: datetime) -> list[dict[str, Any]]:
    borders = law.borders_of(await law.targets_on(read, day))
    rows: list[dict[str, Any]] = []
    for kind in (asked.kind,) if asked.kind else KINDS:
        scope = await ratios.scope(
            read, actor=EVERYBODY, kind=kind, as_of=day, known_at=instant, now=now,
            boundary_set=asked.boundary_set or borders.get(kind),
        )  # fmt: skip
        figure = orjson.loads(await ratios.ratio(read, scope, asked.by))
        rows.append(_row(scope, "total", {**figure, "key": "", "name": ""}))
        rows += [_row(scope, asked.by or "", group) for group in figure["groups"]]
    return rows


def _row(scope: Scope, by: str, figure: dict[str, Any]) -> dict[str, Any]:
    names = ("kind", "definition", "boundary_set")
    return {
        **{name: getattr(scope, name) for name in names},
        "as_of": scope.as_of.isoformat(),
        "known_at": scope.known_at.isoformat(),
        "by": by,
        **{name: figure[name] for name in ("key", "name", "shared", "counted", "percent")},
    }


@router.get("/targets.csv", dependencies=[opened("sharing:ratio:read")], include_in_schema=False)
@router.get("/targets.xlsx", dependencies=[opened("sharing:ratio:read")], include_in_schema=False)
@router.get("/targets", dependencies=[opened("sharing:ratio:read")], **listed_as(schemas.TargetPage))
async def list_open_targets(request: Request, now: Now, asked: Annotated[law.TargetsAsked, Query()]) -> Response:
    """Open data: the plan's targets beside the figures of a day. No sign-in."""
    return await law_api.told_targets(request, EVERYBODY, now, asked)


@router.get("/indicators.csv", dependencies=[opened(indicators.READ)], include_in_schema=False)
@router.get("/indicators.xlsx", dependencies=[opened(indicators.READ)], include_in_schema=False)
@router.get("/indicators", dependencies=[opened(indicators.READ)], **listed_as(indicators_api.IndicatorPage))
async def list_open_indicators(
    request: Request, now: Now, asked: Annotated[indicators.IndicatorsAsked, Query()]
) -> Response:
    """Open data: all indicators of the plan. With values, targets and sources; no sign-in."""
    return await indicators_api.told_indicators(request, EVERYBODY, now, asked)


@router.get("/statements.csv", dependencies=[opened(statements.READ)], include_in_schema=False)
@router.get("/statements.xlsx", dependencies=[opened(statements.READ)], include_in_schema=False)
@router.get("/statements", dependencies=[opened(statements.READ)], **listed_as(statements_api.StatementPage))
async def list_open_statements(request: Request, asked: Annotated[statements.StatementsAsked, Query()]) -> Response:
    """Open data: the figures that were sealed. With their hashes; no sign-in."""
    return await statements_api.told_statements(request, EVERYBODY, asked)
