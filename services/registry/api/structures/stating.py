"""What is said of a structure that is recorded already."""

from fastapi import APIRouter, Response, status

from kernel.edge import CurrentActor, IfMatch, Now, Tx
from services.registry.api.answering import answer_recorded, still
from services.registry.api.gate import needs
from services.registry.api.schemas.statements import RecordedRead, StatusChange
from services.registry.api.structures.kinds import Kind, StructureId
from services.registry.commands import structures as commands

CHANGE, CORRECT = needs("registry:structure:change"), needs("registry:structure:correct")
CHANGE_STATUS = needs("registry:structure:change_status")
MADE = status.HTTP_201_CREATED


def add(router: APIRouter, kind: Kind) -> None:
    _add_change(router, kind)
    _add_correction(router, kind)
    _add_status_change(router, kind)


def _add_change(router: APIRouter, kind: Kind) -> None:
    body_type = kind.change

    @router.post(f"{kind.one}/changes", **kind.route(CHANGE, "change_{0}"), status_code=MADE)
    async def change(
        actor: CurrentActor,
        tx: Tx,
        now: Now,
        structure_id: StructureId,
        body: body_type,  # type: ignore[valid-type]
        if_match: IfMatch,
        response: Response,
    ) -> RecordedRead:
        """Records that it became so from `valid_from` on. Other facts and other days stay as they are."""
        said = body.model_dump(exclude={"patch"})  # type: ignore[attr-defined]
        patch = body.patch  # type: ignore[attr-defined]
        one = await commands.change(tx, actor, kind.name, structure_id, patch, now=now, check=still(if_match), **said)
        return answer_recorded(one, response)


def _add_correction(router: APIRouter, kind: Kind) -> None:
    body_type = kind.correction

    @router.post(f"{kind.one}/corrections", **kind.route(CORRECT, "correct_{0}"), status_code=MADE)
    async def correct(
        actor: CurrentActor,
        tx: Tx,
        now: Now,
        structure_id: StructureId,
        body: body_type,  # type: ignore[valid-type]
        if_match: IfMatch,
        response: Response,
    ) -> RecordedRead:
        """Says that we had it wrong: the corrected change no longer speaks, but never leaves the log."""
        said = body.model_dump(exclude={"patch", "corrects"})  # type: ignore[attr-defined]
        patch, corrects = body.patch, body.corrects  # type: ignore[attr-defined]
        despite, check = said.pop("despite"), still(if_match)
        if not patch.model_fields_set and body.valid_from is None:  # type: ignore[attr-defined]
            undone = {"now": now, "reason": said["reason"], "despite": despite, "check": check}
            one = await commands.undo(tx, actor, kind.name, structure_id, corrects, **undone)
        else:
            one = await commands.correct(
                tx, actor, kind.name, structure_id, corrects, patch, now=now, check=check, **said
            )
        return answer_recorded(one, response)


def _add_status_change(router: APIRouter, kind: Kind) -> None:
    @router.post(f"{kind.one}/status-changes", **kind.route(CHANGE_STATUS, "change_{0}_status"), status_code=MADE)
    async def change_status(
        actor: CurrentActor,
        tx: Tx,
        now: Now,
        structure_id: StructureId,
        body: StatusChange,
        if_match: IfMatch,
        response: Response,
    ) -> RecordedRead:
        """Records that the structure moved on in its life, such as out of service or dismantled."""
        said = body.model_dump(exclude={"status"})
        check = still(if_match)
        one = await commands.change_status(
            tx, actor, kind.name, structure_id, body.status, now=now, check=check, **said
        )
        return answer_recorded(one, response)
