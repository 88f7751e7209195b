"""Random histories, told shuffled, doubled and late: the same rectangles, and figures equal to a naive count."""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from kernel.history import Change, believe, live
from services.sharing.commands import copies
from services.sharing.commands.agreements import agree, correct, terminate
from services.sharing.domain.agreement import Terms
from services.sharing.domain.refusals import AgreementOverlaps, TenantIsOwner
from services.sharing.queries import agreements as agreement_queries
from services.sharing.queries import ratios, sides, structures
from tests.sharing import tellings
from tests.sharing.conftest import AUDITOR, NOW, Actor, Province

pytestmark = pytest.mark.database
FIRST, DAYS = date(2022, 1, 1), 1200
OWNERS = ["VIETTEL", "VNPT", "VINAPHONE", "MOBIFONE", "OCK"]
ENTITY = {"VINAPHONE": "VNPT"}
STATUSES = ["in_service", "in_service", "in_service", "under_construction", "idle", "dismantled"]
COMMUNES = ["32005@2023", "32128@2023", "32141@2023", "31825@2025-07", None]


@dataclass
class World:
    """Logs by thing; what the naive count reads is only this."""

    structures: dict[UUID, list[Change]] = field(default_factory=dict)
    stations: dict[UUID, tuple[UUID, list[Change]]] = field(default_factory=dict)
    agreements: list[tuple[UUID, str, list[Change]]] = field(default_factory=list)


def random_log(rng: random.Random, first: dict[str, Any], attributes: dict[str, list[Any]]) -> list[Change]:
    at = tellings.START + timedelta(hours=rng.randrange(5000))
    changes = [
        tellings.register(FIRST + timedelta(days=rng.randrange(DAYS)), at=at, evidence=rng.choice([1, 4]), **first)
    ]
    for no in range(2, rng.randrange(2, 6)):
        at += timedelta(hours=rng.randrange(1, 4000))
        begins = FIRST + timedelta(days=rng.randrange(DAYS))
        name = rng.choice(list(attributes))
        patch: dict[str, Any] = {name: rng.choice(attributes[name])}
        target = rng.choice(live(changes))
        corrects = target.id if rng.random() < 0.4 else None
        if corrects is not None:
            patch = {**target.patch, **patch}
            begins = rng.choice([begins, target.valid_from])
        changes.append(
            tellings.change(
                no,
                "correct" if corrects else "change",
                begins,
                patch,
                at=at,
                corrects=corrects,
                evidence=rng.choice([1, 4]),
            )
        )
    return changes


def random_world(rng: random.Random, size: int) -> World:
    world = World()
    for _ in range(size):
        structure_id = uuid4()
        first = {"owner": rng.choice(OWNERS), "status": rng.choice(STATUSES), "commune": rng.choice(COMMUNES)}
        attributes = {"owner": OWNERS, "status": STATUSES, "commune": COMMUNES[:3]}
        world.structures[structure_id] = random_log(rng, first, attributes)
        for _ in range(rng.randrange(4)):
            said = {"operator": rng.choice(OWNERS[:4]), "status": rng.choice(["active", "inactive"])}
            log = random_log(rng, said, {"status": ["active", "inactive"], "operator": OWNERS[:4]})
            world.stations[uuid4()] = (structure_id, log)
    return world


def telling(world: World) -> list[tuple[Any, Any]]:
    """One event per change, in the order of recording."""
    told: list[tuple[Any, Any]] = []
    for number, (structure_id, log) in enumerate(world.structures.items()):
        items = tellings.structure_items(structure_id, f"CM-M-{number:06}-0", log)
        told += [(copies.store_structures, item) for item in items]
    for station_id, (structure_id, log) in world.stations.items():
        told += [(copies.store_stations, item) for item in tellings.station_items(station_id, structure_id, log)]
    return sorted(told, key=lambda pair: pair[1].change.recorded_at)


async def tell(province: Province, told: list[tuple[Any, Any]], batch: int) -> None:
    """In batches, as the consumer hands them over: neighbours of one kind together."""
    for start in range(0, len(told), batch):
        run = told[start : start + batch]
        async with province.database.tx() as tx:
            for store in (copies.store_stations, copies.store_structures):
                items = [item for kind, item in run if kind is store]
                if items:
                    await store(tx, items)


