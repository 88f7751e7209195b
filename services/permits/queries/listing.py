"""Lists and the dossier as one JSON document: one statement each, encoded by PostgreSQL."""

# ruff: noqa: S608 -- composed of constants of this package; every value is bound

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from kernel.errors import Fault
from kernel.paging import BadCursor, decode_cursor
from services.permits.domain.refusals import ApplicationNotFound
from services.permits.queries.visibility import ORG_LINE, visible

_SITES = (
    "(SELECT json_agg(json_build_object('no', s.no, 'structure_id', s.structure_id, 'kind', s.kind, 'name', s.name,"
    " 'code', CASE WHEN s.code IS NULL THEN NULL ELSE json_build_array(s.code_system, s.code) END,"
    " 'height_m', CAST(s.height_m AS text), 'lon', s.lon, 'lat', s.lat, 'commune', s.unit_id, 'capacity', s.capacity,"
    " 'facts', s.facts) ORDER BY s.no) FROM application_site s WHERE s.application_id = a.id)"
)
# What an unsigned draft says is nobody's business but its department's.
_SAID = "(r.signed_by IS NOT NULL OR r.outcome = 'silent')"
_MARKS = (
    "(SELECT coalesce(json_agg(json_build_object('function', r.function, 'org', r.org, 'outcome',"
    f" CASE WHEN {_SAID} THEN r.outcome END, 'late', r.late, 'drafted', r.drafted_by IS NOT NULL,"
    " 'due_on', d.due_on) ORDER BY r.round, r.position), '[]')"
    " FROM review r LEFT JOIN deadline d ON d.review_id = r.id WHERE r.application_id = a.id)"
)
_HEAD = (
    "'id', a.id, 'number', a.number, 'state', a.state, 'version', a.version, 'procedure',"
    " concat(p.code, '@', p.version), 'work', p.work, 'applicant', a.applicant_org, 'lead', a.lead_org,"
    " 'received_at', a.received_at, 'received_on', a.received_on, 'effective_on', a.effective_on,"
    " 'assigned_to', a.assigned_to, 'assigned_name', a.assigned_name"
)
_DECIDED = (
    "(SELECT json_build_object('number', x.number, 'outcome', x.outcome, 'may_build', x.may_build, 'decided_on',"
    " x.decided_on) FROM decision x WHERE x.application_id = a.id)"
)
_NEAREST = (
    "LEFT JOIN LATERAL (SELECT d.clock, d.due_on, d.state, d.remaining FROM deadline d WHERE d.application_id = a.id"
    " AND d.review_id IS NULL AND d.state <> 'stopped' ORDER BY d.sort_on, d.clock LIMIT 1) n ON true"
)
_DUE = (
    "'deadline', CASE WHEN n.clock IS NULL THEN NULL ELSE json_build_object('clock', n.clock, 'due_on', n.due_on,"
    " 'state', n.state, 'remaining', n.remaining) END"
)
_WORKS = "(SELECT json_object_agg(n.kind, n.happened_on) FROM notice n WHERE n.application_id = a.id)"
_FROM = "FROM application a JOIN procedure_version p ON p.id = a.procedure_version_id"


@dataclass(frozen=True)
class Filters:
    """What a list may be narrowed by; empty means all. `q` finds a part of the number or of a site's name."""

    state: str | None = None
    applicant: str | None = None
    work: str | None = None
    commune: str | None = None
    q: str | None = None

    def conditions(self) -> tuple[list[str], dict[str, Any]]:
        found: list[tuple[str, str, str | None]] = [
            ("a.state = :state", "state", self.state),
            ("a.applicant_org = :applicant", "applicant", self.applicant),
            ("p.work = :work", "work", self.work),
            (
                "EXISTS (SELECT FROM application_site s WHERE s.application_id = a.id AND s.unit_id = :commune)",
                "commune",
                self.commune,
            ),
            (
                "(a.number ILIKE :q OR EXISTS (SELECT FROM application_site s WHERE s.application_id = a.id"
                " AND s.name ILIKE :q))",
                "q",
                f"%{_literal(self.q)}%" if self.q else None,
            ),
        ]
        used = [each for each in found if each[2]]
        return [condition for condition, _, _ in used], {name: value for _, name, value in used}


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def applications(
    read: AsyncSession, *, actor: Actor, filters: Filters, limit: int, cursor: str | None, back: bool = False
) -> list[dict[str, Any]]:
    """Newest first; one row more than `limit` when there are more that way. Raises BadCursor (422).

    `back`: the rows before the cursor, the nearest first.
    """
    condition, params = visible(actor)
    narrowed, values = filters.conditions()
    wanted = [condition, *narrowed]
    params = {**params, **values, "limit": limit + 1}
    if cursor is not None:
        at, last = decode_cursor(cursor, 2)
        params |= {"at": _moment(at), "last": _uuid(last)}
        wanted.append(f"(a.received_at, a.id) {'>' if back else '<'} (:at, :last)")
    order = "a.received_at, a.id" if back else "a.received_at DESC, a.id DESC"
    statement = (
        f"SELECT coalesce(json_agg(x.r), '[]') FROM (SELECT json_build_object({_HEAD}, {_DUE}, 'sites', {_SITES},"
        f" 'reviews', {_MARKS}, 'decision', {_DECIDED}, 'works', {_WORKS}) AS r {_FROM} {_NEAREST}"
        f" WHERE {' AND '.join(wanted)} ORDER BY {order} LIMIT :limit) x"
    )
    rows: list[dict[str, Any]] = (await read.execute(sa.text(statement), params)).scalar_one()
    return rows


