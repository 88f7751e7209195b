"""Who may: permission -> capability x relation. The one table that commands ask and the matrix is printed from."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from kernel.errors import N_, Forbidden
from services.registry.domain.status import OPEN_TO_ALL


class Caller(Protocol):
    """What a rule needs to know of who is calling."""

    @property
    def org(self) -> str: ...
    @property
    def capabilities(self) -> frozenset[str]: ...


class Grant(NamedTuple):
    """`*` is everybody signed in. `any`: whosever the thing is; `own_org`: it is of the caller's organisation.

    `built`: whosever it is, once it stands or stood (in service, idle, dismantled); what is only planned is not.
    """

    capability: str
    relation: str


# Who has not signed in; no token names this capability.
EVERYBODY = "everybody"
_OWNERS = (Grant("owner", "own_org"), Grant("registrar", "any"))
_ADMINISTRATOR = (Grant("administrator", "any"),)
_EVERYBODY = (Grant("*", "any"),)
_OFFICERS = tuple(
    Grant(capability, "any")
    for capability in ("registrar", "reviewer", "head", "lead", "auditor", "publisher", "administrator")
)
# Enterprises compete: of each other they see what anybody can see in the landscape.
_SEEN = (*_OFFICERS, Grant("*", "own_org"), Grant("*", "built"))
_TOLD = (*_OFFICERS, Grant("owner", "own_org"), Grant("applicant", "own_org"))
PERMISSIONS: dict[str, tuple[Grant, ...]] = {
    "registry:home:read": _EVERYBODY,
    "registry:structure:read": _SEEN,
    "registry:station:read": _SEEN,
    "registry:quality:read": (*_OFFICERS, Grant("owner", "own_org")),
    "registry:plate:read": (Grant(EVERYBODY, "built"), Grant("*", "built")),
    "registry:organisation:read": _EVERYBODY,
    "registry:unit:read": _EVERYBODY,
    "registry:boundary:read": _EVERYBODY,
    "registry:structure:register": _OWNERS,
    "registry:structure:change": _OWNERS,
    "registry:structure:correct": _OWNERS,
    "registry:structure:change_status": _OWNERS,
    "registry:structure:import": _OWNERS,
    "registry:import:read": (*_OWNERS, Grant("auditor", "any")),
    "registry:structure:transfer": (Grant("registrar", "any"),),
    "registry:structure:history": _TOLD,
    "registry:station:history": _TOLD,
    "registry:station:register": _OWNERS,
    "registry:station:change": _OWNERS,
    "registry:boundary:import": _ADMINISTRATOR,
    "registry:parked:read": (Grant("administrator", "any"), Grant("auditor", "any")),
    "registry:parked:redrive": (Grant("administrator", "any"),),
    "registry:organisation:register": _ADMINISTRATOR,
    "registry:access:read": (*_ADMINISTRATOR, Grant("auditor", "any"), Grant("owner", "own_org")),
    "registry:access:keep": _ADMINISTRATOR,
    "registry:access:issue": _ADMINISTRATOR,
    "registry:access:settle": _ADMINISTRATOR,
    "registry:access:review": _ADMINISTRATOR,
}


class NotAllowed(Forbidden):
    detail = N_("Your role does not allow this: {permission}.")


def may(actor: Caller, permission: str, org: str | None = None, *, built: bool = False) -> bool:
    """Whether the caller may, with regard to a thing of `org` that is `built` or only planned."""
    holds = {"any": True, "own_org": actor.org == org, "built": built}
    return any(
        (grant.capability == "*" or grant.capability in actor.capabilities) and holds[grant.relation]
        for grant in PERMISSIONS[permission]
    )


def holders(permission: str) -> frozenset[str]:
    """The capabilities one of which is needed at all; empty when every signed-in caller may."""
    capabilities = frozenset(grant.capability for grant in PERMISSIONS[permission])
    return frozenset() if "*" in capabilities else capabilities


def require(actor: Caller, permission: str, org: str | None = None) -> None:
    """Raises NotAllowed (403)."""
    if not may(actor, permission, org):
        raise NotAllowed(permission=permission)


def sees_all(actor: Caller, permission: str = "registry:structure:read") -> bool:
    """Officers see every structure; the queries leave out their condition for them."""
    return any(
        grant.relation == "any" and (grant.capability == "*" or grant.capability in actor.capabilities)
        for grant in PERMISSIONS[permission]
    )


def sees(actor: Caller, owner: str | None, states: Iterable[str]) -> bool:
    """The rule of reading for one structure: `states` are those it was in until now."""
    return may(actor, "registry:structure:read", owner, built=not frozenset(OPEN_TO_ALL).isdisjoint(states))


def highest_evidence(actor: Caller) -> int:
    """An owner declares and documents; that it was permitted, built, inspected or confirmed is for officers to say."""
    return 6 if "registrar" in actor.capabilities else 2
