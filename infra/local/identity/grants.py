"""Authlib's authorization server with the three grants the product uses."""

import json
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import OAuth2Payload, OAuth2Request, grants
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc7636 import CodeChallenge
from starlette.datastructures import FormData, QueryParams
from starlette.responses import Response

from infra.local.identity.directory import Directory
from infra.local.identity.journal import Journal
from infra.local.identity.realm import Client, Person
from infra.local.identity.sessions import Code, Session, Sessions, new_sid
from infra.local.identity.tokens import Tokens

METHODS = ["client_secret_basic", "client_secret_post"]


class Parameters(OAuth2Payload):  # type: ignore[misc]
    """Query and form together, as the authorization page posts to the address it was opened with."""

    def __init__(self, query: QueryParams, form: FormData) -> None:
        self._list: defaultdict[str, list[str]] = defaultdict(list)
        for key, value in [*query.multi_items(), *form.multi_items()]:
            self._list[key].append(str(value))

    def _first(self) -> dict[str, str]:
        return {key: values[0] for key, values in self._list.items()}

    data = property(_first)

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._list


class Asked(OAuth2Request):  # type: ignore[misc]
    """A request whose body has been read; Authlib's grants are synchronous."""

    def __init__(self, method: str, uri: str, headers: Mapping[str, str], query: QueryParams, form: FormData) -> None:
        # Authlib looks for "Authorization"; starlette's headers ignore case.
        super().__init__(method, uri, headers=headers)
        self.payload = Parameters(query, form)
        self._posted = {key: str(value) for key, value in form.items()}

    @property
    def form(self) -> dict[str, str]:
        return self._posted


class Server(AuthorizationServer):  # type: ignore[misc]
    """Knows clients and people from the directory; sessions and tokens are its own."""

    def __init__(self, directory: Directory, sessions: Sessions, tokens: Tokens, journal: Journal) -> None:
        super().__init__()
        self.directory, self.sessions, self.tokens, self.journal = directory, sessions, tokens, journal
        self.register_grant(CodeGrant, [Proof(required=True)])
        self.register_grant(RefreshGrant)
        self.register_grant(ClientGrant)

    def query_client(self, client_id: str) -> Client | None:
        found = self.directory.clients.get(client_id)
        return found if found is not None and found.enabled else None

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Tokens are self-contained; only their session is kept, and the grants keep it."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: Asked) -> Asked:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Response:
        content = json.dumps(body) if isinstance(body, dict) else body
        return Response(content, status_code=303 if status == 302 else status, headers=dict(headers))


class Proof(CodeChallenge):  # type: ignore[misc]
    """PKCE with S256, and nothing else, at every sign-in."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: "CodeGrant", redirect_uri: str) -> None:
        sent = grant.request.payload.data
        if not sent.get("code_challenge") or sent.get("code_challenge_method") != "S256":
            raise InvalidRequestError("Missing parameter: code_challenge with code_challenge_method S256")
        super().validate_code_challenge(grant, redirect_uri)


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def save_authorization_code(self, code: str, request: Asked) -> None:
        sent = request.payload.data
        made = Code(
            code=code,
            client=request.client.id,
            username=request.user.username,
            redirect_uri=sent["redirect_uri"],
            scope=request.scope,
            nonce=sent.get("nonce"),
            code_challenge=sent["code_challenge"],
            code_challenge_method=sent["code_challenge_method"],
            issued=time.time(),
            sid=new_sid(),
        )
        self.server.sessions.keep_code(made)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found: Code | None = self.server.sessions.redeem(code, client.id)
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """A used code stays until its minute is over, so that its second use is noticed."""

    def authenticate_user(self, authorization_code: Code) -> Person | None:
        return _enabled(self.server.directory, authorization_code.username)

    def generate_token(self, user: Person, **_: object) -> dict[str, Any]:
        code: Code = self.request.authorization_code
        session = self.server.sessions.open(code)
        self.server.journal.note("LOGIN", client=code.client, user=user.id, session=session.sid, username=user.username)
        made: dict[str, Any] = self.server.tokens.for_session(self.request.client, user, session, code.nonce)
        return made


def _enabled(directory: Directory, username: str) -> Person:
    person = directory.people.get(username)
    if person is None or not person.enabled:
        raise InvalidGrantError("User disabled")
    return person


class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def authenticate_refresh_token(self, refresh_token: str) -> "Refreshable | None":
        claims = self.server.tokens.read_refresh(refresh_token)
        session = self.server.sessions.live(claims["sid"]) if claims else None
        if session is None:
            raise InvalidGrantError("Session not active")
        return Refreshable(session)

    def authenticate_user(self, refresh_token: "Refreshable") -> Person | None:
        return _enabled(self.server.directory, refresh_token.session.username)

    def issue_token(self, user: Person, refresh_token: "Refreshable") -> dict[str, Any]:
        session = refresh_token.session
        self.server.sessions.touch(session.sid)
        made: dict[str, Any] = self.server.tokens.for_session(self.request.client, user, session, None)
        return made

    def revoke_old_credential(self, refresh_token: "Refreshable") -> None:
        """As in the realm (`revokeRefreshToken: false`): a lost answer must not sign a person out."""


class Refreshable:
    """A live session in the shape of the refresh token that Authlib checks."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def check_client(self, client: Client) -> bool:
        return self.session.client == client.id

    def get_scope(self) -> str:
        return self.session.scope


class ClientGrant(grants.ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def generate_token(self, scope: str | None = None, **_: object) -> dict[str, Any]:
        client: Client = self.request.client
        account = client.account
        if account is None or not account.enabled:
            raise InvalidGrantError("User disabled")
        self.server.journal.note("CLIENT_LOGIN", client=client.id, user=account.id, username=account.username)
        made: dict[str, Any] = self.server.tokens.for_client(client, account, scope or "")
        return made
