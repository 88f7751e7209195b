import asyncio
import base64
import dataclasses
import itertools
import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from gateway.app import Gateway
from gateway.limits import limited
from gateway.settings import NAME, GatewaySettings
from infra.local.identity.app import create_app as create_provider
from infra.local.identity.realm import load
from kernel import trace
from tests.fixtures.servers import OpenBroker
from tests.gateway.serving import listening, serving, stop_all, stopping
from tests.gateway.upstream import Service

_numbers = itertools.count(1)
KEY = base64.b64encode(bytes(range(32))).decode()


@dataclass
class Provider:
    """The embedded identity provider, with a count of what was asked of its token endpoint and a switch."""

    issuer: str
    app: Any
    grants: list[str] = field(default_factory=list)
    refuse_refresh: bool = False
    is_away: bool = False
    asked_keys: int = 0

    @property
    def realm(self) -> Any:
        """The provider object behind the application: every route of it is one of its methods."""
        routes = [route for one in self.app.routes for route in getattr(one, "routes", [one])]
        return next(route.endpoint.__self__ for route in routes if route.path == "/certs")

    @property
    def signing_key(self) -> Any:
        return self.realm.keys.signing_key

    def tell_at(self, address: str) -> None:
        """Where this provider tells the gateway's client of the end of a session."""
        clients = self.realm.directory.clients
        clients["gateway"] = dataclasses.replace(clients["gateway"], logout_url=address)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.is_away:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        self.asked_keys += scope["path"].endswith("/certs")
        if not scope["path"].endswith("/token"):
            await self.app(scope, receive, send)
            return
        message = await receive()
        grant = dict(parse_qsl(message["body"].decode()))["grant_type"]
        self.grants.append(grant)
        if grant == "refresh_token" and self.refuse_refresh:
            await send(
                {"type": "http.response.start", "status": 400, "headers": [(b"content-type", b"application/json")]}
            )
            await send({"type": "http.response.body", "body": b'{"error":"invalid_grant"}'})
            return

        async def replay() -> Any:
            return message

        await self.app(scope, replay, send)


@dataclass
class Running:
    """A gateway that serves, and what stands behind it."""

    url: str
    gateway: Gateway
    services: dict[str, Service]
    provider: Provider
    client: httpx.AsyncClient

    @property
    def cookie_name(self) -> str:
        return self.gateway._cookies.session

    def cookie(self, value: str) -> dict[str, str]:
        return {"Cookie": f"{self.cookie_name}={value}"}

    async def sign_in(self, username: str = "sxd.lan", next: str = "/") -> tuple[str, httpx.Response]:
        """Walks the whole code flow as a browser would; the session cookie's value and the last answer."""
        leaving = await self.client.get("/sign-in", params={"next": next})
        assert leaving.status_code == 303, leaving.text
        under_way = _cookies(leaving)[self.gateway._cookies.sign_in]
        async with httpx.AsyncClient(trust_env=False) as browser:
            picked = await browser.post(leaving.headers["location"], data={"person": username})
        assert picked.status_code == 303, picked.text
        back = picked.headers["location"]
        assert back.startswith(f"{self.url}/callback?")
        returned = await self.client.get(back, headers={"Cookie": f"{self.gateway._cookies.sign_in}={under_way}"})
        return _cookies(returned).get(self.cookie_name, ""), returned


def _cookies(response: httpx.Response) -> dict[str, str]:
    lines = response.headers.get_list("set-cookie")
    return {m[1]: m[2] for line in lines if (m := re.match(r"([^=]+)=([^;]*)", line)) is not None}


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    """The real embedded provider; its access tokens live as long as the realm says."""
    async with _provider(tmp_path, None) as running:
        yield running


@pytest.fixture
async def brief_provider(tmp_path: Path) -> AsyncIterator[Provider]:
    """The same with access tokens of two seconds."""
    async with _provider(tmp_path, 2) as running:
        yield running


class _provider:
    def __init__(self, folder: Path, access_seconds: int | None) -> None:
        self._folder, self._seconds = folder, access_seconds
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Provider:
        realm = load(environ={})
        if self._seconds is not None:
            realm = dataclasses.replace(realm, access_seconds=self._seconds)
        sock = listening()
        origin = f"http://127.0.0.1:{sock.getsockname()[1]}"
        provider = Provider(f"{origin}/realms/hatang", create_provider(realm, self._folder / "identity", origin))
        await self._stack.enter_async_context(serving(provider, sock))
        return provider

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


class Starter:
    """`await start(provider, body_limit_mb=1)`: a gateway with three services behind it."""

    def __init__(self, broker: OpenBroker, stack: AsyncExitStack) -> None:
        self._broker, self._stack = broker, stack

    async def __call__(self, provider: Provider | None = None, *, prefix: str = "", **settings: Any) -> Running:
        services = {name: Service(name) for name in ("registry", "permits", "sharing")}
        addresses = {}
        for name, service in services.items():
            addresses[f"{name}_url"] = await self._stack.enter_async_context(serving(service.app))
        sock = listening()
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        nobody = Provider("http://127.0.0.1:1/realms/hatang", None)
        made = GatewaySettings.model_validate(
            {
                "name": NAME,
                "nats_url": self._broker.url("gateway"),
                "issuer": (provider or nobody).issuer,
                "public_url": url,
                "form_key": "tests",
                "demo": True,
                "client_secret": "demo-gateway",
                "session_key": KEY,
                "stream_prefix": prefix or f"gw{os.getpid()}x{next(_numbers)}_",
                **addresses,
                **settings,
            }
        )
        gateway = Gateway(made)
        app = trace.Traced(gateway) if trace.is_on() else gateway
        protocol = limited(made)
        served = serving(app, sock, http=protocol, lifespan="on", server_header=False)
        await self._stack.enter_async_context(served)
        client = await self._stack.enter_async_context(httpx.AsyncClient(base_url=url, trust_env=False, timeout=20))
        if "nats_url" not in settings:
            async with asyncio.timeout(5):
                while not gateway._sessions.is_reachable:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        return Running(url, gateway, services, provider or nobody, client)


@pytest.fixture
async def start(nats_server: OpenBroker) -> AsyncIterator[Starter]:
    async with AsyncExitStack() as stack:
        yield Starter(nats_server, stack)
        stop_all()


@pytest.fixture(scope="session")
async def shared_running(nats_server: OpenBroker) -> AsyncIterator[Running]:
    async with AsyncExitStack() as stack:
        running = await Starter(nats_server, stack)()
        stopping.clear()
        yield running
        stop_all()


@pytest.fixture
def running(shared_running: Running) -> Running:
    """The run's gateway without an identity provider, for what needs no session and no setting of its own."""
    shared_running.client.cookies.clear()
    for service in shared_running.services.values():
        service.seen.clear()
        service.chunks.clear()
        service.uploading.clear()
        service.gone.clear()
    return shared_running


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
