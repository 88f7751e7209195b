"""What the gateway's hop costs: `python -m bench.gateway [seconds]`, loopback only.

The same request goes to a small FastAPI service directly and through `python -m gateway`, interleaved, at 1, 16 and 64
connections. Printed: requests a second, their ratio (medians of the rounds), and the gateway's CPU time a request.
The caller has a real token of the embedded provider, so that what is measured holds the token check and the rate limit.
Then the check of a token alone, from the cache and without.
"""

import asyncio
import base64
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import uvloop

from bench.instruments.table import show, verdict
from infra.local.ports import answers, free_ports
from kernel.auth import TokenVerifier
from tests.fixtures.servers import running_identity

ROOT = Path(__file__).parents[1]
CONNECTIONS = (1, 16, 64)
CLIENT = "viettel-api"
ROUNDS = 5
PATH = "/api/registry/v1/things"
_UPSTREAM = f"""
import sys, uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("{PATH}")
async def things(limit: int = 50) -> dict[str, object]:
    return {{"items": [{{"id": no, "name": "thing", "height_m": "45.00"}} for no in range(3)], "next": None}}
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False, loop="uvloop",
            http="httptools")
"""


class Load:
    """Keep-alive connections that each send the next request when the answer to the last is complete."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        head = (
            f"GET {PATH}?limit=10 HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            f"Authorization: Bearer {token}",
            "Accept: */*",
        )
        self._request = "\r\n".join([*head, "", ""]).encode()

    async def rate(self, connections: int, seconds: float) -> float:
        """Answers with status 200 a second, over all connections."""
        until = time.monotonic() + seconds
        counts = await asyncio.gather(*(self._one(until) for _ in range(connections)))
        return sum(counts) / seconds

    async def _one(self, until: float) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        count = 0
        while time.monotonic() < until:
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode("latin-1"))
            length = head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]
            await reader.readexactly(int(length))
            count += 1
        writer.close()
        return count


@contextmanager
def process(argv: list[str], port: int, env: dict[str, str]) -> Iterator[int]:
    """Starts a Python process of ours and gives its pid once the port answers."""
    started = subprocess.Popen([sys.executable, *argv], cwd=ROOT, env={**os.environ, **env})
    try:
        while not answers(port):
            if started.poll() is not None:
                raise RuntimeError(f"{argv} ended")
            time.sleep(0.05)
        yield started.pid
    finally:
        started.terminate()
        started.wait(20)


def gateway_settings(port: int, upstream: int, issuer: str) -> dict[str, str]:
    address = f"http://127.0.0.1:{upstream}"
    return {
        "GATEWAY_PORT": str(port),
        "GATEWAY_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "GATEWAY_NATS_URL": "nats://127.0.0.1:1",
        "GATEWAY_CLIENT_SECRET": "bench",
        "GATEWAY_SESSION_KEY": base64.b64encode(bytes(32)).decode(),
        "GATEWAY_FORM_KEY": "bench",
        "GATEWAY_LOG_LEVEL": "ERROR",
        "GATEWAY_ISSUER": issuer,
        "GATEWAY_RATE_UNITS": "1000000000",
        **{f"GATEWAY_{name}_URL": address for name in ("REGISTRY", "PERMITS", "SHARING")},
    }


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(direct: Load, through: Load, gateway_pid: int, seconds: float) -> None:
    print(f"{'connections':>11} {'direct/s':>10} {'gateway/s':>10} {'ratio':>6} {'gateway CPU us/request':>24}")
    for connections in CONNECTIONS:
        rates: list[tuple[float, float]] = []
        spent, served = 0.0, 0.0
        for _ in range(ROUNDS):
            plain = await direct.rate(connections, seconds)
            before = cpu_seconds(gateway_pid)
            hopped = await through.rate(connections, seconds)
            spent += cpu_seconds(gateway_pid) - before
            served += hopped * seconds
            rates.append((plain, hopped))
        plain, hopped = (statistics.median(side) for side in zip(*rates, strict=True))
        ratio = statistics.median(hop / straight for straight, hop in rates)
        print(f"{connections:>11} {plain:>10.0f} {hopped:>10.0f} {ratio:>6.2f} {spent / served * 1e6:>24.0f}")


async def measure_check(issuer: str, token: str, rounds: int = 20_000) -> None:
    """CPU time of one check; goal: under 50 us from the cache."""
    verifier = TokenVerifier(issuer, "hatang-api")
    await verifier.verify(token)
    began = time.process_time()
    for _ in range(rounds):
        await verifier.verify(token)
    cached = (time.process_time() - began) / rounds
    began = time.process_time()
    for _ in range(rounds // 40):
        verifier._seen.clear()
        await verifier.verify(token)
    fresh = (time.process_time() - began) / (rounds // 40)
    rows = [("from the cache", cached * 1e6), ("signature and claims", fresh * 1e6)]
    show("Check of a token, CPU us", ("", "us"), rows)
    verdict("token check from the cache, CPU us", cached * 1e6, 50)


def client_token(issuer: str) -> str:
    form = urlencode({"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": f"demo-{CLIENT}"})
    with urlopen(f"{issuer}/protocol/openid-connect/token", form.encode()) as answer:
        return str(json.load(answer)["access_token"])


def main(seconds: float = 1.0) -> None:
    upstream, gateway = free_ports(2)
    with (
        running_identity() as identity,
        process(["-c", _UPSTREAM, str(upstream)], upstream, {}),
        process(["-m", "gateway"], gateway, gateway_settings(gateway, upstream, identity.issuer)) as pid,
    ):
        with urlopen(f"http://127.0.0.1:{gateway}/health/live") as alive:
            assert alive.status == 200
        token = client_token(identity.issuer)
        uvloop.run(measure(Load(upstream, token), Load(gateway, token), pid, seconds))
        uvloop.run(measure_check(identity.issuer, token))


if __name__ == "__main__":
    main(*(float(argument) for argument in sys.argv[1:]))
