"""Settings come from the environment, once, at the composition root; nothing reads them at import."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """A setting `port` of service `registry` is `REGISTRY_PORT`, else `PORT`, else its default.

    `nats_seed_file` holds the seed of the user's nkey; without one the address itself says who we are. `nats_ca` is
    the authority that the broker's certificate must come from. `metrics_port` 0: no metrics are served.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    host: str = "127.0.0.1"
    port: int = 0
    nats_url: str
    nats_seed_file: Path | None = None
    nats_ca: Path | None = None
    metrics_port: int = 0
    issuer: str = "http://127.0.0.1:8081/realms/hatang"
    audience: str = "hatang-api"
    public_url: str = "http://127.0.0.1:8080"
    form_key: str
    demo: bool = False
    clock_file: Path | None = None
    stream_prefix: str = ""
    log_level: str = "INFO"
    tile_url: str = ""

    @classmethod
    def load(cls, name: str, environ: Mapping[str, str] = os.environ) -> Self:
        """Raises pydantic.ValidationError naming each setting that is absent or malformed."""
        found: dict[str, str] = {"name": name}
        for field in cls.model_fields:
            for key in (f"{name}_{field}".upper(), field.upper()):
                if field != "name" and environ.get(key, "") != "":
                    found[field] = environ[key]
                    break
        return cls.model_validate(found)


class ServiceSettings(Settings):
    """`owner_database_url` is for `migrate` alone: the running service holds rights on rows only.

    `seal_file`: the office's key and certificate as PKCS#12, for what the service signs. `smtp_url`: where mail is
    handed in, see `kernel.mail.post.Server`; without one it waits. `mail_from`: `Name <address>`.
    """

    database_url: str
    owner_database_url: str = ""
    pool_size: int = 8
    seal_file: Path | None = None
    seal_password: str = ""
    smtp_url: str = Field(default="", repr=False)
    mail_from: str = "Ha tang <no-reply@hatang.example>"
