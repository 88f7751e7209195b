"""Imports as jobs: lists, single ones, their rows and faults; and what a row's keys find in the registry."""

# ruff: noqa: S608 -- composed of constants of this module; every value is bound

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.listing import Listing, Order, Rows, Shape, Word, Words, conditions, operator, page
from services.registry import data
from services.registry.domain import policy
from services.registry.domain.checks import OrganisationRef, References, UnitRef
from services.registry.domain.importing import NEAR, WORKING
from services.registry.domain.policy import Caller
from services.registry.domain.times import Times
from services.registry.queries.reach import at_times, reach
from services.registry.tables import ImportJob, ImportMapping, ImportRow

READ = "registry:import:read"
METRES_OF_A_DEGREE = 110_574.0


class ImportsAsked(Listing):
    kind: Annotated[Word | None, Field(description="`mast`, `pole` or `duct`.")] = None
    state: Annotated[Word | None, Field(description="Such as `checked` or `done`.")] = None
    state_in: Words | None = operator("state", "in", "In one of these states.")
    org: Annotated[Word | None, Field(description="Whose import.")] = None


class RowsAsked(Listing):
    plan: Annotated[Word | None, Field(description="What the check found, such as `near`.")] = None
    plan_in: Words | None = operator("plan", "in", "One of these.")
    outcome: Annotated[Word | None, Field(description="What was done, such as `new`.")] = None


class FaultsAsked(Listing):
    code: Annotated[Word | None, Field(description="Faults of this code.")] = None


_COUNTS = """(SELECT coalesce(json_object_agg(c.plan, c.n), '{{}}') FROM
    (SELECT r.{0} AS plan, count(*) AS n FROM import_row r WHERE r.job_id = j.id AND r.{0} IS NOT NULL GROUP BY 1) c)"""
_UNDECIDED = "(SELECT count(*) FROM import_row r WHERE r.job_id = j.id AND r.plan = 'near' AND r.decision IS NULL)"
JOB = Shape(
    {
        "id": "j.id",
        "kind": "j.kind",
        "org": "j.org",
        "file_name": "j.file_name",
        "form": "j.form",
        "size": "j.size",
        "sha256": "j.sha256",
        "state": "j.state",
        "on_duplicate": "j.on_duplicate",
        "rows": "j.rows",
        "done": "j.done",
        "created_by": "j.created_by",
        "created_at": "j.created_at",
        "finished_at": "j.finished_at",
        "version": "j.version",
    },
)
_NEWEST = Order({"j.created_at": "timestamptz", "j.id": "uuid"}, descending=True)
ROW = Shape(
    {
        "row": "r.no",
        "plan": "r.plan",
        "outcome": "r.outcome",
        "public_no": "r.public_no",
        "structure_id": "r.structure_id",
        "owner": "r.facts->>'owner'",
        "name": "r.facts->>'name'",
        "valid_from": "r.valid_from",
        "decision": "r.decision",
        "near": "r.near",
        "facts": "r.facts",
        "faults": "coalesce(r.faults, '[]')",
    }
)
FAULT = Shape(
    {
        "row": "r.no",
        "column": "f.f->>'pointer'",
        "code": "f.f->>'code'",
        "detail": "f.f->>'detail'",
        "params": "f.f->'params'",
        "ignored": "r.plan = 'ignored'",
    }
)


def _own(actor: Caller) -> tuple[str, dict[str, Any]]:
    """Officers see every import, others those of their organisation."""
    return ("true", {}) if policy.sees_all(actor, READ) else ("j.org = :mine", {"mine": actor.org})


async def imports(
    read: AsyncSession, actor: Caller, asked: ImportsAsked, *, limit: int, after: Sequence[Any] | None = None
) -> Rows:
    """Newest first. Raises BadCursor, UnknownField (422)."""
    own, values = _own(actor)
    clauses, more = conditions(asked, {"kind": "j.kind", "state": "j.state", "org": "j.org"})
    source = " AND ".join([f"FROM import_job j WHERE {own}", *clauses])
    return await page(
        read, JOB.sql(asked.fields), source, _NEWEST, {**values, **more}, limit=limit, after=after, total=asked.total
    )


class Seen(NamedTuple):
    """A job with how many rows of each plan and each outcome it has, and how many await a decision."""

    job: ImportJob
    plans: dict[str, int]
    outcomes: dict[str, int]
    undecided: int


