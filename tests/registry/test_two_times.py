"""The projection in the database against a naive replay of the definition, over random lives; and its guards."""

import random
from datetime import date, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from kernel.db import closed_end
from kernel.errors import Refusal
from kernel.history import live
from services.registry.commands import structures
from services.registry.domain.structure import MastFacts
from services.registry.queries import logs, proof
from tests.registry.conftest import NOW, REGISTRAR, VIETTEL, mast

START = date(2020, 1, 1)


def some_facts(dice):
    choices = [
        {"height_m": f"{dice.randint(10, 60)}"},
        {"capacity": dice.randint(1, 6)},
        {"name": f"N{dice.randint(1, 9)}"},
    ]
    return MastFacts.model_validate(
        {k: v for part in dice.sample(choices, dice.randint(1, 2)) for k, v in part.items()}
    )


async def live_through(tx, dice, steps):
    born = await structures.register(tx, REGISTRAR, "mast", mast(), valid_from=START, now=NOW)
    now = NOW
    for _ in range(steps):
        now += timedelta(seconds=dice.randint(-5, 20))
        day = START + timedelta(days=dice.randint(-3, 30))
        log = (await logs.logs(tx, logs.STRUCTURES, [born.id]))[born.id].changes
        target = dice.choice(log).id
        try:
            match dice.randint(0, 3):
                case 0 | 1:
                    end = day + timedelta(days=dice.randint(1, 9)) if dice.random() < 0.4 else None
                    await structures.change(
                        tx, REGISTRAR, "mast", born.id, some_facts(dice), valid_from=day, valid_to=end, now=now
                    )
                case 2:
                    await structures.correct(
                        tx, REGISTRAR, "mast", born.id, target, some_facts(dice), now=now, reason="r"
                    )
                case _:
                    if target != log[0].id:
                        everything = [change.id for change in log]
                        await structures.undo(
                            tx, REGISTRAR, "mast", born.id, target, now=now, reason="r", despite=everything
                        )
        except Refusal:
            continue
    return born.id


def naive(changes, day, known):
    """Decisions, section 3, read literally."""
    heard = [c for c in changes if c.recorded_at <= known]
    values = {}
    for change in sorted(live(heard), key=lambda c: (c.valid_from, c.no)):
        if change.holds_on(day):
            values.update(change.patch)
    return values


@pytest.mark.parametrize("seed", range(12))
async def test_the_rectangles_say_what_a_naive_replay_says(database, seed):
    dice = random.Random(seed)
    async with database.tx() as tx:
        identifier = await live_through(tx, dice, 14)
        changes = (await logs.logs(tx, logs.STRUCTURES, [identifier]))[identifier].changes
        rows = (
            await tx.execute(sa.text("SELECT * FROM structure_version WHERE structure_id = :id"), {"id": identifier})
        ).all()
        assert len(changes) > 5
        moments = [c.recorded_at for c in changes]
        assert moments == sorted(set(moments))
        for known in moments:
            held = [
                r for r in rows if r.recorded_from <= known and (r.recorded_to.year == 9999 or known < r.recorded_to)
            ]
            held.sort(key=lambda r: r.valid_from)
            assert all(a.valid_to == b.valid_from for a, b in pairwise(held))
            assert not held or closed_end(held[-1].valid_to) is None
            for row in held:
                said = naive(changes, row.valid_from, known)
                assert (said["height_m"], said["capacity"], said["name"]) == (
                    f"{row.height_m:.2f}", row.capacity, row.name,
                )  # fmt: skip
        assert await proof.differences(tx) == []


async def refused(database, statement, **values):
    with pytest.raises(DBAPIError) as caught:
        async with database.tx() as tx:
            await tx.execute(sa.text(statement), values)
    return str(caught.value)


@pytest.fixture
async def one(database):
    async with database.tx() as tx:
        return (await structures.register(tx, VIETTEL, "mast", mast(), valid_from=START, now=NOW)).id


async def test_a_gap_is_refused_by_the_database(database, one):
    statement = (
        "INSERT INTO structure_version SELECT structure_id, 2, valid_from + 100, NULL, valid_to, recorded_from,"
        " recorded_to, kind, owner_id, status, code_system, code, height_m, point, commune_id, capacity, name,"
        " name_fold, sort_key, attributes, sources, evidence FROM structure_version WHERE structure_id = :id"
    )
    columns = (
        "INSERT INTO structure_version (structure_id, opened_no, valid_from, closed_no, valid_to, recorded_from,"
        " recorded_to, kind, owner_id, status, code_system, code, height_m, point, commune_id, capacity, name,"
        " name_fold, sort_key, attributes, sources, evidence)"
    )
    assert "gap or an overlap" in await refused(
        database, statement.replace("INSERT INTO structure_version", columns), id=one
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE structure_version SET owner_id = 'VNPT'",
        "UPDATE structure_version SET recorded_to = now()",
        "UPDATE structure_change SET reason = 'x'",
        "DELETE FROM structure_change",
        "UPDATE audit SET act = 'x'",
        "DELETE FROM audit",
    ],
)
async def test_what_was_written_stays(database, one, statement):
    said = await refused(database, statement)
    assert "only ever closed" in said or "permission denied" in said


async def test_verify_finds_a_projection_that_lies(fresh_database):
    import asyncpg

    from tests.registry.conftest import committing

    made = fresh_database("registry")
    async with committing(made.url) as database:
        async with database.tx() as tx:
            await structures.register(tx, VIETTEL, "mast", mast(), valid_from=START, now=NOW)
        assert await proof.faults(database) == []
        owner = await asyncpg.connect(made.owner_url)
        await owner.execute("ALTER TABLE structure_version DISABLE TRIGGER USER")
        await owner.execute("UPDATE structure_version SET valid_from = valid_from + 1")
        await owner.close()
        assert len(await proof.faults(database)) == 1
