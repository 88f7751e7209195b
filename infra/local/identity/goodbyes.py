"""Ending sessions, and telling the applications that asked to be told: back-channel logout."""

import asyncio
import logging

import httpx

from infra.local.identity.directory import Directory
from infra.local.identity.realm import Client
from infra.local.identity.sessions import Sessions
from infra.local.identity.tokens import Tokens
from kernel.tasks import end

SECONDS = 5
log = logging.getLogger(__name__)


class Goodbyes:
    """Nobody waits for an application that is slow to answer; one that is away learns it at its next refresh."""

    def __init__(self, directory: Directory, sessions: Sessions, tokens: Tokens) -> None:
        self._directory, self._sessions, self._tokens = directory, sessions, tokens
        self._under_way: set[asyncio.Task[None]] = set()

    def end(self, sid: str) -> None:
        session = self._sessions.end(sid)
        client = self._directory.clients.get(session.client) if session else None
        person = self._directory.people.get(session.username) if session else None
        if client is None or person is None or not client.logout_url:
            return
        told = asyncio.get_running_loop().create_task(self._tell(client, person.id, sid))
        self._under_way.add(told)
        told.add_done_callback(self._under_way.discard)

    def end_all(self, username: str) -> None:
        for session in self._sessions.of(username):
            self.end(session.sid)

    async def close(self) -> None:
        await end(self._under_way)

    async def _tell(self, client: Client, person_id: str, sid: str) -> None:
        form = {"logout_token": self._tokens.for_goodbye(client, person_id, sid)}
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=SECONDS) as http:
                answer = await http.post(client.logout_url, data=form)
        except httpx.HTTPError as error:
            log.warning("%s was not told of the end of a session: %r", client.id, error)
            return
        if answer.status_code >= 300:
            log.warning("%s answered %d to the end of a session", client.id, answer.status_code)
