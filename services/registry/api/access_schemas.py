"""What the resources of access take and tell."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kernel.listing import Page, Sparse
from kernel.texts import STORABLE, Day

Code = Annotated[str, StringConstraints(min_length=1, max_length=64), STORABLE]
Words = Annotated[str, StringConstraints(max_length=200), STORABLE]
Reason = Annotated[str, StringConstraints(max_length=1000), STORABLE]
Codes = Annotated[list[Code], Field(max_length=20)]
Networks = Annotated[list[Code], Field(max_length=20, description="From where it may come; none: from everywhere.")]
State = Literal["requested", "failed", "active", "suspended"]


def _closed(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})


class OrganisationRegister(BaseModel):
    """`kind`: operator, tower_company, power_company, department, committee. Without `legal_entity`: its own code."""

    model_config = _closed(
        {
            "code": "SONGDOC",
            "name_vi": "Công ty cổ phần Hạ tầng Sông Đốc",
            "name_en": "Song Doc Infrastructure",
            "short": "Sông Đốc",
            "kind": "tower_company",
            "valid_from": "2026-11-01",
        }
    )
    code: Code
    name_vi: Words
    name_en: Words
    short: Words
    kind: Code
    legal_entity: Code | None = None
    valid_from: Day


class OrganisationRegistered(BaseModel):
    code: str
    version: int


class ClientRegister(BaseModel):
    model_config = _closed(
        {
            "client_id": "songdoc-api",
            "organisation": "SONGDOC",
            "name": "Phần mềm quản lý trạm",
            "capabilities": ["applicant", "owner"],
            "networks": ["203.0.113.0/24"],
        }
    )
    client_id: Code
    organisation: Code
    name: Words = ""
    capabilities: Codes
    networks: Networks = []


class PersonRegister(BaseModel):
    model_config = _closed(
        {
            "username": "songdoc.ha",
            "organisation": "SONGDOC",
            "name": "Lê Thu Hà",
            "email": "ha@songdoc.example.vn",
            "capabilities": ["applicant"],
        }
    )
    username: Code
    organisation: Code
    name: Words
    email: Words = ""
    capabilities: Codes
    functions: Codes = []


class RightsGive(BaseModel):
    """All that the account holds from then on; what is left out is taken away."""

    model_config = _closed({"capabilities": ["applicant", "owner"], "functions": []})
    capabilities: Codes
    functions: Codes = []


class NetworksGive(BaseModel):
    """All networks from which the client may come, in CIDR notation; none: from everywhere."""

    model_config = _closed({"networks": ["203.0.113.0/24", "2001:db8:7::/48"]})
    networks: Networks


class SecretIssue(BaseModel):
    model_config = _closed({"overlap_hours": 72})
    overlap_hours: Annotated[int, Field(ge=0, le=720, description="So long the secret before stays good.")] = 0


class ReviewGive(BaseModel):
    """`revoke` suspends the account."""

    model_config = _closed({"verdict": "confirm", "reason": "Rà soát quý IV năm 2026"})
    verdict: Literal["confirm", "revoke"]
    reason: Reason = ""


class SettlementGive(BaseModel):
    """`accept` takes what the realm holds into the record, `restore` has the realm brought back to the record."""

    model_config = _closed({"outcome": "restore"})
    outcome: Literal["accept", "restore"]


class AccountRead(BaseModel):
    """`state`: requested until the sign-in service confirmed it, failed when it refused (`error` says why)."""

    organisation: str
    name: str
    capabilities: list[str]
    state: State
    pending: list[str] = Field(description="Acts that the sign-in service has not confirmed yet.")
    error: str | None
    created_at: datetime
    last_used: datetime | None
    reviewed_at: datetime | None
    reviewer: str | None
    findings: int = Field(description="Differences between the record and the sign-in service that nobody settled.")
    version: int


class ClientRead(AccountRead):
    client_id: str
    networks: list[str] = Field(description="From where it may come; none: from everywhere.")
    secret_at: datetime | None = Field(description="When its secret was last issued here.")
    secret_ends: datetime | None
    overlap_until: datetime | None = Field(description="So long the secret before stays good.")


class PersonRead(AccountRead):
    username: str
    email: str
    functions: list[str]
    invited: bool = Field(description="Has not set a password yet.")


class ClientRow(ClientRead, Sparse):
    pass


class PersonRow(PersonRead, Sparse):
    pass


class ClientPage(Page):
    items: list[ClientRow]


class PersonPage(Page):
    items: list[PersonRow]


class SecretRead(BaseModel):
    """`secret` is told in this answer and never again: a replay of the request says null in its place."""

    client_id: str
    secret: str | None
    ends: datetime | None
    overlap_until: datetime | None
    version: int


class InvitationRead(BaseModel):
    """`url` is told in this answer and never again: a replay of the request says null in its place."""

    username: str
    url: str | None
    ends: datetime


class FindingRow(Sparse):
    """`member` is what differs; `missing`: the sign-in service lost the account, `unknown`: the registry has none."""

    id: UUID
    kind: str
    key: str
    organisation: str
    member: str
    recorded: Any
    held: Any
    found_at: datetime
    version: int


class FindingPage(Page):
    items: list[FindingRow]


class FindingSettled(BaseModel):
    id: UUID
    settled: str


class LookWanted(BaseModel):
    """`looked_at`: when the sign-in service was last compared with the record."""

    looked_at: datetime | None


class ReviewRow(Sparse):
    """`held`: what the account held when it was reviewed."""

    id: UUID
    kind: str
    key: str
    organisation: str
    verdict: str
    reason: str
    held: dict[str, Any]
    reviewer: str
    reviewed_at: datetime


class ReviewPage(Page):
    items: list[ReviewRow]
