"""What the person at the terminal may choose, read once from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.errors import CannotStart
from infra.local.postgres import SERVICES

TRUE = ("1", "true", "yes", "on")
KINDS = ("embedded", "keycloak")


@dataclass(frozen=True)
class Options:
    """`environ` is passed on to every process; an address given there means that no embedded server is started."""

    folder: Path
    port: int
    identity_port: int
    identity: str
    demo: bool
    environ: Mapping[str, str] = field(repr=False)

    @property
    def public_url(self) -> str:
        return self.environ.get("PUBLIC_URL") or f"http://127.0.0.1:{self.port}"

    @property
    def issuer(self) -> str:
        return self.environ.get("ISSUER") or f"http://127.0.0.1:{self.identity_port}/realms/hatang"

    @property
    def starts_postgres(self) -> bool:
        return self._missing("DATABASE_URL", SERVICES)

    @property
    def starts_nats(self) -> bool:
        return self._missing("NATS_URL", (*SERVICES, "gateway"))

    @property
    def starts_identity(self) -> bool:
        return "ISSUER" not in self.environ

    @property
    def starts_mailbox(self) -> bool:
        return not all(self.given(service, "SMTP_URL") for service in SERVICES)

    def given(self, service: str, name: str) -> str | None:
        """A setting as the service itself would read it: `<SERVICE>_<NAME>`, else `<NAME>`."""
        return self.environ.get(f"{service.upper()}_{name}") or self.environ.get(name)

    def _missing(self, name: str, services: tuple[str, ...]) -> bool:
        absent = [service for service in services if not self.given(service, name)]
        if absent and len(absent) < len(services):
            wanted = ", ".join(f"{service.upper()}_{name}" for service in absent)
            raise CannotStart(
                f"Some services have a {name} and others have none: give {wanted} as well, or none at all."
            )
        return bool(absent)


def read(environ: Mapping[str, str] = os.environ) -> Options:
    """Raises CannotStart with one sentence when a value makes no sense."""
    identity = environ.get("IDENTITY", "embedded")
    if identity not in KINDS:
        raise CannotStart(f"IDENTITY={identity} is unknown: it is one of {', '.join(KINDS)}.")
    return Options(
        folder=Path(environ.get("DATA_DIR") or "var").absolute(),
        port=_port(environ, "PORT", 8080),
        identity_port=_port(environ, "IDENTITY_PORT", 8081),
        identity=identity,
        demo=environ.get("DEMO", "1").lower() in TRUE,
        environ={key: value for key, value in environ.items() if value},
    )


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise CannotStart(f"{name}={text} is not a port: it is a number from 1 to 65535.")
    return int(text)
