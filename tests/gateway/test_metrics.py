"""What Prometheus reads, and that the public door does not lead there; spans where a collector is named."""

import re
from typing import Any

import httpx
import pytest

from gateway.app import Gateway, create_app
from infra.local.ports import free_ports
from kernel import trace
from tests.gateway.conftest import Provider, Starter
from tests.gateway.test_pages import settings

pytestmark = pytest.mark.database


def value(text: str, line: str) -> float:
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    assert found, f"{line} is not in\n{text}"
    return float(found[1])


async def test_requests_streams_sessions_and_refusals_are_counted_on_a_port_of_their_own(
    start: Starter, provider: Provider
) -> None:
    [port] = free_ports(1)
    running = await start(provider, metrics_port=port, rate_address_units=9, sharing_url="http://127.0.0.1:1")
    await running.sign_in()
    for _ in range(3):
        assert (await running.client.get("/api/registry/echo")).status_code == 200
    assert (await running.client.get("/api/sharing/x")).status_code == 503
    assert (await running.client.get("/registry/closed")).status_code == 401
    assert (await running.client.get("/api/registry//x")).status_code == 400
    while (await running.client.get("/registry/echo")).status_code == 200:
        pass
    async with httpx.AsyncClient(trust_env=False) as prometheus, running.client.stream("GET", "/static/theme.js"):
        text = (await prometheus.get(f"http://127.0.0.1:{port}/metrics")).text
    assert value(text, 'hatang_gateway_requests_total{kind="api",status="200"}') == 3
    assert value(text, 'hatang_gateway_requests_total{kind="api",status="503"}') == 1
    assert value(text, 'hatang_gateway_requests_total{kind="page",status="401"}') == 1
    assert value(text, 'hatang_gateway_requests_total{kind="refused",status="400"}') == 1
    assert value(text, 'hatang_gateway_upstream_errors_total{code="Away",upstream="sharing"}') == 1
    assert value(text, "hatang_gateway_rate_refusals_total") == 1
    assert value(text, "hatang_gateway_sessions") == 1
    assert value(text, 'hatang_gateway_in_flight{upstream="registry"}') == 0
    assert value(text, 'hatang_gateway_request_seconds_count{kind="api"}') == 4
    assert value(text, 'hatang_gateway_request_seconds_bucket{kind="api",le="+Inf"}') == 4
    for secret in ("sxd.lan", "127.0.0.1", "127.0.0.1:1"):
        assert secret not in text
    assert (await running.client.get("/metrics")).status_code in (404, 429)


async def test_what_is_under_way_is_counted_while_it_lasts(start: Starter) -> None:
    [port] = free_ports(1)
    running = await start(metrics_port=port)
    async with (
        httpx.AsyncClient(trust_env=False) as prometheus,
        running.client.stream("GET", "/api/permits/endless") as stream,
    ):
        await anext(stream.aiter_bytes())
        text = (await prometheus.get(f"http://127.0.0.1:{port}/metrics")).text
    assert value(text, 'hatang_gateway_in_flight{upstream="permits"}') == 1


async def test_without_a_port_nothing_is_served(start: Starter) -> None:
    running = await start()
    assert (await running.client.get("/metrics")).status_code == 404


@pytest.mark.unit
def test_without_a_collector_nothing_is_wrapped() -> None:
    assert isinstance(create_app(settings()), Gateway)


class Kept:
    """A collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Any] = []

    def export(self, spans: Any) -> Any:
        from opentelemetry.sdk.trace.export import SpanExportResult

        self.spans.extend(spans)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        pass


async def test_a_request_is_one_span_and_the_service_continues_its_trace(start: Starter) -> None:
    kept = Kept()
    trace.record("gateway", kept)
    try:
        running = await start()
        answer = await running.client.get("/api/registry/echo", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
    finally:
        trace.close()
    passed_on = answer.json()["headers"]["traceparent"]
    own = [span for span in kept.spans if span.attributes["url.path"] == "/api/registry/echo"]
    assert len(own) == 1
    assert f"{own[0].context.trace_id:032x}" == "a" * 32 == answer.headers["x-trace-id"] == passed_on[3:35]
    assert f"{own[0].parent.span_id:016x}" == "b" * 16
    assert f"{own[0].context.span_id:016x}" == passed_on[36:52]
