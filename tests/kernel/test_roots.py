"""Each day's root: what the chain alone cannot show, its end cut off or all of it written anew."""

from datetime import timedelta

import orjson
import pytest
import sqlalchemy as sa

from kernel import audit, roots
from kernel.auth import system
from tests.kernel.conftest import now

pytestmark = pytest.mark.database


async def add(database, count: int, at) -> None:
    async with database.tx() as tx:
        for n in range(count):
            await audit.record(tx, system("t"), "test:thing:change", n, now=at)
    async with database.tx() as tx:
        assert await audit.seal(tx) == count
        await roots.note(tx, now=at)


@pytest.fixture
async def rooted(database):
    await add(database, 3, now() - timedelta(days=2))
    await add(database, 2, now())
    return database


async def faults(database, *statements: str) -> list[str]:
    async with database.tx() as tx:
        for statement in statements:
            await tx.execute(sa.text(statement))
    async with database.read() as read:
        return [*await audit.verify(read), *await roots.faults(read)]


async def test_each_day_has_the_head_of_its_end(rooted):
    async with rooted.read() as read:
        assert [root["chain_no"] for root in await roots.roots(read)] == [3, 5]
    assert await faults(rooted) == []


async def test_an_end_cut_off_shows(rooted):
    assert any("ends before 5" in f for f in await faults(rooted, "DELETE FROM audit WHERE chain_no > 3"))


async def test_one_altered_row_shows(rooted):
    assert any("altered" in f for f in await faults(rooted, "UPDATE audit SET actor = 'x' WHERE chain_no = 2"))


async def test_one_removed_row_shows(rooted):
    assert any("jumps" in f for f in await faults(rooted, "DELETE FROM audit WHERE chain_no = 2"))


async def test_two_reordered_rows_show(rooted):
    swap = [f"UPDATE audit SET chain_no = {a} WHERE chain_no = {b}" for a, b in ((99, 1), (1, 2), (2, 99))]
    assert any("broken" in f for f in await faults(rooted, *swap))


async def test_a_chain_written_anew_contradicts_the_root(rooted):
    async with rooted.tx() as tx:
        await tx.execute(sa.text("UPDATE audit SET chain_no = NULL, chain_hash = NULL"))
        await tx.execute(sa.text("DELETE FROM audit WHERE seq = (SELECT min(seq) FROM audit)"))
        await audit.seal(tx)
    found = await faults(rooted)
    assert any("differs from the root" in f for f in found)


async def test_the_export_can_be_verified_without_the_database(rooted):
    async with rooted.read() as read:
        lines = [orjson.loads(line) async for line in roots.export(read, None, None)]
    digest = audit.GENESIS
    for row in (line for line in lines if line["kind"] == "row"):
        digest = audit.chained(digest, row["row_hash"])
        assert row["chain_hash"] == digest
    assert lines[-1] == {**lines[-1], "kind": "root", "chain_hash": digest}
