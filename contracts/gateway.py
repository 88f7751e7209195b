"""What the gateway answers about the realm: who may sign in, with what. Asked by the registry alone, over NATS.

The verbs say what is to be, not what to change: asked twice, they do nothing the second time. Secrets and invitations
are the exception; each carries the id of the request it belongs to, so that a repeated one is recognised.
"""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from contracts.envelope import Message, Question

WAIT = 15.0
# The first letters of every client secret, by which scanners of code and logs find one that leaked.
SECRET_PREFIX = "htsk_"  # noqa: S105


class Client(Message):
    """A service client as the realm holds it. `overlap_until`: so long the former secret is good, too.

    `networks`: from where it may come, in CIDR notation; none: from everywhere.
    """

    client_id: str
    name: str = ""
    org: str
    capabilities: list[str]
    enabled: bool
    last_used: datetime | None = None
    secret_ends: datetime | None = None
    overlap_until: datetime | None = None
    networks: list[str] = []


class Person(Message):
    """`invited`: has not set a password yet."""

    username: str
    name: str = ""
    email: str = ""
    org: str
    capabilities: list[str]
    functions: list[str]
    enabled: bool
    invited: bool = False
    last_used: datetime | None = None


class Accounts(Message):
    clients: list[Client]
    people: list[Person]


class AccountsHeld(Question):
    """Everybody in the realm who belongs to an organisation. `since`: how far back uses are looked for."""

    subject: ClassVar[str] = "ask.gateway.identity.accounts.v1"
    reply: ClassVar[type[Message]] = Accounts
    seconds: ClassVar[float] = 60.0
    since: datetime


class Kept(Message):
    pass


class KeepClient(Question):
    """The client is there, with exactly these capabilities; made when it is missing, suspended when not enabled.

    `known`: the asker knows it as this organisation's already; its organisation is put right and not asked for.
    Refused: ClientTaken when the id belongs to somebody else or to the realm itself.
    """

    subject: ClassVar[str] = "ask.gateway.identity.keep_client.v1"
    reply: ClassVar[type[Message]] = Kept
    seconds: ClassVar[float] = WAIT
    client_id: str
    name: str
    org: str
    capabilities: list[str]
    enabled: bool
    known: bool = False
    networks: list[str] = []


class Secret(Message):
    """`secret` exists in this answer and as the realm keeps it; nobody else may."""

    secret: str
    ends: datetime | None = None
    overlap_until: datetime | None = None


class IssueSecret(Question):
    """A new secret; the one before stays good for `overlap_seconds`. The same `request` again: another new secret,
    while what was good before the first try stays good. Refused: ClientUnknown.
    """

    subject: ClassVar[str] = "ask.gateway.identity.issue_secret.v1"
    reply: ClassVar[type[Message]] = Secret
    seconds: ClassVar[float] = WAIT
    client_id: str
    org: str
    request: UUID
    overlap_seconds: int = 0


class EndOverlap(Question):
    """The former secret is good no longer. Refused: ClientUnknown."""

    subject: ClassVar[str] = "ask.gateway.identity.end_overlap.v1"
    reply: ClassVar[type[Message]] = Kept
    seconds: ClassVar[float] = WAIT
    client_id: str
    org: str


class KeepPerson(Question):
    """The person is there, with exactly these rights; whoever is disabled is signed out everywhere at once.

    `known` as with clients. Refused: PersonTaken when the name belongs to somebody of another organisation.
    """

    subject: ClassVar[str] = "ask.gateway.identity.keep_person.v1"
    reply: ClassVar[type[Message]] = Kept
    seconds: ClassVar[float] = WAIT
    username: str
    name: str
    email: str = ""
    locale: str = "vi"
    org: str
    capabilities: list[str]
    functions: list[str]
    enabled: bool
    known: bool = False


class Invitation(Message):
    """`path` at the gateway leads to the page where the person sets a password, once and until `ends`."""

    path: str
    ends: datetime


class Invite(Question):
    """A new link to set a password; links given before lose their force. Refused: PersonUnknown."""

    subject: ClassVar[str] = "ask.gateway.identity.invite.v1"
    reply: ClassVar[type[Message]] = Invitation
    seconds: ClassVar[float] = WAIT
    username: str
    org: str


class SignOut(Question):
    """Ends every session of the person. Refused: PersonUnknown."""

    subject: ClassVar[str] = "ask.gateway.identity.sign_out.v1"
    reply: ClassVar[type[Message]] = Kept
    seconds: ClassVar[float] = WAIT
    username: str
    org: str


QUESTIONS: tuple[type[Question], ...] = (
    AccountsHeld,
    KeepClient,
    IssueSecret,
    EndOverlap,
    KeepPerson,
    Invite,
    SignOut,
)
