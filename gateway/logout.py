"""The provider's word that somebody has signed out, as OpenID Connect Back-Channel Logout 1.0 writes it."""

from dataclasses import dataclass
from typing import Any

EVENT = "http://schemas.openid.net/event/backchannel-logout"
FRESH_SECONDS = 300
_LEEWAY = 5


@dataclass(frozen=True, slots=True)
class LogoutNotice:
    """`jti` names the notice; all sessions of `sid` end, or all of `sub` when there is no `sid`."""

    jti: str
    sub: str | None
    sid: str | None


def read_notice(claims: dict[str, Any], *, issuer: str, client_id: str, now: float) -> LogoutNotice:
    """The claims of a token whose signature is good. ValueError says what is wrong with them."""
    audience = claims.get("aud")
    if claims.get("iss") != issuer:
        raise ValueError("another issuer")
    if client_id not in (audience if isinstance(audience, list) else [audience]):
        raise ValueError("another audience")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise ValueError("not a logout event")
    if "nonce" in claims:
        raise ValueError("an ID token")
    _check_times(claims, now)
    jti, sub, sid = (_text(claims, name) for name in ("jti", "sub", "sid"))
    if jti is None or (sub is None and sid is None):
        raise ValueError("nobody is named, or the notice has no name")
    return LogoutNotice(jti, sub, sid)


def _check_times(claims: dict[str, Any], now: float) -> None:
    """Old notices are refused before their `jti` is forgotten, so that none can be played again."""
    issued, ends = claims.get("iat"), claims.get("exp", now)
    if not isinstance(issued, int | float) or not isinstance(ends, int | float):
        raise ValueError("times missing")
    if not now - FRESH_SECONDS <= issued <= now + _LEEWAY or ends < now - _LEEWAY:
        raise ValueError("too old, or from the future")


def _text(claims: dict[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value
