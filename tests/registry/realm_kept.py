"""A realm in memory that answers the registry's questions, with switches for what may go wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

from contracts import gateway as said
from kernel.bus import QuestionRefused
from kernel.errors import Unavailable


class KeptRealm:
    """Stands where the bus stands. `clients` and `people` may be changed by other hands, as in a console."""

    def __init__(self) -> None:
        self.clients: dict[str, said.Client] = {}
        self.people: dict[str, said.Person] = {}
        self.secrets: dict[str, list[str]] = {}
        self.connected = True
        self.is_away = False
        self.asked: list[Any] = []

    async def ask(self, question: Any, reply: Any) -> Any:
        self.asked.append(question)
        if self.is_away:
            raise Unavailable
        return getattr(self, f"_{type(question).__name__}")(question)

    def refuse(self, code: str) -> None:
        raise QuestionRefused(service="gateway", code=code)

    def _AccountsHeld(self, asked: said.AccountsHeld) -> said.Accounts:
        return said.Accounts(clients=list(self.clients.values()), people=list(self.people.values()))

    def _KeepClient(self, asked: said.KeepClient) -> said.Kept:
        known = self.clients.get(asked.client_id)
        if known is not None and known.org != asked.org and not asked.known:
            self.refuse("ClientTaken")
        given = asked.model_dump(exclude={"known"})
        self.clients[asked.client_id] = said.Client(**{**(known.model_dump() if known else {}), **given})
        return said.Kept()

    def _KeepPerson(self, asked: said.KeepPerson) -> said.Kept:
        known = self.people.get(asked.username)
        if known is not None and known.org != asked.org and not asked.known:
            self.refuse("PersonTaken")
        given = asked.model_dump(exclude={"known", "locale"})
        before = known.model_dump() if known else {"invited": True}
        self.people[asked.username] = said.Person(**{**before, **given})
        return said.Kept()

    def _IssueSecret(self, asked: said.IssueSecret) -> said.Secret:
        if asked.client_id not in self.clients:
            self.refuse("ClientUnknown")
        held = self.secrets.setdefault(asked.client_id, [])
        held.append(f"{said.SECRET_PREFIX}number-{len(held) + 1}-of-{asked.client_id}")
        until = datetime.now(UTC) + timedelta(seconds=asked.overlap_seconds) if asked.overlap_seconds else None
        return said.Secret(secret=held[-1], ends=datetime.now(UTC) + timedelta(days=366), overlap_until=until)

    def _EndOverlap(self, asked: said.EndOverlap) -> said.Kept:
        return said.Kept()

    def _Invite(self, asked: said.Invite) -> said.Invitation:
        return said.Invitation(path="/invitation/1-token", ends=datetime.now(UTC) + timedelta(days=3))

    def _SignOut(self, asked: said.SignOut) -> said.Kept:
        return said.Kept()
