"""What the reports of a round add up to: the forms of Decree 163/2024."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.auth import Actor
from services.sharing import data
from services.sharing.domain import policy, reporting

COLUMNS: Mapping[int, tuple[str, ...]] = {
    35: ("unit", "kind", "code", "pieces", "shared"),
    36: ("unit", "code", "height_from", "height_to", "masts", "shared"),
    37: ("unit", "technology", "stations"),
    39: (
        "org", "masts", "shared_masts", "poles", "ducts", "stations", "let", "rented",
        "confirmed", "disputed", "open",
    ),
    41: ("unit", "code", "status", "highest", "masts", "shareable"),
}  # fmt: skip
# What a line says once the disputes that were accepted are believed; what was rejected or is open stays as told.
# A thing that is missing in the register is counted from there, once it was registered.
_BELIEVED = """
 believed AS MATERIALIZED (
  SELECT r.org AS reporter, l.kind, l.answer, CASE WHEN l.kind = 'structure' THEN coalesce(c.claims->>'owner', r.org)
      ELSE r.org END AS org, coalesce(w.name, c.claims->>'commune', l.told->>'unit_name', '') AS unit,
    l.told || c.claims AS said,
    coalesce(c.claims->>'status' = 'never' OR CAST(c.claims->>'ended_on' AS date) <= :as_of, false) AS is_over
  FROM report_line l JOIN report r ON r.id = l.report_id
  CROSS JOIN LATERAL (SELECT CASE WHEN l.outcome = 'accepted' THEN coalesce(l.claims, '{}') ELSE '{}' END AS claims) c
  LEFT JOIN unit_copy w ON w.id = c.claims->>'commune' WHERE r.cycle_id = :cycle),
 things AS (SELECT * FROM believed WHERE kind = 'structure' AND said->>'status' <> 'dismantled')"""
_CONSOLIDATED = f"""
WITH {_BELIEVED},
 form35 AS (SELECT unit, said->>'kind' AS kind, coalesce(said->>'code', '') AS code, count(*) AS pieces,
   count(*) FILTER (WHERE said->>'shared' = 'true') AS shared
   FROM things WHERE said->>'kind' IN ('pole', 'duct', 'manhole') GROUP BY 1, 2, 3),
 form36 AS (SELECT unit, coalesce(said->>'code', '') AS code,
   width_bucket(CAST(said->>'height_m' AS numeric), CAST(:bounds AS numeric[])) AS band, count(*) AS masts,
   count(*) FILTER (WHERE said->>'shared' = 'true') AS shared
   FROM things WHERE said->>'kind' = 'mast' AND said->>'status' IN ('in_service', 'idle') GROUP BY 1, 2, 3),
 form37 AS (SELECT unit, technology, count(*) AS stations FROM believed CROSS JOIN LATERAL
     regexp_split_to_table(nullif(said->>'technologies', ''), ', ') technology
   WHERE kind = 'station' AND said->>'status' = 'active' GROUP BY 1, 2),
 owned AS (SELECT org, count(*) FILTER (WHERE said->>'kind' = 'mast' AND said->>'status' = 'in_service') AS masts,
     count(*) FILTER (WHERE said->>'kind' = 'mast' AND said->>'status' = 'in_service' AND said->>'shared' = 'true')
       AS shared_masts,
     count(*) FILTER (WHERE said->>'kind' = 'pole') AS poles,
     count(*) FILTER (WHERE said->>'kind' IN ('duct', 'manhole')) AS ducts FROM things GROUP BY 1),
 answered AS (SELECT reporter,
     count(*) FILTER (WHERE kind = 'station' AND said->>'status' = 'active') AS stations,
     count(*) FILTER (WHERE kind = 'letting' AND NOT is_over) AS let,
     count(*) FILTER (WHERE kind = 'tenancy' AND NOT is_over) AS rented,
     count(*) FILTER (WHERE answer = 'confirmed') AS confirmed, count(*) FILTER (WHERE answer = 'disputed') AS disputed,
     count(*) FILTER (WHERE answer = 'open') AS open FROM believed GROUP BY 1),
 form39 AS (SELECT org, coalesce(masts, 0) AS masts, coalesce(shared_masts, 0) AS shared_masts,
     coalesce(poles, 0) AS poles, coalesce(ducts, 0) AS ducts, coalesce(stations, 0) AS stations,
     coalesce(let, 0) AS let, coalesce(rented, 0) AS rented, coalesce(confirmed, 0) AS confirmed,
     coalesce(disputed, 0) AS disputed, coalesce(open, 0) AS open
   FROM (SELECT org FROM report WHERE cycle_id = :cycle UNION SELECT org FROM owned) o
   LEFT JOIN owned USING (org) LEFT JOIN answered a ON a.reporter = o.org),
 form41 AS (SELECT coalesce(w.name, '') AS unit, coalesce(c.code, '') AS code, c.status, max(c.height_m) AS highest,
     count(*) AS masts, count(*) FILTER (WHERE c.capacity >= 2) AS shareable
   FROM (SELECT max(known_at) AS at FROM report WHERE cycle_id = :cycle) known CROSS JOIN structure s
   JOIN structure_copy c ON c.id = s.id AND c.valid_from <= :as_of AND c.valid_to > :as_of
     AND c.recorded_from <= known.at AND c.recorded_to > known.at
   LEFT JOIN unit_copy w ON w.id = c.commune
   WHERE s.kind = 'mast' AND c.status IN ('planned', 'permitted', 'under_construction') GROUP BY 1, 2, 3)
SELECT json_build_object(
 '35', (SELECT coalesce(json_agg(f ORDER BY unit, kind, code), '[]') FROM form35 f),
 '36', (SELECT coalesce(json_agg(f ORDER BY unit, code, band), '[]') FROM form36 f),
 '37', (SELECT coalesce(json_agg(f ORDER BY unit, technology), '[]') FROM form37 f),
 '39', (SELECT coalesce(json_agg(f ORDER BY org), '[]') FROM form39 f),
 '41', (SELECT coalesce(json_agg(f ORDER BY unit, code, status), '[]') FROM form41 f)) AS forms"""  # noqa: S608


async def consolidated(read: AsyncSession, cycle: Mapping[str, Any], *, actor: Actor) -> list[dict[str, Any]]:
    """The forms in their order, from all lines of a round (`cycle`: from `reports.cycle`). One statement.

    Raises NotAllowed (403).
    """
    policy.require(actor, "sharing:report:open")
    law = data.reporting()
    values = {
        "cycle": UUID(cycle["id"]),
        "as_of": date.fromisoformat(cycle["as_of"]),
        "bounds": law.bands.bounds,
    }
    row = await direct.row(read, _CONSOLIDATED, values)
    assert row is not None
    rows = orjson.loads(row["forms"]) if isinstance(row["forms"], str) else row["forms"]
    for each in rows["36"]:
        each["height_from"], each["height_to"] = reporting.band(law.bands.bounds, each.pop("band"))
    return [
        {**form.model_dump(), "columns": list(COLUMNS.get(form.no, ())), "rows": rows.get(str(form.no), [])}
        for form in law.forms
    ]
