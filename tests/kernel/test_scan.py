"""clamd's INSTREAM: with the real one where it is installed, else with a server that speaks its protocol."""

import asyncio
import getpass
import io
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kernel.scan import malware_in

pytestmark = pytest.mark.unit
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@asynccontextmanager
async def clamd(answer: bytes | None = None) -> AsyncIterator[str]:
    """Reads a stream as clamd does; finds EICAR, or says what it is told to."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(10) == b"zINSTREAM\0"
        content = b""
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            content += await reader.readexactly(size)
        said = b"stream: Eicar-Signature FOUND\0" if EICAR in content else b"stream: OK\0"
        writer.write(said if answer is None else answer)
        await writer.drain()
        writer.close()

    with tempfile.TemporaryDirectory() as folder:
        server = await asyncio.start_unix_server(serve, f"{folder}/clamd")
        async with server:
            yield f"{folder}/clamd"


async def test_clean_and_infected_are_told_apart_in_large_contents_too():
    async with clamd() as address:
        assert await malware_in(io.BytesIO(b"%PDF" * 500_000), address) is None
        assert await malware_in(io.BytesIO(b"x" * 65_530 + EICAR), address) == "Eicar-Signature"


@pytest.mark.parametrize("answer", [b"INSTREAM size limit exceeded. ERROR\0", b""])
async def test_no_verdict_is_no_clean_bill(answer):
    async with clamd(answer) as address:
        with pytest.raises(OSError, match="no verdict"):
            await malware_in(io.BytesIO(b"x"), address)


async def test_a_scanner_that_is_away_or_silent_is_told():
    with pytest.raises(OSError):
        await malware_in(io.BytesIO(b"x"), "/nonexistent/clamd")
    server = await asyncio.start_server(lambda reader, writer: asyncio.sleep(30), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(TimeoutError):
        await malware_in(io.BytesIO(b"x"), f"127.0.0.1:{port}", seconds=0.2)
    server.close()


@pytest.mark.skipif(shutil.which("clamd") is None, reason="no clamd on this machine")
async def test_the_real_clamd_agrees(tmp_path: Path):
    database = tmp_path / "db"
    database.mkdir()
    (database / "test.ndb").write_text(f"Test.Eicar:0:*:{EICAR.hex()}\n")
    socket = tmp_path / "clamd.ctl"
    configuration = tmp_path / "clamd.conf"
    configuration.write_text(
        f"DatabaseDirectory {database}\nLocalSocket {socket}\nForeground yes\nUser {getpass.getuser()}\n"
    )
    process = await asyncio.to_thread(subprocess.Popen, ["clamd", "-c", str(configuration)])
    try:
        while not socket.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        assert await malware_in(io.BytesIO(b"clean"), str(socket)) is None
        assert "Eicar" in (await malware_in(io.BytesIO(EICAR), str(socket)) or "")
    finally:
        process.terminate()
        process.wait()
