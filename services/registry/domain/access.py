"""Who may hold what: the rules of accounts, and where the realm differs from the record."""

import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from kernel.errors import N_, Conflict, Fault, Invalid

CLIENT, PERSON = "client", "person"
KINDS = (CLIENT, PERSON)
CLIENT_ID = re.compile(r"[a-z][a-z0-9-]{2,62}")
USERNAME = re.compile(r"[a-z][a-z0-9._-]{2,62}")
CODE = re.compile(r"[A-Z][A-Z0-9_-]{1,31}")
EMAIL = re.compile(r"[^@\s<>]{1,64}@[^@\s<>]{1,180}\.[^@\s<>.]{2,20}")
ENTERPRISES = frozenset({"operator", "tower_company", "power_company"})
ORGANISATION_KINDS = ("operator", "tower_company", "power_company", "department", "committee", "authority")
ENTERPRISE_CAPABILITIES = ("applicant", "owner")
OFFICE_CAPABILITIES = ("registrar", "reviewer", "head", "lead", "auditor", "publisher", "administrator")
CAPABILITIES = (*ENTERPRISE_CAPABILITIES, *OFFICE_CAPABILITIES)
FUNCTIONS = ("construction", "transport", "natural_resources", "telecom")
# A program files and reads; it signs nothing and appoints nobody.
PERSONS_ONLY = frozenset({"head", "lead", "administrator"})
MISSING, UNKNOWN = "missing", "unknown"
COMPARED = {CLIENT: ("organisation", "name", "capabilities", "networks", "enabled"),
            PERSON: ("organisation", "name", "email", "capabilities", "functions", "enabled")}  # fmt: skip
LONGEST_OVERLAP_HOURS = 720
MOST_NETWORKS = 20


class AccountRefused(Invalid):
    detail = N_("These values cannot be right.")


class OwnRights(Conflict):
    detail = N_("Nobody takes away his own rights of administration: another administrator has to.")


@dataclass(frozen=True)
class Wanted:
    """An account as somebody asks for it."""

    kind: str
    key: str
    organisation: str
    name: str
    capabilities: Sequence[str]
    functions: Sequence[str] = ()
    email: str = ""
    networks: Sequence[str] = ()


@dataclass(frozen=True)
class Held:
    """An account as the realm holds it."""

    kind: str
    key: str
    organisation: str
    name: str
    capabilities: Sequence[str]
    functions: Sequence[str]
    enabled: bool
    email: str = ""
    invited: bool = False
    networks: Sequence[str] = ()


class Recorded(Protocol):
    """An account as the registry recorded it."""

    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def organisation(self) -> str: ...


@dataclass(frozen=True)
class Difference:
    member: str
    recorded: Any = None
    held: Any = None


@dataclass(frozen=True)
class Looked:
    """The outcome of one comparison: findings by account, and who is in the realm without being recorded."""

    differences: Mapping[tuple[str, str], Sequence[Difference]] = field(default_factory=dict)
    unknown: Sequence[Held] = ()


def offered(organisation_kind: str, kind: str) -> tuple[str, ...]:
    """What an account of such an organisation may hold."""
    fitting = ENTERPRISE_CAPABILITIES if organisation_kind in ENTERPRISES else OFFICE_CAPABILITIES
    return tuple(one for one in fitting if kind == PERSON or one not in PERSONS_ONLY)


def check(wanted: Wanted, organisation_kind: str | None) -> list[Fault]:
    """Every fault at once, each at its field; `organisation_kind` is None for an organisation that is not there."""
    return list(_faults(wanted, organisation_kind))


