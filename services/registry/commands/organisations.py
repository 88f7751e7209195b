"""Organisations that the ICT department registers, beside those that ship with the product."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from contracts import registry as said
from kernel import audit
from kernel.auth import Actor
from kernel.errors import N_, Conflict, Fault, Invalid
from kernel.history import REGISTER
from services.registry.commands.ledger import Statement, add, page, write
from services.registry.commands.publishing import organisation_item, organisation_row
from services.registry.commands.records import Recorded
from services.registry.commands.telling import tell
from services.registry.domain import access, policy
from services.registry.queries.logs import ORGANISATIONS
from services.registry.tables import metadata

NAMES = ("name_vi", "name_en", "short")
DOCUMENTED = 2


class OrganisationExists(Conflict):
    detail = N_("An organisation already has this code.")


class OrganisationRefused(Invalid):
    detail = N_("These values of the organisation cannot be right.")


async def register_organisation(
    tx: AsyncSession, actor: Actor, code: str, facts: dict[str, Any], *, valid_from: date, now: datetime
) -> Recorded:
    """Begins an organisation on a day; the others learn it by an event. `facts`: names, short, kind, legal_entity.

    Raises NotAllowed (403), OrganisationRefused (422), OrganisationExists (409).
    """
    policy.require(actor, "registry:organisation:register")
    _check(code, facts)
    row = {"code": code, "last_no": 1, "created_at": now}
    statement = insert(metadata.tables["organisation"]).values(row).on_conflict_do_nothing()
    if (await tx.execute(statement.returning(sa.literal_column("code")))).first() is None:
        raise OrganisationExists(errors=[Fault("/code", "taken", OrganisationExists.detail)])
    patch = {**facts, "legal_entity": facts.get("legal_entity") or code}
    subject = page(code)
    change = add(subject, Statement(REGISTER, valid_from, patch, DOCUMENTED), actor, now)
    await write(tx, ORGANISATIONS, [subject], organisation_row)
    item = organisation_item(subject, change.no, [])
    await tell(tx, said.OrganisationChanged, [(actor, item)], subject=change.id, now=now)
    await audit.record(tx, actor, "registry:organisation:register", code, now=now, after=patch)
    return Recorded(change.id, code, change.no, change.id)


def _check(code: str, facts: dict[str, Any]) -> None:
    faults = []
    if not access.CODE.fullmatch(code):
        text = N_("A code has 2 to 32 capital letters, digits, hyphens and underscores, and begins with a letter.")
        faults.append(Fault("/code", "malformed", text))
    if facts.get("kind") not in access.ORGANISATION_KINDS:
        faults.append(Fault("/kind", "unknown", N_("Choose the kind of organisation.")))
    faults += [
        Fault(f"/{name}", "missing", N_("Give this name.")) for name in NAMES if not str(facts.get(name) or "").strip()
    ]
    if faults:
        raise OrganisationRefused(errors=faults)
