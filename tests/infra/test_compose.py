"""docker-compose.yml: by the compose plugin where there is one, by the compose schema where installed, and by eye."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
from typing import Any

import jsonschema
import pytest
import yaml

from infra.local import nats, postgres
from infra.nats.permissions import CLIENTS
from infra.seals import __main__ as seals
from kernel.seals import opened
from tests.fixtures.servers import ROOT

pytestmark = pytest.mark.unit

TEXT = (ROOT / "docker-compose.yml").read_text()
EXAMPLE = dict(line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if line[:1].isalpha())
SECRET = re.compile(r"PASSWORD|SECRET|_KEY$")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(TEXT))


def _plugin() -> list[str]:
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [docker, "compose"]
    return []


def test_compose_itself_accepts_the_file() -> None:
    command = _plugin()
    if not command:
        pytest.skip("no docker compose plugin here: the file is checked by schema and by eye only")
    argv = [*command, "--env-file", ".env.example", "config", "--quiet"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_file_follows_the_compose_schema(compose: dict[str, Any]) -> None:
    found = importlib.util.find_spec("check_jsonschema")
    if found is None or not found.submodule_search_locations:
        pytest.skip("check-jsonschema, which carries the compose schema, is not installed")
    schema = f"{found.submodule_search_locations[0]}/builtin_schemas/vendor/compose-spec.json"
    with open(schema) as file:
        jsonschema.Draft7Validator(json.load(file)).validate(compose)


def test_every_variable_has_an_example_and_every_secret_is_demanded() -> None:
    used = dict(re.findall(r"\$\{([A-Z_]+)(:[?-])", TEXT))
    # COMPOSE_PROFILES is compose's own.
    assert set(used) == set(EXAMPLE) - {"COMPOSE_PROFILES"}
    for name, kind in used.items():
        assert (kind == ":?") == bool(SECRET.search(name)), name
    assert re.findall(r"\$\{[A-Z_]+\}", TEXT) == []


def test_no_secret_stands_in_the_file(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for key, value in service["environment"].items():
            if SECRET.search(key):
                assert str(value).startswith("${"), f"{name}: {key}"
    assert "demo-" not in TEXT


def test_servers_get_a_password_for_each_of_their_users(compose: dict[str, Any]) -> None:
    wanted = {f"{role.upper()}_PASSWORD" for role in postgres.ROLES}
    assert wanted <= set(compose["services"]["postgres"]["environment"])


def test_the_brokers_seeds_are_mounted_to_their_user_alone(compose: dict[str, Any]) -> None:
    services = compose["services"]
    made = {volume.split(":")[0] for volume in services["nats-keys"]["volumes"]}
    assert made == {"nats-server", *(f"nats-{user}" for user in nats.USERS)}
    for user in CLIENTS:
        holders = {name for name, each in services.items() if f"nats-{user}:/keys:ro" in each.get("volumes", [])}
        assert holders == ({"gateway"} if user == "gateway" else {f"{user}-api", f"{user}-worker"})
        for name in holders:
            prefix = user.upper()
            assert services[name]["environment"][f"{prefix}_NATS_URL"] == "tls://nats:4222"
            assert services[name]["environment"]["NATS_CA"] == "/keys/ca.pem"
    assert not any("SEED" in key or "NKEY" in key for key in services["nats"]["environment"])


def test_a_seal_is_mounted_to_its_service_alone(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in ("permits", "sharing"):
        holders = {name for name, each in services.items() if f"seal-{service}:/seal:ro" in each.get("volumes", [])}
        assert holders == {f"{service}-api", f"{service}-worker"}
        for name in holders:
            assert services[name]["environment"][f"{service.upper()}_SEAL_FILE"] == f"/seal/{seals.NAME}"
            assert services[name]["depends_on"]["seals"] == {"condition": "service_completed_successfully"}


def test_a_development_seal_is_made_where_there_is_none_and_the_offices_own_stays(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PERMITS_SEAL_PASSWORD", "geheim")
    for name in ("permits", "sharing"):
        (tmp_path / name).mkdir()
    (tmp_path / "sharing" / seals.NAME).write_bytes(b"the office's own")
    assert seals.prepare(tmp_path, os.getuid(), ["permits", "sharing"]) == ["permits"]
    assert seals.prepare(tmp_path, os.getuid(), ["permits", "sharing"]) == []
    made = tmp_path / "permits" / seals.NAME
    assert opened(made, "geheim").signer.development
    assert made.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "sharing" / seals.NAME).read_bytes() == b"the office's own"


def test_the_scanner_starts_only_when_asked_for(compose: dict[str, Any]) -> None:
    assert compose["services"]["clamd"]["profiles"] == ["scan"]
    assert not any("clamd" in each.get("depends_on", {}) for each in compose["services"].values())


def test_the_owner_of_a_schema_is_known_to_its_migration_only(compose: dict[str, Any]) -> None:
    holders = {
        name
        for name, service in compose["services"].items()
        if any("OWNER" in key for key in service["environment"]) and name != "postgres"
    }
    assert holders == {f"{service}-migrate" for service in postgres.SERVICES}


@pytest.mark.parametrize("service", postgres.SERVICES)
def test_each_service_is_migrated_served_and_worked(compose: dict[str, Any], service: str) -> None:
    services = compose["services"]
    for part in ("migrate", "api", "worker"):
        made = services[f"{service}-{part}"]
        assert made["command"] == [f"services.{service}", part]
        others = [key for key in made["environment"] if key.split("_")[0].lower() in set(postgres.SERVICES) - {service}]
        assert others == []
    for part in ("api", "worker"):
        first = services[f"{service}-{part}"]["depends_on"]
        assert first[f"{service}-migrate"] == {"condition": "service_completed_successfully"}


def test_only_loopback_is_published(compose: dict[str, Any]) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_what_others_wait_for_can_say_that_it_is_well(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for other, condition in service.get("depends_on", {}).items():
            assert other in services, name
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in services[other], other


def test_volumes_and_mounted_files_exist(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith("./") else source in compose["volumes"], volume
