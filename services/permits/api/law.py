"""The published procedures, with the words of their codes."""

from typing import Annotated, Any

from fastapi import Query

from kernel.edge import CurrentActor, Read, api_router
from services.permits import queries
from services.permits.api.gate import needs
from services.permits.api.schemas import Page

router = api_router("/api/permits/v1", ["permits"])


@router.get("/procedures", response_model=Page, dependencies=[needs("permits:procedure:read")])
async def procedures(
    actor: CurrentActor, read: Read, work: Annotated[str | None, Query(max_length=60)] = None
) -> dict[str, Any]:
    """Every published version: which dossiers it governs, parts, agencies, clocks, sources."""
    words = await queries.entries(read, "part", "function", "fact")
    items = [
        {
            "id": str(version_id),
            **procedure.model_dump(mode="json", by_alias=True),
            "words": {
                "parts": {part.code: _words(words["part"][part.code]) for part in procedure.parts},
                "functions": {a.function: _words(words["function"][a.function]) for a in procedure.agencies},
            },
        }
        for version_id, procedure in await queries.procedures(read)
        if work is None or procedure.work == work
    ]
    return {"items": items, "next": None}


def _words(entry: dict[str, Any]) -> dict[str, str]:
    return {"vi": entry["vi"], "en": entry["en"]}
