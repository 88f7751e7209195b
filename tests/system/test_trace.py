"""A change is one trace: the gateway, the service, the relay's publish, the handler of whoever listens."""

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from infra.local.visitor import Visitor, wait_for
from tests.fixtures.product import running_product

pytestmark = pytest.mark.system


class Collected:
    """Spans as (trace id, service, name) that arrive at `address` by OTLP over HTTP."""

    def __init__(self) -> None:
        spans: list[tuple[str, str, str]] = []

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    told = {one.key: one.value.string_value for one in resource.resource.attributes}
                    for scope in resource.scope_spans:
                        spans.extend((s.trace_id.hex(), told["service.name"], s.name) for s in scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *given: Any) -> None:
                pass

        self.spans = spans
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def services(self, trace_id: str) -> set[str]:
        return {service for trace, service, _ in self.spans if trace == trace_id}


@pytest.fixture
def collected() -> Iterator[Collected]:
    made = Collected()
    yield made
    made.server.shutdown()


MAST = {
    "facts": {
        "owner": "VIETTEL", "name": "Cột dấu vết", "status": "in_service", "height_m": "30.00",
        "point": [105.15, 9.18], "commune": "32002@2025-07",
    },
    "valid_from": "2026-01-01",
}  # fmt: skip


def test_a_change_is_one_trace_from_the_door_to_the_handler(collected: Collected):
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    with running_product(DEMO="1", OTEL_EXPORTER_OTLP_ENDPOINT=collected.address) as product:
        with Visitor.client(product.url, product.issuer, "viettel-api") as owner:
            owner.http.headers["traceparent"] = f"00-{trace_id}-b7ad6b7169203331-01"
            owner.post("/api/registry/v1/masts", MAST)
        wanted = {"hatang.gateway", "hatang.registry.api", "hatang.registry.worker", "hatang.sharing.worker"}
        wait_for(lambda: wanted <= collected.services(trace_id), "the whole trace", 30)