def list_key(row: dict[str, Any]) -> list[Any]:
    return [row["received_at"], row["id"]]


_REVIEWS = (
    "(SELECT coalesce(json_agg(json_build_object('id', r.id, 'function', r.function, 'org', r.org, 'round', r.round,"
    f" 'asked_on', r.asked_on, 'outcome', CASE WHEN {_SAID} THEN r.outcome END, 'grounds', CASE WHEN {_SAID} THEN"
    f" r.grounds END, 'conditions', CASE WHEN {_SAID} THEN coalesce(r.conditions, '[]') ELSE '[]' END,"
    f" 'drafted', r.drafted_by IS NOT NULL AND NOT {_SAID}, 'drafted_by', CASE WHEN {_SAID} THEN r.drafted_by END,"
    " 'signed_by', r.signed_by, 'signed_name', r.signed_name, 'signed_at', r.signed_at,"
    " 'late', r.late, 'silent_on', r.silent_on, 'assigned_to', r.assigned_to, 'assigned_name', r.assigned_name,"
    " 'version', r.version, 'due_on', d.due_on, 'clock_state', d.state) ORDER BY r.round, r.position), '[]')"
    " FROM review r LEFT JOIN deadline d ON d.review_id = r.id WHERE r.application_id = a.id)"
)
_PARTS = (
    "(SELECT coalesce(json_agg(json_build_object('code', t.code, 'no', t.no, 'file', f.id, 'name', f.name, 'sha256',"
    " f.sha256, 'size', f.size, 'media_type', f.media_type, 'added_at', t.added_at, 'replaced_at', t.replaced_at)"
    " ORDER BY t.code, t.no), '[]') FROM application_part t JOIN file f ON f.id = t.file_id"
    " WHERE t.application_id = a.id)"
)
_REQUESTS = (
    "(SELECT coalesce(json_agg(json_build_object('round', q.round, 'items', q.items, 'sent_at', q.sent_at,"
    " 'answered_at', q.answered_at) ORDER BY q.round), '[]') FROM supplement_request q WHERE q.application_id = a.id)"
)
_NOTICES = (
    "(SELECT coalesce(json_agg(json_build_object('kind', n.kind, 'on', n.happened_on, 'given_at', n.given_at)"
    " ORDER BY n.given_at), '[]') FROM notice n WHERE n.application_id = a.id)"
)
_FULL_DECISION = (
    "(SELECT json_build_object('number', x.number, 'outcome', x.outcome, 'may_build', x.may_build, 'decided_on',"
    " x.decided_on, 'decided_by', x.decided_by, 'decided_name', x.decided_name, 'grounds', x.grounds, 'conditions',"
    " x.conditions, 'reason', x.reason) FROM decision x WHERE x.application_id = a.id)"
)
_CLOCKS = (
    "(SELECT coalesce(json_agg(json_build_object('clock', d.clock, 'function', CASE WHEN d.review_id IS NULL THEN NULL"
    " ELSE d.function END, 'org', d.org, 'due_on', d.due_on, 'state', d.state, 'length', d.length, 'remaining',"
    " d.remaining) ORDER BY d.review_id NULLS FIRST, d.sort_on, d.clock), '[]') FROM deadline d"
    " WHERE d.application_id = a.id)"
)


async def detail(read: AsyncSession, application_id: UUID, *, actor: Actor) -> dict[str, Any]:
    """The dossier with everything it holds but the trace. Raises ApplicationNotFound (404)."""
    condition, params = visible(actor)
    statement = (
        f"SELECT json_build_object({_HEAD}, 'received_reason', a.received_reason, 'filed_by', a.filed_by, 'sites',"
        f" {_SITES}, 'parts', {_PARTS}, 'reviews', {_REVIEWS}, 'supplement_requests', {_REQUESTS}, 'clocks', {_CLOCKS},"
        f" 'decision', {_FULL_DECISION}, 'notices', {_NOTICES}) {_FROM} WHERE a.id = :id AND {condition}"
    )
    row: dict[str, Any] | None = (
        await read.execute(sa.text(statement), {**params, "id": application_id})
    ).scalar_one_or_none()
    if row is None:
        raise ApplicationNotFound
    return row


