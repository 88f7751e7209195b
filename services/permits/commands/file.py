"""Filing a dossier: by API and by page alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.permits import ApplicationFiled, Site
from kernel import audit, direct, outbox
from kernel.auth import Actor
from kernel.clock import local_date
from kernel.db import new_id
from kernel.errors import N_, Fault
from kernel.texts import fold
from services.permits import queries
from services.permits.commands.ledger import Bearer, begun, moved
from services.permits.commands.number import next_number
from services.permits.commands.share import answered
from services.permits.domain import numbers, policy
from services.permits.domain.application import PartDraft, ShareAnswer, SiteDraft, filing_faults, share_faults
from services.permits.domain.movement import Deed, Movement
from services.permits.domain.refusals import DossierFaulty, RegistrarOnly
from services.permits.settings import PermitsSettings

APPLICANT_MISSING = N_("Say for which organisation the dossier is filed.")
APPLICANT_UNKNOWN = N_("This organisation is not known.")
RECEIVED_AHEAD = N_("The receipt must not lie ahead.")
NO_SUCH_SITE = N_("The dossier has no such site.")
REASON_MISSING = N_("Say why the receipt is entered by hand.")


@dataclass(frozen=True)
class Filing:
    """What an applicant gives. `applicant`, `received_at`, `received_reason`: for a registrar entering paper."""

    work: str
    sites: Sequence[SiteDraft]
    parts: Sequence[PartDraft]
    applicant: str | None = None
    received_at: datetime | None = None
    received_reason: str | None = None
    shares: Sequence[ShareAnswer] = ()


@dataclass(frozen=True)
class Receipt:
    """What the applicant is told at once: the number, when it counts as received, what the law is, the due date."""

    id: UUID
    number: str
    state: str
    version: int
    procedure: str
    received_at: datetime
    received_on: date
    effective_on: date
    due_on: date | None
    sites: Sequence[Site]


@dataclass(frozen=True)
class Prepared:
    """A dossier held against the law and the lists, before anything is written: for filing and for asking alike."""

    filing: Filing
    applicant: str
    received_at: datetime
    ground: queries.FilingGround
    faults: Sequence[Fault]

    def received(self, cause: UUID) -> Deed:
        """The act of receipt. Raises CalendarEnds (409)."""
        effective_on = self.ground.calendar.incoming(self.received_at)
        return Deed("received", self.received_at, effective_on, cause)

    def moved(self, deed: Deed) -> Movement:
        """The clocks that the receipt starts. Raises CalendarEnds (409)."""
        return moved(self.ground.procedure, deed, calendar=self.ground.calendar)


async def prepare(
    tx: AsyncSession, actor: Actor, filing: Filing, *, settings: PermitsSettings, now: datetime
) -> Prepared:
    """Raises Forbidden, RegistrarOnly (403), DossierFaulty (422) when it is not said well whose it is and since when,
    NoProcedure, NoCalendar, NoMandate (409).
    """
    policy.demand(actor, "permits:application:file")
    applicant, received_at = await _on_behalf(tx, actor, filing, now)
    ground = await queries.filing_ground(
        tx,
        work=filing.work,
        received_on=local_date(received_at),
        today=local_date(now),
        area=settings.area,
        org=applicant,
        uploader=actor.org,
        sites=filing.sites,
        files=[part.file_id for part in filing.parts],
        max_bytes=settings.max_dossier_mb * 1_000_000,
    )
    faults = filing_faults(filing.sites, filing.parts, ground.rules)
    if filing.shares:
        reasons = (await queries.entries(tx, "share_reason"))["share_reason"]
        faults += share_faults(filing.shares, reasons, None)
        faults += [
            Fault(f"/sharing/{place}/site", "site_unknown", NO_SUCH_SITE)
            for place, share in enumerate(filing.shares)
            if not 1 <= share.site_no <= len(filing.sites)
        ]
    return Prepared(filing, applicant, received_at, ground, faults)


async def file(
    tx: AsyncSession, actor: Actor, filing: Filing, *, application_id: UUID, settings: PermitsSettings, now: datetime
) -> Receipt:
    """Raises Forbidden, RegistrarOnly (403), DossierFaulty (422), NoProcedure, NoCalendar, NoMandate,
    CalendarEnds (409).
    """
    prepared = await prepare(tx, actor, filing, settings=settings, now=now)
    if prepared.faults:
        raise DossierFaulty(errors=prepared.faults)
    ground, received_at = prepared.ground, prepared.received_at
    deed = prepared.received(application_id)
    movement = prepared.moved(deed)
    owner = Bearer(
        application_id,
        ground.procedure_id,
        ground.procedure,
        prepared.applicant,
        ground.lead_org,
        ground.lead_function,
        {},
    )
    sites = [_site(no, site) for no, site in enumerate(filing.sites, 1)]
    year = local_date(now).year
    # From here to the commit the next dossier waits: one statement writes all there is.
    number = numbers.dossier_number(year, await next_number(tx, numbers.dossier_series(settings.area), year))
    row = _application(prepared, actor, deed, number, now)
    receipt = Receipt(
        application_id,
        number,
        "received",
        1,
        ground.procedure.label,
        received_at,
        row["received_on"],
        row["effective_on"],
        first_due(movement),
        [site for site, _ in sites],
    )
    written = {
        "application": [row],
        "application_site": [_site_row(application_id, *each) for each in sites],
        "application_part": _part_rows(application_id, filing.parts, now),
        **begun(actor, owner, deed, movement, calendar=ground.calendar, now=now),
        "audit": [audit.row(actor, "permits:application:file", application_id, now=now, after=_audited(row))],
        "outbox": [outbox.row(tx, actor, _told(receipt, row), subject=application_id, now=now)],
    }
    if filing.shares:
        written["share_option"] = answered(application_id, filing.shares, now)
    await direct.insert(tx, written)
    return receipt


async def _on_behalf(tx: AsyncSession, actor: Actor, filing: Filing, now: datetime) -> tuple[str, datetime]:
    """Whose dossier it is and when it arrived; only a registrar may say either."""
    by_hand = filing.received_at is not None or filing.applicant not in (None, actor.org)
    if not by_hand and "applicant" in actor.capabilities:
        return actor.org, now
    if not policy.allowed(actor, "permits:application:receive"):
        raise RegistrarOnly
    faults = []
    if filing.applicant is None:
        faults.append(Fault("/applicant", "missing", APPLICANT_MISSING))
    elif not await queries.organisation_known(tx, filing.applicant, local_date(now)):
        faults.append(Fault("/applicant", "unknown", APPLICANT_UNKNOWN))
    if filing.received_at is not None and filing.received_at > now:
        faults.append(Fault("/received_at", "ahead", RECEIVED_AHEAD))
    if filing.received_at is not None and not (filing.received_reason or "").strip():
        faults.append(Fault("/received_reason", "missing", REASON_MISSING))
    if faults:
        raise DossierFaulty(errors=faults)
    return str(filing.applicant), filing.received_at or now


def first_due(movement: Movement) -> date | None:
    """The day on which the first step is due."""
    return min((reading.due_on for reading in movement.after.values() if reading.due_on), default=None)


def _application(prepared: Prepared, actor: Actor, deed: Deed, number: str, now: datetime) -> dict[str, Any]:
    return {
        "id": deed.cause,
        "number": number,
        "procedure_version_id": prepared.ground.procedure_id,
        "applicant_org": prepared.applicant,
        "filed_by": actor.id,
        "state": "received",
        "version": 1,
        "received_at": prepared.received_at,
        "received_on": local_date(prepared.received_at),
        "effective_on": deed.effective_on,
        "received_reason": prepared.filing.received_reason,
        "lead_org": prepared.ground.lead_org,
        "lead_function": prepared.ground.lead_function,
        "touched_at": now,
    }


def _site(no: int, draft: SiteDraft) -> tuple[Site, SiteDraft]:
    site = Site(
        no=no,
        structure_id=new_id(),
        kind=draft.kind,
        name=draft.name,
        code=draft.code,
        height_m=draft.height_m,
        lon=draft.lon,
        lat=draft.lat,
        commune=draft.commune,
        capacity=draft.capacity,
    )
    return site, draft


def _site_row(application_id: UUID, site: Site, draft: SiteDraft) -> dict[str, Any]:
    return {
        "application_id": application_id,
        "no": site.no,
        "structure_id": site.structure_id,
        "kind": site.kind,
        "name": site.name,
        "name_fold": fold(site.name),
        "code_system": site.code[0] if site.code else None,
        "code": site.code[1] if site.code else None,
        "height_m": site.height_m,
        "lon": site.lon,
        "lat": site.lat,
        "unit_id": site.commune,
        "capacity": site.capacity,
        "facts": dict(draft.facts),
    }


def _part_rows(application_id: UUID, parts: Sequence[PartDraft], now: datetime) -> list[dict[str, Any]]:
    counted: dict[str, int] = {}
    rows = []
    for part in parts:
        counted[part.code] = counted.get(part.code, 0) + 1
        rows.append(
            {
                "application_id": application_id,
                "code": part.code,
                "no": counted[part.code],
                "file_id": part.file_id,
                "added_at": now,
            }
        )
    return rows


def _audited(row: dict[str, Any]) -> dict[str, Any]:
    after = {"number": row["number"], "applicant": row["applicant_org"], "received_at": row["received_at"]}
    if row["received_reason"]:
        after["reason"] = row["received_reason"]
    return after


def _told(receipt: Receipt, row: dict[str, Any]) -> ApplicationFiled:
    return ApplicationFiled(
        application_id=receipt.id,
        number=receipt.number,
        version=receipt.version,
        applicant=row["applicant_org"],
        procedure=receipt.procedure,
        received_on=receipt.received_on,
        lead=row["lead_org"],
        sites=list(receipt.sites),
    )
