"""What the gateway's hop costs: `python -m bench.gateway [seconds]`, loopback only.

The same request goes to a small FastAPI service directly and through `python -m gateway`, interleaved, at 1, 16 and 64
connections. Printed: requests a second, their ratio (medians of the rounds), and the gateway's CPU time a request.
"""

import asyncio
import base64
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import uvloop

from infra.local.ports import answers, free_ports

ROOT = Path(__file__).parents[1]
CONNECTIONS = (1, 16, 64)
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

    def __init__(self, port: int) -> None:
        self._port = port
        head = (
            f"GET {PATH}?limit=10 HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Authorization: Bearer bench",
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


def gateway_settings(port: int, upstream: int) -> dict[str, str]:
    address = f"http://127.0.0.1:{upstream}"
    return {
        "GATEWAY_PORT": str(port),
        "GATEWAY_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "GATEWAY_NATS_URL": "nats://127.0.0.1:1",
        "GATEWAY_CLIENT_SECRET": "bench",
        "GATEWAY_SESSION_KEY": base64.b64encode(bytes(32)).decode(),
        "GATEWAY_FORM_KEY": "bench",
        "GATEWAY_LOG_LEVEL": "ERROR",
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


def main(seconds: float = 1.0) -> None:
    upstream, gateway = free_ports(2)
    with (
        process(["-c", _UPSTREAM, str(upstream)], upstream, {}),
        process(["-m", "gateway"], gateway, gateway_settings(gateway, upstream)) as pid,
    ):
        with urlopen(f"http://127.0.0.1:{gateway}/health/live") as alive:
            assert alive.status == 200
        uvloop.run(measure(Load(upstream), Load(gateway), pid, seconds))


if __name__ == "__main__":
    main(*(float(argument) for argument in sys.argv[1:]))
