"""A CSV of structures: all rows or none."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status

from kernel.edge import CurrentActor, Now, Tx
from kernel.export import CSV
from kernel.web.i18n import locale_of
from services.registry import data
from services.registry.api.answering import body_of, bounded_body
from services.registry.api.gate import needs
from services.registry.api.schemas.statements import ImportedRow, ImportRead, RowError
from services.registry.api.structures.kinds import Kind
from services.registry.commands import imports
from services.registry.domain import sheet

IMPORT = needs("registry:structure:import")
EXAMPLES = {
    "mast": "owner,status,name,height_m,lon,lat,commune,valid_from\r\n"
    "VIETTEL,in_service,CMU-1301,36,105.1507,9.1772,32002@2025-07,2026-03-01\r\n",
    "pole": "owner,status,name,lon,lat,commune,valid_from,sector\r\n"
    "VNPT,in_service,TR-0401,105.1514,9.1774,32002@2025-07,2026-03-01,telecom\r\n",
    "duct": "owner,status,name,lon,lat,commune,valid_from,length_m\r\n"
    "VNPT,in_service,CB-0101,105.1499,9.1768,32002@2025-07,2026-03-01,310\r\n",
}


async def csv_body(request: Request) -> bytes:
    return await bounded_body(request, request.app.state.settings.import_limit_mb)


def add(router: APIRouter, kind: Kind) -> None:
    body = body_of(CSV, EXAMPLES[kind.name], {"type": "string"})

    @router.post(
        f"/{kind.plural}:import",
        **kind.route(IMPORT, "import_{1}"),
        status_code=status.HTTP_201_CREATED,
        responses={200: {"model": ImportRead, "description": "A dry run: nothing was changed."}},
        openapi_extra=body,
    )
    async def import_csv(
        request: Request,
        actor: CurrentActor,
        content: Annotated[bytes, Depends(csv_body)],
        tx: Tx,
        now: Now,
        response: Response,
        dry_run: Annotated[bool, Query(description="Say every fault and change nothing.")] = False,
    ) -> ImportRead:
        """Records the rows of a CSV, all or none; with `dry_run` every fault of every row is said, nothing changed.

        Its headers are the members of `facts`, with `code_system` and `code`, `lon` and `lat`; further `valid_from`,
        `evidence` and `reason`. The separator is a comma or a semicolon.
        """
        most = request.app.state.settings.import_rows
        given = await asyncio.to_thread(sheet.read, content, kind.name, most, data.headings())
        rows = [imports.ImportRow(r.no, r.facts, r.valid_from, r.evidence, r.reason) for r in given.rows]
        done = await imports.import_structures(
            tx, actor, kind.name, rows, now=now, dry_run=dry_run, unreadable=given.faults, source="csv"
        )
        if dry_run:
            response.status_code = status.HTTP_200_OK
        return imported(request, done, dry_run)


def imported(request: Request, done: imports.Imported, dry_run: bool) -> ImportRead:
    say = request.app.state.frame.translations(locale_of(request)).gettext
    return ImportRead(
        rows=done.rows,
        dry_run=dry_run,
        errors=[RowError(pointer=f.pointer, code=f.code, detail=say(f.detail).format(**f.params)) for f in done.errors],
        import_id=done.import_id,
        items=[ImportedRow(id=i, public_no=n) for i, n in zip(done.ids, done.public_nos, strict=True)],
    )