async def import_job(read: AsyncSession, actor: Caller, job_id: UUID) -> Seen | None:
    """None when it is not there, or not the caller's to see."""
    statement = sa.text(
        f"SELECT j.*, {_COUNTS.format('plan')} AS plans, {_COUNTS.format('outcome')} AS outcomes,"
        f" {_UNDECIDED} AS undecided FROM import_job j WHERE j.id = :id"
    )
    row = (await read.execute(statement, {"id": job_id})).mappings().one_or_none()
    if row is None or not policy.may(actor, READ, row["org"]):
        return None
    told = dict(row)
    beside = [told.pop(name) for name in ("plans", "outcomes", "undecided")]
    return Seen(ImportJob(**told), *beside)


async def locked_job(tx: AsyncSession, job_id: UUID) -> ImportJob | None:
    """The job, held for this transaction."""
    return await tx.get(ImportJob, job_id, with_for_update=True, populate_existing=True)


async def due_job(read: AsyncSession) -> UUID | None:
    """The oldest that waits for the worker."""
    statement = sa.text("SELECT id FROM import_job WHERE state = ANY(:working) ORDER BY created_at, id LIMIT 1")
    found: UUID | None = (await read.execute(statement, {"working": list(WORKING)})).scalar_one_or_none()
    return found


async def part(read: AsyncSession, job_id: UUID, no: int) -> bytes | None:
    statement = sa.text("SELECT bytes FROM import_part WHERE job_id = :id AND no = :no")
    return (await read.execute(statement, {"id": job_id, "no": no})).scalar_one_or_none()


async def mapping(read: AsyncSession, org: str, kind: str, signature: str) -> ImportMapping | None:
    return await read.get(ImportMapping, (org, kind, signature))


async def rows(
    read: AsyncSession, actor: Caller, job_id: UUID, asked: RowsAsked, *, limit: int, after: Sequence[Any] | None = None
) -> Rows:
    """Of a job that the caller may see, in the order of the file. Raises BadCursor, UnknownField (422)."""
    own, values = _own(actor)
    clauses, more = conditions(asked, {"plan": "r.plan", "outcome": "r.outcome"})
    source = f"FROM import_row r JOIN import_job j ON j.id = r.job_id WHERE r.job_id = :job AND {own}"
    source = " AND ".join([source, *clauses])
    return await page(
        read, ROW.sql(asked.fields), source, Order({"r.no": "int"}), {**values, **more, "job": job_id},
        limit=limit, after=after, total=asked.total,
    )  # fmt: skip


async def faults(
    read: AsyncSession, actor: Caller, job_id: UUID, asked: FaultsAsked, *, limit: int,
    after: Sequence[Any] | None = None,
) -> Rows:  # fmt: skip
    """Every fault of every row, in the order of the file. Raises BadCursor (422)."""
    own, values = _own(actor)
    source = (
        "FROM import_row r JOIN import_job j ON j.id = r.job_id"
        " CROSS JOIN LATERAL jsonb_array_elements(r.faults) WITH ORDINALITY f(f, place)"
        f" WHERE r.job_id = :job AND r.faults IS NOT NULL AND {own}"
    )
    values = {**values, "job": job_id}
    if asked.code:
        source += " AND f.f->>'code' = :code"
        values["code"] = asked.code
    return await page(
        read, FAULT.sql(), source, Order({"r.no": "int", "f.place": "bigint"}), values,
        limit=limit, after=after, total=asked.total,
    )  # fmt: skip


class Match(NamedTuple):
    """What the keys of a row find: a structure of this kind, as believed now."""

    no: int
    id: UUID
    public_no: str
    owner: str | None


class Key(NamedTuple):
    no: int
    public_no: str | None
    id: str | None
    owner: str | None
    name: str | None


