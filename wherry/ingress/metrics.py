"""The controller's metrics, under ingress-nginx' names where it has the same ones, and nginx' own request counts.

The counts live in nginx' shared memory; `/metrics` reads them there when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from aiohttp import web
from prometheus_client.core import UnknownMetricFamily
from prometheus_client.registry import Collector

from wherry.component.health import Health
from wherry.ingress.nginx.control import Control, ControlError
from wherry.telemetry import metrics

# Gauges, though they only grow: a counter would be given `_total`, which ingress-nginx' names do not have.
reloads = metrics.gauge("nginx_ingress_controller_success", "Successful reloads of nginx")
refusals = metrics.gauge("nginx_ingress_controller_errors", "Configurations nginx refused")
last_reload_time = metrics.gauge(
    "nginx_ingress_controller_config_last_reload_successful_timestamp_seconds",
    "When nginx last took a configuration, since the epoch",
)
last_reload_successful = metrics.gauge(
    "nginx_ingress_controller_config_last_reload_successful", "Whether nginx took the last configuration"
)
certificate_expiry = metrics.gauge(
    "nginx_ingress_controller_ssl_expire_time_seconds", "When a host's certificate expires, since the epoch", ["host"]
)
problems = metrics.gauge("wherry_ingress_problems", "Warnings about objects that hold right now", ["reason"])
without_place = metrics.gauge(
    "wherry_ingress_entries_without_place",
    "Endpoints' and certificates' entries nginx' memory has no place for",
    ["store"],
)
syncs = metrics.histogram("wherry_ingress_sync_seconds", "Time from a change's arrival until nginx follows it")


def show_certificates(expiry: Mapping[str, datetime]) -> None:
    """Make `certificate_expiry` show these hosts and no others."""
    certificate_expiry.clear()
    for host, expires in expiry.items():
        certificate_expiry.labels(host).set(expires.timestamp())


class Requests(Collector):
    """nginx' request counts, as last read; untyped for its name's sake, as the gauges above."""

    def __init__(self) -> None:
        self.counts: Mapping[str, int] = {}

    def collect(self) -> Iterator[UnknownMetricFamily]:
        """Yield the one family."""
        labels = ("host", "namespace", "ingress", "service", "status")
        family = UnknownMetricFamily("nginx_ingress_controller_requests", "Requests answered", labels=labels)
        for route, count in sorted(self.counts.items()):
            family.add_metric(["" if word == "-" else word for word in route.split(" ")], count)
        yield family


requests = Requests()
metrics.registry.register(requests)


class IngressHealth(Health):
    """The usual endpoints; `/metrics` first reads the counts from nginx."""

    def __init__(self, control: Control):
        super().__init__()
        self._control = control

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [r for r in super().routes() if r.path != "/metrics"] + [web.get("/metrics", self._metrics)]

    async def _metrics(self, _: web.Request) -> web.Response:
        try:
            requests.counts = await self._control.requests()
        except ControlError:
            requests.counts = {}  # nginx is down: its counts begin again
        return web.Response(body=metrics.render(), headers={"Content-Type": metrics.CONTENT_TYPE})
