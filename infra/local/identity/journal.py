"""What happened at the door: sign-ins and client logins, as Keycloak's event store tells them."""

import json
import sqlite3
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

KEPT_SECONDS = 90 * 24 * 3600
SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
  no INTEGER PRIMARY KEY, id TEXT NOT NULL, time INTEGER NOT NULL, type TEXT NOT NULL, client TEXT, user TEXT,
  session TEXT, error TEXT, details TEXT NOT NULL
)
"""


class Journal:
    """Times are milliseconds since 1970."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._rows = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._rows.execute("PRAGMA journal_mode=WAL")
        self._rows.execute(SCHEMA)
        self._rows.execute("DELETE FROM event WHERE time < ?", (int((time.time() - KEPT_SECONDS) * 1000),))

    def note(
        self,
        type_: str,
        *,
        client: str | None = None,
        user: str | None = None,
        session: str | None = None,
        error: str | None = None,
        **details: str,
    ) -> None:
        row = (str(uuid.uuid4()), int(time.time() * 1000), type_, client, user, session, error, json.dumps(details))
        statement = (
            "INSERT INTO event (id, time, type, client, user, session, error, details) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        self._rows.execute(statement, row)

    def events(
        self, *, types: Sequence[str], client: str | None, user: str | None, since: int, first: int, most: int
    ) -> list[dict[str, Any]]:
        """Newest first."""
        marks = ", ".join("?" * len(types))
        statement = (
            "SELECT id, time, type, client, user, session, error, details FROM event WHERE time >= ?"  # noqa: S608
            f" AND (? OR type IN ({marks})) AND (? IS NULL OR client = ?) AND (? IS NULL OR user = ?)"
            " ORDER BY time DESC, no DESC LIMIT ? OFFSET ?"
        )
        values = (since, not types, *types, client, client, user, user, most, first)
        names = ("id", "time", "type", "clientId", "userId", "sessionId", "error", "details")
        found = [dict(zip(names, row, strict=True)) for row in self._rows.execute(statement, values)]
        return [
            {**{name: value for name, value in row.items() if value is not None}, "details": json.loads(row["details"])}
            for row in found
        ]

    def close(self) -> None:
        self._rows.close()
