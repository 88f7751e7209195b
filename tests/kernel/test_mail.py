"""Mail on real PostgreSQL, through a real SMTP server that keeps what it gets: at least once, no text does anything."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiosmtpd.smtp import SMTP
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from infra.local.mailbox.kept import ACCEPTED, Kept
from infra.local.ports import free_ports
from kernel import mail, metrics
from kernel.cli.mails import mails as mail_verbs
from kernel.db import Database, new_id
from kernel.mail import letters, post, queue
from kernel.settings import ServiceSettings
from tests.kernel.conftest import now
from tests.web.template_lint import ROOT

FROM = post.sender_of("Hạ tầng <no-reply@hatang.example>")
BINH = mail.Recipient("binh@vnpt.example", "Nguyễn Văn Bình")
LETTER = mail.Letter(
    subject="Hồ sơ HS-2026-00001 cần bổ sung",
    lines=["Trả lời trước ngày 30/11/2026."],
    facts=[("Vị trí", "BTS An Xuyên 7")],
    quote="Bản vẽ thiếu chữ ký.\nXem trang 3.",
    action=("Mở hồ sơ", "http://127.0.0.1:8080/permits/applications/1"),
)


class Sink:
    """Keeps what it accepts; answers what it is told to, in place of the next acceptances."""

    def __init__(self) -> None:
        self.port = free_ports(1)[0]
        self.raw: list[bytes] = []
        self.recipients: list[str] = []
        self.answers: list[str] = []
        self.silent = False

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.answers and self.answers[0].startswith("rcpt "):
            return self.answers.pop(0).removeprefix("rcpt ")
        envelope.rcpt_tos.append(address)
        return ACCEPTED

    async def handle_DATA(self, server, session, envelope):
        if self.answers:
            return self.answers.pop(0)
        self.raw.append(envelope.original_content)
        self.recipients += envelope.rcpt_tos
        if self.silent:
            await asyncio.Event().wait()
        return ACCEPTED

    @property
    def mails(self) -> list[EmailMessage]:
        return [BytesParser(EmailMessage, policy=policy.default).parsebytes(raw) for raw in self.raw]

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Sink"]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, loop=loop), "127.0.0.1", self.port)
        async with server:
            yield self


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    async with Sink().listening() as listening:
        yield listening


@pytest.fixture
async def mails(database: Database, database_address: str, postgres_server) -> Database:
    owner = sa.ext.asyncio.create_async_engine(
        database_address.replace("permits_app", "permits_owner").replace("postgresql://", "postgresql+asyncpg://")
    )
    async with owner.begin() as connection:
        await connection.run_sync(queue.mail_table.metadata.create_all)
    await owner.dispose()
    return database


async def recorded(database: Database, letter=LETTER, to=BINH, at=None) -> mail.Mail:
    async with database.tx() as tx:
        await mail.record(tx, letter, to, kind="test", thing="HS-1", now=at or now())
    return await state(database)


async def state(database: Database) -> mail.Mail:
    async with database.read() as read:
        return (await mail.of(read, "HS-1"))[0]


def deliver(database: Database, sink: Sink, at):
    return post.deliver(database, post.Server.read(sink.url), FROM, at)


async def test_a_mail_is_sent_once_as_text_and_html_in_the_readers_language(mails, sink):
    kept = await recorded(mails)
    before = metrics.mails.labels("test", "sent")._value.get()
    assert (kept.state, await deliver(mails, sink, now())) == ("waiting", 1)
    assert await deliver(mails, sink, now()) == 0
    assert (await state(mails)).state == "sent"
    assert metrics.mails.labels("test", "sent")._value.get() == before + 1
    (sent,) = sink.mails
    assert sink.recipients == ["binh@vnpt.example"]
    assert sent["Subject"] == LETTER.subject
    assert sent["To"].addresses[0].display_name == "Nguyễn Văn Bình"
    assert sent["From"].addresses[0].addr_spec == "no-reply@hatang.example"
    assert sent["Message-ID"] == f"<{kept.id}@hatang.example>"
    assert sent["Auto-Submitted"] == "auto-generated"
    text = sent.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert "Vị trí: BTS An Xuyên 7" in text
    assert "> Bản vẽ thiếu chữ ký.\n> Xem trang 3." in text
    assert "Thư gửi tự động" in text
    page = BeautifulSoup(sent.get_body(("html",)).get_content(), "html.parser")
    assert [a["href"] for a in page.find_all("a")] == [LETTER.action[1]]
    assert "Bản vẽ thiếu chữ ký." in page.blockquote.text
    english = letters.written(LETTER, "en")
    assert "Sent automatically" in english.text


async def test_nothing_is_sent_for_a_change_that_did_not_happen(mails, sink):
    async with mails.tx() as tx:
        await mail.record(tx, LETTER, BINH, kind="test", thing="HS-1", now=now())
        await tx.rollback()
    assert await deliver(mails, sink, now()) == 0
    assert sink.raw == []


async def test_who_is_killed_between_sending_and_noting_sends_again_under_the_same_id(mails, sink, database_address):
    """The server has the mail and has not answered when the process is killed."""
    await recorded(mails)
    sink.silent = True
    argv = [sys.executable, "-c", _DELIVER, database_address, sink.url]
    child = await asyncio.create_subprocess_exec(*argv, cwd=ROOT)
    while not sink.raw:
        assert child.returncode is None
        await asyncio.sleep(0.02)
    child.kill()
    await child.wait()
    sink.silent = False
    assert (await state(mails)).state == "waiting"
    assert await deliver(mails, sink, now()) == 0, "it may still be on its way"
    assert await deliver(mails, sink, now() + timedelta(seconds=31)) == 1
    first, second = sink.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]
    assert (await state(mails)).state == "sent"


_DELIVER = """
import asyncio, sys
from datetime import datetime, UTC
from kernel.db import Database
from kernel.mail import post
async def main():
    database = Database(sys.argv[1], 2)
    server, sender = post.Server.read(sys.argv[2]), post.sender_of("no-reply@hatang.example")
    await post.deliver(database, server, sender, datetime.now(UTC))
