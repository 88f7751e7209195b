"""`python -m infra.local.identity`: IDENTITY_HOST, IDENTITY_PORT, IDENTITY_FOLDER, IDENTITY_REALM."""

import ipaddress
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import uvicorn

from infra.local.errors import CannotStart
from infra.local.identity.app import create_app
from infra.local.identity.realm import REALM_FILE, load


def loopback(host: str) -> str:
    """Gives the address back if it is this machine only; CannotStart otherwise: anybody can be anybody here."""
    try:
        if ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass
    raise CannotStart(
        f"The embedded identity provider signs people in without passwords, so it refuses to listen on {host}."
    )


def main(environ: Mapping[str, str] = os.environ) -> None:
    host = loopback(environ.get("IDENTITY_HOST", "127.0.0.1"))
    port = int(environ.get("IDENTITY_PORT", "8081"))
    folder = Path(environ.get("IDENTITY_FOLDER", "var/identity"))
    realm = load(Path(environ.get("IDENTITY_REALM", str(REALM_FILE))), environ)
    app = create_app(realm, folder, f"http://127.0.0.1:{port}")
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=3)


if __name__ == "__main__":
    try:
        main()
    except CannotStart as refusal:
        sys.exit(str(refusal))
