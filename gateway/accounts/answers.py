"""Serving the questions over NATS; the broker lets the registry alone ask them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from nats.aio.msg import Msg
from pydantic import BaseModel, ValidationError

from contracts import gateway as said
from contracts.envelope import Question
from gateway.accounts.keeping import Keeping
from gateway.settings import NAME
from kernel import logging, trace
from kernel.bus import Bus
from kernel.errors import Refusal
from kernel.tasks import end

Answer = Callable[[Any], Awaitable[BaseModel]]
_LOOK_SECONDS = 0.2
_log = logging.get("gateway.accounts")


class Answers:
    """Questions run side by side; whoever needs an order asks one after the other."""

    def __init__(self, bus: Bus, keeping: Keeping) -> None:
        self._bus, self._keeping = bus, keeping
        self._starting: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Waits for the broker in the background; the client renews its subscriptions after a lost connection."""
        self._starting = asyncio.get_running_loop().create_task(self._serve())

    async def close(self) -> None:
        await end(task for task in (self._starting, *self._under_way) if task is not None)

    async def _serve(self) -> None:
        while not self._bus.connected:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)
        for question, answer in self._table().items():
            subject = self._bus.subject(question.subject)
            await self._bus.client.subscribe(subject, queue=NAME, cb=self._receiver(question, answer))

    def _receiver(self, question: type[Question], answer: Answer) -> Callable[[Msg], Awaitable[None]]:
        async def receive(message: Msg) -> None:
            # The next question is not held up by one that waits for the provider.
            task = asyncio.get_running_loop().create_task(self._respond(question, answer, message))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

        return receive

    async def _respond(self, question: type[Question], answer: Answer, message: Msg) -> None:
        trace.adopt((message.headers or {}).get("traceparent"))
        try:
            reply = await answer(question.model_validate_json(message.data))
            body = b'{"ok":' + reply.model_dump_json().encode() + b"}"
        except Refusal as refusal:
            body = orjson.dumps({"error": refusal.code})
        except ValidationError:
            body = orjson.dumps({"error": "MalformedRequest"})
        except Exception as error:
            # Never the exception's own text: it may quote an answer of the provider with a secret in it.
            _log.error("question failed", question=question.subject, error=type(error).__name__)
            body = orjson.dumps({"error": "InternalError"})
        await message.respond(body)

    def _table(self) -> dict[type[Question], Answer]:
        keeping = self._keeping

        async def accounts(asked: said.AccountsHeld) -> said.Accounts:
            return await keeping.accounts(asked.since)

        async def keep_client(asked: said.KeepClient) -> said.Kept:
            await keeping.keep_client(asked)
            return said.Kept()

        async def end_overlap(asked: said.EndOverlap) -> said.Kept:
            await keeping.end_overlap(asked.client_id, asked.org)
            return said.Kept()

        async def keep_person(asked: said.KeepPerson) -> said.Kept:
            await keeping.keep_person(asked)
            return said.Kept()

        async def invite(asked: said.Invite) -> said.Invitation:
            return await keeping.invite(asked.username, asked.org)

        async def sign_out(asked: said.SignOut) -> said.Kept:
            await keeping.sign_out(asked.username, asked.org)
            return said.Kept()

        return {
            said.AccountsHeld: accounts,
            said.KeepClient: keep_client,
            said.IssueSecret: keeping.issue_secret,
            said.EndOverlap: end_overlap,
            said.KeepPerson: keep_person,
            said.Invite: invite,
            said.SignOut: sign_out,
        }
