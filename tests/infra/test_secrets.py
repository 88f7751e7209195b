"""A running product tells its secrets to nobody: not to logs, not to process lists, not to events."""

import json
from pathlib import Path

import asyncpg
import psutil  # type: ignore[import-untyped]
import pytest

from tests.fixtures.product import Launched

pytestmark = pytest.mark.system


def secrets(product: Launched) -> dict[str, str]:
    kept = json.loads((product.folder / "secrets.json").read_text())
    seeds = {path.name: path.read_text() for path in (product.folder / "nkeys").glob("*.nk")}
    assert len(kept) > 6
    assert len(seeds) > 3
    return {name: value for name, value in {**kept, **seeds}.items() if len(value) >= 16}


def test_no_log_holds_a_secret(product: Launched) -> None:
    logs = {path.name: path.read_text(errors="replace") for path in (product.folder / "log").iterdir()}
    assert len(logs) > 5
    found = [(log, name) for log, text in logs.items() for name, value in secrets(product).items() if value in text]
    assert found == []
    assert [name for name, value in secrets(product).items() if value in product.printed] == []


def test_no_process_shows_a_secret_in_its_arguments(product: Launched) -> None:
    lines = []
    for process in [product.process, *product.children()]:
        try:
            lines.append(Path(f"/proc/{process.pid}/cmdline").read_bytes().decode(errors="replace"))
        except (FileNotFoundError, psutil.NoSuchProcess):
            continue
    assert len(lines) > 5
    assert [name for name, value in secrets(product).items() if any(value in line for line in lines)] == []


def test_the_brokers_environment_holds_public_keys_only(product: Launched) -> None:
    told = Path(f"/proc/{product.pids()['nats']}/environ").read_bytes().decode(errors="replace")
    assert "NATS_REGISTRY_NKEY=U" in told
    assert [name for name, value in secrets(product).items() if value in told] == []


async def test_no_event_and_no_audit_row_holds_a_secret(product: Launched) -> None:
    kept = secrets(product)
    port = json.loads((product.folder / "ports.json").read_text())["postgres"]
    for service in ("registry", "permits", "sharing"):
        address = f"postgresql://{service}_app:{kept[f'{service}_app']}@127.0.0.1:{port}/{service}"
        connection = await asyncpg.connect(address)
        try:
            for value in kept.values():
                for table in ("outbox", "audit"):
                    told = f"SELECT count(*) FROM {table} t WHERE position($1 IN t::text) > 0"
                    assert await connection.fetchval(told, value) == 0
        finally:
            await connection.close()
