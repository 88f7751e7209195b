"""The door as it runs in production: processes of their own, over real sockets."""

import base64
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.local import child, probe

ROOT = Path(__file__).parents[2]


@contextmanager
def process(module: list[str], url: str, settings: Mapping[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m <module>` with these settings, from the moment that `url` answers."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    with log.open("wb") as out:
        started = child.spawn(child.Command([sys.executable, "-m", *module], env), out)
    try:
        until = time.monotonic() + 30
        while not probe.is_ready(url):
            assert started.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield started
    finally:
        child.stop(started)


def gateway_settings(port: int, upstreams: Mapping[str, str], **more: str) -> dict[str, str]:
    return {
        "GATEWAY_PORT": str(port),
        "GATEWAY_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "GATEWAY_CLIENT_SECRET": "test",
        "GATEWAY_SESSION_KEY": base64.b64encode(bytes(32)).decode(),
        "GATEWAY_FORM_KEY": "tests",
        **{f"GATEWAY_{name.upper()}_URL": address for name, address in upstreams.items()},
        **{f"GATEWAY_{name.upper()}": value for name, value in more.items()},
    }
