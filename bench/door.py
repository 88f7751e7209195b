"""Whether a crowd at the door is felt by the rest: `python -m bench.door [seconds]`, loopback only.

200 open streams, 25 clients that send a body byte by byte and 25 that read a large answer as slowly, against the times
of ordinary requests at the same service; then 1,000 people sign in at the embedded provider.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvloop

from bench.gateway import client_token, gateway_settings, process
from bench.instruments.rounds import quantile
from bench.instruments.table import show, verdict
from infra.local.ports import free_ports
from tests.fixtures.servers import running_identity, running_nats

STREAMS, SLOW, SESSIONS, AT_ONCE, ROUNDS = 200, 25, 1000, 16, 5
PEOPLE = ("sxd.lan", "sxd.hung", "sgtvt.minh", "stnmt.hoa", "skhcn.mai", "viettel.an", "vnpt.binh", "mobifone.chi")
_UPSTREAM = """
import asyncio, sys, uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
app = FastAPI()
@app.get("/api/registry/v1/things")
async def things() -> dict[str, object]:
    return {"items": [{"id": no, "name": "thing"} for no in range(3)], "next": None}
async def ticks():
    while True:
        yield b"tick"
        await asyncio.sleep(1)
async def megabytes():
    for _ in range(500):
        yield b"x" * 100_000
@app.get("/api/registry/v1/stream")
async def stream() -> StreamingResponse:
    return StreamingResponse(ticks())
@app.get("/api/registry/v1/large")
async def large() -> StreamingResponse:
    return StreamingResponse(megabytes())
@app.post("/api/registry/v1/upload")
async def upload(request: Request) -> dict[str, int]:
    try:
        return {"size": len(await request.body())}
    except ClientDisconnect:
        return {"size": 0}
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False, loop="uvloop",
            http="httptools")
"""


class Crowd:
    """Connections that stay: each asks once and then dawdles until the crowd is sent home."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._head = f"HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"

    @asynccontextmanager
    async def gathered(self) -> AsyncIterator[None]:
        kinds = [("GET", "stream")] * STREAMS + [("GET", "large")] * SLOW + [("POST", "upload")] * SLOW
        tasks = [asyncio.create_task(self._dawdle(method, path)) for method, path in kinds]
        await asyncio.sleep(2)
        left = [task for task in tasks if task.done()]
        if left:
            raise RuntimeError(f"{len(left)} were turned away: {left[0].exception()!r}")
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _dawdle(self, method: str, path: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1024)
        try:
            length = "Content-Length: 1000000\r\n" if method == "POST" else ""
            writer.write(f"{method} /api/registry/v1/{path} {self._head}{length}\r\n".encode())
            if method == "GET" and b" 200 " not in await reader.readline():
                raise RuntimeError(path)
            while True:
                if method == "POST":
                    writer.write(b"x")
                elif not await reader.read(256):
                    raise RuntimeError(f"{path} ended")
                await asyncio.sleep(0.5)
        finally:
            writer.close()


async def ordinary(port: int, token: str, seconds: float) -> list[float]:
    """How long requests take that come at a steady pace (8 connections, 10 ms apart); seconds each."""
    request = f"GET /api/registry/v1/things HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    until, times = time.monotonic() + seconds, []

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.monotonic() < until:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]))
            times.append(time.perf_counter() - began)
            if b" 200 " not in head[:20]:
                raise RuntimeError(head.decode())
            await asyncio.sleep(0.01)
        writer.close()

    await asyncio.gather(*(one() for _ in range(8)))
    return times


async def measure_crowd(port: int, token: str, seconds: float) -> None:
    alone: list[list[float]] = []
    crowded: list[list[float]] = []
    await ordinary(port, token, 0.5)
    for _ in range(ROUNDS):
        alone.append(await ordinary(port, token, seconds))
        async with Crowd(port, token).gathered():
            crowded.append(await ordinary(port, token, seconds))
    rows = [
        (name, *(statistics.median(quantile(one, share) for one in rounds) * 1000 for share in (0.5, 0.99)))
        for name, rounds in (("alone", alone), (f"beside {STREAMS} streams, {2 * SLOW} slow clients", crowded))
    ]
    show("Ordinary requests", ("", "p50 ms", "p99 ms"), rows)
    ratio = statistics.median(
        quantile(many, 0.99) / quantile(few, 0.99) for few, many in zip(alone, crowded, strict=True)
    )
    verdict("p99 beside the crowd, times the p99 alone", ratio, 2)


async def measure_sign_ins(url: str) -> None:
    times: list[float] = []
    failed: list[str] = []
    waiting = iter(range(SESSIONS))

    async def visitor() -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
            for no in waiting:
                began = time.perf_counter()
                said = await sign_in(http, url, PEOPLE[no % len(PEOPLE)])
                times.append(time.perf_counter() - began)
                if said:
                    failed.append(said)

    began = time.perf_counter()
    await asyncio.gather(*(visitor() for _ in range(AT_ONCE)))
    seconds = time.perf_counter() - began
    rows = [(f"{AT_ONCE} at once", SESSIONS / seconds, quantile(times, 0.5) * 1000, quantile(times, 0.99) * 1000)]
    show(f"{SESSIONS:,} sign-ins, each with a first page", ("", "a second", "p50 ms", "p99 ms"), rows)
    verdict("sign-ins that failed", len(failed), 0)
    if failed:
        print(failed[0])


async def sign_in(http: httpx.AsyncClient, url: str, person: str) -> str:
    """Through the whole code flow to a page that only a session shows; what went wrong, or nothing."""
    http.cookies.clear()
    leaving = await http.get(f"{url}/sign-in")
    if leaving.status_code != 303:
        return f"sign-in {leaving.status_code}"
    under_way = leaving.headers["set-cookie"].split(";", 1)[0]
    picked = await http.post(leaving.headers["location"], data={"person": person})
    if picked.status_code != 303:
        return f"provider {picked.status_code}"
    returned = await http.get(picked.headers["location"], headers={"Cookie": under_way})
    if returned.status_code != 303:
        return f"callback {returned.status_code} {returned.text[:200]}"
    session = next(line for line in returned.headers.get_list("set-cookie") if line.startswith("__Host-session"))
    page = await http.get(f"{url}/", headers={"Cookie": session.split(";", 1)[0]})
    return "" if page.status_code == 200 and "/sign-out" in page.text else f"page {page.status_code}"


def main(seconds: float = 2.0) -> None:
    upstream, gateway = free_ports(2)
    with running_identity() as identity, running_nats() as broker:
        settings = {
            **gateway_settings(gateway, upstream, identity.issuer),
            "GATEWAY_NATS_URL": broker.url("gateway"),
            "GATEWAY_CLIENT_SECRET": identity.client_secret,
            "GATEWAY_SIGN_IN_UNITS": "0",
            "GATEWAY_SIGN_IN_PERSON_UNITS": "0",
        }
        with (
            process(["-c", _UPSTREAM, str(upstream)], upstream, {}),
            process(["-m", "gateway"], gateway, settings),
        ):
            uvloop.run(measure_crowd(gateway, client_token(identity.issuer), seconds))
            uvloop.run(measure_sign_ins(f"http://127.0.0.1:{gateway}"))


if __name__ == "__main__":
    main(*(float(argument) for argument in sys.argv[1:]))
