"""The same key and request again: the stored answer, one effect. Only successes are stored."""

import hashlib
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import direct
from kernel.db import idempotency_table
from kernel.errors import N_, Fault, Invalid

_KEPT_HEADERS = ("etag", "location", "content-type")


class IdempotencyKeyReused(Invalid):
    detail = N_("This Idempotency-Key was used for a different request.")


class IdempotencyKeyMalformed(Invalid):
    detail = N_("An Idempotency-Key has 1 to 255 printable characters.")


class Replay(Exception):
    """Not a refusal: the answer that the first request got."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__("replayed")
        self.status, self.headers, self.body = status, headers, body


def fingerprint(method: str, path: str, query: str, body: bytes) -> str:
    """Of the parsed body, not of its bytes: spacing and key order may differ at a retry."""
    try:
        parsed: Any = orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        parsed = hashlib.sha256(body).hexdigest()
    content = orjson.dumps([method, path, query, parsed], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()


async def begin(tx: AsyncSession, client: str, key: str, operation: str, print_: str, now: datetime) -> None:
    """Claims the key in the command's own transaction. The second of two waits here, then gets Replay.

    Raises Replay, IdempotencyKeyReused (422), IdempotencyKeyMalformed (422).
    """
    if not (0 < len(key) <= 255 and key.isprintable()):
        raise IdempotencyKeyMalformed(
            errors=[Fault("/headers/Idempotency-Key", "malformed", IdempotencyKeyMalformed.detail)]
        )
    claim = {"client": client, "key": key, "operation": operation, "print": print_, "now": now}
    if await direct.row(tx, _CLAIM, claim) is not None:
        return
    table = idempotency_table.c
    row = (await tx.execute(select(idempotency_table).where(table.client == client, table.key == key))).one()
    if row.fingerprint != print_:
        raise IdempotencyKeyReused(errors=[Fault("/headers/Idempotency-Key", "reused", IdempotencyKeyReused.detail)])
    raise Replay(row.status, row.headers, row.body)


async def store(tx: AsyncSession, client: str, key: str, status: int, headers: dict[str, str], body: bytes) -> None:
    kept = {name: value for name, value in headers.items() if name.lower() in _KEPT_HEADERS}
    await direct.execute(tx, _STORE, client, key, status, direct.document(kept), body)


_CLAIM = (
    "INSERT INTO idempotency (client, key, operation, fingerprint, created_at)"
    " VALUES (:client, :key, :operation, :print, :now) ON CONFLICT DO NOTHING RETURNING key"
)
_STORE = "UPDATE idempotency SET status = $3, headers = $4, body = $5 WHERE client = $1 AND key = $2"


async def forget(tx: AsyncSession, before: datetime) -> int:
    result = await tx.execute(idempotency_table.delete().where(idempotency_table.c.created_at < before))
    return int(result.rowcount)  # type: ignore[attr-defined]
