"""The caught mails as files, the newest ones only."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

MOST = 500
ACCEPTED = "250 OK"


@dataclass(frozen=True)
class Caught:
    number: str
    at: datetime
    message: EmailMessage

    @property
    def to(self) -> str:
        return str(self.message["To"] or "")

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    def body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return "" if part is None else str(part.get_content())


class Kept:
    """A handler of aiosmtpd, and what the page reads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        await asyncio.to_thread(self._keep, envelope.original_content)
        return ACCEPTED

    def _keep(self, content: bytes) -> None:
        path = self._folder / f"{time.time_ns():020d}.eml"
        path.write_bytes(content)
        for old in sorted(self._folder.glob("*.eml"))[:-MOST]:
            old.unlink(missing_ok=True)

    def newest(self) -> Sequence[Caught]:
        return [self._read(path) for path in sorted(self._folder.glob("*.eml"), reverse=True)]

    def one(self, number: str) -> Caught | None:
        path = self._folder / f"{number}.eml"
        return self._read(path) if number.isascii() and number.isdigit() and path.exists() else None

    def _read(self, path: Path) -> Caught:
        message = BytesParser(EmailMessage, policy=policy.default).parsebytes(path.read_bytes())
        return Caught(path.stem, datetime.fromtimestamp(int(path.stem) / 1e9).astimezone(), message)
