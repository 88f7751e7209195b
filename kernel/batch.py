"""Many of the same in one request: each item stands or falls by itself, and says so."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import trace
from kernel.errors import Refusal, problem
from kernel.web.i18n import locale_of

MOST_ITEMS = 100
Item = TypeVar("Item")


class Items(BaseModel, Generic[Item]):
    """Up to 100 items, done in their order in one transaction; what is refused changes nothing, the others stay."""

    model_config = ConfigDict(extra="forbid")
    items: Annotated[list[Item], Field(min_length=1, max_length=MOST_ITEMS)]


class ItemResult(BaseModel):
    """What became of one item: `status` as of a single request; `body` what was made, or `problem` why not."""

    status: int
    body: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None


class Results(BaseModel):
    """`items` in the order of the request."""

    done: int
    refused: int
    items: list[ItemResult]


async def each(
    request: Request,
    tx: AsyncSession,
    items: Sequence[Item],
    act: Callable[[Item], Awaitable[BaseModel | dict[str, Any]]],
    *,
    status: int = 201,
) -> Results:
    """Does `act` with each item in a savepoint of its own."""
    translate = request.app.state.frame.translations(locale_of(request)).gettext
    results = []
    for item in items:
        try:
            async with tx.begin_nested():
                made = await act(item)
        except Refusal as refusal:
            results.append(ItemResult(status=refusal.status, problem=problem(refusal, translate, trace.trace_id())))
        else:
            body = made.model_dump(mode="json") if isinstance(made, BaseModel) else made
            results.append(ItemResult(status=status, body=body))
    refused = sum(one.problem is not None for one in results)
    return Results(done=len(results) - refused, refused=refused, items=results)
