"""Who sees which dossier, as SQL: applicants their own, officers where their function is involved, auditors all."""

from typing import Any

from kernel.auth import Actor
from services.permits.domain import policy

# The caller's organisation and those it has succeeded: a department sees what its predecessor was asked.
ORG_LINE = (
    "ARRAY(WITH RECURSIVE line(code) AS (SELECT CAST(:org AS text) UNION SELECT o.code FROM organisation_copy o"
    " JOIN line l ON o.successor = l.code) SELECT code FROM line)"
)
_LEADS = f"(a.lead_org = ANY({ORG_LINE}) AND (:unlimited OR a.lead_function = ANY(CAST(:functions AS text[]))))"
_ASKED = (
    f"EXISTS (SELECT FROM review v WHERE v.application_id = a.id AND v.org = ANY({ORG_LINE})"
    " AND (:unlimited OR v.function = ANY(CAST(:functions AS text[]))))"
)


def visible(actor: Actor) -> tuple[str, dict[str, Any]]:
    """A condition over `application a JOIN procedure_version p`, and its parameters; mirrors `application:read`."""
    params = {"org": actor.org, "unlimited": not actor.functions, "functions": sorted(actor.functions)}
    if not actor.capabilities.isdisjoint(policy.SEES_ALL):
        return "true", {}
    seen = []
    if "applicant" in actor.capabilities:
        seen.append(f"a.applicant_org = ANY({ORG_LINE})")
    if not actor.capabilities.isdisjoint(policy.OFFICERS):
        seen += [_LEADS, _ASKED]
    if not seen:
        return "false", {}
    condition = f"({' OR '.join(seen)})"
    used = {name: value for name, value in params.items() if f":{name}" in condition}
    return condition, used
