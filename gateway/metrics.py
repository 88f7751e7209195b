"""What the gateway tells Prometheus, on a port of its own: the public door does not lead there.

Counted in plain dictionaries, because a request has a hundred microseconds here; turned into metrics when asked.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.rates import Rates
from gateway.sessions import Sessions
from gateway.settings import GatewaySettings
from gateway.upstreams import Upstream

_BOUNDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics(Collector):
    """`kind`: api, page (of a service), own, or refused before a door was chosen. Status 0: the caller left first."""

    def __init__(self) -> None:
        self._statuses: Counter[tuple[str, int]] = Counter()
        self._buckets: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = defaultdict(float)
        self._sessions: Sessions | None = None
        self._rates: Rates | None = None
        self._upstreams: Sequence[Upstream] = ()

    def watch(self, sessions: Sessions, rates: Rates, upstreams: Sequence[Upstream]) -> None:
        self._sessions, self._rates, self._upstreams = sessions, rates, upstreams

    def count(self, kind: str, status: int, seconds: float) -> None:
        self._statuses[kind, status] += 1
        buckets = self._buckets.get(kind)
        if buckets is None:
            buckets = self._buckets[kind] = [0] * (len(_BOUNDS) + 1)
        buckets[bisect_left(_BOUNDS, seconds)] += 1
        self._seconds[kind] += seconds

    def collect(self) -> Iterator[Metric]:
        yield self._requests()
        yield self._latency()
        streams = GaugeMetricFamily("hatang_gateway_in_flight", "Requests under way at a service.", labels=["upstream"])
        broken = CounterMetricFamily(
            "hatang_gateway_upstream_errors", "Requests a service did not answer.", labels=["upstream", "code"]
        )
        for upstream in self._upstreams:
            streams.add_metric([upstream.name], upstream.in_flight)
            for code, times in list(upstream.failures.items()):
                broken.add_metric([upstream.name, code], times)
        yield streams
        yield broken
        if self._sessions is not None and self._rates is not None:
            held = self._sessions.held_count
            yield GaugeMetricFamily("hatang_gateway_sessions", "Sessions lately used at this gateway.", value=held)
            refused = self._rates.refused
            yield CounterMetricFamily("hatang_gateway_rate_refusals", "Requests over a rate limit.", value=refused)

    def _requests(self) -> Metric:
        family = CounterMetricFamily("hatang_gateway_requests", "Requests answered.", labels=["kind", "status"])
        for (kind, status), times in list(self._statuses.items()):
            family.add_metric([kind, str(status)], times)
        return family

    def _latency(self) -> Metric:
        family = HistogramMetricFamily(
            "hatang_gateway_request_seconds", "Until the answer ended, the service's time included.", labels=["kind"]
        )
        for kind, buckets in list(self._buckets.items()):
            running, cumulative = 0, []
            for bound, times in zip([*map(str, _BOUNDS), "+Inf"], buckets, strict=True):
                running += times
                cumulative.append((bound, float(running)))
            family.add_metric([kind], cumulative, self._seconds[kind])
        return family


@asynccontextmanager
async def serving(settings: GatewaySettings, metrics: Metrics) -> AsyncIterator[None]:
    """GET /metrics on the internal address, from a thread of its own."""
    registry = CollectorRegistry()
    registry.register(metrics)
    server, thread = start_http_server(settings.metrics_port, addr=settings.metrics_host, registry=registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(2)
