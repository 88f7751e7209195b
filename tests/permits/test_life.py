"""A dossier from filing to the standing mast, in both regimes, through the commands."""

from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.permits import commands, queries
from services.permits.domain.application import Decision, Opinion
from tests.permits import world
from tests.permits.world import AN, HOA, HUNG, LAN, MINH, local, settings

pytestmark = pytest.mark.database


async def locked(tx: AsyncSession, id: UUID, actor: object = HUNG) -> queries.Dossier:
    return await queries.application(tx, id, actor=actor, lock=True)  # type: ignore[arg-type]


async def subjects(tx: AsyncSession, id: UUID) -> list[str]:
    rows = await tx.execute(
        sa.text("SELECT subject FROM outbox WHERE envelope->>'subject' = :id ORDER BY seq"), {"id": str(id)}
    )
    return list(rows.scalars())


async def test_a_notice_of_today_ends_in_a_standing_mast(tx: AsyncSession) -> None:
    receipt = await world.filed(tx, now=local(2026, 2, 9, 8, 30))
    assert receipt.procedure == "mast.new.notice@1"
    assert receipt.number == "HS-2026-00001"
    assert (receipt.received_on, receipt.effective_on) == (date(2026, 2, 9), date(2026, 2, 9))
    assert receipt.due_on == date(2026, 2, 12)
    changed = await commands.accept(
        tx, LAN, await locked(tx, receipt.id), settings=settings(), now=local(2026, 2, 10, 9)
    )
    assert (changed.state, changed.due_on) == ("under_review", date(2026, 3, 2))
    for actor, function in ((LAN, "construction"), (MINH, "transport"), (HOA, "natural_resources")):
        dossier = await locked(tx, receipt.id, actor)
        changed = await commands.give_opinion(
            tx, actor, dossier, function, Opinion("agree"), settings=settings(), now=local(2026, 2, 11, 9)
        )
    assert changed.state == "ready"
    decided = await commands.decide(
        tx, HUNG, await locked(tx, receipt.id), Decision("no_objection"), settings=settings(), now=local(2026, 2, 12, 9)
    )
    assert (decided.state, decided.decision_number) == ("decided", "1/2026/TBXD-SXD")
    for kind, on in (("commencement", date(2026, 2, 24)), ("completion", date(2026, 3, 20))):
        dossier = await locked(tx, receipt.id, AN)
        changed = await commands.notify_works(tx, AN, dossier, kind, on, now=local(2026, 3, 20, 10))
    assert changed.state == "closed"
    assert await subjects(tx, receipt.id) == [
        "permits.application.filed.v1",
        "permits.application.accepted.v1",
        "permits.opinion.given.v1",
        "permits.opinion.given.v1",
        "permits.opinion.given.v1",
        "permits.application.decided.v1",
        "permits.works.commenced.v1",
        "permits.works.completed.v1",
    ]
    state = (await tx.execute(sa.text("SELECT count(*) FROM deadline WHERE state <> 'stopped'"))).scalar_one()
    assert state == 0
