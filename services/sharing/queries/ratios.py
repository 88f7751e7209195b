"""Figures at any (D, K), and how they went."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.auth import Actor
from kernel.clock import end_of_day, local_date
from services.sharing.domain import policy
from services.sharing.domain.refusals import (
    BoundarySetUnknown,
    DefinitionUnknown,
    KnownAtInFuture,
    KnownAtMalformed,
)

READ = "sharing:ratio:read"
TICK = timedelta(microseconds=1)
REGISTRY = "registry"


@dataclass(frozen=True)
class Scope:
    """What a figure speaks of. `complete_to`: everything the registry recorded before it has been counted here."""

    series_id: int
    definition: str
    boundary_set: str
    kind: str
    as_of: date
    known_at: datetime
    complete_to: datetime | None
    unit: str | None = None
    owner: str | None = None

    @property
    def filters(self) -> dict[str, Any]:
        return {
            "series": self.series_id,
            "d": self.as_of,
            "k": self.known_at,
            "unit": self.unit,
            "owner": self.owner,
        }


def known_instant(text: str | None, now: datetime) -> datetime:
    """An instant, or a day, which means its end. Raises KnownAtInFuture (422), KnownAtMalformed (422)."""
    if not text:
        return now
    try:
        instant = _end(date.fromisoformat(text), now) if len(text) == 10 else datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise KnownAtMalformed
        instant = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise KnownAtMalformed from None
    if instant > now:
        raise KnownAtInFuture
    return instant


def _end(day: date, now: datetime) -> datetime:
    return now if day == local_date(now) else end_of_day(day) - TICK


_SCOPE = """
SELECT d.id AS definition, b.code AS boundary_set, s.id AS series_id,
  (SELECT until FROM watermark WHERE source = :registry) AS complete_to
FROM (SELECT code, version, code || '.' || version AS id FROM definition
      WHERE kind = :kind AND (CASE WHEN CAST(:definition AS text) IS NULL
        THEN is_default AND valid_from <= :d AND valid_to > :d ELSE code || '.' || version = :definition END)
      ORDER BY valid_from DESC, code, version DESC LIMIT 1) d
FULL JOIN (SELECT code FROM boundary_set
      WHERE CASE WHEN CAST(:boundary_set AS text) IS NULL THEN reported ELSE code = :boundary_set END
      ORDER BY (coalesce(valid_from <= :d, true) AND coalesce(valid_to > :d, true)) DESC,
        valid_from DESC NULLS LAST LIMIT 1) b ON true
LEFT JOIN ratio_series s ON (s.definition_code, s.definition_version, s.boundary_set) = (d.code, d.version, b.code)
"""


async def scope(
    read: AsyncSession,
    *,
    actor: Actor,
    kind: str,
    as_of: date,
    known_at: datetime,
    now: datetime,
    definition: str | None = None,
    boundary_set: str | None = None,
    unit: str | None = None,
    owner: str | None = None,
) -> Scope:
    """Without names: the default definition valid on the day, and the boundaries by which the province reports then.

    Raises NotAllowed (403), PlansNotShown (403), DefinitionUnknown (422), BoundarySetUnknown (422).
    """
    policy.require_at_all(actor, READ)
    policy.require_plans(actor, owner, as_of, local_date(now))
    values = {
        "registry": REGISTRY,
        "kind": kind,
        "definition": definition,
        "boundary_set": boundary_set,
        "d": as_of,
    }
    row = await direct.row(read, _SCOPE, values)
    if row is None:
        raise DefinitionUnknown
    _require_named(row["definition"], row["boundary_set"])
    return Scope(
        row["series_id"], row["definition"], row["boundary_set"], kind, as_of, known_at, row["complete_to"], unit, owner
    )


def _require_named(definition: str | None, boundary_set: str | None) -> None:
    if definition is None:
        raise DefinitionUnknown
    if boundary_set is None:
        raise BoundarySetUnknown


# With no checkpoint row `l` is empty and the figure is the sum of all deltas up to (D, K).
_SUMS = """
WITH l AS MATERIALIZED (
  SELECT known_to AS kl, valid_to AS vl FROM ratio_checkpoint
  WHERE series_id = :series AND known_to <= :k AND valid_to <= :d AND NOT stale
  ORDER BY known_to DESC, valid_to DESC LIMIT 1),
x AS (
  SELECT (u.o - 1)::int AS g, u.d AS den, u.n AS num FROM l
    JOIN ratio_checkpoint c ON c.series_id = :series AND (c.known_to, c.valid_to) = (l.kl, l.vl),
    unnest(c.den, c.num) WITH ORDINALITY u(d, n, o)
  UNION ALL SELECT g, den, num FROM ratio_delta
    WHERE series_id = :series AND r > (SELECT coalesce(max(kl), '-infinity') FROM l) AND r <= :k AND v <= :d
  UNION ALL SELECT g, den, num FROM ratio_delta
    WHERE series_id = :series AND v > (SELECT max(vl) FROM l) AND v <= :d AND r <= (SELECT max(kl) FROM l)),
f AS (
  SELECT q.unit_id, q.owner_id, w.parent, s.den, s.num
  FROM (SELECT g, sum(den) AS den, sum(num) AS num FROM x GROUP BY g) s
  JOIN ratio_group q ON q.series_id = :series AND q.g = s.g
  LEFT JOIN unit_copy w ON w.id = q.unit_id
  WHERE (CAST(:owner AS text) IS NULL OR q.owner_id = :owner)
    AND (CAST(:unit AS text) IS NULL OR q.unit_id = :unit OR w.parent = :unit))
