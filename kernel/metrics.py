"""What a process tells Prometheus, on a port of its own that the gateway does not lead to.

Names and units follow Prometheus: seconds, totals, base units. No label ever holds an id, a person or an organisation.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import (
    REGISTRY,
    Counter,
    Gauge,
    Histogram,
    start_http_server,
)

from kernel.trace import Scope, route_of

_FAST = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

requests = Counter("hatang_http_requests", "Requests answered.", ["method", "route", "status"])
request_seconds = Histogram(
    "hatang_http_request_seconds", "Until the answer ended.", ["method", "route"], buckets=_FAST
)
pool = Gauge("hatang_database_connections", "Connections of this process's pool.", ["state"])
outbox_unsent = Gauge("hatang_outbox_unsent", "Events recorded and not yet in the stream.")
outbox_lag = Gauge("hatang_outbox_lag_seconds", "Age of the oldest event that is not yet in the stream.")
parked = Gauge("hatang_parked_messages", "Messages that wait for a person.")
unsealed = Gauge("hatang_audit_unsealed", "Audit rows not yet in the chain.")
seal_lag = Gauge("hatang_audit_seal_lag_seconds", "Age of the oldest audit row that is not yet in the chain.")
published = Counter("hatang_events_published", "Events put into the stream.", ["event"])
messages = Counter("hatang_messages", "Messages taken from others' streams.", ["event", "outcome"])
handler_seconds = Histogram("hatang_handler_seconds", "One batch's effects of one event.", ["event"], buckets=_FAST)
copy_lag = Gauge("hatang_copy_lag_seconds", "How far the local copy of a source's facts is behind.", ["source"])
job_seconds = Histogram("hatang_job_seconds", "One visit of a job.", ["job"], buckets=_FAST)
mails = Counter("hatang_mails", "Mails handed to the mail server.", ["kind", "outcome"])
mails_unsent = Gauge("hatang_mails_unsent", "Mails recorded and not yet sent.")
mail_lag = Gauge("hatang_mail_lag_seconds", "Age of the oldest mail that is not yet sent.")
domain = Gauge("hatang_domain", "What the service is about: see its gauges.py.", ["service", "figure", "of"])


def serve(port: int, host: str = "127.0.0.1") -> Callable[[], None]:
    """Answers GET /metrics from a thread of its own until the returned function is called; port 0: not at all."""
    if port == 0:
        return lambda: None
    server, thread = start_http_server(port, addr=host, registry=REGISTRY)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join(2)

    return stop


class Measured:
    """ASGI: counts and times every request under its route's template; what met no route is one line, `none`."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self._children: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noting(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            count, seconds = self._child(scope["method"], route_of(scope) or "none", status)
            count.inc()
            seconds.observe(time.perf_counter() - began)

    def _child(self, method: str, route: str, status: int) -> tuple[Any, Any]:
        key = (method if route != "none" else "-", route, status)
        if key not in self._children:
            self._children[key] = requests.labels(*map(str, key)), request_seconds.labels(key[0], route)
        return self._children[key]


def watch_pool(engine: Any) -> None:
    """Reads the pool when Prometheus asks, not before."""
    held = engine.pool
    pool.labels("used").set_function(held.checkedout)
    pool.labels("idle").set_function(held.checkedin)
    pool.labels("most").set_function(held.size)


class Tellers:
    """Domain figures of one service as they were last counted; a figure that is gone is no longer told."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._told: set[tuple[str, str]] = set()

    def tell(self, figures: Mapping[tuple[str, str], float]) -> None:
        """`(figure, of)` -> value, as `("dossiers_open", "transport")`; `of` is empty for a figure of the whole."""
        for (figure, of), value in figures.items():
            domain.labels(self._service, figure, of).set(value)
        for figure, of in self._told - set(figures):
            domain.remove(self._service, figure, of)
        self._told = set(figures)
