"""Keyset paging: a cursor is where the last page ended, opaque to the caller."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import orjson

from kernel.errors import N_, Fault, Invalid

DEFAULT_LIMIT = 50
MAX_LIMIT = 500


class BadCursor(Invalid):
    detail = N_("This page mark is not one of ours. Begin at the first page.")


def encode_cursor(key: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(list(key), default=str)).rstrip(b"=").decode()


def decode_cursor(cursor: str, length: int | None = None) -> list[Any]:
    """Raises BadCursor (422)."""
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, orjson.JSONDecodeError):
        key = None
    if not isinstance(key, list) or (length is not None and len(key) != length):
        raise BadCursor(errors=[Fault("/query/cursor", "malformed", BadCursor.detail)])
    return key
