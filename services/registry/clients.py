"""What the registry asks the gateway about the realm: who is held there, and what is to be held."""

from datetime import datetime
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel

from contracts import gateway as said
from contracts.envelope import Question
from kernel.bus import Bus, QuestionRefused
from kernel.errors import N_, Conflict, Invalid, NotFound, Refusal, Unavailable
from services.registry.domain import access
from services.registry.domain.access import CLIENT, PERSON, Held

Reply = TypeVar("Reply", bound=BaseModel)


class RealmAway(Unavailable):
    detail = N_("The sign-in service is away. What was recorded stands; try again shortly.")


class NameTaken(Conflict):
    detail = N_("The sign-in service already has this name for somebody else. Choose another.")


class NotInRealm(NotFound):
    detail = N_("The sign-in service does not have this account.")


class RealmRefused(Invalid):
    detail = N_("The sign-in service does not accept these values.")


_REFUSALS: dict[str, type[Refusal]] = {
    "ClientTaken": NameTaken,
    "PersonTaken": NameTaken,
    "ClientUnknown": NotInRealm,
    "PersonUnknown": NotInRealm,
    "AccountRefused": RealmRefused,
    "MalformedRequest": RealmRefused,
}
# Refusals that a repetition does not mend.
FINAL = (NameTaken, RealmRefused)


async def _ask(bus: Bus, question: Question, reply: type[Reply]) -> Reply:
    """Raises NameTaken (409), NotInRealm (404), RealmRefused (422), RealmAway (503)."""
    if not bus.connected:
        raise RealmAway
    try:
        return await bus.ask(question, reply)
    except QuestionRefused as refusal:
        raise _REFUSALS.get(refusal.params["code"], RealmAway) from refusal
    except Unavailable as error:
        raise RealmAway from error


async def accounts(bus: Bus, since: datetime) -> tuple[list[Held], dict[tuple[str, str], said.Client | said.Person]]:
    """Everybody in the realm with an organisation, and beside each what only it knows: last use, ends of secrets."""
    found = await _ask(bus, said.AccountsHeld(since=since), said.Accounts)
    beside: dict[tuple[str, str], said.Client | said.Person] = {}
    held = []
    for client in found.clients:
        beside[(CLIENT, client.client_id)] = client
        held.append(
            Held(
                CLIENT,
                client.client_id,
                client.org,
                client.name,
                client.capabilities,
                (),
                client.enabled,
                networks=access.plain_networks(client.networks),
            )
        )
    for person in found.people:
        beside[(PERSON, person.username)] = person
        names = (person.username, person.org, person.name)
        rights = (person.capabilities, person.functions, person.enabled)
        held.append(Held(PERSON, *names, *rights, email=person.email, invited=person.invited))
    return held, beside


async def keep(bus: Bus, account: Held, *, known: bool) -> None:
    """The account is in the realm, with exactly these rights. `known`: it has been there under this name before."""
    if account.kind == CLIENT:
        client = said.KeepClient(
            client_id=account.key,
            name=account.name,
            org=account.organisation,
            capabilities=list(account.capabilities),
            networks=list(account.networks),
            enabled=account.enabled,
            known=known,
        )
        await _ask(bus, client, said.Kept)
        return
    person = said.KeepPerson(
        username=account.key,
        name=account.name,
        email=account.email,
        org=account.organisation,
        capabilities=list(account.capabilities),
        functions=list(account.functions),
        enabled=account.enabled,
        known=known,
    )
    await _ask(bus, person, said.Kept)


async def issue_secret(bus: Bus, client_id: str, org: str, *, request: UUID, overlap_hours: int) -> said.Secret:
    asked = said.IssueSecret(client_id=client_id, org=org, request=request, overlap_seconds=overlap_hours * 3600)
    return await _ask(bus, asked, said.Secret)


async def end_overlap(bus: Bus, client_id: str, org: str) -> None:
    await _ask(bus, said.EndOverlap(client_id=client_id, org=org), said.Kept)


async def invite(bus: Bus, username: str, org: str) -> said.Invitation:
    return await _ask(bus, said.Invite(username=username, org=org), said.Invitation)


async def sign_out(bus: Bus, username: str, org: str) -> None:
    await _ask(bus, said.SignOut(username=username, org=org), said.Kept)
