"""A real uvicorn on a free port inside the test's event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

stopping: list[uvicorn.Server] = []


def stop_all() -> None:
    """Tells every server of the test to stop at once, so that their shutdowns do not add up."""
    while stopping:
        stopping.pop().should_exit = True


@asynccontextmanager
async def serving(app: Any, sock: socket.socket | None = None, **settings: Any) -> AsyncIterator[str]:
    """The address of the served app, such as http://127.0.0.1:41234; connections are cut at the end."""
    sock = sock or listening()
    config = uvicorn.Config(
        app, log_config=None, access_log=False, proxy_headers=False, ws="none", timeout_graceful_shutdown=1, **settings
    )
    config.load()
    server = uvicorn.Server(config)
    stopping.append(server)
    server.lifespan = config.lifespan_class(config)
    task = asyncio.create_task(server._serve(sockets=[sock]))
    while not server.started:
        if task.done():
            task.result()
            raise AssertionError("the server ended while starting")
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        sock.close()


def listening() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock
