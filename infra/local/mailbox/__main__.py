"""`python -m infra.local.mailbox`: MAILBOX_HOST, MAILBOX_PORT (its page), MAILBOX_SMTP_PORT, MAILBOX_FOLDER."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import uvicorn

from infra.local.errors import CannotStart
from infra.local.identity.__main__ import loopback
from infra.local.mailbox.app import create_app


def main(environ: Mapping[str, str] = os.environ) -> None:
    host = loopback(environ.get("MAILBOX_HOST", "127.0.0.1"))
    folder = Path(environ.get("MAILBOX_FOLDER", "var/mailbox"))
    app = create_app(folder, host, int(environ.get("MAILBOX_SMTP_PORT", "8025")))
    port = int(environ.get("MAILBOX_PORT", "8026"))
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=3)


if __name__ == "__main__":
    try:
        main()
    except CannotStart as refusal:
        sys.exit(str(refusal))
