"""The worker's visit: what is due goes to the mail server of the settings, one mail at a time over one connection."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

import aiosmtplib

from kernel import logging, metrics
from kernel.bus import Bus
from kernel.db import Database
from kernel.mail import queue
from kernel.mail.letters import Written, addressed, message
from kernel.mail.queue import Mail
from kernel.settings import ServiceSettings
from kernel.worker import Job

log = logging.get(__name__)
EVERY, KEEP_EVERY = 2.0, 3600.0
AT_ONCE = 100
# Shorter than the first delay, so that no second worker takes a mail that is on its way.
SECONDS = 25.0
NO_SERVER = "no mail server is set"
PORTS = {"smtp": 25, "starttls": 587, "smtps": 465}


@dataclass(frozen=True)
class Server:
    """`smtp://` speaks in the clear (a server beside us), `starttls://` and `smtps://` demand a good certificate."""

    scheme: str
    host: str
    port: int
    user: str
    password: str

    @classmethod
    def read(cls, url: str) -> "Server":
        """Raises ValueError when the setting makes no sense, without repeating the password that stands in it."""
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("SMTP_URL is smtp://, starttls:// or smtps://, then [user:password@]host[:port]")
        if parts.username and parts.scheme == "smtp":
            raise ValueError("SMTP_URL: a password goes over starttls:// or smtps:// only")
        port = parts.port or PORTS[parts.scheme]
        return cls(parts.scheme, parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""))

    def client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.user or None,
            password=self.password or None,
            use_tls=self.scheme == "smtps",
            start_tls=self.scheme == "starttls",
            timeout=SECONDS,
        )


def sender_of(text: str) -> Address:
    """`Name <address>`; raises ValueError."""
    name, address = parseaddr(text)
    return addressed(name, address)


def jobs(settings: ServiceSettings) -> tuple[Job, ...]:
    """For the worker's list. Raises ValueError when a setting makes no sense: at the start, not at the first mail."""
    server = Server.read(settings.smtp_url) if settings.smtp_url else None
    sender = sender_of(settings.mail_from)
    return (
        Job("mail", EVERY, lambda database, bus, now: deliver(database, server, sender, now)),
        Job("old mail", KEEP_EVERY, _keep),
    )


async def deliver(database: Database, server: Server | None, sender: Address, now: datetime) -> int:
    """At least once each: taken and committed, sent, noted. Returns how many were sent."""
    async with database.tx() as tx:
        if lost := await queue.give_up(tx, now=now):
            log.warning("mail.given_up", mails=lost)
        is_due = await queue.is_due(tx, now=now)
        count, since = await queue.unsent(tx)
    metrics.mails_unsent.set(count)
    metrics.mail_lag.set(0.0 if since is None else max((now - since).total_seconds(), 0.0))
    if not is_due:
        return 0
    if server is None:
        return await _away(database, NO_SERVER, now)
    client = server.client()
    try:
        await client.connect()
    except (OSError, aiosmtplib.SMTPException) as error:
        return await _away(database, _words(error), now)
    try:
        return await _round(database, client, sender, now)
    finally:
        client.close()


async def _away(database: Database, error: str, now: datetime) -> int:
    log.warning("mail.waits", error=error)
    async with database.tx() as tx:
        await queue.postpone(tx, error, now=now)
    return 0


async def _round(database: Database, client: aiosmtplib.SMTP, sender: Address, now: datetime) -> int:
    sent = 0
    for _ in range(AT_ONCE):
        async with database.tx() as tx:
            mail = await queue.take(tx, now=now)
        if mail is None:
            break
        try:
            await _send(client, mail, sender)
        except (OSError, TimeoutError, ValueError, aiosmtplib.SMTPException) as error:
            await _failed(database, mail, error, now)
            if not client.is_connected or isinstance(error, TimeoutError):
                break
            continue
        async with database.tx() as tx:
            await queue.note_sent(tx, mail, now=now)
        metrics.mails.labels(mail.kind, "sent").inc()
        log.info("mail.sent", mail=str(mail.id), kind=mail.kind)
        sent += 1
    return sent


async def _send(client: aiosmtplib.SMTP, mail: Mail, sender: Address) -> None:
    content = Written(mail.subject, mail.text, mail.html)
    made = message(mail.id, content, addressed(mail.name, mail.address), sender, mail.recorded_at)
    async with asyncio.timeout(SECONDS):
        await client.send_message(made, sender=sender.addr_spec, recipients=[mail.address])


async def _failed(database: Database, mail: Mail, error: Exception, now: datetime) -> None:
    is_final = _is_final(error)
    async with database.tx() as tx:
        await queue.note_failed(tx, mail, _words(error), is_final=is_final, now=now)
    metrics.mails.labels(mail.kind, "given_up" if is_final else "again").inc()
    log.warning("mail.failed", mail=str(mail.id), kind=mail.kind, final=is_final, error=_code(error))


def _is_final(error: Exception) -> bool:
    """The server will never take this mail. That it does not know us as a sender can be mended in its settings."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(refused.code >= 500 for refused in error.recipients)
    return isinstance(error, ValueError) or (isinstance(error, aiosmtplib.SMTPDataError) and error.code >= 500)


def _words(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return "; ".join(f"{refused.code} {refused.message}" for refused in error.recipients)
    return str(error) or type(error).__name__


def _code(error: Exception) -> str:
    """For the log, which leaves the machine: a server's words may hold the address."""
    codes = [str(error.code)] if isinstance(error, aiosmtplib.SMTPResponseException) else []
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        codes = [str(refused.code) for refused in error.recipients]
    return " ".join([type(error).__name__, *codes])


async def _keep(database: Database, bus: Bus, now: datetime) -> int:
    async with database.tx() as tx:
        return await queue.forget(tx, now=now)
