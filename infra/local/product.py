"""The product's own processes and the settings each of them gets: its own secrets and nobody else's."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local import child, fork, place, probe
from infra.local.nats import Broker
from infra.local.options import Options
from infra.local.place import Lock
from infra.local.postgres import SERVICES, Cluster
from infra.local.supervisor import Program, Running

ROOT = Path(__file__).parents[2]
PRIVATE = (
    "DATABASE_URL",
    "OWNER_DATABASE_URL",
    "NATS_URL",
    "NATS_SEED_FILE",
    "CLIENT_SECRET",
    "ADMIN_SECRET",
    "SESSION_KEY",
    "SEAL_FILE",
    "SEAL_PASSWORD",
    "SMTP_URL",
    "PORT",
    "HOST",
)


@dataclass(frozen=True)
class Product:
    """Where everything is. `cluster` and `broker` are None when the person gave other servers' addresses."""

    options: Options
    secrets: Mapping[str, str]
    ports: Mapping[str, int]
    cluster: Cluster | None
    broker: Broker | None
    lock: Lock | None

    def package(self, service: str) -> Path:
        return ROOT / "services" / service

    def database_url(self, service: str, role: str = "app") -> str:
        """Of the service's application role, or of its owner."""
        name = "OWNER_DATABASE_URL" if role == "owner" else "DATABASE_URL"
        given = self.options.given(service, name)
        if given or self.cluster is None:
            return given or ""
        return self.cluster.url(f"{service}_{role}", self.secrets[f"{service}_{role}"], service)

    def nats_settings(self, user: str) -> dict[str, str]:
        """The broker's address and the file of the user's seed; another's broker may want a password in the address."""
        seed = str(self.broker.seed_file(user)) if self.broker else self.options.given(user, "NATS_SEED_FILE")
        address = self.broker.address if self.broker else self.options.given(user, "NATS_URL")
        return {"NATS_URL": address or "", **({"NATS_SEED_FILE": seed} if seed else {})}

    def metrics_port(self, process: str) -> str:
        return str(self.ports.get(process, 0))

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def service_settings(self, service: str, *, owner: bool = False, part: str = "") -> dict[str, str]:
        """`owner`: with the right to change the schema, only for `migrate`. `part`: api or worker, for metrics."""
        settings = {
            "DATABASE_URL": self.database_url(service),
            **self.nats_settings(service),
            "PORT": str(self.ports[service]),
            "METRICS_PORT": self.metrics_port(f"{service}.{part}"),
            "SEAL_FILE": self.options.given(service, "SEAL_FILE") or str(self.options.folder / place.SEAL),
            "SEAL_PASSWORD": self.options.given(service, "SEAL_PASSWORD") or self.secrets["seal"],
            "SMTP_URL": self.options.given(service, "SMTP_URL") or f"smtp://127.0.0.1:{self.ports['smtp']}",
            **({"OWNER_DATABASE_URL": self.database_url(service, "owner")} if owner else {}),
        }
        return self._environment(service, settings)

    def gateway_settings(self) -> dict[str, str]:
        # A realm that is not ours has its own idea of the secret; ours gets a random one through its placeholder.
        secret = self.secrets["client"] if self.options.starts_identity else "demo-gateway"
        settings = {
            **self.nats_settings("gateway"),
            "PORT": str(self.options.port),
            "METRICS_PORT": self.metrics_port("gateway"),
            "CLIENT_SECRET": self.options.given("gateway", "CLIENT_SECRET") or secret,
            "ADMIN_SECRET": self.options.given("gateway", "ADMIN_SECRET") or self.secrets["identity_admin"],
            "SESSION_KEY": self.options.given("gateway", "SESSION_KEY") or self.secrets["session"],
            **{f"{service}_URL".upper(): self.address(service) for service in SERVICES},
        }
        return self._environment("gateway", settings)

    def mailbox(self) -> Program:
        """Keeps the mails of a person who gave no mail server."""
        folder, address = self.options.folder / "mailbox", self.address("mailbox")
        settings = {"PORT": str(self.ports["mailbox"]), "SMTP_PORT": str(self.ports["smtp"]), "FOLDER": str(folder)}
        env = self._environment("mailbox", settings)
        return self._program("mailbox", "infra.local.mailbox", [], env, f"{address}/health/ready", address)

    def everything(self) -> dict[str, str]:
        """For the seed, which works for all services in one process."""
        merged: dict[str, str] = {}
        for service in SERVICES:
            merged |= self.service_settings(service)
        return {**merged, "REGISTRY_URL": self.address("registry"), "DATA_DIR": str(self.options.folder)}

    def _environment(self, name: str, settings: Mapping[str, str]) -> dict[str, str]:
        """The person's own settings, without other processes' secrets, under what we decided for this one."""
        passed = {key: value for key, value in self.options.environ.items() if not _is_private(key)}
        own = {f"{name.upper()}_{key}": value for key, value in settings.items()}
        return {
            **passed,
            "HOST": "127.0.0.1",
            "ISSUER": self.options.issuer,
            "PUBLIC_URL": self.options.public_url,
            "FORM_KEY": self.options.environ.get("FORM_KEY", self.secrets["form"]),
            "DEMO": "1" if self.options.demo else "0",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), passed.get("PYTHONPATH", "")])),
            "PYTHONUNBUFFERED": "1",
            **own,
        }

    def run(self, module: str, arguments: list[str], env: Mapping[str, str], log: int) -> Running:
        if fork.can_fork():
            return fork.fork(module, arguments, env, log, before=self.lock.forget if self.lock else lambda: None)
        return child.spawn(child.Command([sys.executable, "-m", module, *arguments], env), log)

    def programs(self) -> list[Program]:
        """The services' web processes and workers, the gateway, and where the demo's mail ends."""
        found = [program for service in SERVICES for program in self._pair(service)]
        if self.options.starts_mailbox:
            found.append(self.mailbox())
        ready = f"http://127.0.0.1:{self.options.port}/health/ready"
        return [
            *found,
            self._program("gateway", "gateway", [], self.gateway_settings(), ready, self.options.public_url),
        ]

    def _pair(self, service: str) -> list[Program]:
        """A worker is ready when the service says so: its readiness includes the worker's heartbeat."""
        ready, addresses = f"{self.address(service)}/health/ready", {"api": self.address(service), "worker": ""}
        return [
            self._program(
                f"{service}.{part}",
                f"services.{service}",
                [part],
                self.service_settings(service, part=part),
                ready,
                address,
            )
            for part, address in addresses.items()
        ]

    def _program(
        self, name: str, module: str, arguments: list[str], env: Mapping[str, str], ready: str, address: str
    ) -> Program:
        launch: Callable[[int], Running] = lambda log: self.run(module, arguments, env, log)  # noqa: E731
        return Program(name, launch, lambda: probe.is_ready(ready), address)


def _is_private(key: str) -> bool:
    return any(key == name or key.endswith(f"_{name}") for name in PRIVATE)