"""
_PERCENT = "CASE WHEN {den} > 0 THEN round(100 * {num} / {den}, 2)::text END"
_ITEM = f"""json_build_object('key', i.key, 'name', i.name, 'shared', i.num, 'counted', i.den,
  'percent', {_PERCENT.format(num="i.num", den="i.den")})"""
_TOTAL = (
    "SELECT json_build_object('shared', coalesce(sum(num), 0)::bigint, 'counted', coalesce(sum(den), 0)::bigint,"
    " 'percent', {percent}, 'groups', {items})::text AS found FROM f"
)
_KEYED = (
    "(SELECT coalesce(json_agg({item} ORDER BY i.key), '[]') FROM ("
    "SELECT z.key, {name} AS name, z.den, z.num FROM (SELECT {key} AS key, sum(den) AS den, sum(num) AS num"
    " FROM f GROUP BY 1) z {join} WHERE z.den <> 0) i)"
)
_UNIT_JOIN = "LEFT JOIN unit_copy n ON n.id = z.key"
_OWNER_NAME = (
    "LEFT JOIN LATERAL (SELECT coalesce(NULLIF(o.short, ''), o.name_vi) AS name FROM organisation_copy o"
    " WHERE o.code = z.key ORDER BY (o.short <> '') DESC, o.no DESC, o.valid_from DESC LIMIT 1) n ON true"
)
_BY = {
    None: "'[]'::json",
    "owner": _KEYED.format(item=_ITEM, name="coalesce(n.name, z.key)", key="owner_id", join=_OWNER_NAME),
    "unit": _KEYED.format(item=_ITEM, name="coalesce(n.name, z.key)", key="unit_id", join=_UNIT_JOIN),
    "district": _KEYED.format(
        item=_ITEM, name="coalesce(n.name, z.key)", key="coalesce(parent, unit_id)", join=_UNIT_JOIN
    ),
}
_RATIO = _PERCENT.format(num="sum(num)", den="sum(den)")
_FIGURES = {by: _SUMS + _TOTAL.format(percent=_RATIO, items=items) for by, items in _BY.items()}


async def ratio(read: AsyncSession, scope: Scope, by: str | None = None) -> str:
    """JSON text: shared, counted, percent (null when nothing is counted) and groups by `by`. One statement.

    `by`: `owner`, `unit`, `district` (the unit above) or None.
    """
    return await _text(read, _FIGURES[by], scope.filters)


_WANTED = " FROM unnest(CAST(:kinds AS text[]), CAST(:borders AS text[])) w(kind, borders),"
_OF_EACH = (
    "SELECT coalesce(json_agg(json_build_array(w.kind, w.borders, x.definition, x.boundary_set, y.found::json)), '[]')"
    f"::text AS found{_WANTED} LATERAL ({{scope}}) x, LATERAL ({{figure}}) y"
).format(
    scope=_SCOPE.replace(":kind", "w.kind").replace(":boundary_set", "w.borders"),
    figure=_FIGURES[None].replace(":series", "x.series_id"),
)


async def figures(
    read: AsyncSession,
    wanted: Collection[tuple[str, str]],
    *,
    actor: Actor,
    as_of: date,
    known_at: datetime,
    now: datetime,
    definition: str | None = None,
) -> dict[tuple[str, str], dict[str, Any]]:
    """The whole province's figure of each (kind, boundary set), as `ratio` tells it. One statement for all.

    Raises what `scope` raises.
    """
    policy.require_at_all(actor, READ)
    policy.require_plans(actor, None, as_of, local_date(now))
    values = {
        "kinds": [kind for kind, _ in wanted],
        "borders": [borders for _, borders in wanted],
        "registry": REGISTRY,
        "definition": definition,
        "d": as_of,
        "k": known_at,
        "unit": None,
        "owner": None,
    }
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for kind, borders, by, within, figure in orjson.loads(await _text(read, _OF_EACH, values)):
        _require_named(by, within)
        told[kind, borders] = figure
    if len(told) < len(wanted):
        raise DefinitionUnknown
    return told


async def _text(read: AsyncSession, statement: str, values: dict[str, Any]) -> str:
    row = await direct.row(read, statement, values)
    assert row is not None
    return str(row["found"])


_TREND = sa.text(
    """
WITH days AS (SELECT day FROM unnest(CAST(:days AS date[])) day),
f AS (
  SELECT (SELECT min(day) FROM days WHERE day >= t.v) AS day, t.den, t.num
  FROM ratio_delta t JOIN ratio_group q ON q.series_id = t.series_id AND q.g = t.g
  LEFT JOIN unit_copy w ON w.id = q.unit_id
  WHERE t.series_id = :series AND t.r <= :k AND t.v <= (SELECT max(day) FROM days)
    AND (CAST(:owner AS text) IS NULL OR q.owner_id = :owner)
    AND (CAST(:unit AS text) IS NULL OR q.unit_id = :unit OR w.parent = :unit)),
m AS (SELECT day, sum(den) AS den, sum(num) AS num FROM f GROUP BY day),
s AS (
  SELECT day, sum(coalesce(m.den, 0)) OVER (ORDER BY day) AS den, sum(coalesce(m.num, 0)) OVER (ORDER BY day) AS num
  FROM days LEFT JOIN m USING (day))
SELECT day, den::bigint AS counted, num::bigint AS shared FROM s ORDER BY day
"""
)


async def trend(read: AsyncSession, scope: Scope, days: list[date]) -> list[Any]:
    """Rows (day, counted, shared) at the end of each day, all as known at the scope's instant. One statement."""
    values = {**scope.filters, "days": sorted(set(days))}
    values.pop("d")
    return list((await read.execute(_TREND, values)).all())
