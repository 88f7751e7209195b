"""The words a page needs: code lists and names of organisations."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.permits.queries.copies import organisations
from services.permits.queries.law import entries

LISTS = (
    "part",
    "function",
    "fact",
    "work",
    "structure_code",
    "condition_kind",
    "condition_subject",
    "share_reason",
    "share_rule",
)


@dataclass(frozen=True)
class Lexicon:
    lists: dict[str, dict[str, dict[str, Any]]]
    organisations: dict[str, dict[str, str]]


async def lexicon(read: AsyncSession) -> Lexicon:
    return Lexicon(await entries(read, *LISTS), await organisations(read))
