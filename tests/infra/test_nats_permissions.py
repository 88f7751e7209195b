"""The real permissions of infra/nats/nats.conf: the kernel's bus works with them, trespassing does not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from infra.local.nats import CONFIGURATION, Broker
from kernel.bus import Bus
from kernel.settings import Settings
from tests.fixtures.servers import running_nats

pytestmark = pytest.mark.database

SERVICES = ("registry", "permits", "sharing")
Connect = Callable[[str], Any]


@pytest.fixture(scope="module")
def strict_server() -> Iterator[Broker]:
    with running_nats(CONFIGURATION) as broker:
        yield broker


@pytest.fixture
async def bus(strict_server: Broker) -> AsyncIterator[Connect]:
    log = strict_server.folder.parent / "nats.log"
    before = log.read_text().count("Violation")
    async with AsyncExitStack() as stack:

        async def connect(name: str) -> Bus:
            made = Bus(Settings(name=name, nats_url=strict_server.url(name), form_key="-"))
            await made.connect(wait=True)
            stack.push_async_callback(made.close)
            return made

        yield connect
    assert log.read_text().count("Violation") == before, log.read_text()[-2000:]


@pytest.fixture
async def streams(bus: Connect) -> dict[str, Bus]:
    found = {name: await bus(name) for name in SERVICES}
    for name, own in found.items():
        await own.ensure_stream(name)
    return found


@pytest.mark.parametrize("reader", SERVICES)
@pytest.mark.parametrize("publisher", SERVICES)
async def test_a_service_reads_each_stream_through_its_own_durable(
    streams: dict[str, Bus], publisher: str, reader: str
) -> None:
    await streams[publisher].js.publish(f"{publisher}.thing.changed.v1", reader.encode())
    js, stream = streams[reader].js, publisher.upper()
    config = ConsumerConfig(
        durable_name=reader, ack_policy=AckPolicy.EXPLICIT, filter_subjects=[f"{publisher}.thing.changed.v1"]
    )
    await js.add_consumer(stream, config)
    subscription = await js.pull_subscribe_bind(durable=reader, stream=stream)
    messages = await subscription.fetch(50, timeout=1)
    assert messages[-1].data == reader.encode()
    for message in messages:
        await message.ack()
    await asyncio.sleep(0.05)
    info = await subscription.consumer_info()
    assert info.num_ack_pending == 0
    await messages[-1].respond(b"")
    await js.delete_consumer(stream, reader)


async def test_a_service_reads_a_whole_stream_again_for_a_rebuild(streams: dict[str, Bus]) -> None:
    await streams["registry"].js.publish("registry.unit.changed.v1", b"1")
    js = streams["sharing"].js
    assert (await js.stream_info("REGISTRY")).state.messages >= 1
    subscription = await js.subscribe("registry.>", stream="REGISTRY", ordered_consumer=True)
    assert (await subscription.next_msg(timeout=10)).data
    assert (await subscription.consumer_info()).num_pending is not None
    await subscription.unsubscribe()


async def test_watermarks_are_written_by_their_service_and_read_by_all(streams: dict[str, Bus]) -> None:
    now = datetime.now(UTC)
    for name, own in streams.items():
        await own.put_watermark(name, now, 3)
    for own in streams.values():
        for name in SERVICES:
            assert await own.watermark(name) == (now, 3)


async def test_questions_are_asked_of_anybody_and_answered_by_the_one_asked(streams: dict[str, Bus]) -> None:
    async def answer(message: Any) -> None:
        await message.respond(b"near")

    await streams["sharing"].client.subscribe("ask.sharing.nearby.v1", queue="sharing", cb=answer)
    await streams["sharing"].client.flush()
    for asker in ("permits", "registry"):
        assert await _asked(streams[asker], "ask.sharing.nearby.v1") == b"near"
    with pytest.raises(NoRespondersError):
        await streams["permits"].client.request("ask.registry.nothing.v1", b"", timeout=10)


async def _asked(bus: Bus, subject: str) -> bytes:
    """A busy server may say once that nobody listens before it has spread the word of a new listener."""
    for _ in range(50):
        with contextlib.suppress(NoRespondersError):
            return bytes((await bus.client.request(subject, b"", timeout=10)).data)
        await asyncio.sleep(0.1)
    raise AssertionError(f"nobody answers {subject}")


async def test_permits_keeps_its_parts(streams: dict[str, Bus]) -> None:
    js = streams["permits"].js
    store = await js.create_object_store("PARTS")
    await store.put("a" * 64, b"%PDF" * 100_000)
    info = await store.get_info("a" * 64)
    subscription = await js.subscribe(f"$O.PARTS.C.{info.nuid}", ordered_consumer=True)
    assert (await subscription.next_msg(timeout=10)).data.startswith(b"%PDF")
    await subscription.unsubscribe()
    await store.delete("a" * 64)


async def test_the_gateway_keeps_and_watches_its_sessions(bus: Connect) -> None:
    gateway = await bus("gateway")
    bucket = await gateway.bucket("sessions", ttl=3600)
    seen: list[str] = []

    async def changed(message: Any) -> None:
        seen.append(message.subject)

    watch = await gateway.js.subscribe(
        "$KV.sessions.>",
        stream="KV_sessions",
        cb=changed,
        ordered_consumer=True,
        deliver_policy=DeliverPolicy.NEW,
        headers_only=True,
    )
    revision = await bucket.create("k", b"1")
    await bucket.update("k", b"2", revision)
    assert (await bucket.get("k")).value == b"2"
    await bucket.delete("k")
    await asyncio.sleep(0.1)
    assert seen == ["$KV.sessions.k"] * 3
    await watch.unsubscribe()


TRESPASSES = [
    ("registry", "permits.application.decided.v1"),
    ("permits", "registry.structure.changed.v1"),
    ("sharing", "$KV.watermark.registry"),
    ("registry", "$KV.sessions.k"),
    ("sharing", "$O.PARTS.C.x"),
    ("gateway", "registry.structure.changed.v1"),
    ("gateway", "$KV.watermark.registry"),
    ("registry", "$JS.API.STREAM.DELETE.REGISTRY"),
    ("registry", "$JS.API.STREAM.PURGE.REGISTRY"),
    ("registry", "$JS.API.STREAM.MSG.DELETE.REGISTRY"),
    ("registry", "$JS.API.STREAM.DELETE.PERMITS"),
    ("registry", "$JS.API.STREAM.UPDATE.PERMITS"),
    ("registry", "$JS.API.CONSUMER.CREATE.PERMITS.sharing"),
    ("registry", "$JS.API.CONSUMER.DURABLE.CREATE.PERMITS.sharing"),
    ("registry", "$JS.API.CONSUMER.MSG.NEXT.PERMITS.sharing"),
    ("registry", "$JS.API.CONSUMER.DELETE.PERMITS.sharing"),
    ("registry", "$JS.API.DIRECT.GET.KV_sessions.$KV.sessions.k"),
    ("registry", "$JS.API.CONSUMER.CREATE.KV_sessions"),
    ("sharing", "$JS.API.CONSUMER.CREATE.OBJ_PARTS"),
    ("gateway", "$JS.API.CONSUMER.CREATE.PERMITS"),
    ("gateway", "$JS.API.STREAM.CREATE.OTHER"),
]


@pytest.mark.parametrize(("user", "subject"), TRESPASSES)
async def test_a_trespass_by_publishing_is_refused(strict_server: Broker, user: str, subject: str) -> None:
    violations: list[str] = []
    client = await _plain(strict_server, user, violations)
    try:
        await client.publish(subject, b"{}", reply=f"_INBOX_{user}.x")
        await client.flush()
        await asyncio.sleep(0.02)
        assert "Violation" in (strict_server.folder.parent / "nats.log").read_text()
        assert any("permissions violation for publish" in said.lower() for said in violations), violations
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("registry", ">"),
        ("registry", "_INBOX_permits.>"),
        ("registry", "permits.>"),
        ("sharing", "ask.permits.>"),
        ("gateway", "_INBOX_registry.>"),
        ("gateway", "$KV.>"),
        ("permits", "registry.>"),
    ],
)
async def test_a_trespass_by_listening_is_refused(strict_server: Broker, user: str, subject: str) -> None:
    violations: list[str] = []
    client = await _plain(strict_server, user, violations)
    try:
        await client.subscribe(subject)
        await client.flush()
        await asyncio.sleep(0.02)
        assert any("permissions violation for subscription" in said.lower() for said in violations), violations
    finally:
        await client.close()


async def test_a_wrong_password_is_refused(strict_server: Broker) -> None:
    with pytest.raises(nats.errors.Error, match=r"(?i)authorization"):
        await nats.connect(
            f"nats://registry:guess@127.0.0.1:{strict_server.port}", allow_reconnect=False, connect_timeout=2
        )


async def _plain(broker: Broker, user: str, violations: list[str]) -> Client:
    async def note(error: Exception) -> None:
        violations.append(str(error))

    return await nats.connect(broker.url(user), error_cb=note, inbox_prefix=f"_INBOX_{user}".encode())
