"""Masts, cable poles and ducts: the same routes on one engine."""

import asyncio
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, status

from kernel.edge import PAGE_SIZE, CurrentActor, Cursor, IfMatch, Limit, Now, Read, Tx, api_router, entity_tag
from kernel.paging import decode_cursor
from kernel.web.i18n import locale_of
from services.registry.api import schemas
from services.registry.api.answering import GEOJSON, AsAsked, bounded_body, listed, raw, recorded, still
from services.registry.api.gate import needs
from services.registry.commands import imports
from services.registry.commands import structures as commands
from services.registry.commands.structures import StructureNotFound
from services.registry.domain import policy, sheet
from services.registry.domain.box import box
from services.registry.domain.structure import FACTS, Status, StructureFacts
from services.registry.queries import histories, maps
from services.registry.queries import structures as queries

PREFIX = "/api/registry/v1"


def _filter_of(kind: str) -> Any:
    async def asked(
        owner: Annotated[str | None, Query(description="Organisation code.")] = None,
        status: Status | None = None,
        commune: Annotated[str | None, Query(description="Unit id, of any vintage.")] = None,
        district: Annotated[str | None, Query(description="Unit id, of any vintage.")] = None,
        q: Annotated[str | None, Query(max_length=100, description="Words, with or without accents.")] = None,
        bbox: Annotated[str | None, Query(description="west,south,east,north in degrees, WGS 84.")] = None,
        min_height_m: Annotated[Decimal | None, Query(description="At least.")] = None,
        max_height_m: Annotated[Decimal | None, Query(description="Below.")] = None,
        min_evidence: Annotated[int | None, Query(ge=1, le=6)] = None,
        free: Annotated[bool, Query(description="In service with a free mounting position.")] = False,
    ) -> queries.Filter:
        return queries.Filter(
            kind, owner, status, commune, district, q, box(bbox), min_height_m, max_height_m, min_evidence, free
        )

    return asked


async def csv_body(request: Request) -> bytes:
    return await bounded_body(request, request.app.state.settings.import_limit_mb)


