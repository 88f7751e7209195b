"""A letter in the reader's words, as plain text and HTML; and the message it becomes. No text of it can do anything."""

import functools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from uuid import UUID

from jinja2 import Environment

from kernel.web import i18n
from kernel.web.frame import environment

TEMPLATES = Path(__file__).parent / "templates"
SUBJECT_LIMIT, LINE_LIMIT, QUOTE_LIMIT = 200, 2000, 20_000
_LINK = re.compile(r"(?<=:)(?=//)|(?<=\bwww)(?=\.)", re.IGNORECASE)
_JOINER = "\u2060"
# Marks that turn the order of what is read, so that a text looks like another.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Letter:
    """`quote` is what a person wrote, shown as such. `action`: the words and the address of the one link, both ours."""

    subject: str
    lines: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    quote: str = ""
    action: tuple[str, str] | None = None


@dataclass(frozen=True)
class Written:
    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Sheet:
    """What the templates get: every text already harmless."""

    subject: str
    lines: Sequence[str]
    facts: Sequence[tuple[str, str]]
    quote: Sequence[str] = field(default_factory=list)
    action: tuple[str, str] | None = None


def one_line(text: str, limit: int = LINE_LIMIT) -> str:
    """Without control and turning marks, spaces single: what a header and a line of a letter may hold."""
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text if _harmless(c))
    plain = " ".join(kept.split())
    return plain if len(plain) <= limit else f"{plain[: limit - 1]}…"


def _harmless(character: str) -> bool:
    return character not in _TURNING and unicodedata.category(character) != "Cs"


def without_links(text: str) -> str:
    """Mail programs turn addresses into links; one that a user wrote into our letter must not become ours."""
    return _LINK.sub(_JOINER, text)


def written(letter: Letter, locale: str) -> Written:
    quoted = letter.quote[:QUOTE_LIMIT].replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    sheet = Sheet(
        one_line(letter.subject, SUBJECT_LIMIT),
        [without_links(one_line(line)) for line in letter.lines],
        [(one_line(name), without_links(one_line(value))) for name, value in letter.facts],
        [without_links(one_line(line)) for line in quoted.split("\n")] if quoted else [],
        letter.action,
    )
    plain, tagged = _environments(locale)
    text = plain.get_template("mail/letter.txt").render(sheet=sheet, lang=locale)
    html = tagged.get_template("mail/letter.html").render(sheet=sheet, lang=locale)
    return Written(sheet.subject, text, html)


@functools.lru_cache
def _environments(locale: str) -> tuple[Environment, Environment]:
    tagged = environment([TEMPLATES], i18n.translations((), locale), locale)
    return tagged.overlay(autoescape=False), tagged


def message(mail_id: UUID, content: Written, to: Address, sender: Address, recorded_at: datetime) -> EmailMessage:
    """The same bytes but for their boundary at each try: the id and the date are those of the record."""
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = to
    made["Subject"] = content.subject
    made["Date"] = format_datetime(recorded_at.astimezone(UTC))
    made["Message-ID"] = f"<{mail_id}@{sender.domain}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(content.text)
    made.add_alternative(content.html, subtype="html")
    return made


def addressed(name: str, address: str) -> Address:
    """Raises ValueError for an address that is none. A name is a user's: it may look like no other address."""
    return Address(one_line(name.replace("@", " "), 80), addr_spec=address)
