"""Who may: permission -> capability x relation, in one table that also makes the matrix."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from kernel.errors import Forbidden

Relation = Literal["any", "own_org", "lead_of", "own_function"]


class Caller(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def org(self) -> str: ...
    @property
    def capabilities(self) -> frozenset[str]: ...
    @property
    def functions(self) -> frozenset[str]: ...


@dataclass(frozen=True)
class Standing:
    """What relates a caller to a dossier. `orgs`: his organisation and those it has succeeded."""

    orgs: Collection[str]
    applicant_org: str
    lead_org: str
    lead: str
    reviews: Collection[tuple[str, str]] = ()


_INVOLVED: tuple[Relation, ...] = ("lead_of", "own_function")
SEEING: tuple[tuple[str, Relation], ...] = (
    ("applicant", "own_org"),
    ("auditor", "any"),
    *((officer, relation) for officer in ("reviewer", "head", "lead", "registrar") for relation in _INVOLVED),
)
PERMISSIONS: Mapping[str, tuple[tuple[str, Relation], ...]] = {
    "permits:parked:read": (("administrator", "any"), ("auditor", "any")),
    "permits:parked:redrive": (("administrator", "any"),),
    "permits:home:read": (("*", "any"),),
    "permits:procedure:read": (("*", "any"),),
    "permits:application:list": (("*", "any"),),
    "permits:file:store": (("applicant", "any"), ("registrar", "any")),
    # A file that no dossier holds yet is its sender's own.
    "permits:file:read": (*SEEING, ("registrar", "own_org")),
    "permits:application:file": (("applicant", "any"), ("registrar", "any")),
    "permits:application:file-own": (("applicant", "any"),),
    "permits:application:receive": (("registrar", "any"),),
    "permits:application:read": SEEING,
    "permits:event:read": SEEING,
    "permits:queue:read": tuple((officer, "any") for officer in ("reviewer", "head", "lead", "registrar")),
    "permits:completeness:check": (("registrar", "lead_of"), ("lead", "lead_of")),
    "permits:supplement:give": (("applicant", "own_org"), ("registrar", "lead_of")),
    "permits:opinion:draft": (("reviewer", "own_function"),),
    "permits:opinion:give": (("reviewer", "own_function"), ("head", "own_function")),
    "permits:opinion:check": (("reviewer", "own_function"), ("head", "own_function")),
    "permits:opinion:sign": (("head", "own_function"),),
    "permits:statistics:read": tuple(
        (officer, "any") for officer in ("reviewer", "head", "lead", "registrar", "auditor")
    ),
    "permits:law:draft": (("publisher", "any"),),
    "permits:law:publish": (("publisher", "any"),),
    "permits:duty:read": tuple((officer, "any") for officer in ("reviewer", "head", "lead", "auditor", "publisher")),
    "permits:duty:set": (("publisher", "any"),),
    "permits:deadline:extend": (("lead", "lead_of"),),
    "permits:opinion:ask": (("lead", "lead_of"),),
    "permits:condition:compare": tuple(
        (officer, relation) for officer in ("reviewer", "head", "lead", "registrar") for relation in _INVOLVED
    ),
    "permits:condition:show": (("applicant", "own_org"),),
    "permits:condition:judge": (("reviewer", "own_function"), ("head", "own_function"), ("lead", "lead_of")),
    "permits:phrase:read": tuple(
        (officer, "any") for officer in ("reviewer", "head", "lead", "registrar", "auditor", "publisher")
    ),
    "permits:phrase:write": (("head", "any"), ("publisher", "any")),
    "permits:decision:make": (("lead", "lead_of"),),
    "permits:application:withdraw": (("applicant", "own_org"),),
    "permits:application:assign": (("head", "own_function"), ("lead", "lead_of"), ("head", "lead_of")),
    "permits:notice:read": (("*", "any"),),
    "permits:message:read": SEEING,
    "permits:message:write": (
        ("applicant", "own_org"),
        *((officer, relation) for officer in ("reviewer", "head", "lead", "registrar") for relation in _INVOLVED),
    ),
    "permits:sharing:answer": (("applicant", "own_org"),),
    "permits:works:notify": (("applicant", "own_org"),),
    "permits:application:claim": tuple(
        (officer, relation) for officer in ("reviewer", "head", "lead", "registrar") for relation in _INVOLVED
    ),
}
EVERYONE = "*"
SEES_ALL = frozenset({"auditor"})
OFFICERS = frozenset({"reviewer", "head", "lead", "registrar"})


def relations(caller: Caller, standing: Standing | None) -> set[Relation]:
    """Without a dossier only `any` holds. Functions of the caller limit him; none means unlimited."""
    found: set[Relation] = {"any"}
    if standing is None:
        return found
    if standing.applicant_org in standing.orgs:
        found.add("own_org")
    if standing.lead_org in standing.orgs and covers(caller, standing.lead):
        found.add("lead_of")
    if any(org in standing.orgs and covers(caller, function) for function, org in standing.reviews):
        found.add("own_function")
    return found


def covers(caller: Caller, function: str) -> bool:
    return not caller.functions or function in caller.functions


def allowed(caller: Caller, permission: str, standing: Standing | None = None) -> bool:
    held = relations(caller, standing)
    return any(
        (cap == EVERYONE or cap in caller.capabilities) and relation in held
        for cap, relation in PERMISSIONS[permission]
    )


def holders(permission: str) -> frozenset[str]:
    """The capabilities that may have it at all; empty where every signed-in caller may."""
    named = frozenset(capability for capability, _ in PERMISSIONS[permission])
    return frozenset() if EVERYONE in named else named


def demand(caller: Caller, permission: str, standing: Standing | None = None) -> None:
    """Raises Forbidden (403)."""
    if not allowed(caller, permission, standing):
        raise Forbidden


def matrix() -> Iterable[tuple[str, str, Relation]]:
    """Permission, capability, relation: the table as the documents print it."""
    for permission, grants in PERMISSIONS.items():
        for capability, relation in grants:
            yield permission, capability, relation
