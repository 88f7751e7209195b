"""People and clients as they are now: begun from the realm file, changed by the admin API, kept in SQLite."""

import hashlib
import json
import secrets
import sqlite3
import time
import uuid
from collections.abc import Mapping
from hmac import compare_digest
from pathlib import Path
from typing import Any

from infra.local.identity.realm import Client, Person, Realm, clients_of, people_of

Document = dict[str, Any]
USER, CLIENT = "user", "client"
OURS = ("gateway", "hatang-api", "hatang-admin")
SCHEMA = "CREATE TABLE IF NOT EXISTS kept (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id))"


class Directory:
    """Documents are Keycloak's representations; a deleted one leaves an empty row, so that no import brings it back."""

    def __init__(self, realm: Realm, path: Path) -> None:
        path.touch(mode=0o600)
        self._rows = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._rows.execute("PRAGMA journal_mode=WAL")
        self._rows.execute(SCHEMA)
        self._import(realm)
        self._kept: dict[str, dict[str, Document]] = {kind: self._read(kind) for kind in (USER, CLIENT)}
        self._look()

    @property
    def people(self) -> Mapping[str, Person]:
        return self._people

    @property
    def clients(self) -> Mapping[str, Client]:
        return self._clients

    def documents(self, kind: str) -> list[Document]:
        return list(self._kept[kind].values())

    def document(self, kind: str, id_: str) -> Document | None:
        return self._kept[kind].get(id_)

    def account_of(self, client: Document) -> Document | None:
        """The user behind a service client."""
        users = self._kept[USER].values()
        return next((user for user in users if user.get("serviceAccountClientId") == client["clientId"]), None)

    def keep(self, kind: str, document: Document) -> None:
        self._write(kind, document["id"], json.dumps(document))
        self._kept[kind][document["id"]] = document
        self._look()

    def drop(self, kind: str, id_: str) -> None:
        self._write(kind, id_, None)
        self._kept[kind].pop(id_, None)
        self._look()

    def close(self) -> None:
        self._rows.close()

    def _import(self, realm: Realm) -> None:
        """As Keycloak does, only what is not there yet; but our own clients follow the launcher's secrets."""
        for user in realm.user_documents:
            content = {key: value for key, value in user.items() if key != "credentials"}
            self._write(USER, user["id"], json.dumps({**content, "createdTimestamp": _millis()}), again=False)
        for client in realm.client_documents:
            key = client.get("id") or str(uuid.uuid5(uuid.NAMESPACE_URL, f"{realm.name}/{client['clientId']}"))
            body = json.dumps({"attributes": {}, **client, "id": key})
            self._write(CLIENT, key, body, again=client["clientId"] in OURS)

    def _write(self, kind: str, id_: str, body: str | None, *, again: bool = True) -> None:
        then = "UPDATE SET body = excluded.body" if again else "NOTHING"
        statement = f"INSERT INTO kept (kind, id, body) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO {then}"  # noqa: S608
        self._rows.execute(statement, (kind, id_, body))

    def _read(self, kind: str) -> dict[str, Document]:
        rows = self._rows.execute(
            "SELECT id, body FROM kept WHERE kind = ? AND body IS NOT NULL ORDER BY rowid", (kind,)
        )
        return {id_: json.loads(body) for id_, body in rows}

    def _look(self) -> None:
        users = self.documents(USER)
        self._people, self._clients = people_of(users), clients_of(self.documents(CLIENT), users)


def hashed(password: str) -> str:
    salt = secrets.token_hex(16)
    return f"{salt}${_stretched(password, salt)}"


def fits(password: str, kept: str) -> bool:
    salt, _, digest = kept.partition("$")
    return bool(digest) and compare_digest(_stretched(password, salt), digest)


def _stretched(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=2**14, r=8, p=1).hex()


def _millis() -> int:
    return int(time.time() * 1000)
