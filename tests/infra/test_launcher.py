"""The launcher with real servers and the real gateway; the three services are stand-ins."""

import os
import re
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from infra.local import probe
from infra.local.ports import is_taken
from tests.fixtures.product import Launched
from tests.fixtures.servers import OpenBroker, PostgresServer
from tests.fixtures.stand_in import plant

pytestmark = pytest.mark.system

PARTS = {"postgres", "nats", "identity", "mailbox", "gateway"} | {
    f"{service}.{kind}" for service in ("registry", "permits", "sharing") for kind in ("api", "worker")
}


def gone(processes: list[psutil.Process], seconds: float = 10) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not alive


Launch = Callable[..., Launched]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for above in (tmp_path, *tmp_path.parents):
        if os.geteuid() == 0 and above.name.startswith("pytest-"):
            above.chmod(0o711)
    tmp_path.chmod(0o711)
    return tmp_path / "data"


@pytest.fixture
def launch(tmp_path: Path, folder: Path) -> Iterator[Launch]:
    tree = tmp_path / "tree"
    tree.mkdir()
    plant(tree)
    made: list[Launched] = []

    def start(**settings: str) -> Launched:
        made.append(Launched(folder, tree, **settings))
        return made[-1]

    yield start
    for launched in made:
        launched.stop()


def test_everything_comes_up_stops_without_a_trace_and_comes_up_again(launch: Launch, folder: Path) -> None:
    first = launch()
    first.until("Ready in")
    assert set(re.findall(r"^● (\S+)\s+ready", first.printed, re.MULTILINE)) == PARTS
    assert probe.is_ready(f"http://127.0.0.1:{first.port}/health/ready")
    assert "sxd.lan" in first.printed
    family = first.children()
    assert _listens_beyond_loopback([first.process, *family]) == []
    for name in ("secrets.json", "lock"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    secrets = (folder / "secrets.json").read_text()
    assert first.stop() == 0
    assert gone(family)
    assert not is_taken(first.port)

    second = launch()
    second.until("Ready in")
    assert "migrated" not in second.printed
    assert (folder / "secrets.json").read_text() == secrets
    family = second.children()
    assert second.stop(signal.SIGINT) == 0
    assert gone(family)


def _listens_beyond_loopback(processes: list[psutil.Process]) -> list[object]:
    listening = [
        connection
        for process in processes
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    return [connection.laddr for connection in listening if connection.laddr.ip != "127.0.0.1"]


def test_a_process_gets_only_its_own_database(launch: Launch, folder: Path) -> None:
    launch().until("Ready in")
    assert "serving as permits ['PERMITS_DATABASE_URL']" in (folder / "log" / "permits.api.log").read_text()


def test_the_dead_are_reported_and_started_again(launch: Launch, folder: Path) -> None:
    running = launch()
    running.until("Ready in")
    running.kill("nats")
    running.until("▲ nats             ended by SIGKILL; starting again in 0.5 s")
    _until_ready_twice(running, "nats")
    running.kill("postgres")
    running.until("▲ postgres         ended by SIGKILL")
    _until_ready_twice(running, "postgres")
    assert running.process.poll() is None


def _until_ready_twice(running: Launched, name: str) -> None:
    end = time.monotonic() + 30
    while len(re.findall(rf"^● {name}\s+ready", running.printed, re.MULTILINE)) < 2:
        assert time.monotonic() < end, running.printed
        time.sleep(0.05)


def test_a_forked_process_that_dies_is_started_again(launch: Launch) -> None:
    running = launch()
    running.until("Ready in")
    pids = running.pids()
    assert set(pids) == PARTS
    running.kill("registry.api")
    _until_ready_twice(running, r"registry\.api")
    assert running.pids()["registry.api"] != pids["registry.api"]


def test_a_killed_launcher_takes_its_children_along(launch: Launch) -> None:
    running = launch()
    running.until("Ready in")
    family = running.children()
    running.process.kill()
    assert gone(family, 20)
    again = launch()
    again.until("Ready in")


def test_stopping_while_starting_leaves_nothing(launch: Launch) -> None:
    running = launch()
    running.until("● nats")
    family = running.children()
    assert running.stop() == 0
    assert gone(family)


def test_a_taken_port_is_one_sentence(launch: Launch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert launch(PORT=port).refusal() == (
            f"✗ Port {port} is taken by another program: stop it, or choose another with PORT=..."
        )
        assert "IDENTITY_PORT=..." in launch(IDENTITY_PORT=port).refusal()


def test_one_folder_is_for_one_launcher(launch: Launch) -> None:
    first = launch()
    first.until("Ready in")
    assert f"Process {first.process.pid} is already running on" in launch().refusal()
    assert first.process.poll() is None


@pytest.mark.parametrize("place", ["/proc/hatang", "/dev/null/hatang"])
def test_a_folder_that_cannot_be_written_is_one_sentence(launch: Launch, place: str) -> None:
    said = launch(DATA_DIR=place).refusal()
    assert said.startswith(f"✗ {place} cannot be written (")
    assert said.count("\n") == 0


def test_a_half_made_folder_is_one_sentence(launch: Launch, folder: Path) -> None:
    (folder / "postgres").mkdir(parents=True)
    (folder / "postgres" / "base").touch()
    said = launch().refusal()
    assert "is not a complete PostgreSQL data folder" in said
    assert said.count("\n") == 0


def test_an_interrupted_set_up_is_simply_done_again(launch: Launch, folder: Path) -> None:
    (folder / "postgres.new" / "base").mkdir(parents=True)
    launch().until("Ready in")


def test_a_database_without_its_passwords_is_one_sentence(launch: Launch, folder: Path) -> None:
    (folder / "postgres").mkdir(parents=True)
    (folder / "postgres" / "PG_VERSION").write_text("18\n")
    assert "has a database but no secrets.json" in launch().refusal()
    (folder / "secrets.json").write_text("{")
    assert "is damaged" in launch().refusal()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"PORT": "many"}, "PORT=many is not a port"),
        ({"IDENTITY": "none"}, "IDENTITY=none is unknown"),
        ({"REGISTRY_NATS_URL": "nats://x@127.0.0.1:1"}, "PERMITS_NATS_URL"),
    ],
)
def test_a_senseless_setting_is_one_sentence(launch: Launch, settings: dict[str, str], said: str) -> None:
    refusal = launch(**settings).refusal()
    assert said in refusal
    assert refusal.count("\n") == 0


