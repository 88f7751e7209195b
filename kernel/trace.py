"""The W3C trace context of the work at hand, passed on to events, questions and logs; and the spans, where wanted.

Off unless OTEL_EXPORTER_OTLP_ENDPOINT is set: then no OpenTelemetry is imported, and what remains is one context
variable. A process calls `configure` once at its start and `close` at its end. The gateway wraps its application in
`Traced` (one line at its composition root); everything under it finds the span's own traceparent in `current`.
"""

import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_PARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
current: ContextVar[str] = ContextVar("traceparent", default="")
_tracing: "Tracing | None" = None


def adopt(traceparent: str | None) -> str:
    """Continues the given trace in a new span, or begins one; returns the traceparent now in force."""
    if traceparent and traceparent == current.get():
        return traceparent
    match = _PARENT.match(traceparent or "")
    trace_id = match[1] if match else secrets.token_hex(16)
    value = f"00-{trace_id}-{secrets.token_hex(8)}-01"
    current.set(value)
    return value


def trace_id() -> str:
    return current.get()[3:35]


def is_on() -> bool:
    return _tracing is not None


def configure(name: str, environ: Mapping[str, str] = os.environ) -> None:
    """Begins to record spans as `hatang.<name>` when the environment names a collector (OTLP over HTTP)."""
    if environ.get(ENDPOINT):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        record(name, OTLPSpanExporter())


def record(name: str, exporter: Any) -> None:
    """Sends this process's spans to `exporter`; `configure` decides whether, a test hands in its own."""
    global _tracing
    _tracing = Tracing(name, exporter)


def close() -> None:
    """Sends what is still held. A collector that is away costs a few seconds at most."""
    global _tracing
    if _tracing is not None:
        _tracing.provider.shutdown()
        _tracing = None


class Tracing:
    """The provider of this process. OpenTelemetry's own notion of a current span is not used: `current` is ours."""

    def __init__(self, name: str, exporter: Any) -> None:
        from opentelemetry import trace as otel
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self.otel = otel
        self.provider = TracerProvider(resource=Resource.create({"service.name": f"hatang.{name}"}))
        self.provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
        self.tracer = self.provider.get_tracer("hatang")

    def start(
        self, name: str, kind: str, parent: str | None, attributes: Mapping[str, Any], start: int | None = None
    ) -> Any:
        match = _PARENT.match(parent or "")
        context = None
        if match:
            remote = self.otel.SpanContext(int(match[1], 16), int(match[2], 16), True, self.otel.TraceFlags(1))
            context = self.otel.set_span_in_context(self.otel.NonRecordingSpan(remote))
        return self.tracer.start_span(
            name, context, self.otel.SpanKind[kind], attributes=dict(attributes), start_time=start
        )


def _traceparent(span: Any) -> str:
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"


class Span:
    """A span under way, or nothing at all when tracing is off."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def say(self, name: str | None = None, **attributes: Any) -> None:
        """Adds attributes (`_` stands for `.` in their names), and renames once the better name is known."""
        if self._span is not None:
            self._span.set_attributes({key.replace("_", "."): value for key, value in attributes.items()})
            if name:
                self._span.update_name(name)

    def fail(self, reason: str) -> None:
        if self._span is not None and _tracing is not None:
            self._span.set_status(_tracing.otel.StatusCode.ERROR, reason)


_NOTHING = Span()


@contextmanager
def span(name: str, kind: str = "INTERNAL", parent: str | None = None, **attributes: Any) -> Iterator[Span]:
    """A span below `parent` (a traceparent), else below the present one; `current` is its own while it lasts.

    `kind`: INTERNAL, SERVER, CLIENT, PRODUCER or CONSUMER.
    """
    if _tracing is None:
        yield _NOTHING
        return
    spoken = {key.replace("_", "."): value for key, value in attributes.items()}
    started = _tracing.start(name, kind, parent or current.get(), spoken)
    before = current.get()
    current.set(_traceparent(started))
    under_way = Span(started)
    try:
        yield under_way
    except BaseException as error:
        under_way.fail(type(error).__name__)
        raise
    finally:
        current.set(before)
        started.end()


@contextmanager
def batch(name: str, parents: Sequence[str | None]) -> Iterator[None]:
    """One piece of work for many messages: a CONSUMER span in the trace of each; what is made continues the first."""
    if _tracing is None:
        adopt(parents[0] if parents else None)
        yield
        return
    counted = {"messaging.batch.message_count": len(parents)}
    started = [_tracing.start(name, "CONSUMER", parent, counted, time.time_ns()) for parent in parents]
    current.set(_traceparent(started[0]) if started else "")
    try:
        yield
    except BaseException as error:
        for each in started:
            Span(each).fail(type(error).__name__)
        raise
    finally:
        for each in started:
            each.end()


Scope = MutableMapping[str, Any]


class Traced:
    """ASGI: one SERVER span a request, named after its route; below it `adopt` keeps the span's own traceparent.

    Outermost around an application. Off, it is one comparison a request.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if _tracing is None or scope["type"] != "http" or scope["path"].startswith("/health/"):
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"traceparent"), b"").decode("latin-1")
        current.set("")
        with span(scope["method"], "SERVER", given, http_request_method=scope["method"], url_path=scope["path"]) as own:
            kept = [(name, value) for name, value in scope["headers"] if name != b"traceparent"]
            scope["headers"] = [*kept, (b"traceparent", current.get().encode())]

            async def noting(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    own.say(http_response_status_code=message["status"])
                    if message["status"] >= 500:
                        own.fail(str(message["status"]))
                await send(message)

            await self.app(scope, receive, noting)
            if route := route_of(scope):
                own.say(f"{scope['method']} {route}", http_route=route)


def route_of(scope: Mapping[str, Any]) -> str:
    """The template of the route that answered, such as `/api/permits/v1/applications/{id}`; empty when none did."""
    return str(getattr(scope.get("route"), "path", ""))
