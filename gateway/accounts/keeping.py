"""The verbs of `contracts/gateway.py`: each looks at what is there and does the rest."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts import gateway as said
from gateway.accounts.realm import Document, Realm, digest_of, new_token, now_seconds
from gateway.accounts.refusals import (
    AccountRefused,
    ClientTaken,
    ClientUnknown,
    InvitationOver,
    PasswordRefused,
    PersonTaken,
    PersonUnknown,
)

SECRET_SECONDS = 366 * 24 * 3600
INVITATION_SECONDS = 3 * 24 * 3600
LONGEST_OVERLAP = 30 * 24 * 3600
SET_PASSWORD = "UPDATE_PASSWORD"  # noqa: S105
OWNER, REQUEST = "hatang.org", "hatang.request"
SECRET_MADE, SECRET_ENDS = "client.secret.creation.time", "client.secret.expiration.time"
ROTATED = "client.secret.rotated"
ROTATED_MADE, ROTATED_ENDS = f"{ROTATED}.creation.time", f"{ROTATED}.expiration.time"
_AT_ONCE = 8
_PAGES = 20
_SCOPES = ["basic", "hatang"]


# Of a person, by the subject of his tokens.
EndSessions = Callable[[str], Awaitable[None]]


class Keeping:
    """`end_sessions` ends them here at once; the provider's own notice comes later, or is lost on its way."""

    def __init__(self, realm: Realm, admin_client: str, end_sessions: EndSessions) -> None:
        self._realm, self._admin_client, self._end_sessions = realm, admin_client, end_sessions

    async def accounts(self, since: datetime) -> said.Accounts:
        """Everybody with an organisation, and when each last came; clients of the realm itself have none."""
        held = await self._realm.holders()
        used = await self._uses(since)
        people = [self._person(user, held, used) for user in await self._realm.people() if _org(user)]
        found = [client for client in await self._realm.clients() if self._is_trade(client)]
        gate = asyncio.Semaphore(_AT_ONCE)

        async def client(document: Document) -> said.Client | None:
            async with gate:
                account = await self._realm.account_of(document)
            return self._client(document, account, held, used) if _org(account) else None

        clients = [one for one in await asyncio.gather(*map(client, found)) if one is not None]
        return said.Accounts(clients=clients, people=people)

    async def keep_client(self, asked: said.KeepClient) -> None:
        document = await self._realm.client(asked.client_id) or await self._new_client(asked)
        account = await self._owned(document, asked.org, known=asked.known)
        await self._realm.set_roles(account["id"], asked.capabilities)
        had = account.get("attributes", {})
        attributes = {**had, "org": [asked.org], "networks": asked.networks}
        if _org(account) != asked.org or had.get("networks", []) != asked.networks:
            changed = {**account, "attributes": attributes}
            await self._realm.call(self._realm.admin.a_update_user(account["id"], changed))
        wanted = {"enabled": asked.enabled, "name": asked.name}
        owner = document["attributes"].get(OWNER)
        if any(document.get(name) != value for name, value in wanted.items()) or owner != asked.org:
            changed = {**document, **wanted, "attributes": {**document["attributes"], OWNER: asked.org}}
            await self._realm.call(self._realm.admin.a_update_client(document["id"], changed))

    async def issue_secret(self, asked: said.IssueSecret) -> said.Secret:
        """One write: from one moment to the next the new secret and the former one are good, and never none."""
        document = await self._known_client(asked.client_id, asked.org)
        fresh, now = said.SECRET_PREFIX + new_token(), now_seconds()
        attributes = {**document["attributes"], SECRET_MADE: str(now), SECRET_ENDS: str(now + SECRET_SECONDS)}
        if attributes.get(REQUEST) != str(asked.request):
            attributes |= _overlap(document, min(asked.overlap_seconds, LONGEST_OVERLAP), now)
        attributes[REQUEST] = str(asked.request)
        changed = {**document, "secret": fresh, "attributes": attributes}
        await self._realm.call(self._realm.admin.a_update_client(document["id"], changed))
        # A realm without the feature drops the former secret: what is told is what it holds.
        kept = (await self._known_client(asked.client_id, asked.org))["attributes"]
        return said.Secret(secret=fresh, ends=_moment(kept.get(SECRET_ENDS)), overlap_until=_overlap_until(kept))

    async def end_overlap(self, client_id: str, org: str) -> None:
        document = await self._known_client(client_id, org)
        if ROTATED in document["attributes"]:
            await self._realm.drop_rotated(document["id"])

    async def keep_person(self, asked: said.KeepPerson) -> None:
        user = await self._realm.person(asked.username)
        if user is None:
            user_id = await self._new_person(asked)
            await self._realm.set_roles(user_id, asked.capabilities)
            return
        if _org(user) != asked.org and not asked.known:
            raise PersonTaken
        await self._realm.set_roles(user["id"], asked.capabilities)
        changed = {**user, **_content(asked), "attributes": {**user.get("attributes", {}), **_attributes(asked)}}
        if changed != user:
            await self._realm.call(self._realm.admin.a_update_user(user["id"], changed))
        if not asked.enabled:
            await self._sign_out(user)

    async def invite(self, username: str, org: str) -> said.Invitation:
        """The link says when it ends; the realm keeps the digest of both, so neither can be changed or read there."""
        user = await self._known_person(username, org)
        ends = now_seconds() + INVITATION_SECONDS
        token = f"{ends}-{new_token()}"
        await self._set_invitation(user, [digest_of(token)])
        return said.Invitation(path=f"/invitation/{token}", ends=datetime.fromtimestamp(ends, UTC))

    async def sign_out(self, username: str, org: str) -> None:
        await self._sign_out(await self._known_person(username, org))

    async def _sign_out(self, user: Document) -> None:
        await self._realm.call(self._realm.admin.a_user_logout(user["id"]))
        await self._end_sessions(user["id"])

    async def invited(self, token: str) -> Document:
        """Whom a link is for. Raises InvitationOver (404)."""
        ends, _, rest = token.partition("-")
        is_open = ends.isdecimal() and len(ends) <= 12 and int(ends) > now_seconds() and len(token) < 100
        user = await self._realm.invited(digest_of(token)) if is_open and rest else None
        if user is None or not user.get("enabled"):
            raise InvitationOver
        return user

    async def set_password(self, token: str, password: str) -> None:
        """Raises InvitationOver (404), PasswordRefused (422)."""
        user = await self.invited(token)
        try:
            await self._realm.call(self._realm.admin.a_set_user_password(user["id"], password, temporary=False))
        except AccountRefused as error:
            raise PasswordRefused from error
        fresh = await self._realm.call(self._realm.admin.a_get_user(user["id"]))
        await self._set_invitation(fresh, [])
        await self._sign_out(user)

    async def _new_client(self, asked: said.KeepClient) -> Document:
        await self._realm.call(
            self._realm.admin.a_create_client(
                {
                    "clientId": asked.client_id,
                    "name": asked.name,
                    "enabled": asked.enabled,
                    "protocol": "openid-connect",
                    "publicClient": False,
                    "standardFlowEnabled": False,
                    "implicitFlowEnabled": False,
                    "directAccessGrantsEnabled": False,
                    "serviceAccountsEnabled": True,
                    "fullScopeAllowed": True,
                    "clientAuthenticatorType": "client-secret",
                    "secret": said.SECRET_PREFIX + new_token(),
                    "defaultClientScopes": _SCOPES,
                    "optionalClientScopes": [],
                    "attributes": {OWNER: asked.org},
                }
            )
        )
        return await self._known_client(asked.client_id, asked.org)

    async def _known_client(self, client_id: str, org: str) -> Document:
        document = await self._realm.client(client_id)
        if document is None:
            raise ClientUnknown
        try:
            await self._owned(document, org)
        except ClientTaken as error:
            raise ClientUnknown from error
        return document

    async def _owned(self, document: Document, org: str, *, known: bool = False) -> Document:
        """The account behind a client of this organisation. Raises ClientTaken for anybody else's."""
        if not self._is_trade(document):
            raise ClientTaken
        account = await self._realm.account_of(document)
        others = {document["attributes"].get(OWNER) or _org(account), _org(account)} - {"", org}
        is_nobodys = not document["attributes"].get(OWNER) and not _org(account)
        if (others or is_nobodys) and not known:
            raise ClientTaken
        return account

    async def _new_person(self, asked: said.KeepPerson) -> str:
        content = {"username": asked.username, "requiredActions": [SET_PASSWORD], "attributes": _attributes(asked)}
        return str(await self._realm.call(self._realm.admin.a_create_user({**content, **_content(asked)})))

    async def _known_person(self, username: str, org: str) -> Document:
        user = await self._realm.person(username)
        if user is None or _org(user) != org:
            raise PersonUnknown
        return user

    async def _set_invitation(self, user: Document, value: list[str]) -> None:
        attributes = {**user.get("attributes", {}), "invitation": value}
        changed = {**user, "attributes": attributes}
        await self._realm.call(self._realm.admin.a_update_user(user["id"], changed))

    async def _uses(self, since: datetime) -> dict[str, datetime]:
        """User id -> last sign-in, or last token of the client behind it."""
        day = since.astimezone(UTC).date() - timedelta(days=1)
        events = await self._realm.events(day.isoformat(), ["LOGIN", "CLIENT_LOGIN"], _PAGES)
        used: dict[str, datetime] = {}
        for event in events:
            if "userId" in event and "error" not in event:
                used.setdefault(event["userId"], datetime.fromtimestamp(event["time"] / 1000, UTC))
        return used

    def _is_trade(self, client: Document) -> bool:
        is_realms = client.get("standardFlowEnabled") or client.get("publicClient") or client.get("bearerOnly")
        return bool(client.get("serviceAccountsEnabled")) and not is_realms and client["clientId"] != self._admin_client

    @staticmethod
    def _client(
        client: Document, account: Document, held: dict[str, list[str]], used: dict[str, datetime]
    ) -> said.Client:
        attributes = client.get("attributes", {})
        return said.Client(
            client_id=client["clientId"],
            name=client.get("name") or "",
            org=_org(account),
            capabilities=sorted(held.get(account["id"], [])),
            enabled=client.get("enabled", True) and account.get("enabled", True),
            last_used=used.get(account["id"]),
            secret_ends=_moment(attributes.get(SECRET_ENDS)),
            overlap_until=_overlap_until(attributes),
            networks=sorted(account.get("attributes", {}).get("networks", [])),
        )

    @staticmethod
    def _person(user: Document, held: dict[str, list[str]], used: dict[str, datetime]) -> said.Person:
        return said.Person(
            username=user["username"],
            name=user.get("firstName") or "",
            email=user.get("email") or "",
            org=_org(user),
            capabilities=sorted(held.get(user["id"], [])),
            functions=sorted(user.get("attributes", {}).get("functions", [])),
            enabled=user.get("enabled", True),
            invited=SET_PASSWORD in user.get("requiredActions", []),
            last_used=used.get(user["id"]),
        )


def _org(user: Document) -> str:
    return next(iter(user.get("attributes", {}).get("org", [])), "")


def _content(asked: said.KeepPerson) -> dict[str, Any]:
    content = {"firstName": asked.name, "enabled": asked.enabled}
    return {**content, "email": asked.email} if asked.email else content


def _attributes(asked: said.KeepPerson) -> dict[str, list[str]]:
    return {"org": [asked.org], "locale": [asked.locale], "functions": sorted(asked.functions)}


def _overlap(document: Document, seconds: int, now: int) -> dict[str, str]:
    if seconds <= 0:
        return dict.fromkeys((ROTATED, ROTATED_MADE, ROTATED_ENDS), "")
    return {ROTATED: document.get("secret", ""), ROTATED_MADE: str(now), ROTATED_ENDS: str(now + seconds)}


def _overlap_until(attributes: dict[str, str]) -> datetime | None:
    ends = _moment(attributes.get(ROTATED_ENDS)) if ROTATED in attributes else None
    return ends if ends is not None and ends > datetime.now(UTC) else None


def _moment(seconds: str | None) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else None
