"""A registry of many masts, told by its own import command and by its own log of changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID

from infra.local.seed.province import Place
from infra.local.seed.registry import DEMO, places
from kernel.db import Database
from services.registry.commands.imports import ImportRow, import_structures
from services.registry.commands.ledger import Statement, add
from services.registry.commands.records import record_more, subject_of
from services.registry.domain.structure import MastFacts
from services.registry.queries.logs import STRUCTURES, logs

BATCH = 2000
OWNERS = {"VIETTEL": 42, "VNPT": 27, "MOBIFONE": 21, "VIETNAMOBILE": 6, "OCK": 4}
STATUSES = {"in_service": 90, "idle": 4, "under_construction": 3, "permitted": 3}
FIRST = date(2012, 1, 1)


@dataclass(frozen=True)
class Filled:
    """The ids in the order of their making; the first `changed` of them have four changes, the others one."""

    ids: list[UUID]
    changed: int


async def fill(database: Database, count: int, changed: int) -> Filled:
    """`count` masts of several owners, communes and states; three further changes for the first `changed`."""
    random = Random(100_000)
    ids: list[UUID] = []
    for batch in _batches(_rows(random, count)):
        async with database.tx() as tx:
            done = await import_structures(tx, DEMO, "mast", batch, now=datetime.now(UTC), source="bench")
        ids += done.ids
    for start in range(0, changed, BATCH):
        await _change(database, ids[start : min(start + BATCH, changed)], random)
    return Filled(ids, changed)


def _batches(rows: Iterator[ImportRow]) -> Iterator[list[ImportRow]]:
    batch: list[ImportRow] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _rows(random: Random, count: int) -> Iterator[ImportRow]:
    communes = places()
    for number in range(count):
        place = random.choice(communes)
        facts = MastFacts.model_validate(_facts(random, place, number))
        yield ImportRow(number, facts, FIRST + timedelta(days=random.randrange(4000)), random.randint(1, 3), "bench")


def _facts(random: Random, place: Place, number: int) -> dict[str, object]:
    (owner,) = random.choices(list(OWNERS), list(OWNERS.values()))
    (status,) = random.choices(list(STATUSES), list(STATUSES.values()))
    return {
        "owner": owner,
        "status": status,
        "code": ("TT14", random.choice(("A2a", "A2b", "A2c"))),
        "height_m": f"{random.randrange(2400, 9000) / 100:.2f}",
        "point": (place.lon + random.uniform(-0.02, 0.02), place.lat + random.uniform(-0.02, 0.02)),
        "commune": place.unit,
        "capacity": random.randint(1, 6),
        "name": f"{place.name} {number:06d}",
        "foundation": "ground",
        "synthetic": True,
    }


async def _change(database: Database, ids: Sequence[UUID], random: Random) -> None:
    """By the road of a batch of decisions: log, projection and events of many structures in one transaction."""
    async with database.tx() as tx:
        now = datetime.now(UTC)
        subjects = [subject_of(log) for log in (await logs(tx, STRUCTURES, ids, lock=True)).values()]
        for subject in subjects:
            for year in (2023, 2024, 2025):
                patch = {"height_m": f"{random.randrange(2400, 9000) / 100:.2f}"}
                add(subject.page, Statement("change", date(year, random.randint(1, 12), 1), patch, 2), DEMO, now)
        await record_more(tx, subjects, now=now)
