"""The signed receipt."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class ReceivedPart(BaseModel):
    code: str
    no: int
    name: str
    size: int
    sha256: str


class ReceivedSite(BaseModel):
    no: int
    structure_id: UUID
    name: str
    lon: float
    lat: float
    commune: str


class ReceiptText(BaseModel):
    """What was received, as it was at the filing; later copies of parts are not in it."""

    number: str
    application: UUID
    applicant: str
    procedure: str
    received_at: datetime
    received_on: date
    effective_on: date
    sites: list[ReceivedSite]
    parts: list[ReceivedPart]


class SignerRead(BaseModel):
    """`sha256` is the certificate's, which the office publishes; a `development` key proves nothing."""

    model_config = ConfigDict(from_attributes=True)
    name: str
    sha256: str
    development: bool
    valid_to: datetime


class SealedReceipt(BaseModel):
    receipt: ReceiptText
    seal: str
    signer: SignerRead