def _faults(wanted: Wanted, organisation_kind: str | None) -> Iterator[Fault]:
    if wanted.kind == CLIENT and not CLIENT_ID.fullmatch(wanted.key):
        text = N_("A client id has 3 to 63 small letters, digits and hyphens, and begins with a letter.")
        yield Fault("/client_id", "malformed", text)
    if wanted.kind == PERSON and not USERNAME.fullmatch(wanted.key):
        text = N_("A sign-in name has 3 to 63 small letters, digits, dots and hyphens, and begins with a letter.")
        yield Fault("/username", "malformed", text)
    if wanted.kind == PERSON and not wanted.name.strip():
        yield Fault("/name", "missing", N_("Give the person's full name."))
    if wanted.email and not EMAIL.fullmatch(wanted.email):
        yield Fault("/email", "malformed", N_("This is no e-mail address."))
    yield from network_faults(wanted.networks)
    if organisation_kind is None:
        yield Fault("/organisation", "unknown", N_("No organisation has this code today."))
    else:
        yield from rights_faults(wanted.kind, wanted.capabilities, wanted.functions, organisation_kind)


def rights_faults(
    kind: str, capabilities: Collection[str], functions: Collection[str], organisation_kind: str
) -> Iterator[Fault]:
    if not capabilities:
        yield Fault("/capabilities", "missing", N_("Choose at least one capability."))
    for name in sorted(set(capabilities) - set(offered(organisation_kind, kind))):
        text = N_("“{name}” is nothing that such an account may hold.")
        yield Fault("/capabilities", "not_offered", text, name=name)
    strange = set(functions) - set(FUNCTIONS)
    if strange or (functions and (kind == CLIENT or organisation_kind in ENTERPRISES)):
        yield Fault("/functions", "not_offered", N_("Only officers review for a function, and for one of the list."))


def network_faults(networks: Sequence[str]) -> Iterator[Fault]:
    if len(networks) > MOST_NETWORKS:
        yield Fault("/networks", "too_many", N_("At most {most} networks."), most=MOST_NETWORKS)
    for at, given in enumerate(networks[:MOST_NETWORKS]):
        try:
            ipaddress.ip_network(given.strip(), strict=False)
        except ValueError:
            text = N_("“{given}” is no network. Write it as 203.0.113.0/24, or one address.")
            yield Fault(f"/networks/{at}", "malformed", text, given=given[:64])


def plain_networks(networks: Sequence[str]) -> list[str]:
    """In one notation, sorted, each once; what is no network is left as it is written."""
    return sorted({_plain_network(one.strip()) for one in networks})


def _plain_network(given: str) -> str:
    try:
        return str(ipaddress.ip_network(given, strict=False))
    except ValueError:
        return given


def refuse(faults: Sequence[Fault]) -> None:
    """Raises AccountRefused (422)."""
    if faults:
        raise AccountRefused(errors=faults)


def keep_own_rights(actor_key: str, kind: str, key: str, capabilities: Collection[str], enabled: bool) -> None:
    """Raises OwnRights (409): nobody locks himself out, and the last administrator cannot go by mistake."""
    if kind == PERSON and key == actor_key and not (enabled and "administrator" in capabilities):
        raise OwnRights


def compare(recorded: Sequence[Any], held: Sequence[Held]) -> Looked:
    """Member by member; lists compare as sets. What is suspended need not be there at all."""
    in_realm = {(one.kind, one.key): one for one in held}
    found = {}
    for account in recorded:
        other = in_realm.pop((account.kind, account.key), None)
        if differences := _differences(account, other):
            found[(account.kind, account.key)] = differences
    return Looked(found, list(in_realm.values()))


def _differences(account: Any, held: Held | None) -> list[Difference]:
    if held is None:
        return [Difference(MISSING)] if account.enabled else []
    pairs = [(member, getattr(account, member), getattr(held, member)) for member in COMPARED[account.kind]]
    return [
        Difference(member, _plain(ours), _plain(theirs)) for member, ours, theirs in pairs if _differs(ours, theirs)
    ]


def _differs(ours: Any, theirs: Any) -> bool:
    return bool(_plain(ours) != _plain(theirs))


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, list | tuple | set | frozenset) else value