_MATCH = sa.text("""
  WITH k AS (SELECT * FROM unnest(CAST(:nos AS int[]), CAST(:numbers AS text[]), CAST(:ids AS uuid[]),
      CAST(:owners AS text[]), CAST(:names AS text[])) AS k(no, public_no, id, owner_id, name)),
  hit AS (
    SELECT k.no, g.id FROM k JOIN structure g ON g.public_no = k.public_no WHERE g.kind = :kind
    UNION SELECT k.no, g.id FROM k JOIN structure g ON g.id = k.id WHERE k.public_no IS NULL AND g.kind = :kind
    UNION SELECT k.no, n.structure_id FROM k CROSS JOIN LATERAL (SELECT v.structure_id FROM structure_version v
        WHERE v.owner_id = k.owner_id AND v.name = k.name AND v.kind = :kind AND v.recorded_to = 'infinity' OFFSET 0) n
      WHERE k.public_no IS NULL AND k.id IS NULL)
  SELECT h.no, h.id, g.public_no, (SELECT v.owner_id FROM structure_version v WHERE v.structure_id = h.id
      AND v.recorded_to = 'infinity' ORDER BY v.valid_from DESC LIMIT 1) AS owner
  FROM hit h JOIN structure g ON g.id = h.id""")


async def matches(read: AsyncSession, kind: str, keys: Collection[Key]) -> dict[int, list[Match]]:
    """By the number of the row; a public number goes before an id, both before the owner's own designation."""
    if not keys:
        return {}
    values = {
        "kind": kind,
        "nos": [key.no for key in keys],
        "numbers": [key.public_no for key in keys],
        "ids": [_uuid(key.id) for key in keys],
        "owners": [key.owner for key in keys],
        "names": [key.name for key in keys],
    }
    found: dict[int, list[Match]] = {}
    for row in await read.execute(_MATCH, values):
        found.setdefault(row.no, []).append(Match(*row))
    return found


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


_NEAR = """
  SELECT k.no, json_agg(n.near ORDER BY n.metres) AS near
  FROM unnest(CAST(:nos AS int[]), CAST(:lons AS float8[]), CAST(:lats AS float8[])) AS k(no, lon, lat)
  CROSS JOIN LATERAL (
    SELECT d.metres, json_build_object('id', v.structure_id, 'public_no', g.public_no, 'name', v.name,
        'owner', v.owner_id, 'status', v.status, 'height_m', v.height_m::text, 'distance_m', round(d.metres::numeric, 1)
      ) AS near
    FROM structure_version v JOIN structure g ON g.id = v.structure_id
    CROSS JOIN LATERAL (SELECT :degree * sqrt(power(v.point[1] - k.lat, 2)
      + power((v.point[0] - k.lon) * cosd(k.lat), 2)) AS metres) d
    WHERE v.point <@ box(point(k.lon - :span, k.lat - :span), point(k.lon + :span, k.lat + :span))
      AND v.kind = :kind AND v.status <> 'dismantled' AND d.metres <= :within AND {0} AND {1}
    ORDER BY d.metres LIMIT 3) n
  GROUP BY k.no"""


async def near(
    read: AsyncSession, actor: Caller, kind: str, points: Mapping[int, tuple[float, float]], within: float, at: Times
) -> dict[int, list[dict[str, Any]]]:
    """By row, the standing structures within `within` metres that the caller may see, nearest first, at most three."""
    if not points:
        return {}
    seen = reach(actor, at)
    values = {
        **{name: value for name, value in seen.values.items() if f":{name}" in seen.structure},
        "nos": list(points),
        "lons": [point[0] for point in points.values()],
        "lats": [point[1] for point in points.values()],
        "kind": kind,
        "within": within,
        "span": within / METRES_OF_A_DEGREE * 1.05,
        "degree": METRES_OF_A_DEGREE,
        "as_of": at.as_of,
        "known": at.known,
    }
    statement = sa.text(_NEAR.format(at_times("v"), seen.structure))
    return {row.no: row.near for row in await read.execute(statement, values)}


_DOUBLED = sa.text("""
  UPDATE import_row r SET plan = 'refused', faults = coalesce(r.faults, '[]') || jsonb_build_array(jsonb_build_object(
      'pointer', '/rows/' || r.no || '/name', 'code', 'doubled', 'detail', CAST(:detail AS text),
      'params', jsonb_build_object('rows', d.rows)))
  FROM (SELECT key, string_agg(no::text, ', ' ORDER BY no) AS rows FROM import_row
    WHERE job_id = :job AND key IS NOT NULL GROUP BY key HAVING count(*) > 1) d
  WHERE r.job_id = :job AND r.key = d.key""")


async def refuse_doubled(tx: AsyncSession, job_id: UUID, detail: str) -> None:
    """Rows of one file that name the same structure: none of them is taken, whatever they say."""
    await tx.execute(_DOUBLED, {"job": job_id, "detail": detail})


