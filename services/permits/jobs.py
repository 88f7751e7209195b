"""What the worker visits: deadlines that have passed, files on their way to the bucket, files nobody names."""

import tempfile
from datetime import UTC, datetime, timedelta
from uuid import UUID

from contracts.registry import OrganisationChanged, UnitChanged
from contracts.sharing import ShareableMast
from kernel import logging, mail
from kernel.auth import system
from kernel.bus import Bus
from kernel.clock import end_of_day, local_date
from kernel.db import Database
from kernel.errors import Refusal
from kernel.worker import Job
from services.permits import commands, queries
from services.permits.clients import Parts, history, masts_to_share
from services.permits.queries.proof import DeadlineRow
from services.permits.settings import PermitsSettings

log = logging.get(__name__)
BATCH = 200
ASKED_AT_ONCE = 20
DIGEST_FROM = timedelta(hours=7)
IN_MEMORY = 1024 * 1024
LOST = (
    "the stream has lost events: run `python -m services.registry republish`,"
    " then `python -m services.permits rebuild --republished`"
)


def jobs(settings: PermitsSettings) -> tuple[Job, ...]:
    return (
        *mail.jobs(settings),
        Job("notices", 1.0, lambda db, bus, now: tell_people(db, settings, now)),
        Job("reminders", 60.0, lambda db, bus, now: remind_people(db, settings, now)),
        Job("digests", 60.0, lambda db, bus, now: send_digests(db, settings, now)),
        Job("deadlines", 1.0, lambda db, bus, now: pass_deadlines(db, settings, now)),
        Job("shareable", 2.0, lambda db, bus, now: ask_sharing(db, bus, now)),
        Job("parts", 1.0, lambda db, bus, now: move_parts(db, bus, now)),
        Job("chunks", 600.0, lambda db, bus, now: drop_chunks(db, settings, now)),
        Job("unused files", 600.0, lambda db, bus, now: expire_files(db, settings, now)),
        Job("orphans", 3600.0, lambda db, bus, now: sweep_bucket(db, bus, settings, now)),
    )


async def pass_deadlines(database: Database, settings: PermitsSettings, now: datetime) -> int:
    """Silence that means something, dossier by dossier; what fails is logged and visited again."""
    async with database.read() as read:
        rows = await queries.expired(read, local_date(now), BATCH)
    done = 0
    for row in rows:
        try:
            async with database.tx() as tx:
                done += await _pass(tx, row, settings, now)
        except Exception as error:
            log.exception("deadline.failed", application=str(row.application_id), error=repr(error)[:300])
    return done


async def _pass(tx: queries.Session, row: DeadlineRow, settings: PermitsSettings, now: datetime) -> bool:
    """Under the dossier's lock the deadline is read again: an answer may have come in the meantime."""
    dossier = await queries.application(tx, row.application_id, actor=system("deadlines"), lock=True)
    due_on = (await queries.running(tx, dossier.id)).get((row.clock, row.review_id))
    if due_on is None or due_on >= local_date(now):
        return False
    if row.on_expiry == "deemed_complete":
        await commands.deem_complete(tx, dossier, due_on=due_on, settings=settings, now=now)
    elif row.on_expiry == "lapsed":
        await commands.lapse(tx, dossier, due_on=due_on, settings=settings, now=now)
    elif row.review_id is not None:
        await commands.fall_silent(tx, dossier, row.review_id, due_on=due_on, settings=settings, now=now)
    return True


async def tell_people(database: Database, settings: PermitsSettings, now: datetime) -> int:
    """What happened since the last visit, into the inboxes of whom it concerns."""
    async with database.tx() as tx:
        news = await commands.tell_of_events(tx, now=now)
        await commands.write_letters(tx, site=settings.public_url, now=now, limit=BATCH)
    return news


async def remind_people(database: Database, settings: PermitsSettings, now: datetime) -> int:
    """Before a time limit ends its people, after it their head."""
    today = local_date(now)
    async with database.tx() as tx:
        calendar = await queries.newest_calendar(tx, settings.area)
        soon = calendar.working_after(calendar.working_after(today))
        done = await commands.remind(tx, today=today, soon=soon, now=now)
        done += await commands.tell_of_moves(tx, now=now)
        return done + await commands.escalate(tx, today=today, now=now)