asyncio.run(main())
"""


async def test_two_workers_at_once_send_each_mail_once(mails, sink):
    async with mails.tx() as tx:
        for number in range(20):
            await mail.record(tx, LETTER, BINH, kind="test", thing=f"HS-{number}", now=now())
    assert sum(await asyncio.gather(*(deliver(mails, sink, now()) for _ in range(3)))) == 20
    assert len({sent["Message-ID"] for sent in sink.mails}) == len(sink.raw) == 20


async def test_a_server_that_is_away_is_tried_with_growing_delay_and_given_up_after_days(mails):
    away, at = Sink(), now()
    kept = await recorded(mails, at=at)
    delays = []
    for _ in range(4):
        assert await deliver(mails, away, at) == 0
        kept = await state(mails)
        delays.append((kept.next_try_at - at).total_seconds())
        at = kept.next_try_at
    assert delays == [30, 60, 120, 240]
    assert kept.error
    assert kept.state == "waiting"
    async with away.listening():
        assert await deliver(mails, away, at) == 1
    await recorded(mails, at=at)
    assert await post.deliver(mails, None, FROM, at) == 0
    assert (await state(mails)).error == post.NO_SERVER
    await deliver(mails, away, at + queue.TRIED_FOR + timedelta(seconds=1))
    assert (await state(mails)).state == "given_up"
    async with mails.tx() as tx:
        assert await queue.forget(tx, now=at + queue.KEPT + timedelta(days=1)) == 2


@pytest.mark.parametrize(
    ("answer", "then"),
    [
        ("rcpt 550 no such user", "given_up"), ("rcpt 450 mailbox busy", "waiting"),
        ("554 content refused", "given_up"), ("451 try later", "waiting"),
    ],
)  # fmt: skip
async def test_a_final_no_is_given_up_and_a_passing_one_is_tried_again(mails, sink, answer, then):
    await recorded(mails)
    sink.answers = [answer]
    assert await deliver(mails, sink, now()) == 0
    kept = await state(mails)
    assert kept.state == then
    assert answer.removeprefix("rcpt ")[:3] in kept.error or "refused" in kept.error
    assert await deliver(mails, sink, now() + timedelta(seconds=31)) == (then == "waiting")


async def test_a_given_up_mail_is_seen_and_tried_again_by_command_under_the_same_id(mails, sink, database_address):
    await recorded(mails)
    sink.answers = ["554 content refused"]
    await deliver(mails, sink, now())
    settings = ServiceSettings(name="permits", database_url=database_address, nats_url="nats://x", form_key="tests")
    verbs, given_up = mail_verbs(lambda: settings), await state(mails)

    def run(*words: str):
        return CliRunner().invoke(verbs, words)

    listed = await asyncio.to_thread(run, "list")
    assert listed.stdout.split("\t")[:5] == [str(given_up.id), "given_up", "1", "test", "binh@vnpt.example"]
    assert (await asyncio.to_thread(run, "again", str(given_up.id))).exit_code == 0
    assert (await asyncio.to_thread(run, "again", str(given_up.id))).exit_code == 1, "it waits already"
    assert await deliver(mails, sink, now()) == 1
    assert sink.mails[0]["Message-ID"] == f"<{given_up.id}@hatang.example>"
    assert (await asyncio.to_thread(run, "list")).stdout == ""
    assert "sent" in (await asyncio.to_thread(run, "list", "--about", "HS-1")).stdout
    async with mails.read() as read:
        said = (await read.execute(sa.text("SELECT act, thing FROM audit"))).one()
    assert said == ("permits:mail:again", str(given_up.id))


async def test_one_bad_mail_keeps_no_other_back(mails, sink):
    await recorded(mails)
    await recorded(mails)
    sink.answers = ["554 content refused"]
    assert await deliver(mails, sink, now()) == 1


INJECTIONS = [
    "x\r\nBcc: thief@evil.example",
    "x\nSubject: y",
    "x\r\n.\r\nMAIL FROM:<a@b.c>",
    "x\0y",
    "x\u2028Bcc: a@b.c",
    "\ud800",
]


@pytest.mark.parametrize("text", INJECTIONS)
async def test_a_users_text_becomes_no_header_and_no_command(mails, sink, text):
    letter = mail.Letter(subject=text, lines=[text], facts=[(text, text)], quote=text)
    await recorded(mails, letter, mail.Recipient("binh@vnpt.example", text))
    assert await deliver(mails, sink, now()) == 1
    (sent,) = sink.mails
    assert sorted(map(str.lower, sent.keys())) == sorted(
        ["auto-submitted", "content-type", "date", "from", "message-id", "mime-version", "subject", "to"]
    )
    assert sink.recipients == ["binh@vnpt.example"]


@given(st.text(max_size=300))
@pytest.mark.unit
def test_no_text_leaves_its_place(text):
    content = letters.written(mail.Letter(subject=text, lines=[text], quote=text), "vi")
    assert "\n" not in content.subject
    made = letters.message(new_id(), content, letters.addressed(text, "a@b.example"), FROM, now())
    read = BytesParser(EmailMessage, policy=policy.default).parsebytes(made.as_bytes())
    assert sorted(map(str.lower, read.keys())) == sorted(map(str.lower, made.keys()))
    assert [each.addr_spec for each in read["To"].addresses] == ["a@b.example"]
    page = BeautifulSoup(read.get_body(("html",)).get_content(), "html.parser")
    assert {tag.name for tag in page.find_all(True)} <= {
        "html", "head", "meta", "title", "body", "h1", "p", "blockquote", "br", "hr", "small",
    }  # fmt: skip


@pytest.mark.unit
def test_a_users_tags_links_and_turned_text_stay_words():
    trick = "<img src=x onerror=alert(1)> http://evil.example www.evil.example a\u202egpj.exe"
    content = letters.written(mail.Letter(subject=trick, lines=[trick], quote=trick), "vi")
    assert "<img" not in content.html
    for body in (content.text.split("\n", 1)[1], content.html.split("<p>", 1)[1]):
        assert "http://evil" not in body
        assert "www.evil" not in body
        assert "\u202e" not in body
    assert letters.addressed('boss@ministry.example" <x@y.z>', "a@b.example").addr_spec == "a@b.example"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("address", "is_fine"),
    [
        ("binh@vnpt.vn", True), ("b.nguyen+ht@so-xd.camau.gov.vn", True),
        ("root@localhost", False), ("root", False), ("a@b", False), ("a@mail.internal", False),
        ("a@printer.local", False),
        ("a@[127.0.0.1]", False), ("a@127.0.0.1", False), ("a%evil.com@vnpt.vn", False), ("a!b@vnpt.vn", False),
        ("a@vnpt.vn\r\nRCPT TO:<x@y.z>", False), ("a@vnpt.vn,b@c.d", False), ("<a@vnpt.vn>", False),
        ("a b@vnpt.vn", False), ('"a b"@vnpt.vn', False), (".a@vnpt.vn", False), ("a@-vnpt.vn", False),
        ("a@vnpt..vn", False), ("a@vnpt.vn.", False),
        (f"{'a' * 65}@vnpt.vn", False), (f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 63}.vn", False), ("", False),
    ],
)  # fmt: skip
def test_which_addresses_mail_is_sent_to(address, is_fine):
    assert mail.is_sendable(address) is is_fine


async def test_an_address_of_the_house_fails_nothing_and_gets_nothing(mails, sink):
    kept = await recorded(mails, to=mail.Recipient("root@localhost", "Root"))
    assert (kept.state, kept.error) == ("given_up", queue.UNSENDABLE)
    assert await deliver(mails, sink, now()) == 0
    assert sink.raw == []


@pytest.mark.unit
def test_a_password_never_goes_in_the_clear_and_never_into_a_fault():
    assert post.Server.read("starttls://u:p%40ss@mail.example").password == "p@ss"
    for url in ("smtp://u:geheim@mail.example", "http://u:geheim@mail.example", "smtp://", "smtps:u:geheim"):
        with pytest.raises(ValueError) as refused:
            post.Server.read(url)
        assert "geheim" not in str(refused.value)


async def test_the_demos_mailbox_keeps_the_newest(tmp_path: Path, mails):
    sink = Sink()
    kept = Kept(tmp_path / "mails")
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: SMTP(kept, loop=loop), "127.0.0.1", sink.port):
        await recorded(mails)
        assert await deliver(mails, sink, now()) == 1
    (caught,) = kept.newest()
    assert (caught.subject, caught.body("plain")[:5]) == (LETTER.subject, "Hồ sơ")
    assert kept.one(caught.number).to.endswith("<binh@vnpt.example>")
    assert kept.one("../../etc/passwd") is None
