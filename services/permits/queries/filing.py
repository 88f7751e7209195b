"""What a filing stands on, read in one statement: procedure, calendar, lead, units, files, code lists."""

# ruff: noqa: S608 -- composed of constants of this package; every value is bound

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from services.permits.domain.application import Ground, KnownFile, KnownUnit, SiteDraft, facts_of
from services.permits.domain.calendar import Calendar
from services.permits.domain.facts import FactBook
from services.permits.domain.procedure import Authority, Procedure, authority
from services.permits.domain.refusals import NoCalendar, NoMandate, NoProcedure
from services.permits.queries import law
from services.permits.queries.visibility import ORG_LINE

# Of the places' communes too: who holds a function there goes before who holds it in the province.
_MANDATES = (
    "(SELECT coalesce(json_agg(json_build_array(m.function, m.area, m.org) ORDER BY m.valid_from), '[]')"
    " FROM mandate_copy m WHERE m.area = ANY(CAST(:areas AS text[])) AND m.valid_from <= :today"
    " AND m.valid_to > :today)"
)
_UNITS = (
    "(SELECT coalesce(json_agg(json_build_array(u.id, u.level, NULLIF(u.valid_from, '-infinity'),"
    " NULLIF(u.valid_to, 'infinity'))), '[]') FROM unit_copy u WHERE u.id = ANY(CAST(:units AS text[])))"
)
_FILES = (
    "(SELECT coalesce(json_agg(json_build_array(f.id, f.org, f.size, f.sha256)), '[]') FROM file f"
    " WHERE f.id = ANY(CAST(:files AS uuid[])))"
)
_LISTS = (
    "(SELECT json_object_agg(l.list, l.entries) FROM (SELECT list, json_object_agg(code, body) AS entries"
    " FROM code_entry WHERE list IN ('fact', 'structure_code', 'area', 'grade', 'airport') GROUP BY list) l)"
)
_GROUND = (
    "SELECT (SELECT id FROM procedure_version WHERE work = :work AND state = 'published' AND valid_from <= :day"
    " AND valid_to > :day ORDER BY version DESC LIMIT 1) AS procedure_id,"
    " (SELECT id FROM calendar_version WHERE area = :area ORDER BY no DESC LIMIT 1) AS calendar_id,"
    f" {_MANDATES} AS mandates, {ORG_LINE} AS orgs, {_UNITS} AS units, {_FILES} AS files, {_LISTS} AS lists"
)


def areas(area: str, sites: Sequence[SiteDraft]) -> list[str]:
    """The province and the communes of the places, by their codes."""
    return [area, *sorted({site.commune.partition("@")[0] for site in sites})]


class Holders:
    """Who holds which function on a day, in the province and in the communes of a dossier."""

    def __init__(self, area: str, mandates: Sequence[Sequence[str]]) -> None:
        self._area = area
        self._held = {(function, where): org for function, where, org in mandates}

    def org(self, function: str, sites: Sequence[SiteDraft]) -> str | None:
        """In the first site's commune, else in the province."""
        commune = sites[0].commune.partition("@")[0] if sites else ""
        return self._held.get((function, commune)) or self._held.get((function, self._area))


@dataclass(frozen=True)
class FilingGround:
    procedure_id: UUID
    procedure: Procedure
    calendar: Calendar
    lead_org: str
    authority: Authority
    rules: Ground
    holders: Holders

    @property
    def lead_function(self) -> str:
        return self.authority.function


async def filing_ground(
    tx: AsyncSession,
    *,
    work: str,
    received_on: date,
    today: date,
    area: str,
    org: str,
    uploader: str,
    sites: Sequence[SiteDraft],
    files: Sequence[UUID],
    max_bytes: int,
) -> FilingGround:
    """Raises NoProcedure, NoCalendar, NoMandate (409): nothing can be received then."""
    params = {
        "areas": areas(area, sites),
        "work": work,
        "day": received_on,
        "today": today,
        "area": area,
        "org": org,
        "units": sorted({site.commune for site in sites}),
        "files": list(files),
    }
    row = await direct.row(tx, _GROUND, params)
    assert row is not None
    if row["procedure_id"] is None:
        raise NoProcedure(day=f"{received_on:%d/%m/%Y}")
    if row["calendar_id"] is None:
        raise NoCalendar
    procedure = await law.procedure(tx, row["procedure_id"])
    rules = _ground(row, procedure, received_on, {*row["orgs"], uploader}, area, max_bytes)
    lead = authority(procedure, facts_of(sites, rules.book))
    holders = Holders(area, row["mandates"])
    lead_org = holders.org(lead.function, sites)
    if lead_org is None:
        raise NoMandate(function=lead.function, day=f"{today:%d/%m/%Y}")
    calendar = await law.calendar_version(tx, row["calendar_id"])
    return FilingGround(row["procedure_id"], procedure, calendar, lead_org, lead, rules, holders)


def _ground(
    row: Any, procedure: Procedure, received_on: date, file_orgs: set[str], area: str, max_bytes: int
) -> Ground:
    lists = row["lists"] or {}
    west, south, east, north = lists.get("area", {}).get(area, {}).get("box", (-180.0, -90.0, 180.0, 90.0))
    return Ground(
        procedure=procedure,
        received_on=received_on,
        units={each[0]: KnownUnit(each[0], each[1], _day(each[2]), _day(each[3])) for each in row["units"]},
        files={UUID(each[0]): KnownFile(UUID(each[0]), *each[1:]) for each in row["files"]},
        facts={name: fact for name, fact in lists.get("fact", {}).items() if fact["declared"]},
        codes={_code(code) for code in lists.get("structure_code", {})},
        box=(west, south, east, north),
        file_orgs=file_orgs,
        max_bytes=max_bytes,
        book=FactBook.of(lists),
    )


async def part_ground(
    tx: AsyncSession, procedure: Procedure, *, org: str, uploader: str, area: str, files: Sequence[UUID], max_bytes: int
) -> Ground:
    """For parts that come later: the procedure is the dossier's own, only files and lists are read."""
    statement = f"SELECT {ORG_LINE} AS orgs, CAST('[]' AS json) AS units, {_FILES} AS files, {_LISTS} AS lists"
    row = await direct.row(tx, statement, {"org": org, "files": list(files)})
    assert row is not None
    return _ground(row, procedure, date.min, {*row["orgs"], uploader}, area, max_bytes)


async def holders(tx: AsyncSession, area: str, sites: Sequence[SiteDraft], today: date) -> Holders:
    row = await direct.row(tx, f"SELECT {_MANDATES} AS mandates", {"areas": areas(area, sites), "today": today})
    assert row is not None
    return Holders(area, row["mandates"])


async def organisation_known(tx: AsyncSession, code: str, today: date) -> bool:
    found = await tx.execute(
        sa.text(
            "SELECT EXISTS (SELECT FROM organisation_copy WHERE code = :code AND valid_from <= :today"
            " AND valid_to > :today)"
        ),
        {"code": code, "today": today},
    )
    return bool(found.scalar_one())


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _code(text: str) -> tuple[str, str]:
    system, _, code = text.partition("/")
    return system, code
