"""The library of what opinions and decisions say often: each text dated and with its source, never changed."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import audit
from kernel.auth import Actor, system
from kernel.clock import local_date
from kernel.db import open_end
from kernel.errors import N_, Fault, Forbidden
from services.permits import queries
from services.permits.domain import policy
from services.permits.domain.application import Condition, ConditionBook, condition_faults
from services.permits.domain.refusals import PhraseFaulty
from services.permits.tables import Phrase

PAST = N_("A text holds from today on, or later.")
BACKWARDS = N_("It has to hold from a later day than the text before it.")
EMPTY = N_("It ends before it begins.")
AT = "/conditions/0"
FUNCTION = N_("This function is not known.")


@dataclass(frozen=True)
class PhraseText:
    """`when`: the kind of condition; `function` None: of all functions."""

    kind: str
    code: str
    title: str
    text: str
    source: str
    valid_from: date
    valid_to: date | None = None
    function: str | None = None
    when: str = ""
    subject: str = ""
    value: str = ""
    evidence: str = ""
    verifier: str = ""

    def body(self) -> dict[str, str | None]:
        named = ("title", "when", "subject", "value", "evidence", "verifier")
        return {name: getattr(self, name) or None for name in named}


async def write_phrase(tx: AsyncSession, actor: Actor, phrase: PhraseText, *, now: datetime) -> int:
    """The next text of this phrase. A head writes for his own function, a publisher for all.

    Raises Forbidden (403), PhraseFaulty (422).
    """
    policy.demand(actor, "permits:phrase:write")
    own = phrase.function is not None and "head" in actor.capabilities and policy.covers(actor, phrase.function)
    if not own and "publisher" not in actor.capabilities:
        raise Forbidden
    lists = await queries.entries(tx, "condition_kind", "condition_subject", "function")
    last, since = await queries.last_phrase(tx, phrase.kind, phrase.code)
    faults = _faults(phrase, lists, local_date(now))
    if since is not None and phrase.valid_from <= since:
        faults.append(Fault("/valid_from", "order", BACKWARDS))
    if faults:
        raise PhraseFaulty(errors=faults)
    await _insert(tx, actor, phrase, last + 1, now)
    return last + 1


def _faults(phrase: PhraseText, lists: Mapping[str, Mapping[str, Mapping[str, Any]]], today: date) -> list[Fault]:
    said = Condition(
        phrase.text, kind=phrase.when, subject=phrase.subject, value=phrase.value, verifier=phrase.verifier
    )
    book = ConditionBook.of(lists, lists["function"].keys())
    faults = [
        Fault("/when" if fault.pointer.endswith("/kind") else fault.pointer[len(AT) :], fault.code, fault.detail)
        for fault in condition_faults([said], book, today)
    ]
    if phrase.function is not None and phrase.function not in lists["function"]:
        faults.append(Fault("/function", "function_unknown", FUNCTION))
    if phrase.valid_from < today:
        faults.append(Fault("/valid_from", "past", PAST))
    if phrase.valid_to is not None and phrase.valid_to <= phrase.valid_from:
        faults.append(Fault("/valid_to", "empty", EMPTY))
    return faults


async def _insert(tx: AsyncSession, actor: Actor, phrase: PhraseText, no: int, now: datetime) -> None:
    await tx.execute(
        sa.insert(Phrase).values(
            kind=phrase.kind,
            code=phrase.code,
            no=no,
            function=phrase.function,
            text=phrase.text,
            body=phrase.body(),
            source=phrase.source,
            valid_from=phrase.valid_from,
            valid_to=open_end(phrase.valid_to),
            made_by=actor.id,
            made_at=now,
        )
    )
    said = {name: value for name, value in asdict(phrase).items() if value}
    thing = f"{phrase.kind}:{phrase.code}:{no}"
    await audit.record(tx, actor, "permits:phrase:write", thing, now=now, after=said)


async def publish_phrases(tx: AsyncSession, folder: Path, now: datetime) -> None:
    """Shipped texts that are not there yet; what a department has written since stays."""
    for path in sorted((folder / "phrases").glob("*.toml")):
        shipped = tomllib.loads(path.read_text())
        for entry in shipped["entries"]:
            phrase = PhraseText(kind=shipped["kind"], **entry)
            last, _ = await queries.last_phrase(tx, phrase.kind, phrase.code)
            if last == 0:
                await _insert(tx, system("publish"), phrase, 1, now)
