"""Turns services' state into pages: ``/health`` and ``/alive`` for programs, ``/metrics`` for Prometheus."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from footfall.apps.status import ServiceStatus, State
from footfall.apps.supervisor.ports import HOST
from footfall.core import metrics

Statuses = Callable[[], Sequence[ServiceStatus]]

VALUES: Final[dict[metrics.Metric, Callable[[ServiceStatus], float | None]]] = {
    metrics.EVENTS: lambda one: one.events,
    metrics.RATE: lambda one: one.events_per_second,
    metrics.LAG: lambda one: one.lag,
    metrics.OFFERS: lambda one: one.offers,
    metrics.HEALTHY: lambda one: float(one.state is State.HEALTHY),
    metrics.RESTARTS: lambda one: one.restarts,
    metrics.CPU: lambda one: one.cpu_percent,
    metrics.MEMORY: lambda one: None if one.memory_mb is None else one.memory_mb * 2**20,
}


class ServiceCollector(Collector):
    """What Prometheus sees: the same figures as ``footfall status``."""

    def __init__(self, statuses: Statuses) -> None:
        self._statuses = statuses

    def collect(self) -> Iterable[Metric]:
        statuses = self._statuses()
        for metric in metrics.METRICS:
            kind = CounterMetricFamily if metric.kind is metrics.Kind.COUNTER else GaugeMetricFamily
            family = kind(metric.name, metric.meaning, labels=metric.labels)
            for one in statuses:
                if (value := VALUES[metric](one)) is not None:
                    family.add_metric([one.service], value)
            yield family


class StatusServer:
    """Answers in a thread of its own; on a port of this machine only, unless ``host`` says otherwise.

    Raises OSError when the port cannot be had.
    """

    def __init__(
        self, port: int, statuses: Statuses, *, host: str = HOST, lives: Callable[[], bool] = lambda: True
    ) -> None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(ServiceCollector(statuses))
        pages = {
            "/health": lambda: health(statuses()),
            "/alive": lambda: life(lives()),
            "/metrics": lambda: (200, "text/plain; version=0.0.4; charset=utf-8", generate_latest(registry)),
        }
        self._server = listen(host, port, pages)
        self.port: int = self._server.server_address[1]

    def start(self) -> None:
        """Begin to answer."""
        threading.Thread(target=self._server.serve_forever, name="status-pages", daemon=True).start()

    def close(self) -> None:
        """Give the port back. Only after `start`."""
        self._server.shutdown()
        self._server.server_close()


Page = Callable[[], tuple[int, str, bytes]]


def listen(host: str, port: int, pages: dict[str, Page]) -> ThreadingHTTPServer:
    """A server that holds the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path.partition("?")[0])
            code, kind, body = page() if page else (404, "text/plain", b"Pages: /health /alive /metrics\n")
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
            """Say nothing: the terminal belongs to the supervisor."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    return Server((host, port), Handler)


def health(statuses: Sequence[ServiceStatus]) -> tuple[int, str, bytes]:
    """200 when every service is healthy or has done its work, 503 otherwise."""
    fine = all(one.state in {State.HEALTHY, State.STOPPED} for one in statuses) and bool(statuses)
    body = {"status": "healthy" if fine else "unhealthy", "services": [one.as_json() for one in statuses]}
    return (200 if fine else 503), "application/json", json.dumps(body).encode() + b"\n"


def life(lives: bool) -> tuple[int, str, bytes]:  # noqa: FBT001 - what the page says is this one word
    """200 as long as it is no use to start the service anew, 503 when it shows no sign of life."""
    return (200 if lives else 503), "text/plain", b"alive\n" if lives else b"no sign of life\n"
