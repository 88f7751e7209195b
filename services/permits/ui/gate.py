"""The gate of every route: what the policy's table says about its permission; who passes it is remembered."""

from datetime import date
from typing import Any

from fastapi import Depends, Request

from kernel.auth import Actor
from kernel.clock import local_date
from kernel.edge import CurrentActor, Needs
from services.permits import commands
from services.permits.domain import policy


class Gate(Needs):
    """Before the page's own transaction: inside it a second one would wait for a connection that the first holds."""

    async def __call__(self, actor: CurrentActor, request: Request) -> None:  # type: ignore[override]
        await super().__call__(actor)
        state = request.app.state
        met: dict[str, tuple[Actor, date]] = getattr(state, "met", {})
        now = state.clock()
        if actor.kind != "person" or met.get(actor.id) == (actor, local_date(now)):
            return
        async with state.database.tx() as tx:
            await commands.meet(tx, actor, now=now)
        state.met = {**met, actor.id: (actor, local_date(now))} if len(met) < MOST_KNOWN else {}


MOST_KNOWN = 10_000


def needs(permission: str) -> Any:
    """Without one of the capabilities nothing is read, not even the body; the commands ask the policy again."""
    return Depends(Gate(permission, policy.holders(permission)))
