"""The real permissions of infra/nats/nats.conf: the kernel's bus works with them, trespassing does not."""

import asyncio
import contextlib
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError
from nats.js.api import DeliverPolicy

from contracts.catalog import ASKERS, EVENTS, QUESTIONS, READERS, readers_of
from contracts.envelope import stream_of
from infra.local.nats import CONFIGURATION, Broker
from infra.nats.keys import USERS, new_seed, public, variable
from infra.nats.permissions import CLIENTS, configuration
from kernel.bus import Bus
from kernel.settings import Settings
from services.permits import clients
from tests.fixtures.servers import running_strict_nats

pytestmark = pytest.mark.database

SERVICES = ("registry", "permits", "sharing")
Connect = Callable[[str], Any]


@pytest.fixture(scope="module")
def strict_server() -> Iterator[Broker]:
    with running_strict_nats() as broker:
        yield broker


@pytest.fixture
async def bus(strict_server: Broker) -> AsyncIterator[Connect]:
    log = strict_server.folder.parent / "nats.log"
    before = log.read_text().count("Violation")
    async with AsyncExitStack() as stack:

        async def connect(name: str) -> Bus:
            made = Bus(
                Settings(
                    name=name,
                    nats_url=strict_server.address,
                    nats_seed_file=strict_server.seed_file(name),
                    form_key="-",
                )
            )
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


READING = [(reader, publisher) for publisher in SERVICES for reader in readers_of(publisher)]


def test_the_committed_file_is_the_generated_one() -> None:
    assert CONFIGURATION.read_text() == configuration({user: f"${variable(user)}" for user in USERS}), (
        "run: python -m infra.nats > infra/nats/nats.conf"
    )


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_granted_what_its_handlers_take(service: str) -> None:
    handlers = import_module(f"services.{service}.handlers").HANDLERS
    assert set(READERS[service]) == set(handlers)


def test_seeds_are_their_owners_and_the_server_knows_none(strict_server: Broker) -> None:
    for user in USERS:
        path = strict_server.seed_file(user)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        seed = path.read_text()
        command = strict_server.command()
        assert seed not in " ".join([*command.argv, *command.env.values()])
        assert public(path).startswith("U")


@pytest.mark.parametrize(("reader", "publisher"), READING)
async def test_a_reader_takes_what_its_publisher_granted(streams: dict[str, Bus], reader: str, publisher: str) -> None:
    granted = readers_of(publisher)
    await streams[publisher].grant(publisher, granted)
    event = sorted(granted[reader])[0]
    await streams[publisher].js.publish(event, reader.encode())
    js, stream = streams[reader].js, publisher.upper()
    subscription = await js.pull_subscribe_bind(durable=reader, stream=stream)
    messages = await subscription.fetch(50, timeout=2)
    assert messages[-1].data == reader.encode()
    assert {message.subject for message in messages} <= set(granted[reader])
    for message in messages:
        await message.ack()
    info = await _acknowledged(subscription)
    assert (await js.consumer_info(stream, reader)).config.filter_subjects == sorted(granted[reader]), info
    await messages[-1].respond(b"")


async def _acknowledged(subscription: Any) -> Any:
    for _ in range(100):
        info = await subscription.consumer_info()
        if info.num_ack_pending == 0:
            return info
        await asyncio.sleep(0.02)
    raise AssertionError(info)


async def test_sharing_reads_the_whole_registry_again(streams: dict[str, Bus]) -> None:
    await streams["registry"].js.publish("registry.unit.changed.v1", b"1")
    js = streams["sharing"].js
    last = (await js.stream_info("REGISTRY")).state.last_seq
    assert (await js.get_msg("REGISTRY", last)).data == b"1"


async def test_permits_rebuilds_from_the_kinds_it_reads(streams: dict[str, Bus]) -> None:
    await streams["registry"].js.publish("registry.structure.changed.v1", b"secret plan")
    told = [message.data async for message in clients._told(streams["permits"], "REGISTRY", "registry.unit.changed.v1")]
    assert b"secret plan" not in told


async def test_watermarks_are_written_by_their_service_and_read_by_all(streams: dict[str, Bus]) -> None:
    now = datetime.now(UTC)
    for name, own in streams.items():
        await own.put_watermark(name, now, 3)
    for reader, own in streams.items():
        for name in {reader, *(event.type.split(".")[0] for event in READERS[reader])}:
            assert await own.watermark(name) == (now, 3)


async def test_questions_are_asked_by_who_may_and_answered_by_the_one_asked(bus: Connect) -> None:
    async def answer(message: Any) -> None:
        await message.respond(b"near")

    for subject in (question.subject for question in QUESTIONS):
        answerer = subject.split(".")[1]
        (asker,) = (name for name, asked in ASKERS.items() if any(_covers(pattern, subject) for pattern in asked))
        own = await bus(answerer)
        await own.client.subscribe(subject, queue=answerer, cb=answer)
        await own.client.flush()
        assert await _asked(await bus(asker), subject) == b"near"


def _covers(pattern: str, subject: str) -> bool:
    return subject == pattern or (pattern.endswith(">") and subject.startswith(pattern[:-1]))


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


def _trespasses() -> Iterator[tuple[str, str]]:
    """For each user what belongs to each other one: events, durables, streams, marks, questions."""
    for user in CLIENTS:
        others = [other for other in CLIENTS if other != user]
        yield from ((user, event.type) for event in EVENTS if stream_of(event) != user)
        for publisher in SERVICES:
            stream = publisher.upper()
            yield user, f"$JS.API.STREAM.DELETE.{stream}"
            yield user, f"$JS.API.STREAM.PURGE.{stream}"
            yield user, f"$JS.API.STREAM.MSG.DELETE.{stream}"
            yield user, f"$JS.API.CONSUMER.CREATE.{stream}"
            yield user, f"$JS.API.CONSUMER.CREATE.{stream}.spy"
            yield user, f"$JS.API.CONSUMER.CREATE.{stream}.spy.>"
            yield user, f"$JS.API.DIRECT.GET.{stream}"
            yield from ((user, f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{other}") for other in others)
            yield from ((user, f"$JS.ACK.{stream}.{other}.1.1.1.1.1") for other in others)
            if publisher != user:
                yield user, f"$JS.API.STREAM.UPDATE.{stream}"
                yield from ((user, f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{each}") for each in CLIENTS)
                yield user, f"$KV.watermark.{publisher}"
            if user not in readers_of(publisher):
                yield user, f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{user}"
                yield user, f"$JS.API.STREAM.MSG.GET.{stream}"
        yield from ((user, f"ask.{other}.anything.v1") for other in others)
    yield "permits", "$JS.API.STREAM.MSG.GET.REGISTRY"
    yield "permits", "$JS.API.CONSUMER.CREATE.REGISTRY.permits-rebuild.registry.structure.changed.v1"
    yield "permits", "$JS.API.CONSUMER.CREATE.REGISTRY.sharing.registry.unit.changed.v1"
    yield "permits", "ask.gateway.identity.accounts.v1"
    yield "sharing", "ask.gateway.identity.accounts.v1"
    for user in SERVICES:
        yield from (
            (user, subject) for subject in ("$KV.sessions.k", "$JS.API.CONSUMER.CREATE.KV_sessions", "gateway.granted")
        )
        yield user, "$JS.API.DIRECT.GET.KV_sessions.$KV.sessions.k"
    for user in ("registry", "sharing", "gateway"):
        yield from (
            (user, subject)
            for subject in ("$O.PARTS.C.x", "$JS.API.CONSUMER.CREATE.OBJ_PARTS", "$JS.API.STREAM.MSG.GET.OBJ_PARTS")
        )
    yield "gateway", "$JS.API.STREAM.CREATE.OTHER"


@pytest.mark.parametrize("user", CLIENTS)
async def test_trespasses_by_publishing_are_refused(strict_server: Broker, user: str) -> None:
    violations: list[str] = []
    client = await _plain(strict_server, user, violations)
    wanted = [subject for who, subject in _trespasses() if who == user]
    try:
        for subject in wanted:
            await client.publish(subject, b"{}", reply=f"_INBOX_{user}.x")
        await client.flush()
        for _ in range(100):
            if len(violations) >= len(wanted):
                break
            await asyncio.sleep(0.02)
    finally:
        await client.close()
    told = "\n".join(violations).lower()
    assert [
        subject for subject in wanted if f'permissions violation for publish to "{subject}"'.lower() not in told
    ] == []


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


async def test_who_has_no_seed_is_refused(strict_server: Broker, tmp_path: Path) -> None:
    other = tmp_path / "other.nk"
    other.write_bytes(new_seed())
    for given in ({}, {"user": "registry", "password": "registry"}, {"nkeys_seed": str(other)}):
        with pytest.raises(nats.errors.Error, match=r"(?i)authorization"):
            await nats.connect(strict_server.address, allow_reconnect=False, connect_timeout=2, **given)


async def _plain(broker: Broker, user: str, violations: list[str]) -> Client:
    async def note(error: Exception) -> None:
        violations.append(str(error))

    return await nats.connect(
        broker.address,
        nkeys_seed=str(broker.seed_file(user)),
        error_cb=note,
        inbox_prefix=f"_INBOX_{user}".encode(),
    )
