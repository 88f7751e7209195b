"""Who opens connections to others over HTTP, and why; no address among them is a user's choice.

A new caller belongs on this list with its reason. One whose address a user can set needs a guard first: resolve,
refuse private, link-local and loopback addresses, connect to the address that was checked.
"""

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]
MODULES = {
    "httpx", "requests", "urllib.request", "http.client", "aiohttp", "urllib3", "socket", "ftplib", "smtplib",
    "aiosmtplib",
}  # fmt: skip
REASONS = {
    "kernel/auth.py": "the realm's keys, at an address of the settings",
    "kernel/mail/post.py": "the mail server, at an address of the settings; whom it writes to is guarded",
    "kernel/scan.py": "the virus scanner, at an address of the settings",
    "gateway/identity.py": "the realm, at an address of the settings",
    "gateway/pool.py": "the services, at addresses of the settings",
    "gateway/accounts/realm.py": "the realm's administration, at an address of the settings",
}


def outgoing(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        found |= {module for module in MODULES for name in names if name == module or name.startswith(f"{module}.")}
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("open_connection", "create_connection")):
            found.add("asyncio")
    return found


def callers() -> dict[str, set[str]]:
    files = [path for room in ("kernel", "contracts", "services", "gateway") for path in (ROOT / room).rglob("*.py")]
    told = {str(path.relative_to(ROOT)): outgoing(ast.parse(path.read_text())) for path in files}
    return {path: modules for path, modules in told.items() if modules}


def test_only_the_known_ones_call_out():
    assert set(callers()) == set(REASONS)


def test_no_service_calls_out():
    assert [path for path in callers() if path.startswith("services/")] == []


@pytest.mark.parametrize(
    "code",
    ["import httpx", "from urllib import request", "from http.client import HTTPConnection", "import requests.sessions",
     "async def f(host):\n    await asyncio.open_connection(host, 80)"],
)  # fmt: skip
def test_the_rule_bites(code):
    assert outgoing(ast.parse(code))
