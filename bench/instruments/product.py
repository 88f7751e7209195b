"""The product started for a bench by its own launcher, with its addresses, passwords and tokens."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from infra.local.visitor import Visitor
from tests.fixtures.product import Launched, running_product


class Place:
    """A running product: ports and secrets come from its data folder."""

    def __init__(self, launched: Launched) -> None:
        self.launched = launched
        self._ports = json.loads((launched.folder / "ports.json").read_text())
        self._secrets = json.loads((launched.folder / "secrets.json").read_text())

    def port(self, service: str) -> int:
        return int(self._ports[service])

    @property
    def gateway(self) -> int:
        return self.launched.port

    def database(self, service: str, role: str = "app") -> str:
        return self._postgres(f"{service}_{role}", service)

    def superuser(self, service: str) -> str:
        """For measuring instruments inside a service's database: tables and triggers the product doesn't have."""
        return self._postgres("postgres", service)

    def _postgres(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self._secrets[role]}@127.0.0.1:{self.port('postgres')}/{database}"

    def nats(self, user: str) -> dict[str, str]:
        """For `nats.connect(**...)`."""
        seed = self.launched.folder / "nkeys" / f"{user}.nk"
        return {"servers": f"nats://127.0.0.1:{self.port('nats')}", "nkeys_seed": str(seed)}

    def visitor(self, client: str) -> Visitor:
        return Visitor.client(self.launched.url, self.launched.issuer, client)

    def token(self, client: str) -> str:
        """An access token of a demo service client."""
        with self.visitor(client) as signed:
            return str(signed.http.headers["Authorization"]).removeprefix("Bearer ")


@contextmanager
def product() -> Iterator[Place]:
    """All processes up, nothing in the databases but the shipped law, units and organisations."""
    with running_product(DEMO="0") as launched:
        launched.until_ready()
        yield Place(launched)
