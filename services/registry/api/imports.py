"""Imports as jobs: send a file, say what its columns are, see every fault, decide, let it run."""

from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import Path, Query, Request, Response, status

from kernel import idempotency
from kernel.edge import CurrentActor, IdempotencyKey, IfMatch, Now, Read, Tx, api_router, entity_tag, require_key
from kernel.errors import TooLarge
from kernel.export import CSV, XLSX, answered, listed_as
from kernel.listing import Rows
from kernel.web.i18n import locale_of
from services.registry.api.answering import PREFIX, still
from services.registry.api.gate import needs
from services.registry.api.schemas import imports as schemas
from services.registry.api.schemas.statements import RowError
from services.registry.commands import import_jobs as commands
from services.registry.commands.import_jobs import Taken
from services.registry.domain.importing import ImportNotFound, OnDuplicate, fault_told, line_told
from services.registry.queries import imports as queries

router = api_router(PREFIX, ["imports"])
READ, IMPORT = [needs("registry:import:read")], [needs("registry:structure:import")]
ImportId = Annotated[UUID, Path(description="`id` of the import.", examples=["0199f2a0-7c1e-7d7a-9a51-3f1f5a2f6c13"])]
KindAsked = Annotated[Literal["mast", "pole", "duct"], Query(description="What every row of the file is.")]
BINARY = {"schema": {"type": "string", "format": "binary"}}
BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": BINARY}}}


