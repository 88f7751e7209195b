"""The receipt on paper: what was received, when it counts, the hash of every part; signed in the office's name."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.auth import Actor
from kernel.errors import N_
from kernel.papers import paper
from kernel.seals import Seal
from kernel.web import formats
from services.permits import queries

TEMPLATE = Path(__file__).parents[1] / "paper" / "receipt.typ"
Say = Callable[[str], str]
TITLE = N_("Receipt of a dossier")
DEVELOPMENT = N_("Signed with a key of development: this paper proves nothing.")
PROOF = N_("A part is the one received if its SHA-256 is the one above. The signature of this file proves the rest.")


async def receipt_paper(read: AsyncSession, application_id: UUID, actor: Actor, key: Seal, say: Say) -> bytes:
    """PDF/A in Vietnamese with a signature of its own, of that moment. Raises ApplicationNotFound (404)."""
    told = await queries.receipt(read, application_id, actor=actor)
    words = await queries.lexicon(read)
    dossier = await queries.application(read, application_id, actor=actor)
    received = datetime.fromisoformat(told["received_at"])
    number = told["number"]
    content = {
        "title": say(TITLE),
        "agency": None,
        "office": _named(words, dossier.lead_org),
        "number": number,
        "about": [
            (say(N_("Applicant")), _named(words, told["applicant"])),
            (say(N_("Received")), formats.moment(received, "vi")),
            (say(N_("Counts as")), formats.day(date.fromisoformat(told["effective_on"]), "vi")),
            (say(N_("Procedure")), f"{dossier.procedure.title.vi} ({told['procedure']})"),
            (say(N_("Source")), dossier.procedure.source),
            *((f"{say(N_('Site'))} {site['no']}", _place(site)) for site in told["sites"]),
        ],
        "parts_title": say(N_("Parts received")),
        "heads": [say(N_("Part")), say(N_("File")), say(N_("Size"))],
        "parts": [
            (words.lists["part"][part["code"]]["vi"], part["name"], formats.size(part["size"], "vi"), part["sha256"])
            for part in told["parts"]
        ],
        "hashes_title": "SHA-256",
        "hashes": [(say(N_("Certificate")), key.signer.sha256)],
        "proof": say(PROOF),
        "warning": say(DEVELOPMENT) if key.signer.development else "",
    }
    return await key.sign_pdf(await paper(TEMPLATE, content, now=received), reason=f"{content['title']} {number}")


def _named(words: queries.Lexicon, code: str) -> str:
    known = words.organisations.get(code)
    return known["vi"] if known else code


def _place(site: dict[str, Any]) -> str:
    return f"{site['name']} ({formats.coordinates(site['lat'], site['lon'], 'vi')})"
