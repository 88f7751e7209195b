"""Logs without secrets, one trace from the door to the handler, figures for Prometheus, readiness by part."""

import asyncio
import json
import urllib.request

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from infra.local.ports import free_ports
from infra.nats.keys import new_seed
from kernel import inbox, logging, metrics, outbox, trace
from kernel.auth import system
from kernel.clock import Clock
from tests.kernel.conftest import Happened, now, relay_of, running, until

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SECRETS = (
    "postgresql://registry_app:s3cretpassword@127.0.0.1:5432/registry",
    "Authorization: Bearer abcdefghijklmnop",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
    new_seed().decode(),
    "grant_type=x&client_secret=s3cretpassword&y=1",
)


@pytest.mark.unit
@pytest.mark.parametrize("secret", SECRETS, ids=["address", "header", "token", "seed", "form"])
def test_what_has_the_shape_of_a_secret_is_not_logged(secret):
    said = {"event": f"failed with {secret}!", "inner": {"list": [secret]}, "error": OSError(secret)}
    event = logging.redact(None, "", said)
    told = json.dumps(event)
    for part in ("s3cretpassword", "abcdefghijklmnop", "c2lnbmF0dXJl", SECRETS[3]):
        assert part not in told
    assert "failed with" in told


@pytest.mark.unit
def test_what_is_named_like_a_secret_is_not_logged_and_the_rest_is():
    event = logging.redact(
        None, "", {"password": "a", "access_token": "b", "count": 3, "path": "/x?page=2", "org": None}
    )
    assert event == {"password": "***", "access_token": "***", "count": 3, "path": "/x?page=2", "org": None}


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    trace.record("test", exporter)
    yield lambda: (trace._tracing.provider.force_flush(), exporter.get_finished_spans())[1]  # type: ignore[union-attr]
    trace.close()


@pytest.mark.database
async def test_a_change_is_one_trace_from_the_request_to_the_handler(database, bus, settings, spans):
    seen: list[str] = []

    async def note(tx, received, *, now) -> None:
        seen.append(trace.current.get())

    async def app(scope, receive, send) -> None:
        trace.adopt(dict(scope["headers"])[b"traceparent"].decode())
        async with database.tx() as tx:
            await outbox.record(tx, system("t"), Happened(n=1), subject=1, now=now())
        await send({"type": "http.response.start", "status": 201, "headers": []})

    async def send(message) -> None: ...

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": [(b"traceparent", PARENT.encode())]}
    await trace.Traced(app)(scope, None, send)
    consumer = inbox.Consumer(database, bus, "registry", "permits", {Happened: note}, Clock())
    async with running(relay_of(settings, bus), consumer):
        await until(lambda: _is(bool(seen)))
    made = {span.name: span for span in spans()}
    request, publish, handle = (made[n] for n in ("POST", f"publish {Happened.type}", f"handle {Happened.type}"))
    assert {span.context.trace_id for span in (request, publish, handle)} == {int(PARENT[3:35], 16)}
    assert request.parent.span_id == int(PARENT[36:52], 16)
    assert publish.parent.span_id == request.context.span_id
    assert handle.parent.span_id == publish.context.span_id
    assert seen[0][36:52] == f"{handle.context.span_id:016x}"
    assert request.attributes["http.response.status.code"] == 201


@pytest.mark.unit
async def test_tracing_that_is_off_records_nothing_and_keeps_the_trace():
    assert not trace.is_on()
    assert trace.adopt(PARENT)[3:35] == PARENT[3:35]
    with trace.span("x") as own:
        own.say(more="x")
        assert trace.trace_id() == PARENT[3:35]


@pytest.mark.unit
async def test_requests_are_counted_by_their_route_on_a_port_of_their_own():
    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message) -> None: ...

    class Route:
        path = "/things/{id}"

    await metrics.Measured(app)({"type": "http", "method": "GET", "path": "/things/7", "route": Route}, None, send)
    port = free_ports(1)[0]
    stop = metrics.serve(port)
    try:
        told = await asyncio.to_thread(_got, f"http://127.0.0.1:{port}/metrics")
    finally:
        stop()
    assert 'hatang_http_requests_total{method="GET",route="/things/{id}",status="200"} 1.0' in told
    assert "/things/7" not in told


@pytest.mark.unit
def test_a_figure_that_is_gone_is_no_longer_told():
    tellers = metrics.Tellers("test")
    tellers.tell({("dossiers", "filed"): 2, ("dossiers", "decided"): 1})
    tellers.tell({("dossiers", "filed"): 3})
    told = {
        tuple(s.labels.values()): s.value for s in metrics.domain.collect()[0].samples if s.labels["service"] == "test"
    }
    assert list(told.values()) == [3.0]


def _got(url: str) -> str:
    return urllib.request.urlopen(url).read().decode()


async def _is(truth: bool) -> bool:
    return truth
