"""Structures recorded for the first time: one, or many of which each stands by itself."""

from typing import Any

from fastapi import APIRouter, Request, Response, status

from kernel.batch import Results, each
from kernel.edge import CurrentActor, Now, Tx
from services.registry.api.answering import answer_recorded, recorded
from services.registry.api.gate import needs
from services.registry.api.schemas.statements import RecordedRead
from services.registry.api.structures.kinds import Kind
from services.registry.commands import structures as commands
from services.registry.commands.records import Recorded

REGISTER = needs("registry:structure:register")


def add(router: APIRouter, kind: Kind) -> None:
    _add_one(router, kind)
    _add_many(router, kind)


async def _register(tx: Tx, actor: Any, kind: Kind, body: Any, now: Any) -> Recorded:
    given = body.model_dump(exclude={"facts"})
    return await commands.register(tx, actor, kind.name, body.facts, now=now, **given)


def _add_one(router: APIRouter, kind: Kind) -> None:
    body_type = kind.register

    @router.post(f"/{kind.plural}", **kind.route(REGISTER, "register_{0}"), status_code=status.HTTP_201_CREATED)
    async def register(
        actor: CurrentActor,
        tx: Tx,
        now: Now,
        body: body_type,  # type: ignore[valid-type]
        response: Response,
    ) -> RecordedRead:
        """Records a structure that stands without a dossier of ours; dossiers bring theirs by themselves."""
        return answer_recorded(await _register(tx, actor, kind, body, now), response, location=kind.plural)


def _add_many(router: APIRouter, kind: Kind) -> None:
    body_type = kind.batch

    @router.post(f"/{kind.plural}:batch", **kind.route(REGISTER, "register_{1}"))
    async def register_many(
        request: Request,
        actor: CurrentActor,
        tx: Tx,
        now: Now,
        body: body_type,  # type: ignore[valid-type]
    ) -> Results:
        """Records up to 100 structures, each by itself: what is refused changes nothing, the others stay."""

        async def one(item: Any) -> RecordedRead:
            return recorded(await _register(tx, actor, kind, item, now))

        return await each(request, tx, body.items, one)  # type: ignore[attr-defined]