def naive(world: World, day: date, instant: datetime, verified: bool) -> tuple[int, int]:
    """Asked of the logs alone: what was believed at the instant of that day, structure by structure."""

    def on(log: list[Change]) -> tuple[dict[str, Any], int] | None:
        known = [c for c in log if c.recorded_at <= instant]
        for version in believe(known).versions:
            if version.valid_from <= day and (version.valid_to is None or day < version.valid_to):
                evidence = {c.no: c.evidence for c in known}
                return dict(version.values), min((evidence[n] for n in version.sources.values()), default=1)
        return None

    counted = shared = 0
    for structure_id, log in world.structures.items():
        found = on(log)
        if found is None or found[0]["status"] != "in_service":
            continue
        if found[0]["commune"] not in COMMUNES[:3]:
            continue
        counted += 1
        sharers = set()
        if not verified and found[0]["owner"] != "OCK":
            sharers.add(found[0]["owner"])
        for own, station in world.stations.values():
            seen = on(station)
            if own == structure_id and seen and seen[0]["status"] == "active" and (not verified or seen[1] >= 4):
                sharers.add(seen[0]["operator"])
        for own, tenant, changes in world.agreements:
            seen = on(changes)
            if own == structure_id and seen and seen[0].get("status") == "in_force" and not verified:
                sharers.add(tenant)
        shared += len({ENTITY.get(code, code) for code in sharers}) >= 2
    return shared, counted


async def record_agreements(province: Province, world: World, rng: random.Random) -> None:
    """Through the commands, some ended, some corrected; what they refuse is not in the world."""
    now = NOW - timedelta(days=600)
    for structure_id in world.structures:
        for _ in range(rng.randrange(3)):
            now += timedelta(hours=rng.randrange(1, 200))
            since = date(2026, 1, 1) - timedelta(days=rng.randrange(900))
            until = since + timedelta(days=rng.randrange(30, 900)) if rng.random() < 0.5 else None
            tenant = rng.choice(OWNERS[:4])
            async with province.database.read() as read:
                owner = await read.scalar(
                    sa.text(
                        "SELECT owner FROM structure_copy WHERE id = :id AND recorded_to = 'infinity'"
                        " AND valid_from <= :day AND valid_to > :day AND status <> 'dismantled'"
                    ),
                    {"id": structure_id, "day": since},
                )
            if owner is None:
                continue
            actor = Actor("party", owner, "person", capabilities=frozenset({"owner"}))
            try:
                async with province.database.tx() as tx:
                    made = await agree(tx, actor, structure_id, tenant, Terms("lease", since, until), now=now)
            except (TenantIsOwner, AgreementOverlaps):
                continue
            async with province.database.tx() as tx:
                if rng.random() < 0.4:
                    await terminate(
                        tx, actor, made.id, since + timedelta(days=20), "over", now=now + timedelta(hours=1)
                    )
                elif rng.random() < 0.5:
                    first = (await agreement_queries.changes(tx, made.id))[0]
                    moved = Terms("lease", since + timedelta(days=5), until)
                    await correct(tx, actor, made.id, first.id, moved, "typo", now=now + timedelta(hours=2))
            async with province.database.read() as read:
                world.agreements.append((structure_id, tenant, await agreement_queries.changes(read, made.id)))


TABLES = ("belief", "structure_copy", "station_copy", "ratio_span", "ratio_delta")


async def snapshot(province: Province) -> dict[str, list[Any]]:
    """Every row as text, groups by their names: numbers depend on who came first and mean nothing."""
    found = {}
    async with province.database.read() as read:
        for table in TABLES:
            columns = "to_jsonb(t)" + (" - 'g'" if table.startswith("ratio") else "")
            join = "JOIN ratio_group q USING (series_id, g)" if table.startswith("ratio") else ""
            more = ", q.unit_id, q.owner_id" if join else ""
            rows = await read.execute(sa.text(f"SELECT ({columns})::text{more} FROM {table} t {join} ORDER BY 1"))
            found[table] = sorted(tuple(row) for row in rows)
    return found


