"""Tokens that no library would make."""

import base64
import hmac
import json
from typing import Any


def part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def unsigned(claims: dict[str, Any], **header: Any) -> str:
    """`alg: none` in the spelling asked for, and an empty signature."""
    return f"{part(json.dumps({'alg': 'none', **header}).encode())}.{part(json.dumps(claims).encode())}."


def symmetric(claims: dict[str, Any], secret: bytes, **header: Any) -> str:
    """HS256 over whatever is public, such as the realm's key in PEM."""
    signed = f"{part(json.dumps({'alg': 'HS256', **header}).encode())}.{part(json.dumps(claims).encode())}"
    return f"{signed}.{part(hmac.digest(secret, signed.encode(), 'sha256'))}"