@router.post(
    "/imports",
    dependencies=IMPORT,
    name="send_import",
    status_code=status.HTTP_201_CREATED,
    response_model=schemas.ImportJobRead,
    openapi_extra=BODY,
)
async def send(
    request: Request,
    actor: CurrentActor,
    kind: KindAsked,
    name: Annotated[str, Query(max_length=300, description="The file's name, for people.")] = "",
    on_duplicate: Annotated[OnDuplicate, Query(description="What a row that is known already means.")] = "skip",
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Send one CSV, XLSX or GeoJSON as the raw body. Nothing is recorded: the worker looks into it first.

    UTF-8 with or without mark, UTF-16, Windows-1258; comma, semicolon or tab. Of an import the state tells what comes
    next: `read` (say what the columns are), `checked` (see every fault, decide, run), `done`.
    """
    require_key(request, idempotency_key)
    settings = request.app.state.settings
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > settings.import_file_mb * 1024 * 1024:
        raise TooLarge(limit_mb=settings.import_file_mb)
    limits = (settings.import_file_mb, settings.import_geojson_mb)
    async with commands.take(request.stream(), name, *limits) as taken:
        return await _receive(request, actor, kind, taken, on_duplicate, idempotency_key)


async def _receive(
    request: Request, actor: Any, kind: str, taken: Taken, on_duplicate: str, key: str | None
) -> Response:
    """The transaction begins when the body is here: a slow sender holds no connection. The hash is the fingerprint."""
    state = request.app.state
    async with state.database.tx() as tx:
        now = state.clock()
        if key is not None:
            print_ = idempotency.fingerprint("POST", request.url.path, request.url.query, taken.sha256.encode())
            await idempotency.begin(tx, actor.id, key, f"POST {PREFIX}/imports", print_, now)
        job = await commands.receive(tx, actor, kind, taken, now=now, on_duplicate=on_duplicate)
        told = _told(request, queries.Seen(job, {}, {}, 0))
        headers = {"Location": f"{PREFIX}/imports/{job.id}", "ETag": entity_tag(job.version)}
        response = Response(orjson.dumps(told.model_dump(mode="json")), 201, headers, "application/json")
        if key is not None:
            await idempotency.store(tx, actor.id, key, 201, dict(response.headers), bytes(response.body))
    return response


def _told(request: Request, seen: queries.Seen) -> schemas.ImportJobRead:
    job, say = seen.job, words(request)
    beside = {"notes", "errors", "plans", "outcomes", "undecided"}
    return schemas.ImportJobRead(
        **{name: getattr(job, name) for name in schemas.ImportJobRead.model_fields if name not in beside},
        notes=[RowError(**fault_told(note, say)) for note in job.notes],
        errors=[RowError(**fault_told(fault, say)) for fault in job.error or ()],
        plans=seen.plans,
        outcomes=seen.outcomes,
        undecided=seen.undecided,
    )


def words(request: Request) -> Callable[[str], str]:
    say: Callable[[str], str] = request.app.state.frame.translations(locale_of(request)).gettext
    return say


@router.get("/imports", dependencies=READ, name="list_imports", **listed_as(schemas.ImportJobPage))
async def listing(request: Request, actor: CurrentActor, asked: Annotated[queries.ImportsAsked, Query()]) -> Response:
    """Imports, the newest first: of an enterprise its own."""

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        return await queries.imports(read, actor, asked, limit=limit, after=after)

    return await answered(request, asked, fetch, name="imports", columns=list(queries.JOB.members))


@router.get("/imports/{import_id}", dependencies=READ, name="read_import")
async def found(
    request: Request, actor: CurrentActor, read: Read, import_id: ImportId, response: Response
) -> schemas.ImportJobRead:
    """One import: its columns, how far it is, how many rows are of which sort."""
    return await _read(request, actor, read, import_id, response)


async def _read(request: Request, actor: Any, read: Any, import_id: UUID, response: Response) -> schemas.ImportJobRead:
    seen = await queries.import_job(read, actor, import_id)
    if seen is None:
        raise ImportNotFound
    response.headers["ETag"] = entity_tag(seen.job.version)
    return _told(request, seen)


@router.post("/imports/{import_id}/settings", dependencies=IMPORT, name="set_up_import")
async def set_up(
    request: Request,
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    import_id: ImportId,
    body: schemas.ImportSetup,
    if_match: IfMatch,
    response: Response,
) -> schemas.ImportJobRead:
    """Says what the columns are; the whole file is then checked, and nothing recorded.

    What was chosen is remembered for your organisation's next file of the same columns.
    """
    setup = commands.Setup(**body.model_dump())
    await commands.set_up(tx, actor, import_id, setup, now=now, check=still(if_match))
    return await _read(request, actor, tx, import_id, response)


@router.post("/imports/{import_id}/decisions", dependencies=IMPORT, name="decide_import_rows")
async def decide(
    request: Request,
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    import_id: ImportId,
    body: schemas.ImportDecisions,
    if_match: IfMatch,
    response: Response,
) -> schemas.ImportJobRead:
    """Says of rows whose plan is `near` whether they are new, to be left out, or the structure that stands there."""
    decisions = {one.row: one.decision for one in body.decisions}
    await commands.decide(tx, actor, import_id, decisions, now=now, check=still(if_match))
    return await _read(request, actor, tx, import_id, response)


@router.post("/imports/{import_id}/run", dependencies=IMPORT, name="run_import")
async def run(
    request: Request,
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    import_id: ImportId,
    body: schemas.ImportRun,
    if_match: IfMatch,
    response: Response,
) -> schemas.ImportJobRead:
    """Lets the worker record the rows; `done` of `rows` tells how far it is, `rows` what became of each."""
    await commands.start(tx, actor, import_id, now=now, check=still(if_match), **body.model_dump())
    return await _read(request, actor, tx, import_id, response)


@router.post("/imports/{import_id}/cancellation", dependencies=IMPORT, name="cancel_import")
async def cancel(
    request: Request,
    actor: CurrentActor,
    tx: Tx,
    now: Now,
    import_id: ImportId,
    if_match: IfMatch,
    response: Response,
) -> schemas.ImportJobRead:
    """Stops it. What was recorded until then stays, and its rows say so."""
    await commands.cancel(tx, actor, import_id, now=now, check=still(if_match))
    return await _read(request, actor, tx, import_id, response)


async def _seen(request: Request, actor: Any, import_id: UUID) -> None:
    async with request.app.state.database.look() as read:
        if await queries.import_job(read, actor, import_id) is None:
            raise ImportNotFound


@router.get("/imports/{import_id}/rows", dependencies=READ, name="list_import_rows", **listed_as(schemas.ImportRowPage))
async def rows(
    request: Request, actor: CurrentActor, import_id: ImportId, asked: Annotated[queries.RowsAsked, Query()]
) -> Response:
    """Each row with what is to become of it, and afterwards what did: as CSV or XLSX the result file."""
    say = words(request)
    await _seen(request, actor, import_id)

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        found = await queries.rows(read, actor, import_id, asked, limit=limit, after=after)
        items = orjson.loads(found.items)
        for item in items:
            if item.get("faults"):
                item["faults"] = [fault_told(fault, say) for fault in item["faults"]]
        return found._replace(items=orjson.dumps(items).decode())

    columns = [name for name in queries.ROW.members if name not in ("near", "facts")]
    return await answered(request, asked, fetch, name="import-rows", columns=columns)


@router.get(
    "/imports/{import_id}/faults", dependencies=READ, name="list_import_faults", **listed_as(schemas.ImportFaultPage)
)
async def faults(
    request: Request, actor: CurrentActor, import_id: ImportId, asked: Annotated[queries.FaultsAsked, Query()]
) -> Response:
    """Every fault of every row: the row, the column, a code and how to mend it. Also as CSV or XLSX."""
    say = words(request)
    await _seen(request, actor, import_id)

    async def fetch(read: Read, after: list[Any] | None, limit: int) -> Rows:
        found = await queries.faults(read, actor, import_id, asked, limit=limit, after=after)
        items = [line_told(item, say) for item in orjson.loads(found.items)]
        return found._replace(items=orjson.dumps(items).decode())

    columns = list(schemas.ImportFault.model_fields)
    return await answered(request, asked, fetch, name="import-faults", columns=columns, forms=(CSV, XLSX))
