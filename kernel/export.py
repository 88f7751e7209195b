"""The same list in the form that the caller accepts: JSON by pages, or CSV, XLSX and GeoJSON whole and streamed."""

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import IO, Any, NamedTuple

import orjson
import xlsxwriter
from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.db import Database
from kernel.errors import N_, Invalid, Refusal
from kernel.listing import Listing, Rows
from kernel.paging import decode_cursor, encode_cursor

JSON = "application/json"
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
GEOJSON = "application/geo+json"
ENDINGS = {CSV: "csv", XLSX: "xlsx", GEOJSON: "geojson"}
ROWS_AT_ONCE = 2000
SHEET_ROWS = 1_048_575
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_PIECE = 64 * 1024


class NotAcceptable(Refusal):
    status = 406
    detail = N_("This address answers as {offered}.")


class TooManyRows(Invalid):
    detail = N_("A sheet holds {most} rows. Narrow the filters, or ask for CSV.")


def listed_as(model: Any, *forms: str) -> dict[str, Any]:
    """What a list's route says of its answers: `model` as JSON, and `forms` (CSV and XLSX when none are named)."""
    text, binary = {"schema": {"type": "string"}}, {"schema": {"type": "string", "format": "binary"}}
    content = {form: binary if form == XLSX else text for form in forms or (CSV, XLSX)}
    return {"response_model": model, "responses": {200: {"content": content}}}


Fetch = Callable[[AsyncSession, list[Any] | None, int], Awaitable[Rows]]


async def answered(
    request: Request,
    asked: Listing,
    fetch: Fetch,
    *,
    name: str,
    columns: Sequence[str],
    forms: Sequence[str] = (CSV, XLSX),
    **more: Any,
) -> Response:
    """The list as the caller accepts it: a page of JSON, with `more` beside it, or all rows in one of `forms`.

    `fetch` reads the rows after a keyset. A read of its own for each batch: a slow reader of the answer holds none.
    """
    form = accepted(request, JSON, *forms)
    database = request.app.state.database
    if form != JSON:
        chosen = [name for name in columns if asked.fields is None or name in asked.fields]
        return await exported(form, name, chosen, partial(_fetched, database, fetch))
    async with database.look() as read:
        rows = await fetch(read, decode_cursor(asked.cursor) if asked.cursor else None, asked.limit)
    tail = {"next": encode_cursor(rows.after) if rows.after else None, **more, **(rows.beside or {})}
    if asked.total:
        tail["total"] = rows.total
    return Response(f'{{"items":{rows.items},{orjson.dumps(tail).decode()[1:]}', media_type=JSON)


class Batch(NamedTuple):
    rows: list[dict[str, Any]]
    after: list[Any] | None


async def _fetched(database: Database, fetch: Fetch, after: list[Any] | None) -> Batch:
    async with database.look() as read:
        rows = await fetch(read, after, ROWS_AT_ONCE)
    return Batch(await asyncio.to_thread(orjson.loads, rows.items), rows.after)


Next = Callable[[list[Any] | None], Awaitable[Batch]]


def accepted(request: Request, *offered: str) -> str:
    """Which of `offered` the Accept header likes best; the first where it does not care. Raises NotAcceptable (406)."""
    # For a link in a page, which cannot say what it accepts.
    by_name = {"csv": CSV, "xlsx": XLSX}.get(request.url.path.rpartition(".")[2])
    if by_name in offered:
        return str(by_name)
    ranges = [_range(part) for part in request.headers.get("accept", "*/*").split(",")]
    best, quality = "", 0.0
    for form in offered:
        liked = _quality(ranges, form)
        if liked > quality:
            best, quality = form, liked
    if not best:
        raise NotAcceptable(offered=", ".join(offered))
    return best


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return name, 0.0
    return name, 1.0


def _quality(ranges: Sequence[tuple[str, float]], form: str) -> float:
    """What the range that names the form most closely says of it (RFC 9110, 12.5.1): `q=0` there is a refusal."""
    for name in (form, f"{form.partition('/')[0]}/*", "*/*"):
        found = [quality for given, quality in ranges if given == name]
        if found:
            return max(found)
    return 0.0


async def exported(form: str, name: str, columns: Sequence[str], fetch: Next) -> StreamingResponse:
    """All rows that `fetch` finds as `form`, batch by batch; `columns` are members of the rows.

    The first batch is read before the answer begins, so that what is wrong with the question is said as a problem.
    Raises TooManyRows (422) for a sheet that cannot hold them.
    """
    first = await fetch(None)
    rows = _all(first, fetch)
    if form == XLSX:
        body = _pieces(await _sheet(columns, rows))
    else:
        body = _csv(columns, rows) if form == CSV else _geojson(columns, rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{ENDINGS[form]}"'}
    return StreamingResponse(body, media_type=f"{form}; charset=utf-8" if form == CSV else form, headers=headers)


async def _all(batch: Batch, fetch: Next) -> AsyncIterator[list[dict[str, Any]]]:
    yield batch.rows
    while batch.after is not None:
        batch = await fetch(batch.after)
        yield batch.rows


async def _csv(columns: Sequence[str], batches: AsyncIterator[list[dict[str, Any]]]) -> AsyncIterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    # The mark tells spreadsheets that this is UTF-8.
    text.write("\ufeff")
    writer.writerow(columns)
    async for rows in batches:
        writer.writerows([_safe(_cell(row.get(name))) for name in columns] for row in rows)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def _cell(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else value


def _safe(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula is marked as text; blanks before it change nothing for some."""
    return f"'{value}" if isinstance(value, str) and value.lstrip().startswith(_FORMULA) else value


async def _geojson(columns: Sequence[str], batches: AsyncIterator[list[dict[str, Any]]]) -> AsyncIterator[bytes]:
    """`lon` and `lat` of a row are its point; a row without them has no geometry."""
    yield b'{"type":"FeatureCollection","features":['
    begun = False
    async for rows in batches:
        piece = b",".join(orjson.dumps(_feature(columns, row)) for row in rows)
        if piece:
            yield b"," + piece if begun else piece
            begun = True
    yield b"]}"


def _feature(columns: Sequence[str], row: dict[str, Any]) -> dict[str, Any]:
    lon, lat = row.get("lon"), row.get("lat")
    point = None if lon is None or lat is None else {"type": "Point", "coordinates": [lon, lat]}
    told = {name: row.get(name) for name in columns if name not in ("id", "lon", "lat")}
    return {"type": "Feature", "id": row.get("id"), "geometry": point, "properties": told}


async def _sheet(columns: Sequence[str], batches: AsyncIterator[list[dict[str, Any]]]) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- closed when it has been sent
    try:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "in_memory": False}
        book = xlsxwriter.Workbook(file, options)
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, columns)
        written = 0
        async for rows in batches:
            if written + len(rows) > SHEET_ROWS:
                raise TooManyRows(most=SHEET_ROWS)
            await asyncio.to_thread(_write, sheet, columns, rows, written + 1)
            written += len(rows)
        await asyncio.to_thread(book.close)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _write(sheet: Any, columns: Sequence[str], rows: list[dict[str, Any]], at: int) -> None:
    for number, row in enumerate(rows, at):
        sheet.write_row(number, 0, [_cell(row.get(name)) for name in columns])


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
    finally:
        file.close()
