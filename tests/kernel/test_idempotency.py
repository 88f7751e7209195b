import asyncio

import pytest

from kernel import idempotency
from kernel.idempotency import IdempotencyKeyMalformed, IdempotencyKeyReused, Replay
from tests.kernel.conftest import now

pytestmark = pytest.mark.database


async def first(database, key: str, print_: str, hold: float = 0.0) -> str:
    async with database.tx() as tx:
        await idempotency.begin(tx, "viettel-api", key, "POST /x", print_, now())
        await asyncio.sleep(hold)
        await idempotency.store(tx, "viettel-api", key, 201, {"etag": '"1"', "x-other": "no"}, b'{"id":1}')
    return "done"


async def test_the_same_key_and_request_get_the_stored_answer(database):
    await first(database, "k", "p")
    with pytest.raises(Replay) as replay:
        await first(database, "k", "p")
    assert (replay.value.status, replay.value.body, replay.value.headers) == (201, b'{"id":1}', {"etag": '"1"'})


async def test_two_at_the_same_time_have_one_effect(database):
    outcomes = await asyncio.gather(*(first(database, "k", "p", hold=0.2) for _ in range(5)), return_exceptions=True)
    assert outcomes.count("done") == 1
    assert sum(isinstance(o, Replay) for o in outcomes) == 4


async def test_a_key_used_for_another_request_is_refused(database):
    await first(database, "k", "p")
    with pytest.raises(IdempotencyKeyReused):
        await first(database, "k", "other")


async def test_a_refused_request_leaves_its_key_free(database):
    with pytest.raises(RuntimeError):
        async with database.tx() as tx:
            await idempotency.begin(tx, "c", "k", "POST /x", "p", now())
            raise RuntimeError
    async with database.tx() as tx:
        await idempotency.begin(tx, "c", "k", "POST /x", "p", now())


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb"])
async def test_a_malformed_key_is_refused(database, key):
    with pytest.raises(IdempotencyKeyMalformed):
        await first(database, key, "p")


def test_the_fingerprint_ignores_spacing_and_order_of_keys():
    one = idempotency.fingerprint("POST", "/x", "", b'{"a":1, "b":[2]}')
    assert one == idempotency.fingerprint("POST", "/x", "", b'{"b":[2],"a":1}')
    assert one != idempotency.fingerprint("POST", "/x", "", b'{"b":[2],"a":2}')
    assert one != idempotency.fingerprint("POST", "/y", "", b'{"a":1, "b":[2]}')
