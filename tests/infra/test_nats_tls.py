"""The broker as a deployment prepares it: TLS by an authority of its own, nkeys, one folder for each user."""

import asyncio
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import child, nats
from infra.local.ports import free_ports
from infra.nats.deployment import prepare
from infra.nats.keys import USERS
from kernel.bus import Bus
from kernel.settings import Settings
from tests.fixtures.servers import temporary_folder

pytestmark = pytest.mark.database


@pytest.fixture(scope="module")
def deployed() -> Iterator[tuple[Path, nats.Broker]]:
    with temporary_folder("hatang-tls-") as folder:
        prepare(folder, "nats", str(folder / "server"))
        broker = nats.Broker(folder / "store", free_ports(1)[0], {}, folder, folder / "server" / "nats.conf")
        with (folder / "log").open("wb") as log:
            process = child.spawn(broker.command(), log)
        try:
            nats.wait_ready(broker, process)
            yield folder, broker
        finally:
            child.stop(process)


def settings(folder: Path, broker: nats.Broker, authority: Path) -> Settings:
    return Settings(
        name="registry",
        nats_url=f"tls://127.0.0.1:{broker.port}",
        nats_seed_file=folder / "registry" / "seed.nk",
        nats_ca=authority,
        form_key="-",
    )


async def test_a_service_speaks_tls_with_the_brokers_authority(deployed: tuple[Path, nats.Broker]) -> None:
    folder, broker = deployed
    bus = Bus(settings(folder, broker, folder / "registry" / "ca.pem"))
    await bus.connect(wait=True)
    try:
        await bus.ensure_stream("registry")
        assert (await bus.js.stream_info("REGISTRY")).config.name == "REGISTRY"
    finally:
        await bus.close()


async def test_another_authority_is_not_believed(deployed: tuple[Path, nats.Broker], tmp_path: Path) -> None:
    folder, broker = deployed
    prepare(tmp_path / "other", "nats")
    bus = Bus(settings(folder, broker, tmp_path / "other" / "registry" / "ca.pem"))
    with pytest.raises((TimeoutError, ssl.SSLError)):
        await asyncio.wait_for(bus.connect(wait=True), 2)
    assert not bus.connected
    await bus.close()


def test_preparing_again_changes_no_secret(tmp_path: Path) -> None:
    prepare(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    prepare(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    for user in USERS:
        assert stat.S_IMODE((tmp_path / user / "seed.nk").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "server" / "key.pem").stat().st_mode) == 0o600
    seeds = {(tmp_path / user / "seed.nk").read_text() for user in USERS}
    assert not any(seed in (tmp_path / "server" / "nats.conf").read_text() for seed in seeds)
