"""Notices, preferences, messages."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from kernel.listing import Page, Sparse
from kernel.texts import STORABLE
from services.permits.api.schemas.given import Given

MailWhen = Literal["at_once", "digest", "off"]


class NoticeRow(Sparse):
    """`kind` with its `params`, such as `supplement_requested` with the codes of the parts."""

    id: UUID
    kind: str
    application: UUID
    number: str
    params: dict[str, Any]
    at: datetime
    read_at: datetime | None


class NoticePage(Page):
    items: list[NoticeRow]


class NoticesRead(Given):
    """`ids` null: all of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ids": None}]}, extra="forbid")
    ids: Annotated[list[UUID], Field(max_length=500)] | None = None


class ReadResult(BaseModel):
    """How many were unread before."""

    read: int


class PreferenceRead(BaseModel):
    """`version` 0: nothing was ever set."""

    email: str | None
    mail: MailWhen
    quiet: list[str]
    version: int


class PreferenceSet(Given):
    """`quiet`: kinds of notices not told at all; what somebody answers for, such as `overdue`, cannot be quiet."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "an@viettel.example", "mail": "digest", "quiet": ["complete"]}]},
        extra="forbid",
    )
    email: Annotated[str, Field(max_length=254), STORABLE] | None = None
    mail: MailWhen
    quiet: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=50)] = []


class MessageRow(Sparse):
    """`audience`: applicant, officers or department; `org`: whose message it is."""

    id: UUID
    audience: str
    org: str
    author: str
    author_name: str
    body: str
    at: datetime


class MessagePage(Page):
    items: list[MessageRow]


class MessageWrite(Given):
    """Only officers write to `officers` and `department`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"audience": "applicant", "body": "Đề nghị làm rõ vị trí móng."}]},
        extra="forbid",
    )
    audience: Literal["applicant", "officers", "department"]
    body: Annotated[str, Field(min_length=1, max_length=4000), STORABLE]
