"""What the service can prove about itself; each fault a sentence, none is well."""

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.db import Database
from services.permits.domain.clock import Reading, by_clock, read
from services.permits.queries import dossier, law, proof


async def faults(database: Database) -> list[str]:
    """Deadlines equal the pure function of the ledger, numbers have no gap, decisions have events, parts their hash."""
    async with database.read() as session:
        found = await proof.number_gaps(session)
        found += await proof.decided_without_row(session)
    async with database.read() as session, database.read() as second:
        async for rows in proof.deadline_rows(session):
            found += await _deadline_faults(second, rows)
    async with database.read() as session:
        async for file_id, recorded, actual in proof.part_hashes(session):
            if recorded != actual:
                found.append(f"file {file_id} no longer has the content it was received with")
    return found


async def _deadline_faults(session: AsyncSession, rows: list[proof.DeadlineRow]) -> list[str]:
    entries = by_clock(await dossier.ledger(session, rows[0].application_id))
    held = {(row.clock, row.review_id): row for row in rows}
    found = [f"dossier {rows[0].application_id}: clock {key[0]} has no deadline" for key in entries if key not in held]
    for key, row in held.items():
        procedure = await law.procedure(session, row.procedure_version)
        calendar = await law.calendar_version(session, row.calendar_version)
        reading = read(procedure.clock(key[0]), entries.get(key, []), calendar)
        if not _same(row, reading):
            found.append(f"dossier {row.application_id}: deadline of {row.clock} differs from its ledger")
    return found


def _same(row: proof.DeadlineRow, reading: Reading) -> bool:
    due_on = None if reading.state == "paused" else reading.due_on
    remaining = reading.remaining if reading.state == "paused" else None
    return (row.state, row.due_on, row.length, row.remaining) == (reading.state, due_on, reading.length, remaining)
