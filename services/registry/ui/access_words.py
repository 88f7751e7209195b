"""What the codes of access are called on pages; translated where they are shown."""

from collections.abc import Callable, Mapping
from typing import Any

from kernel.errors import N_

CAPABILITIES = {
    "applicant": N_("Files dossiers"),
    "owner": N_("Keeps own structures and agreements"),
    "registrar": N_("Receives dossiers, keeps the register"),
    "reviewer": N_("Reviews and drafts"),
    "head": N_("Signs opinions"),
    "lead": N_("Leads and decides"),
    "auditor": N_("Reads everything, follows figures"),
    "publisher": N_("Publishes procedures and lists"),
    "administrator": N_("Administers organisations and access"),
}
FUNCTIONS = {
    "construction": N_("Construction"),
    "transport": N_("Transport"),
    "natural_resources": N_("Natural resources and environment"),
    "telecom": N_("Telecommunications"),
}
KINDS = {
    "operator": N_("Network operator"),
    "tower_company": N_("Tower company"),
    "power_company": N_("Power company"),
    "department": N_("Department"),
    "committee": N_("People's Committee"),
    "authority": N_("Authority outside the province"),
}
STATES = {
    "requested": N_("Under way"),
    "failed": N_("Refused"),
    "active": N_("Active"),
    "suspended": N_("Suspended"),
}
TONES = {"requested": "info", "failed": "bad", "active": "ok", "suspended": "pause"}
ACTS = {
    "register": N_("Register"),
    "rights": N_("Change rights"),
    "networks": N_("Change networks"),
    "suspend": N_("Suspend"),
    "resume": N_("Resume"),
    "accept": N_("Accept a finding"),
    "restore": N_("Restore the record"),
}
ERRORS = {
    "NameTaken": N_("The sign-in service already has this name for somebody else."),
    "RealmRefused": N_("The sign-in service does not accept these values."),
    "RealmAway": N_("The sign-in service is away; it is asked again by itself."),
}
MEMBERS = {
    "missing": N_("Gone from the sign-in service"),
    "unknown": N_("Not in the register"),
    "organisation": N_("Organisation"),
    "name": N_("Name"),
    "email": N_("E-mail"),
    "capabilities": N_("Capabilities"),
    "networks": N_("Networks"),
    "functions": N_("Functions"),
    "enabled": N_("Active"),
}
VERDICTS = {"confirm": N_("Confirmed"), "revoke": N_("Revoked")}
OVERLAPS = {
    0: N_("no longer than now"),
    24: N_("one more day"),
    72: N_("three more days"),
    168: N_("one more week"),
    720: N_("thirty more days"),
}
_VALUES = {True: N_("Active"), False: N_("Suspended")}
Say = Callable[[str], str]


def listed(codes: Any, words: dict[str, str], say: Say) -> str:
    return ", ".join(say(words.get(code, code)) for code in codes)


def options(codes: Any, words: Mapping[Any, str], say: Say) -> list[tuple[Any, str]]:
    """For the fields of a form."""
    return [(code, say(words[code])) for code in codes]


def value(member: str, said: Any, say: Say) -> str | None:
    """One side of a finding in the reader's words."""
    if said is None:
        return None
    if isinstance(said, dict):
        return " · ".join(
            filter(None, (said["name"], said["organisation"], listed(said["capabilities"], CAPABILITIES, say)))
        )
    if isinstance(said, bool):
        return say(_VALUES[said])
    if isinstance(said, list):
        return listed(said, FUNCTIONS if member == "functions" else CAPABILITIES, say) or "–"
    return str(said)
