"""What every form of a page needs: the token against cross-site posts, sealed notices, errors by field."""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal

from kernel.errors import Fault

FIELD = "_csrf"
NOTICE = "_said"
_DAY = re.compile(r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)|(?P<d2>\d{1,2})[/.-](?P<m2>\d{1,2})[/.-](?P<y2>\d{4})")
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,10})?")


def form_token(key: str, sid: str, day: date) -> str:
    """The value of the hidden field `_csrf`: HMAC-SHA-256 over session and day, in hex."""
    return _sign(key, f"form\n{sid}\n{day.isoformat()}")


def check_form(key: str, sid: str, day: date, token: str | None) -> bool:
    """Whether `token` was given to this session today or yesterday (a page left open over midnight still posts)."""
    given = (token or "").encode()
    days = (day, day - timedelta(days=1))
    return any(hmac.compare_digest(form_token(key, sid, each).encode(), given) for each in days)


def seal_notice(key: str, sid: str, text: str, undo: str | None = None) -> str:
    """A notice for the page after a redirect, bound to the session so that no link can put words into a page."""
    packed = base64.urlsafe_b64encode(json.dumps([text, undo]).encode()).decode().rstrip("=")
    return f"{packed}.{_notice_signature(key, sid, packed)}"


def open_notice(key: str, sid: str, sealed: str) -> tuple[str, str | None] | None:
    """The text and the undo address of a sealed notice, or None when it was not ours."""
    packed, _, signature = sealed.partition(".")
    if not hmac.compare_digest(_notice_signature(key, sid, packed).encode(), signature.encode()):
        return None
    try:
        text, undo = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    except (binascii.Error, ValueError):
        return None
    return str(text), undo


def field_errors(faults: Iterable[Fault], gettext: Callable[[str], str]) -> dict[str, str]:
    """First fault of each field in the reader's language; `/conditions/0/due_on` -> `conditions-0-due_on`."""
    errors: dict[str, str] = {}
    for fault in faults:
        errors.setdefault(field_id(fault.pointer), gettext(fault.detail).format(**fault.params))
    return errors


def read_day(text: str) -> date | None:
    """A day as people type it (27/05/2024, 27-5-2024) or in ISO form; None when it is no day."""
    found = _DAY.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day = (found["y"], found["m"], found["d"]) if found["y"] else (found["y2"], found["m2"], found["d2"])
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def read_number(text: str) -> Decimal | None:
    """A number with a decimal comma or point: 45,5; None when it is none. Points before a comma are thousands."""
    plain = text.strip().replace("\u00a0", "").replace(" ", "")
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    return Decimal(plain) if _NUMBER.fullmatch(plain) else None


def field_id(pointer: str) -> str:
    """The form field a JSON pointer means."""
    return pointer.strip("/").replace("/", "-")


def _notice_signature(key: str, sid: str, packed: str) -> str:
    return _sign(key, f"notice\n{sid}\n{packed}")[:32]


def _sign(key: str, message: str) -> str:
    return hmac.digest(key.encode(), message.encode(), "sha256").hex()
