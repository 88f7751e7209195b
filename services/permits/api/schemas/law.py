"""Procedures and codes."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from kernel.listing import Page, Sparse


class WordsRead(BaseModel):
    vi: str
    en: str


class PartRuleRead(BaseModel):
    """Required where `required_when` holds for a site, or always when it says nothing; never when optional."""

    code: str
    source: str
    required_when: dict[str, Any] | None
    optional: bool


class AgencyRuleRead(BaseModel):
    """Asked where `when` holds for a site, or always when it says nothing.

    `duties`: how many people an opinion passes through.
    """

    function: str
    when: dict[str, Any] | None
    source: str
    duties: str | None = None


class ExtensionRead(BaseModel):
    max: int
    unit: str
    reason: bool


class ClockRuleRead(BaseModel):
    """`starts` and `ends` are acts; `supplement`: what a supplement request does to it; `unverified`: no law found."""

    name: str
    length: int
    unit: str
    starts: str
    ends: str | None
    supplement: str
    extension: ExtensionRead | None
    on_expiry: str
    source: str
    unverified: bool


class SupplementsRead(BaseModel):
    rounds: int
    new_items: bool


class ProcedureWords(BaseModel):
    parts: dict[str, WordsRead]
    functions: dict[str, WordsRead]


class ProcedureRow(Sparse):
    """`valid_to`: the first day on which what is received is no longer governed by it."""

    id: UUID
    code: str
    version: int
    work: str
    valid_from: date
    valid_to: date | None
    title: WordsRead
    source: str
    kinds: list[str]
    outcomes: list[str]
    may_build: list[str]
    lead: str
    four_eyes: bool
    paper: str
    supplements: SupplementsRead
    parts: list[PartRuleRead]
    agencies: list[AgencyRuleRead]
    clocks: list[ClockRuleRead]
    words: ProcedureWords


class ProcedurePage(Page):
    items: list[ProcedureRow]


class CodeRow(Sparse):
    """`settings`: what else the list says of the code, such as a fact's type and choices."""

    list: str
    code: str
    vi: str
    en: str
    settings: dict[str, Any]


class CodePage(Page):
    items: list[CodeRow]


class DutyRow(Sparse):
    """How many people an opinion of this function of this organisation passes through, from a day on."""

    id: UUID
    org: str
    function: str
    way: str
    valid_from: date
    reason: str
    set_by: str
    set_name: str
    set_at: datetime


class DutyPage(Page):
    items: list[DutyRow]


class Made(BaseModel):
    """What was made, by its id."""

    id: UUID