TABS = ("all", "mine", "unassigned", "soon", "overdue", "paused")
_MATCHES = (
    "{d}.state IN ('running','paused') AND {d}.org = ANY(" + ORG_LINE + ")"
    " AND (:unlimited OR {d}.function = ANY(CAST(:functions AS text[])))"
)
# A dossier stands in the queue once, under the nearest deadline that the caller's function answers for.
_QUEUE = (
    "FROM deadline d JOIN application a ON a.id = d.application_id JOIN procedure_version p ON"
    " p.id = a.procedure_version_id LEFT JOIN review r ON r.id = d.review_id WHERE "
    + _MATCHES.format(d="d")
    + " AND NOT EXISTS (SELECT FROM deadline e WHERE e.application_id = d.application_id AND "
    + _MATCHES.format(d="e")
    + " AND (e.sort_on, e.id) < (d.sort_on, d.id))"
)
_ASSIGNEE = "CASE WHEN d.review_id IS NULL THEN a.assigned_to ELSE r.assigned_to END"
_ASSIGNEE_NAME = "CASE WHEN d.review_id IS NULL THEN a.assigned_name ELSE r.assigned_name END"
_TAB = {
    "all": "true",
    "mine": f"{_ASSIGNEE} = :me",
    "unassigned": f"{_ASSIGNEE} IS NULL",
    "soon": "d.state = 'running' AND d.due_on >= :today AND d.due_on <= :soon",
    "overdue": "d.state = 'running' AND d.due_on < :today",
    "paused": "d.state = 'paused'",
}


@dataclass(frozen=True)
class Horizon:
    """Today, and the last day that counts as soon."""

    today: date
    soon: date


def _queue_params(actor: Actor) -> dict[str, Any]:
    return {"org": actor.org, "unlimited": not actor.functions, "functions": sorted(actor.functions)}


async def queue(
    read: AsyncSession,
    *,
    actor: Actor,
    tab: str,
    filters: Filters,
    horizon: Horizon,
    limit: int,
    cursor: str | None,
    back: bool = False,
) -> list[dict[str, Any]]:
    """Dossiers whose deadline the caller's organisation and functions answer for: nearest first, paused last."""
    narrowed, values = filters.conditions()
    params = {**_queue_params(actor), **values, **_bound(_TAB[tab], actor, horizon), "limit": limit + 1}
    wanted = [_TAB[tab], *narrowed]
    if cursor is not None:
        sort_on, last = decode_cursor(cursor, 2)
        params |= {"sort_on": _date(sort_on), "last": _uuid(last)}
        wanted.append(f"(d.sort_on, d.application_id) {'<' if back else '>'} (:sort_on, :last)")
    order = "d.sort_on DESC, d.application_id DESC" if back else "d.sort_on, d.application_id"
    statement = (
        f"SELECT coalesce(json_agg(x.r), '[]') FROM (SELECT json_build_object({_HEAD}, 'deadline', json_build_object("
        "'clock', d.clock, 'due_on', d.due_on, 'state', d.state, 'remaining', d.remaining), 'sort_on', CASE WHEN"
        " d.sort_on = 'infinity' THEN '9999-12-31' ELSE CAST(d.sort_on AS text) END, 'asked', r.function, 'assignee',"
        f" {_ASSIGNEE}, 'assignee_name', {_ASSIGNEE_NAME}, 'sites', {_SITES}, 'reviews', {_MARKS}) AS r {_QUEUE}"
        f" AND {' AND '.join(wanted)} ORDER BY {order} LIMIT :limit) x"
    )
    rows: list[dict[str, Any]] = (await read.execute(sa.text(statement), params)).scalar_one()
    return rows


def queue_key(row: dict[str, Any]) -> list[Any]:
    return [row["sort_on"], row["id"]]


async def queue_counts(read: AsyncSession, *, actor: Actor, horizon: Horizon) -> dict[str, int]:
    """Rows of each tab, without filters."""
    counted = ", ".join(f"count(*) FILTER (WHERE {condition}) AS {tab}" for tab, condition in _TAB.items())
    params = {**_queue_params(actor), "me": actor.id, "today": horizon.today, "soon": horizon.soon}
    row = (await read.execute(sa.text(f"SELECT {counted} {_QUEUE}"), params)).one()
    return dict(row._mapping)


def _bound(condition: str, actor: Actor, horizon: Horizon) -> dict[str, Any]:
    known = {"me": actor.id, "today": horizon.today, "soon": horizon.soon}
    return {name: value for name, value in known.items() if f":{name}" in condition}


def _moment(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise _bad()
        return at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise _bad() from error


def _date(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _bad() from error


def _uuid(value: Any) -> UUID:
    try:
        return UUID(value)
    except (TypeError, ValueError, AttributeError) as error:
        raise _bad() from error


def _bad() -> BadCursor:
    return BadCursor(errors=[Fault("/query/cursor", "malformed", BadCursor.detail)])
