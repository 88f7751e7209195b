"""The rules of data quality as conditions on a `structure_version v` at (:as_of, :known)."""

# ruff: noqa: S608 -- composed of our own data, read and validated when it ships

from services.registry import data
from services.registry.domain.shipped import Rule

_COLUMNS = {"capacity", "height_m", "point", "code", "name"}
# Since when it is permitted: other facts may have changed in the meantime.
LAPSES_ON = (
    "CASE WHEN v.status = 'permitted' THEN ((SELECT k.valid_from FROM structure_change k"
    " WHERE k.structure_id = v.structure_id AND k.no = (v.sources->>'status')::int)"
    f" + make_interval(months => {data.limits().lapse.permitted_months}))::date END"
)
_STANDS = "v.status IN ('under_construction', 'in_service', 'idle')"


def condition(rule: Rule) -> str:
    """True where the record is not as the rule says it should be."""
    return _TESTS[rule.test](rule)


def _missing(rule: Rule) -> str:
    held = f"v.{rule.fact}" if rule.fact in _COLUMNS else f"v.attributes->>'{rule.fact}'"
    return f"{held} IS NULL"


def _unconfirmed(rule: Rule) -> str:
    """The newest word on it, whatever it said: a change that only confirms counts, too."""
    return (
        f"v.evidence < {rule.level} AND {_STANDS} AND (SELECT max(k.recorded_at) FROM structure_change k"
        " WHERE k.structure_id = v.structure_id AND k.recorded_at <= :known)"
        f" < CAST(:as_of AS date) - make_interval(months => {rule.months})"
    )


def _evidence(rule: Rule) -> str:
    return f"v.status = 'in_service' AND v.evidence < {rule.level}"


def _crowded(rule: Rule) -> str:
    return (
        "v.capacity < (SELECT count(DISTINCT s.operator_id) FROM station_version s"
        " WHERE s.structure_id = v.structure_id AND s.status = 'active' AND s.valid_from <= :as_of"
        " AND s.valid_to > :as_of AND s.recorded_from <= :known AND s.recorded_to > :known)"
    )


def _lapsed(rule: Rule) -> str:
    return f"{LAPSES_ON} <= :as_of"


def _near(rule: Rule) -> str:
    spans = " ".join(f"WHEN '{kind}' THEN {metres / 110_574.0}" for kind, metres in data.limits().near_m.items())
    span = f"(CASE v.kind {spans} END)"
    return (
        "EXISTS (SELECT FROM structure_version x WHERE x.kind = v.kind AND x.owner_id = v.owner_id"
        " AND x.structure_id <> v.structure_id AND x.status <> 'dismantled'"
        f" AND x.point <@ box(point(v.point[0] - {span}, v.point[1] - {span}),"
        f" point(v.point[0] + {span}, v.point[1] + {span}))"
        " AND x.valid_from <= :as_of AND x.valid_to > :as_of AND x.recorded_from <= :known AND x.recorded_to > :known)"
    )


def _old_code(rule: Rule) -> str:
    repealed = ", ".join(f"'{one.code}'" for one in data.codes().systems if one.valid_to is not None)
    return f"{_STANDS} AND v.code_system IN ({repealed})"


_TESTS = {
    "missing": _missing,
    "unconfirmed": _unconfirmed,
    "evidence": _evidence,
    "crowded": _crowded,
    "lapsed": _lapsed,
    "near": _near,
    "old_code": _old_code,
}