async def send_digests(database: Database, settings: PermitsSettings, now: datetime) -> int:
    """From the morning on, one mail a day to each who wants it so."""
    today = local_date(now)
    if now < end_of_day(today - timedelta(days=1)) + DIGEST_FROM:
        return 0
    async with database.tx() as tx:
        readers = await queries.digest_readers(tx, today, BATCH)
        for person in readers:
            await commands.send_digest(tx, person, site=settings.public_url, today=today, now=now)
    return len(readers)


async def ask_sharing(database: Database, bus: Bus, now: datetime) -> int:
    """Which masts around could carry it, for each dossier not asked about yet; while sharing is away it waits."""
    async with database.read() as read:
        rows = await queries.unasked(read, ASKED_AT_ONCE)
    if not rows or not bus.connected:
        return 0
    found: dict[UUID, list[tuple[int, ShareableMast]]] = {row.application_id: [] for row in rows}
    for row in rows:
        if row.radius_m and row.site_no is not None:
            try:
                told = await masts_to_share(
                    bus, org=row.applicant, lon=row.lon, lat=row.lat, radius_m=row.radius_m, as_of=row.received_on
                )
            except Refusal as refusal:
                log.warning("sharing.away", application=str(row.application_id), error=refusal.code)
                found.pop(row.application_id, None)
                continue
            found.get(row.application_id, []).extend((row.site_no, mast) for mast in told.items)
    for application_id, options in found.items():
        async with database.tx() as tx:
            await commands.keep_options(tx, application_id, options, now=now)
    return len(found)


async def move_parts(database: Database, bus: Bus, now: datetime) -> int:
    """Staged files into the bucket, one transaction each; a broker that is away is waited for."""
    moved = 0
    while bus.connected and await _move_one(database, Parts(bus), now):
        moved += 1
    return moved


async def _move_one(database: Database, parts: Parts, now: datetime) -> bool:
    async with database.tx() as tx:
        row = await queries.next_staged(tx)
        if row is None:
            return False
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as content:
            no = 0
            while (piece := await queries.chunk(tx, row.id, no)) is not None:
                content.write(piece)
                no += 1
            await parts.put(row.sha256, content)  # type: ignore[arg-type]
        await commands.mark_stored(tx, row.id, now=now)
    return True


async def drop_chunks(database: Database, settings: PermitsSettings, now: datetime) -> int:
    """The bucket has had them for some days: the database lets go of its copy."""
    async with database.tx() as tx:
        stale = await queries.stale_chunks(tx, now - timedelta(days=settings.chunk_days), BATCH)
        return await commands.drop_chunks(tx, stale) if stale else 0


async def expire_files(database: Database, settings: PermitsSettings, now: datetime) -> int:
    async with database.tx() as tx:
        unused = await queries.expired_files(tx, now - timedelta(hours=settings.unused_file_hours), BATCH)
        return await commands.drop_files(tx, unused, now=now)


async def sweep_bucket(database: Database, bus: Bus, settings: PermitsSettings, now: datetime) -> int:
    """Objects that no row names and that are old enough not to be on their way."""
    if not bus.connected:
        return 0
    parts = Parts(bus)
    before = now - timedelta(days=settings.orphan_days)
    old = [name for name, changed in await parts.names() if _moment(changed) < before]
    async with database.read() as read:
        named = await queries.stored_names(read, old)
    orphans = [name for name in old if name not in named]
    for name in orphans:
        await parts.drop(name)
    return len(orphans)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text) if text else datetime.max.replace(tzinfo=UTC)


async def rebuild_copies(database: Database, bus: Bus, *, republished: bool = False) -> str:
    """Under an exclusive lock, so that no event is applied in between.

    Raises SystemExit when the stream has holes, unless its publisher has just offered everything again.
    """
    async with database.tx() as tx:
        await commands.empty_copies(tx)
        whole, found = await history(bus, (UnitChanged, OrganisationChanged))
        if not whole and not republished:
            raise SystemExit(LOST)
        units = [item for _, event in found if isinstance(event, UnitChanged) for item in event.items]
        organisations = [item for _, event in found if isinstance(event, OrganisationChanged) for item in event.items]
        await commands.take_units(tx, units)
        await commands.take_organisations(tx, organisations, {})
    return f"{len(units)} statements on units and {len(organisations)} on organisations taken"
