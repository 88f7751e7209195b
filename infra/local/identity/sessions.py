"""Sign-ins: codes live in memory for a minute, sessions in SQLite so that a restart signs nobody out."""

import secrets
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

CODE_SECONDS = 60
SCHEMA = """
CREATE TABLE IF NOT EXISTS session (
  sid TEXT PRIMARY KEY, username TEXT NOT NULL, client TEXT NOT NULL, scope TEXT NOT NULL,
  started INTEGER NOT NULL, seen INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0
)
"""


@dataclass(frozen=True)
class Session:
    sid: str
    username: str
    client: str
    scope: str
    started: int
    seen: int


@dataclass
class Code:
    """An authorization code with what its redemption must match; `sid` is the session it opens."""

    code: str
    client: str
    username: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str
    code_challenge_method: str
    issued: float
    sid: str
    used: bool = False

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


class Sessions:
    """`idle` and `longest` in seconds: a session ends after `idle` without a refresh, or `longest` after sign-in."""

    def __init__(self, path: Path, *, idle: int, longest: int) -> None:
        path.touch(mode=0o600)
        self._rows = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._rows.execute("PRAGMA journal_mode=WAL")
        self._rows.execute(SCHEMA)
        self._idle, self._longest = idle, longest
        self._codes: dict[str, Code] = {}
        self._forget()

    def keep_code(self, code: Code) -> None:
        now = time.time()
        self._codes = {key: kept for key, kept in self._codes.items() if now - kept.issued < CODE_SECONDS}
        self._codes[code.code] = code

    def redeem(self, code: str, client: str) -> Code | None:
        """The code, once. Offered a second time it has leaked: the session it opened ends (RFC 6749 4.1.2)."""
        kept = self._codes.get(code)
        if kept is None or kept.client != client or time.time() - kept.issued >= CODE_SECONDS:
            return None
        if kept.used:
            self.end(kept.sid)
            return None
        kept.used = True
        return kept

    def open(self, code: Code) -> Session:
        now = int(time.time())
        row = (code.sid, code.username, code.client, code.scope, now, now)
        self._rows.execute(
            "INSERT INTO session (sid, username, client, scope, started, seen) VALUES (?,?,?,?,?,?)", row
        )
        return Session(*row)

    def live(self, sid: str) -> Session | None:
        found = self._rows.execute(
            "SELECT sid, username, client, scope, started, seen FROM session WHERE sid=? AND ended=0", (sid,)
        ).fetchone()
        session = Session(*found) if found else None
        now = time.time()
        if session is None or now - session.seen > self._idle or now - session.started > self._longest:
            return None
        return session

    def touch(self, sid: str) -> None:
        self._rows.execute("UPDATE session SET seen=? WHERE sid=?", (int(time.time()), sid))

    def end(self, sid: str) -> Session | None:
        """The session that this ended; None when there was none any more."""
        session = self.live(sid)
        self._rows.execute("UPDATE session SET ended=1 WHERE sid=?", (sid,))
        return session

    def of(self, username: str | None = None, client: str | None = None) -> list[Session]:
        """Those that go on, of a person or of a client."""
        found = self._rows.execute(
            "SELECT sid FROM session WHERE ended=0 AND (username=? OR ? IS NULL) AND (client=? OR ? IS NULL)",
            (username, username, client, client),
        ).fetchall()
        return [session for (sid,) in found if (session := self.live(sid)) is not None]

    def close(self) -> None:
        self._rows.close()

    def _forget(self) -> None:
        self._rows.execute("DELETE FROM session WHERE started < ?", (int(time.time()) - self._longest,))


def new_sid() -> str:
    return secrets.token_urlsafe(18)
