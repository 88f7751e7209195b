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
    """`*` is everybody signed in. `own_org`: the thing is of the caller's organisation; `any`: whosever it is."""

    capability: str
    relation: str


_OWNERS = (Grant("owner", "own_org"), Grant("registrar", "any"))
_ADMINISTRATOR = (Grant("administrator", "any"),)
_EVERYBODY = (Grant("*", "any"),)
PERMISSIONS: dict[str, tuple[Grant, ...]] = {
    "registry:home:read": _EVERYBODY,
    "registry:structure:read": _EVERYBODY,
    "registry:station:read": _EVERYBODY,
    "registry:organisation:read": _EVERYBODY,
    "registry:unit:read": _EVERYBODY,
    "registry:boundary:read": _EVERYBODY,
    "registry:structure:register": _OWNERS,
    "registry:structure:change": _OWNERS,
    "registry:structure:correct": _OWNERS,
    "registry:structure:change_status": _OWNERS,
    "registry:structure:import": _OWNERS,
    "registry:structure:transfer": (Grant("registrar", "any"),),
    "registry:structure:history": (
        Grant("owner", "own_org"),
        Grant("applicant", "own_org"),
        *(Grant(c, "any") for c in ("registrar", "reviewer", "head", "lead", "auditor", "publisher", "administrator")),
    ),
    "registry:station:register": _OWNERS,
    "registry:station:change": _OWNERS,
    "registry:boundary:import": (Grant("administrator", "any"),),
    "registry:parked:read": (Grant("administrator", "any"), Grant("auditor", "any")),
    "registry:parked:redrive": (Grant("administrator", "any"),),
    "registry:organisation:register": _ADMINISTRATOR,
    "registry:access:read": (*_ADMINISTRATOR, Grant("auditor", "any")),
    "registry:access:keep": _ADMINISTRATOR,
    "registry:access:issue": _ADMINISTRATOR,
    "registry:access:settle": _ADMINISTRATOR,
    "registry:access:review": _ADMINISTRATOR,
}
_SEES_ALL = frozenset({"registrar", "reviewer", "head", "lead", "auditor", "publisher", "administrator"})


class NotAllowed(Forbidden):
    detail = N_("Your role does not allow this: {permission}.")


def may(actor: Caller, permission: str, org: str | None = None) -> bool:
    return any(
        (grant.capability == "*" or grant.capability in actor.capabilities)
        and (grant.relation == "any" or actor.org == org)
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


def sees_all(actor: Caller) -> bool:
    """Officers see every structure; an enterprise sees its own, and of others what stands (not what they plan)."""
    return not actor.capabilities.isdisjoint(_SEES_ALL)


def sees(actor: Caller, owner: str | None, states: Iterable[str]) -> bool:
    """The same rule for one structure: `states` are those it was ever in."""
    return sees_all(actor) or actor.org == owner or not frozenset(OPEN_TO_ALL).isdisjoint(states)


def highest_evidence(actor: Caller) -> int:
    """An owner declares and documents; that it was permitted, built, inspected or confirmed is for officers to say."""
    return 6 if "registrar" in actor.capabilities else 2
