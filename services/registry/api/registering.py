"""Organisations that the ICT department registers."""

from fastapi import Response, status

from kernel.edge import CurrentActor, Now, Tx, api_router, entity_tag
from services.registry.api import access_schemas as schemas
from services.registry.api.access import PREFIX
from services.registry.api.gate import needs
from services.registry.commands.organisations import register_organisation

router = api_router(PREFIX, ["organisations"])


@router.post(
    "/organisations",
    dependencies=[needs("registry:organisation:register")],
    status_code=status.HTTP_201_CREATED,
    name="register_organisation",
)
async def register(
    actor: CurrentActor, tx: Tx, now: Now, body: schemas.OrganisationRegister, response: Response
) -> schemas.OrganisationRegistered:
    """Registers an organisation from a day on; clients and people of it can then be registered."""
    facts = body.model_dump(include={"name_vi", "name_en", "short", "kind", "legal_entity"})
    made = await register_organisation(tx, actor, body.code, facts, valid_from=body.valid_from, now=now)
    response.headers["ETag"] = entity_tag(made.no)
    return schemas.OrganisationRegistered(code=body.code, version=made.no)
