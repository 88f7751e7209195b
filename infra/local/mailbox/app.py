"""The sink's SMTP server and its page, in one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiosmtpd.smtp import SMTP
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from infra.local.identity.page import STYLE
from infra.local.mailbox.kept import Kept

LARGEST = 10_000_000
_pages = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True, undefined=StrictUndefined
)
# A caught mail may hold anything: its HTML stands in a frame without rights, under this policy as well.
_POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


class Pages:
    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def listed(self, request: Request) -> Response:
        return _page("list.html", mails=await asyncio.to_thread(self._kept.newest))

    async def one(self, request: Request) -> Response:
        mail = await asyncio.to_thread(self._kept.one, request.path_params["number"])
        return _page("mail.html", mail=mail) if mail else _nothing()


def _page(template: str, **values: object) -> HTMLResponse:
    body = _pages.get_template(template).render(values)
    return HTMLResponse(body, headers={**_HEADERS, "Content-Security-Policy": _POLICY})


def _nothing() -> Response:
    return PlainTextResponse("Không có thư này. / There is no such mail.", 404)


async def _ready(request: Request) -> Response:
    return PlainTextResponse("ok")


async def _style(request: Request) -> Response:
    return FileResponse(STYLE, media_type="text/css")


def create_app(folder: Path, host: str, smtp_port: int) -> Starlette:
    kept = Kept(folder)
    pages = Pages(kept)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(kept, data_size_limit=LARGEST, hostname="mailbox.localhost", loop=loop), host, smtp_port
        )
        async with server:
            yield

    routes = [
        Route("/", pages.listed),
        Route("/mails/{number}", pages.one),
        Route("/resources/identity.css", _style),
        Route("/health/ready", _ready),
    ]
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    return Starlette(routes=routes, middleware=[trusted], lifespan=lifespan)
