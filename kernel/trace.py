"""The W3C trace context of the work at hand, passed on to events, questions and logs."""

import re
import secrets
from contextvars import ContextVar

_PARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")
current: ContextVar[str] = ContextVar("traceparent", default="")


def adopt(traceparent: str | None) -> str:
    """Continues the given trace in a new span, or begins one; returns the traceparent now in force."""
    match = _PARENT.match(traceparent or "")
    trace_id = match[1] if match else secrets.token_hex(16)
    value = f"00-{trace_id}-{secrets.token_hex(8)}-01"
    current.set(value)
    return value


def trace_id() -> str:
    return current.get()[3:35]