_TO_WRITE = "(plan IN ('new', 'replace', 'new_version') OR (plan = 'near' AND decision IS DISTINCT FROM 'skip'))"


async def waiting_rows(tx: AsyncSession, job_id: UUID, after: int, limit: int) -> list[Any]:
    """The next rows that are to be written."""
    statement = sa.text(
        "SELECT no, plan, facts, valid_from, evidence, reason, structure_id, public_no, decision FROM import_row"
        f" WHERE job_id = :job AND no > :after AND {_TO_WRITE} ORDER BY no LIMIT :limit"
    )
    return list(await tx.execute(statement, {"job": job_id, "after": after, "limit": limit}))


async def near_rows(tx: AsyncSession, job_id: UUID, nos: Collection[int]) -> dict[int, ImportRow]:
    """Of the numbers given those that await a decision, or had one."""
    statement = sa.select(ImportRow).where(
        col(ImportRow.job_id) == job_id, col(ImportRow.no).in_(nos), col(ImportRow.plan) == NEAR
    )
    return {row.no: row for row in (await tx.execute(statement)).scalars()}


async def rows_to_write(tx: AsyncSession, job_id: UUID) -> int:
    statement = sa.text(f"SELECT count(*) FROM import_row WHERE job_id = :job AND {_TO_WRITE}")
    return int((await tx.execute(statement, {"job": job_id})).scalar_one())


async def every_reference(read: AsyncSession) -> References:
    """All units and organisations: a file speaks of most of them."""
    units = await read.execute(
        sa.text(
            "SELECT u.id, u.code, u.level, u.valid_from, u.valid_to, concat_ws(', ', u.name, p.name) AS name"
            " FROM unit u LEFT JOIN unit p ON p.id = u.parent_id AND p.level = 'district'"
        )
    )
    organisations = await read.execute(
        sa.text(
            "SELECT DISTINCT ON (organisation_code) organisation_code AS code, kind, short AS name"
            " FROM organisation_version WHERE recorded_to = 'infinity'"
            " ORDER BY organisation_code, valid_from DESC"
        )
    )
    return References(
        codes=data.codes(),
        limits=data.limits(),
        bands=data.bands(),
        units=[UnitRef(row.id, row.code, row.level, row.name, row.valid_from, row.valid_to) for row in units],
        organisations=[OrganisationRef(row.code, row.kind, row.name) for row in organisations],
    )


async def names_of_organisations(read: AsyncSession) -> dict[str, set[str]]:
    """Folded name -> codes, of every name an organisation ever had."""
    statement = sa.text(
        "SELECT DISTINCT organisation_code AS code, unnest(ARRAY[organisation_code, short, name_vi, name_en]) AS name"
        " FROM organisation_version WHERE recorded_to = 'infinity'"
    )
    found: dict[str, set[str]] = {}
    for row in await read.execute(statement):
        found.setdefault(row.name, set()).add(row.code)
    return found


Outcome = tuple[str, UUID | None, str | None, str | None]


async def note_outcomes(tx: AsyncSession, job_id: UUID, results: Mapping[int, Outcome], code: str) -> None:
    """By row: what became of it, its structure, and in `code`'s words why not."""
    if not results:
        return
    statement = sa.text(
        "UPDATE import_row r SET outcome = s.outcome, structure_id = coalesce(s.id, r.structure_id),"
        " public_no = coalesce(s.public_no, r.public_no), faults = CASE WHEN s.detail IS NULL THEN r.faults"
        " ELSE jsonb_build_array(jsonb_build_object('pointer', '/rows/' || r.no || '/file',"
        " 'code', CAST(:code AS text), 'detail', s.detail, 'params', '{}'::jsonb)) END"
        " FROM unnest(CAST(:nos AS int[]), CAST(:outcomes AS text[]), CAST(:ids AS uuid[]), CAST(:numbers AS text[]),"
        " CAST(:details AS text[])) AS s(no, outcome, id, public_no, detail) WHERE r.job_id = :job AND r.no = s.no"
    )
    values = {
        "job": job_id,
        "code": code,
        "nos": list(results),
        "outcomes": [one[0] for one in results.values()],
        "ids": [one[1] for one in results.values()],
        "numbers": [one[2] for one in results.values()],
        "details": [one[3] for one in results.values()],
    }
    await tx.execute(statement, values)