async def check(province: Province, world: World, rng: random.Random, points: int) -> None:
    async with province.database.read() as read:
        for _ in range(points):
            day = FIRST + timedelta(days=rng.randrange(DAYS + 900))
            instant = min(tellings.START + timedelta(hours=rng.randrange(34000)), NOW)
            for definition in ("mast.declared.1", "mast.verified.1"):
                scope = await ratios.scope(
                    read, actor=AUDITOR, kind="mast", as_of=day, known_at=instant, now=NOW,
                    definition=definition, boundary_set="CM-2023",
                )  # fmt: skip
                (row,) = await ratios.trend(read, scope, [day])
                figure = await ratios.ratio(read, scope)
                lists = await sides.counts(read, scope, actor=AUDITOR)
                expected = naive(world, day, instant, "verified" in definition)
                assert (row.shared, row.counted) == expected, (day, instant, definition)
                assert f'"shared" : {expected[0]}, "counted" : {expected[1]}' in figure
                assert (lists.numerator, lists.denominator) == expected


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_gives_the_same_rectangles_and_the_naive_count(seed: int, province: Province):
    rng = random.Random(seed)
    world = random_world(rng, 12)
    told = telling(world)
    await tell(province, told, 1000)
    ordered = await snapshot(province)
    await check(province, world, rng, 12)
    await record_agreements(province, world, rng)
    await check(province, world, rng, 25)
    counted = await snapshot(province)
    async with province.database.tx() as tx:
        for table in ("ratio_span", "ratio_delta", "structure_copy", "station_copy"):
            await tx.execute(sa.text(f"DELETE FROM {table}"))
        await tx.execute(sa.text("DELETE FROM belief WHERE thing IN ('structure', 'station')"))
    shuffled = told + rng.sample(told, len(told) // 2)
    rng.shuffle(shuffled)
    await tell(province, shuffled, rng.choice([1, 3, 17]))
    again = await snapshot(province)
    assert again == counted
    assert {t: again[t] for t in TABLES[:3]} == {t: ordered[t] for t in TABLES[:3]}


async def test_a_missing_belief_that_comes_late_cuts_its_neighbours(province: Province):
    log = [
        tellings.register(date(2020, 1, 1), owner="VIETTEL", status="in_service", commune="32005@2023"),
        tellings.change(2, "change", date(2023, 1, 1), {"status": "idle"}),
        tellings.change(3, "change", date(2024, 1, 1), {"status": "in_service"}),
    ]
    items = tellings.structure_items(uuid4(), "CM-M-000001-0", log)
    for item in (items[2], items[0], items[1], items[1]):
        async with province.database.tx() as tx:
            await copies.store_structures(tx, [item])
    async with province.database.read() as read:
        rows = await read.execute(
            sa.text(
                "SELECT DISTINCT no, recorded_from, NULLIF(recorded_to, 'infinity') AS u"
                " FROM structure_copy ORDER BY no"
            )
        )
        at = [c.recorded_at for c in log]
        assert [(r.no, r.recorded_from, r.u) for r in rows] == [(1, at[0], at[1]), (2, at[1], at[2]), (3, at[2], None)]


async def test_a_station_before_its_structure_is_counted_when_that_arrives(province: Province):
    structure_id = uuid4()
    await province.station(structure_id, "VNPT")
    log = [tellings.register(date(2020, 1, 1), owner="VIETTEL", status="in_service", commune="32005@2023")]
    async with province.database.tx() as tx:
        await copies.store_structures(tx, tellings.structure_items(structure_id, "CM-M-000001-0", log))
    async with province.database.read() as read:
        scope = await ratios.scope(
            read, actor=AUDITOR, kind="mast", as_of=date(2026, 1, 1), known_at=datetime(2026, 1, 1, tzinfo=UTC), now=NOW
        )
        lists = await sides.counts(read, scope, actor=AUDITOR)
    assert (lists.numerator, lists.denominator) == (1, 1)


async def test_a_merger_of_enterprises_counts_anew_from_its_day(province: Province):
    mast = await province.mast("VIETTEL")
    await province.agree(mast, "MOBIFONE", since=date(2023, 1, 1))
    merged = [
        tellings.register(date(2000, 1, 1), kind="operator", legal_entity="MOBIFONE"),
        tellings.change(2, "merge", date(2025, 1, 1), {"legal_entity": "VIETTEL"}, at=datetime(2025, 2, 1, tzinfo=UTC)),
    ]
    async with province.database.tx() as tx:
        await copies.store_organisations(tx, tellings.organisation_items("MOBIFONE", merged)[1:])
    async with province.database.read() as read:
        for day, expected in ((date(2024, 12, 31), 1), (date(2025, 1, 1), 0)):
            scope = await ratios.scope(read, actor=AUDITOR, kind="mast", as_of=day, known_at=NOW, now=NOW)
            assert (await sides.counts(read, scope, actor=AUDITOR)).numerator == expected


async def test_units_that_arrive_after_the_structures_place_them(database: Any):
    province = Province(database)
    await province.mast(commune="32141@2023")
    async with database.tx() as tx:
        await copies.store_units(tx, tellings.units(), NOW)
    async with database.read() as read:
        scope = await ratios.scope(read, actor=AUDITOR, kind="mast", as_of=date(2026, 1, 1), known_at=NOW, now=NOW)
        assert (await sides.counts(read, scope, actor=AUDITOR)).denominator == 1


async def test_the_short_name_stays_when_a_later_change_does_not_say_it(province: Province):
    log = [
        tellings.register(
            date(2000, 1, 1), kind="operator", legal_entity="GMOBILE", name="GTEL Mobile", short="Gmobile"
        ),
        tellings.change(2, "change", date(2025, 1, 1), {"legal_entity": "GTEL"}),
    ]
    async with province.database.tx() as tx:
        await copies.store_organisations(tx, list(reversed(tellings.organisation_items("GMOBILE", log))))
    async with province.database.read() as read:
        assert (await structures.organisation_names(read))["GMOBILE"] == ("Gmobile", "Gmobile")