def test_a_service_that_cannot_start_is_named_with_its_log(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / "tree" / "services" / "sharing" / "__main__.py").write_text(
        "import sys\nsys.exit('no tenants today')\n"
    )
    said = launch().refusal()
    assert "The database of sharing could not be migrated" in said
    assert "no tenants today" in said


def test_given_servers_are_used_and_none_is_started(
    launch: Launch, postgres_server: PostgresServer, nats_server: OpenBroker
) -> None:
    databases = [postgres_server.empty(service) for service in ("registry", "permits", "sharing")]
    given = {key: value for database in databases for key, value in database.environment().items()}
    given |= {
        f"{user.upper()}_NATS_URL": nats_server.url(user) for user in ("registry", "permits", "sharing", "gateway")
    }
    running = launch(**given, ISSUER="http://127.0.0.1:1/realms/hatang")
    running.until("Ready in")
    assert {Path(process.cmdline()[0]).name for process in running.process.children()}.isdisjoint(
        {"postgres", "nats-server"}
    )
    assert running.stop() == 0
    for database in databases:
        postgres_server.drop(database)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to lend PostgreSQL another account")
def test_root_in_a_closed_folder_keeps_the_cluster_where_its_account_reaches_it(launch: Launch, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    running = launch(DATA_DIR=str(closed / "data"))
    running.until("Ready in")
    link = closed / "data" / "postgres"
    assert link.is_symlink()
    assert "can't reach" in running.printed
    running.stop()
    again = launch(DATA_DIR=str(closed / "data"))
    again.until("Ready in")
    again.stop()
    place = link.resolve()
    assert place.is_relative_to("/var/lib/hatang")
    subprocess.run(["rm", "-r", str(place.parent)], check=True)
