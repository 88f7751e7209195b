"""`python -m gateway` serves; `python -m gateway openapi` writes the merged document to docs/openapi.json."""

import json
import sys
from pathlib import Path

import uvicorn

from gateway import openapi
from gateway.app import create_app
from gateway.limits import limited
from gateway.settings import NAME, SERVICES, GatewaySettings
from kernel import logging, trace

_KEEP_ALIVE = 30
_SHUTDOWN = 10
DOCUMENT = Path(__file__).parents[1] / "docs" / "openapi.json"


def main(verb: str = "serve") -> None:
    if verb == "openapi":
        _write_document()
    elif verb == "serve":
        settings = GatewaySettings.load(NAME)
        logging.configure(NAME, settings.log_level)
        trace.configure(NAME)
        serve(settings)
        trace.close()
    else:
        raise SystemExit("usage: python -m gateway [serve|openapi]")


def serve(settings: GatewaySettings) -> None:
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=limited(settings),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_SHUTDOWN,
    )


def _write_document() -> None:
    merged = openapi.merge(
        openapi.committed(list(SERVICES)), "http://127.0.0.1:8080", "http://127.0.0.1:8081/realms/hatang"
    )
    DOCUMENT.write_text(json.dumps(merged, ensure_ascii=False, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
