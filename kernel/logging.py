"""Structured logs, one JSON object a line, each with service and trace id. Never tokens, bodies or personal data."""

import logging
import re
import sys
from typing import Any

import structlog

from kernel import trace

HIDDEN = "***"
_NAMES = re.compile(r"(?i)password|passwd|secret|token|authorization|cookie|api_?key|form_?key|session_?key|seed")
# Whatever the place it stands in: a password in an address, a bearer token, a JWT, a seed of NATS, a private key.
_SHAPES = (
    (re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^\s/@:\"']*:[^\s/@\"']+@"), rf"\g<scheme>{HIDDEN}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), HIDDEN),
    (re.compile(r"\bS[UAOXNC][A-Z2-7]{56}\b"), HIDDEN),
    (re.compile(r"(?i)\b(password|client_secret|code_verifier|refresh_token)=[^\s&\"']+"), rf"\1={HIDDEN}"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL), HIDDEN),
)


def redacted(text: str) -> str:
    """The text without what has the shape of a secret."""
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


def redact(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """The last processor before rendering, so that exceptions have become text by then."""
    return {key: HIDDEN if _NAMES.search(key) and value else _clean(value) for key, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return redact(None, "", value)
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    return value if isinstance(value, int | float | bool | None) else redacted(str(value))


def _with_trace(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    if identifier := trace.trace_id():
        event["trace_id"] = identifier
    return event


def configure(service: str, level: str = "INFO") -> None:
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_trace,
    ]
    last: list[Any] = [structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in ("uvicorn.access", "httpx", "nats"):
        logging.getLogger(noisy).setLevel("WARNING")


def get(name: str) -> Any:
    return structlog.get_logger(part=name)
