"""Who may: permission -> capability x relation. The one table that commands and queries ask."""

from datetime import date
from typing import NamedTuple, Protocol

from kernel.errors import N_, Forbidden


class Caller(Protocol):
    @property
    def org(self) -> str: ...
    @property
    def capabilities(self) -> frozenset[str]: ...


class Grant(NamedTuple):
    """`party`: the caller's organisation is owner or tenant of the agreement; `own_org`: the thing is its own.

    `any`: whosever it is.
    """

    capability: str
    relation: str


# The capability of whoever asks for open data without signing in; no token gives more by carrying it.
EVERYBODY = "everybody"
_OFFICERS = ("registrar", "reviewer", "head", "lead", "publisher", "administrator")
PERMISSIONS: dict[str, tuple[Grant, ...]] = {
    "sharing:agreement:record": (Grant("owner", "party"),),
    "sharing:agreement:correct": (Grant("owner", "party"),),
    "sharing:agreement:terminate": (Grant("owner", "party"),),
    "sharing:agreement:read": (Grant("auditor", "any"), Grant("owner", "party"), Grant("administrator", "party")),
    "sharing:ratio:read": tuple(Grant(c, "any") for c in ("auditor", "owner", "applicant", *_OFFICERS, EVERYBODY)),
    "sharing:plan:read": (
        *(Grant(c, "any") for c in ("auditor", *_OFFICERS)),
        Grant("owner", "own_org"),
        Grant("applicant", "own_org"),
    ),
    "sharing:parked:read": (Grant("administrator", "any"), Grant("auditor", "any")),
    "sharing:parked:redrive": (Grant("administrator", "any"),),
    "sharing:report:read": (
        Grant("auditor", "any"),
        *(Grant(c, "own_org") for c in ("owner", "applicant", "administrator")),
    ),
    "sharing:report:answer": (Grant("owner", "own_org"),),
    "sharing:report:open": (Grant("auditor", "any"),),
    "sharing:report:settle": (Grant("auditor", "any"),),
    "sharing:law:publish": (Grant("publisher", "any"),),
    "sharing:forecast:read": tuple(Grant(c, "any") for c in ("auditor", *_OFFICERS)),
    "sharing:statement:read": tuple(Grant(c, "any") for c in ("auditor", "owner", "applicant", *_OFFICERS, EVERYBODY)),
    "sharing:indicator:read": tuple(Grant(c, "any") for c in ("auditor", "owner", "applicant", *_OFFICERS, EVERYBODY)),
    "sharing:indicator:enter": (Grant("auditor", "any"), Grant("owner", "own_org")),
    "sharing:audit:read": (Grant("auditor", "any"),),
    "sharing:audit:act": (Grant("auditor", "any"),),
    "sharing:statement:seal": (Grant("auditor", "any"),),
    "sharing:statement:verify": (Grant("auditor", "any"),),
    "sharing:tenants:read": (Grant("auditor", "any"), Grant("owner", "party")),
}


class PlansNotShown(Forbidden):
    detail = N_("Days to come are told of your own structures only: choose the owner {owner}.")


class NotAllowed(Forbidden):
    detail = N_("Your role does not allow this: {permission}.")


def may(actor: Caller, permission: str, *parties: str) -> bool:
    """Whether the caller may, with regard to a thing of these `parties`."""
    return any(
        grant.capability in actor.capabilities and (grant.relation == "any" or actor.org in parties)
        for grant in PERMISSIONS[permission]
    )


def holders(permission: str) -> frozenset[str]:
    """The capabilities of which one is needed, whatever the thing."""
    return frozenset(grant.capability for grant in PERMISSIONS[permission])


def may_at_all(actor: Caller, permission: str) -> bool:
    """Whether there can be a thing with which the caller may."""
    return not actor.capabilities.isdisjoint(holders(permission))


def require(actor: Caller, permission: str, *parties: str) -> None:
    """Raises NotAllowed (403)."""
    if not may(actor, permission, *parties):
        raise NotAllowed(permission=permission)


def require_at_all(actor: Caller, permission: str) -> None:
    """Raises NotAllowed (403) when no thing could be within the caller's reach."""
    if not may_at_all(actor, permission):
        raise NotAllowed(permission=permission)


def sees_every(actor: Caller, permission: str) -> bool:
    return any(grant.capability in actor.capabilities and grant.relation == "any" for grant in PERMISSIONS[permission])


def require_plans(actor: Caller, owner: str | None, day: date, today: date) -> None:
    """Of a day to come the figures are made of plans and of agreements' ends. Raises PlansNotShown (403)."""
    if day > today and not may(actor, "sharing:plan:read", *([owner] if owner else ())):
        raise PlansNotShown(owner=actor.org)
