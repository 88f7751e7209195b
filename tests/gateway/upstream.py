"""A small service behind the gateway: it tells what it received, and it can be slow, large, broken or away."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class Service:
    """`name` is its place in the proxy table. `seen` keeps what reached it, `gone` who left while it streamed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[str] = []
        self.chunks: list[int] = []
        self.uploading = asyncio.Event()
        self.gone = asyncio.Event()
        self.is_ready = True
        self.card: Response | None = None
        api, page = f"/api/{name}", f"/{name}"
        self.app = Starlette(
            routes=[
                Route("/health/ready", self.ready),
                Route(f"{page}/home-card", self.home_card),
                *(
                    Route(f"{prefix}/{path}", endpoint, methods=METHODS)
                    for prefix in (api, page)
                    for path, endpoint in {
                        "echo": self.echo,
                        "echo/{rest:path}": self.echo,
                        "upload": self.upload,
                        "ignore-body": self.early,
                        "download": self.download,
                        "slow": self.slow,
                        "endless": self.endless,
                        "break": self.broken,
                        "cookie": self.cookie,
                        "redirect": self.redirect,
                        "closed": self.closed,
                        "not-modified": self.not_modified,
                    }.items()
                ),
            ]
        )

    async def ready(self, request: Request) -> Response:
        return JSONResponse({"status": "ready" if self.is_ready else "not ready"}, 200 if self.is_ready else 503)

    async def home_card(self, request: Request) -> Response:
        if self.card is not None:
            return self.card
        who = request.headers.get("authorization", "")[:7]
        return Response(f'<section class="am-card">{self.name} {who}</section>', media_type="text/html")

    async def echo(self, request: Request) -> Response:
        self.seen.append(request.url.path)
        return JSONResponse(
            {
                "method": request.method,
                "path": request.scope["raw_path"].decode(),
                "query": request.scope["query_string"].decode(),
                "headers": dict(request.headers.items()),
                "body": (await request.body()).decode(),
            }
        )

    async def upload(self, request: Request) -> Response:
        digest, size = hashlib.sha256(), 0
        async for chunk in request.stream():
            self.chunks.append(len(chunk))
            self.uploading.set()
            digest.update(chunk)
            size += len(chunk)
        return JSONResponse(
            {"size": size, "sha256": digest.hexdigest(), "length": request.headers.get("content-length")}
        )

    async def early(self, request: Request) -> Response:
        return JSONResponse({"code": "Refused"}, 422)

    async def download(self, request: Request) -> Response:
        chunks = int(request.query_params.get("chunks", "3"))

        async def body() -> AsyncIterator[bytes]:
            for no in range(chunks):
                yield bytes([no % 256]) * 65536

        return StreamingResponse(body(), media_type="application/octet-stream")

    async def slow(self, request: Request) -> Response:
        await asyncio.sleep(float(request.query_params.get("seconds", "1")))
        return PlainTextResponse("at last")

    async def endless(self, request: Request) -> Response:
        async def body() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"tick\n"
                    await asyncio.sleep(0.02)
            except (asyncio.CancelledError, ClientDisconnect, GeneratorExit):
                self.gone.set()
                raise

        return StreamingResponse(body(), media_type="text/plain")

    async def broken(self, request: Request) -> Response:
        """Promises more than it sends: the connection is cut in the middle of the answer."""
        size = 1_000_000 if request.query_params.get("at") == "large" else 100

        async def body() -> AsyncIterator[bytes]:
            yield b"x" * 50

        return StreamingResponse(body(), headers={"content-length": str(size)})

    async def cookie(self, request: Request) -> Response:
        response = PlainTextResponse("baked", headers={"Content-Security-Policy": "default-src *", "X-Powered-By": "x"})
        response.set_cookie("__Host-session-1", "stolen", secure=True)
        return response

    async def redirect(self, request: Request) -> Response:
        return RedirectResponse(str(request.url.replace(path="/registry/echo", query="a=1")), 303)

    async def closed(self, request: Request) -> Response:
        if "authorization" in request.headers:
            return PlainTextResponse("open")
        return JSONResponse({"code": "Unauthenticated"}, 401, {"WWW-Authenticate": "Bearer"})

    async def not_modified(self, request: Request) -> Response:
        return Response(status_code=304, headers={"ETag": '"1"'})


class Cutter:
    """A raw server that reads a request and hangs up without a word."""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()