def routes(kind: str, plural: str) -> APIRouter:
    router = api_router(PREFIX, [plural])
    facts = FACTS[kind]
    asked = Annotated[queries.Filter, Depends(_filter_of(kind))]

    @router.get(f"/{plural}", dependencies=[needs("registry:structure:read")], response_model=schemas.Listed)
    async def listing(
        actor: CurrentActor,
        read: Read,
        at: AsAsked,
        asked: asked,
        limit: Limit = PAGE_SIZE,
        cursor: Cursor = None,
    ) -> Response:
        """By name, as it was on `as_of` and as known at `known_at`."""
        after = decode_cursor(cursor, 2) if cursor else None
        rows = await queries.structures(read, actor, asked, at, limit=limit, after=after)
        return listed(rows.items, rows.following, as_of=at.as_of, known_at=at.known_at, complete_to=rows.complete_to)

    @router.get(f"/{plural}:map", dependencies=[needs("registry:structure:read")], response_model=schemas.Features)
    async def map_(
        actor: CurrentActor,
        read: Read,
        at: AsAsked,
        asked: asked,
        zoom: Annotated[int, Query(ge=0, le=22)] = 9,
    ) -> Response:
        """GeoJSON for a map at `zoom`: single structures where they are few, clusters where they are many."""
        return raw(await maps.structure_map(read, actor, asked, at, zoom), media_type=GEOJSON)

    @router.post(f"/{plural}", dependencies=[needs("registry:structure:register")], status_code=status.HTTP_201_CREATED)
    async def register(
        actor: CurrentActor,
        tx: Tx,
        now: Now,
        body: schemas.Register[facts],  # type: ignore[valid-type]
        response: Response,
    ) -> schemas.RecordedRead:
        """Records a structure that stands without a dossier of ours; dossiers bring theirs by themselves."""
        given = body.model_dump(exclude={"facts"})
        one = await commands.register(tx, actor, kind, body.facts, now=now, **given)
        response.headers["Location"] = f"{PREFIX}/{plural}/{one.id}"
        return recorded(one, response)

    @router.post(
        f"/{plural}:import",
        dependencies=[needs("registry:structure:import")],
        status_code=status.HTTP_201_CREATED,
        openapi_extra={"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}},
    )
    async def import_(
        request: Request,
        actor: CurrentActor,
        content: Annotated[bytes, Depends(csv_body)],
        tx: Tx,
        now: Now,
        response: Response,
        dry_run: bool = False,
    ) -> schemas.ImportRead:
        """CSV, all rows or none; `dry_run` says every fault of every row and changes nothing."""
        given = await asyncio.to_thread(sheet.read, content, kind, request.app.state.settings.import_rows)
        rows = [imports.ImportRow(r.no, r.facts, r.valid_from, r.evidence, r.reason) for r in given.rows]
        done = await imports.import_structures(
            tx, actor, kind, rows, now=now, dry_run=dry_run, unreadable=given.faults, source="csv"
        )
        if dry_run:
            response.status_code = status.HTTP_200_OK
        return imported(request, done, dry_run)

    @router.get(
        f"/{plural}/{{structure_id}}",
        dependencies=[needs("registry:structure:read")],
        response_model=schemas.StructureDetail,
    )
    async def found(actor: CurrentActor, read: Read, at: AsAsked, structure_id: UUID) -> Response:
        """One structure with the evidence of each fact, its stations, and its unit in every set of boundaries."""
        one = await queries.structure(read, actor, kind, structure_id, at)
        if one is None:
            raise StructureNotFound
        return raw(one.item, headers={"ETag": entity_tag(one.no)})

    @router.get(f"/{plural}/{{structure_id}}/history", dependencies=[needs("registry:structure:history")])
    async def history(actor: CurrentActor, read: Read, structure_id: UUID) -> schemas.HistoryRead:
        """Who said what and when, and the versions that made; for officers and for the owner."""
        told = await histories.history(read, structure_id)
        if told is None or told.kind != kind or not policy.sees(actor, told.owner, told.states):
            raise StructureNotFound
        policy.require(actor, "registry:structure:history", told.owner)
        return schemas.HistoryRead(changes=told.changes, versions=told.versions)

    @router.post(
        f"/{plural}/{{structure_id}}/changes",
        dependencies=[needs("registry:structure:change")],
        status_code=status.HTTP_201_CREATED,
    )
    async def change(
        actor: CurrentActor,
        tx: Tx,
        now: Now,
        structure_id: UUID,
        body: schemas.ChangeGive[facts],  # type: ignore[valid-type]
        if_match: IfMatch,
        response: Response,
    ) -> schemas.RecordedRead:
        """It became so from `valid_from` on. Other facts and other days stay as they are."""
        given = body.model_dump(exclude={"patch"})
        one = await commands.change(tx, actor, kind, structure_id, body.patch, now=now, check=still(if_match), **given)
        return recorded(one, response)

    @router.post(
        f"/{plural}/{{structure_id}}/corrections",
        dependencies=[needs("registry:structure:correct")],
        status_code=status.HTTP_201_CREATED,
    )
    async def correct(
        actor: CurrentActor,
        tx: Tx,
        now: Now,
        structure_id: UUID,
        body: schemas.CorrectionGive[facts],  # type: ignore[valid-type]
        if_match: IfMatch,
        response: Response,
    ) -> schemas.RecordedRead:
        """We had it wrong: the corrected change no longer speaks, but never leaves the log."""
        check = still(if_match)
        patch: StructureFacts = body.patch
        if not patch.model_fields_set and body.valid_from is None:
            one = await commands.undo(
                tx, actor, kind, structure_id, body.corrects, now=now, reason=body.reason, despite=body.despite,
                check=check,
            )  # fmt: skip
        else:
            given = body.model_dump(exclude={"patch", "despite", "corrects"})
            one = await commands.correct(
                tx, actor, kind, structure_id, body.corrects, patch, now=now, check=check, **given
            )
        return recorded(one, response)

    @router.post(
        f"/{plural}/{{structure_id}}/status-changes",
        dependencies=[needs("registry:structure:change_status")],
        status_code=status.HTTP_201_CREATED,
    )
    async def change_status(
        actor: CurrentActor,
        tx: Tx,
        now: Now,
        structure_id: UUID,
        body: schemas.StatusChangeGive,
        if_match: IfMatch,
        response: Response,
    ) -> schemas.RecordedRead:
        """The structure moves on in its life, such as out of service or dismantled."""
        given = body.model_dump(exclude={"status"})
        one = await commands.change_status(
            tx, actor, kind, structure_id, body.status, now=now, check=still(if_match), **given
        )
        return recorded(one, response)

    return router


def imported(request: Request, done: imports.Imported, dry_run: bool) -> schemas.ImportRead:
    say = request.app.state.frame.translations(locale_of(request)).gettext
    return schemas.ImportRead(
        rows=done.rows,
        dry_run=dry_run,
        errors=[
            schemas.RowError(pointer=f.pointer, code=f.code, detail=say(f.detail).format(**f.params))
            for f in done.errors
        ],
        import_id=done.import_id,
        items=[{"id": i, "public_no": n} for i, n in zip(done.ids, done.public_nos, strict=True)],
    )


ROUTERS = [routes("mast", "masts"), routes("pole", "poles"), routes("duct", "ducts")]
