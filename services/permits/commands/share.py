"""Sharing first: which masts around could carry it, as sharing tells, and what the applicant says of each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from contracts.sharing import ShareableMast
from kernel import audit
from kernel.auth import Actor
from services.permits import queries
from services.permits.commands.touch import Changed, moment, touch
from services.permits.domain import policy
from services.permits.domain.application import OPEN, ShareAnswer, share_faults
from services.permits.domain.refusals import DossierFaulty, WrongMove
from services.permits.queries import Dossier
from services.permits.tables import Application, ShareOption


async def keep_options(
    tx: AsyncSession, application_id: UUID, options: Sequence[tuple[int, ShareableMast]], *, now: datetime
) -> None:
    """What sharing told of the places; an answer given with the filing stays. The worker calls it."""
    rows = [
        {
            "application_id": application_id,
            "site_no": site_no,
            "structure_id": mast.id,
            "public_no": mast.public_no,
            "owner": mast.owner,
            "distance_m": mast.distance_m,
            "height_m": mast.height_m,
            "capacity": mast.capacity,
            "free": mast.free,
        }
        for site_no, mast in options
    ]
    if rows:
        statement = insert(ShareOption)
        told = ("public_no", "owner", "distance_m", "height_m", "capacity", "free")
        keys = ["application_id", "site_no", "structure_id"]
        fresh = statement.on_conflict_do_update(
            index_elements=keys, set_={name: statement.excluded[name] for name in told}
        )
        await tx.execute(fresh, rows)
    await tx.execute(sa.update(Application).where(col(Application.id) == application_id).values(options_asked_at=now))


def answered(application_id: UUID, answers: Sequence[ShareAnswer], now: datetime) -> list[dict[str, Any]]:
    """The rows of a filing: what the masts are is filled in when sharing tells."""
    return [
        {
            "application_id": application_id,
            "site_no": answer.site_no,
            "structure_id": answer.structure_id,
            "reason": answer.reason,
            "words": answer.words.strip() or None,
            "answered_at": now,
        }
        for answer in answers
    ]


async def answer_sharing(
    tx: AsyncSession, actor: Actor, dossier: Dossier, answers: Sequence[ShareAnswer], *, now: datetime
) -> Changed:
    """Why these masts are not used; it may be said again until the decision. Raises WrongMove (409), DossierFaulty."""
    policy.demand(actor, "permits:sharing:answer", dossier.standing)
    if dossier.state not in OPEN:
        raise WrongMove(state=dossier.state)
    asked = await queries.options_asked(tx, dossier)
    reasons = (await queries.entries(tx, "share_reason"))["share_reason"]
    if faults := share_faults(answers, reasons, asked, at="/answers"):
        raise DossierFaulty(errors=faults)
    now = moment(dossier, now)
    for answer in answers:
        said = {"reason": answer.reason, "words": answer.words.strip() or None, "answered_at": now}
        await tx.execute(
            sa.update(ShareOption)
            .where(
                col(ShareOption.application_id) == dossier.id,
                col(ShareOption.site_no) == answer.site_no,
                col(ShareOption.structure_id) == answer.structure_id,
            )
            .values(**said)
        )
    changed = await touch(tx, dossier, dossier.state, now)
    after = {"answers": [{"mast": str(each.structure_id), "reason": each.reason} for each in answers]}
    await audit.record(tx, actor, "permits:sharing:answer", dossier.id, now=now, after=after)
    return changed
