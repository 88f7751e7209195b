"""A virus scanner beside us: clamd's INSTREAM over its socket, at an address of the settings."""

import asyncio
from typing import BinaryIO

PIECE = 64 * 1024
SECONDS = 60.0
_ANSWER_LIMIT = 4096


async def malware_in(content: BinaryIO, address: str, *, seconds: float = SECONDS) -> str | None:
    """The name of what was found, None for a clean content. `address`: a path of a socket, or `host:port`.

    Raises OSError when clamd is away, breaks off or has no verdict, TimeoutError when it takes longer than `seconds`.
    """
    async with asyncio.timeout(seconds):
        reader, writer = await _connect(address)
        try:
            writer.write(b"zINSTREAM\0")
            content.seek(0)
            while piece := content.read(PIECE):
                writer.write(len(piece).to_bytes(4, "big") + piece)
                await writer.drain()
            writer.write(bytes(4))
            await writer.drain()
            answer = await reader.read(_ANSWER_LIMIT)
        finally:
            writer.close()
    return _verdict(answer.rstrip(b"\0\n").decode("utf-8", "replace"))


async def _connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if address.startswith("/"):
        return await asyncio.open_unix_connection(address)
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


def _verdict(answer: str) -> str | None:
    if answer == "stream: OK":
        return None
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        return answer.removeprefix("stream: ").removesuffix(" FOUND")
    raise OSError(f"clamd gave no verdict: {answer[:200]!r}")
