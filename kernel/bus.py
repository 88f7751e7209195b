"""NATS: streams that keep facts, questions that want an answer, and the marks of how far a stream is complete."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import nats
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeout
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StorageType, StreamConfig
from nats.js.errors import BucketNotFoundError, KeyNotFoundError
from nats.js.kv import KeyValue
from pydantic import BaseModel

from contracts.envelope import Question
from kernel import logging, trace
from kernel.db import Database
from kernel.errors import N_, Refusal, Unavailable
from kernel.settings import Settings

log = logging.get(__name__)
Reply = TypeVar("Reply", bound=BaseModel)
Answer = Callable[[Database, Any], Awaitable[BaseModel]]

DUPLICATE_WINDOW = 600.0
ACK_WAIT = 30.0


def durable(reader: str, subjects: Sequence[str]) -> ConsumerConfig:
    """The one durable that a reader has of a stream, named after the reader."""
    return ConsumerConfig(
        durable_name=reader,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT,
        max_ack_pending=1000,
        filter_subjects=list(subjects),
    )


class QuestionRefused(Refusal):
    """Another service refused a question; it says why in its own words."""

    status = 502
    detail = N_("Another part of the system, {service}, refused a question: {code}.")


class Bus:
    """One connection, which comes back by itself. Nothing here blocks a start: a broker that is away is waited for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.name, self.prefix = settings.name, settings.stream_prefix
        self.client = Client()
        self._js: JetStreamContext | None = None
        self._connecting: asyncio.Task[None] | None = None

    async def connect(self, *, wait: bool = False) -> None:
        """`wait=False` returns at once and goes on trying in the background."""
        self._connecting = asyncio.create_task(self._connect())
        if wait:
            await self._connecting

    async def _connect(self) -> None:
        async def quietly(error: Exception) -> None:
            log.warning("nats", error=repr(error))

        seed, authority = self._settings.nats_seed_file, self._settings.nats_ca
        await self.client.connect(
            self._settings.nats_url,
            nkeys_seed=str(seed) if seed else None,
            tls=ssl.create_default_context(cafile=authority) if authority else None,
            name=self._settings.name,
            inbox_prefix=f"_INBOX_{self._settings.name}".encode(),
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            connect_timeout=2,
            error_cb=quietly,
            pending_size=16 * 1024 * 1024,
        )

    @property
    def js(self) -> JetStreamContext:
        if self._js is None:
            self._js = self.client.jetstream(timeout=5, publish_async_max_pending=512)
        return self._js

    @property
    def connected(self) -> bool:
        return self.client.is_connected

    async def close(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        if not self.client.is_closed:
            try:
                await self.client.close()
            except Exception as error:
                log.warning("nats.close", error=repr(error))

    def subject(self, name: str) -> str:
        return f"{self.prefix}{name}"

    def stream(self, service: str) -> str:
        return f"{self.prefix.replace('.', '_')}{service.upper()}"

    async def ensure_stream(self, service: str) -> None:
        """The publisher owns its stream: file storage, no age limit, ten minutes of duplicate window."""
        config = StreamConfig(
            name=self.stream(service),
            subjects=[self.subject(f"{service}.>")],
            storage=StorageType.FILE,
            duplicate_window=DUPLICATE_WINDOW,
        )
        try:
            await self.js.add_stream(config)
        except nats.js.errors.BadRequestError:
            await self.js.update_stream(config)

    async def grant(self, service: str, readers: Mapping[str, Sequence[str]]) -> None:
        """The publisher makes its readers' durables, each filtered by what that reader may know: nobody takes more."""
        for reader, events in readers.items():
            subjects = [self.subject(event) for event in sorted(events)]
            await self.js.add_consumer(self.stream(service), durable(reader, subjects))

    async def bucket(self, name: str, ttl: float | None = None) -> KeyValue:
        full = f"{self.prefix.replace('.', '_')}{name}"
        try:
            return await self.js.key_value(full)
        except BucketNotFoundError:
            return await self.js.create_key_value(bucket=full, ttl=ttl, history=1)

    async def ask(self, question: Question, reply: type[Reply]) -> Reply:
        """Raises Unavailable (503) when nobody answers in the question's time, QuestionRefused on a refusal."""
        with trace.span(f"ask {question.subject}", "CLIENT", messaging_system="nats"):
            headers = {"traceparent": trace.current.get()} if trace.current.get() else None
            try:
                answer = await self.client.request(
                    self.subject(question.subject),
                    question.model_dump_json().encode(),
                    timeout=question.seconds,
                    headers=headers,
                )
            except (NoRespondersError, NatsTimeout, nats.errors.Error) as error:
                raise Unavailable from error
        body = orjson.loads(answer.data)
        if "error" in body:
            raise QuestionRefused(service=question.subject.split(".")[1], code=body["error"])
        return reply.model_validate(body["ok"])

    async def answer(self, question: type[Question], database: Database, reply: Answer) -> None:
        """Serves a question from a queue group, so that any of several processes may answer."""

        async def respond(msg: Msg) -> None:
            given = trace.adopt((msg.headers or {}).get("traceparent"))
            try:
                with trace.span(f"answer {question.subject}", "SERVER", given, messaging_system="nats"):
                    said = await reply(database, question.model_validate_json(msg.data))
                body = b'{"ok":' + said.model_dump_json().encode() + b"}"
            except Refusal as refusal:
                body = orjson.dumps({"error": refusal.code})
            except Exception:
                log.exception("question.failed", question=question.subject)
                body = orjson.dumps({"error": "InternalError"})
            await msg.respond(body)

        await self.client.subscribe(self.subject(question.subject), queue=self._settings.name, cb=respond)

    async def put_watermark(self, service: str, until: datetime, seq: int) -> None:
        bucket = await self.bucket("watermark")
        await bucket.put(service, orjson.dumps({"until": until, "seq": seq}))

    async def watermark(self, service: str) -> tuple[datetime, int] | None:
        """Everything `service` recorded before the first is in its stream up to the second."""
        try:
            entry = await (await self.bucket("watermark")).get(service)
        except (KeyNotFoundError, nats.errors.Error):
            return None
        if entry.value is None:
            return None
        body = orjson.loads(entry.value)
        return datetime.fromisoformat(body["until"]), int(body["seq"])
