import pytest
import sqlalchemy as sa

from kernel import audit
from kernel.auth import system
from tests.kernel.conftest import now

pytestmark = pytest.mark.database


@pytest.fixture
async def sealed(database):
    async with database.tx() as tx:
        for n in range(5):
            await audit.record(tx, system("t"), "test:thing:change", n, now=now(), before={"n": n}, after={"n": n + 1})
    async with database.tx() as tx:
        assert await audit.seal(tx) == 5
    return database


async def faults(database, *statements: str) -> list[str]:
    async with database.tx() as tx:
        for statement in statements:
            await tx.execute(sa.text(statement))
    async with database.read() as read:
        return await audit.verify(read)


async def test_an_untouched_chain_is_well(sealed):
    assert await faults(sealed) == []


async def test_sealing_again_goes_on_from_the_head(sealed):
    async with sealed.tx() as tx:
        await audit.record(tx, system("t"), "test:thing:change", 9, now=now())
    async with sealed.tx() as tx:
        assert await audit.seal(tx) == 1
    assert await faults(sealed) == []


async def test_one_altered_row_shows(sealed):
    assert any("altered" in f for f in await faults(sealed, "UPDATE audit SET after = '{\"n\": 7}' WHERE thing = '2'"))


async def test_one_removed_row_shows(sealed):
    assert any("jumps" in f for f in await faults(sealed, "DELETE FROM audit WHERE thing = '2'"))


async def test_two_reordered_rows_show(sealed):
    swap = (
        "UPDATE audit SET chain_no = 100 WHERE thing = '1'",
        "UPDATE audit SET chain_no = 2 WHERE thing = '2'",
        "UPDATE audit SET chain_no = 3 WHERE thing = '1'",
    )
    assert any("broken" in f for f in await faults(sealed, *swap))
