"""Reads that leave a trace: who looked at what belongs to somebody else, or at what only few may see.

A route that is always sensitive takes `Depends(Sensitive("registry:client:list"))`; where only the thing itself tells
whose it is, the route calls `note`. The row is committed before the answer begins: no trace, no answer.
"""

from fastapi import Request

from kernel import audit
from kernel.auth import Actor
from kernel.edge import CurrentActor


async def note(request: Request, actor: Actor, act: str, thing: object, *, of: str | None = None) -> None:
    """Records the read unless the thing is the caller's own organisation's (`of`). In a transaction of its own."""
    if of is not None and of == actor.org:
        return
    state = request.app.state
    async with state.database.tx() as tx:
        await audit.record(tx, actor, act, thing, now=state.clock(), after={"of": of} if of else None)


class Sensitive:
    """`thing` names the path parameter that says what is read; without one it is the route's own path."""

    def __init__(self, act: str, thing: str | None = None) -> None:
        self._act, self._thing = act, thing

    async def __call__(self, request: Request, actor: CurrentActor) -> None:
        read = request.path_params.get(self._thing, "") if self._thing else request.scope["route"].path
        await note(request, actor, self._act, read)
