"""The gateway's settings: `GATEWAY_<NAME>`, else `<NAME>`, in the environment."""

import base64
import binascii
from urllib.parse import SplitResult, urlsplit

from pydantic import field_validator

from kernel.settings import Settings

NAME = "gateway"
SERVICES = ("permits", "sharing", "registry")


class GatewaySettings(Settings):
    """`identity_url`: where the gateway itself reaches the realm, when that is not the issuer's address.
    `admin_client`: with whose rights over the realm people and clients are kept; without its secret nobody can be.

    Times are in seconds; a body must come at `body_bytes_a_second` on average once its grace is over; `body_limit_mb`
    bounds one request body, `concurrency` the requests in flight per service.
    Rate limits: `rate_units` per `rate_seconds` for a client or person, `rate_address_units` for an address nobody
    signed in from; `cost_*` are the units a request takes; sign-ins have limits of their own, per address and person.
    No units, no limit. `trusted_proxies`: networks, comma between, whose X-Forwarded-For is believed.
    `metrics_host`: the internal address where Prometheus reads at `metrics_port`.
    """

    port: int = 8080
    client_id: str = "gateway"
    client_secret: str
    admin_client: str = "hatang-admin"
    admin_secret: str = ""
    session_key: str
    identity_url: str = ""
    registry_url: str
    permits_url: str
    sharing_url: str
    body_limit_mb: int = 60
    head_limit_kb: int = 32
    head_seconds: float = 20
    body_grace_seconds: float = 30
    body_bytes_a_second: float = 1000
    connect_seconds: float = 2
    idle_seconds: float = 30
    total_seconds: float = 600
    card_seconds: float = 2
    concurrency: int = 600
    queue_seconds: float = 1
    connections: int = 4000
    rate_seconds: int = 60
    rate_units: int = 30_000
    rate_address_units: int = 6_000
    sign_in_units: int = 240
    sign_in_person_units: int = 60
    cost_read: float = 1
    cost_list: float = 2
    cost_export: float = 20
    cost_write: float = 5
    trusted_proxies: str = ""
    metrics_host: str = "127.0.0.1"

    @field_validator("session_key")
    @classmethod
    def _check_key(cls, value: str) -> str:
        try:
            raw = base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise ValueError("SESSION_KEY is not base64") from error
        if len(raw) != 32:
            raise ValueError("SESSION_KEY must be 32 bytes in base64")
        return value

    @property
    def secret(self) -> bytes:
        return base64.b64decode(self.session_key)

    @property
    def keys_url(self) -> str:
        return f"{self.identity_url}/protocol/openid-connect/certs" if self.identity_url else ""

    @property
    def upstreams(self) -> dict[str, str]:
        """The proxy table: `/<name>/...` and `/api/<name>/...` go to this address, path unchanged.

        The home page shows their cards in this order.
        """
        return {name: getattr(self, f"{name}_url") for name in SERVICES}

    @property
    def public(self) -> SplitResult:
        return urlsplit(self.public_url)

    @property
    def public_origin(self) -> str:
        return f"{self.public.scheme}://{self.public.netloc}"

    @property
    def cookie_suffix(self) -> str:
        """Browsers share cookies between the ports of one host, so the port is in the name unless it is 443."""
        port = self.public.port or (443 if self.public.scheme == "https" else 80)
        return "" if port == 443 else f"-{port}"

    @property
    def bucket(self) -> str:
        return f"{self.stream_prefix.replace('.', '_')}sessions"
