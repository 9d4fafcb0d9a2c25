"""Prometheus metrics of this process: one registry of our own, so nothing a library registers comes along.

Metrics are made when the module that counts is imported, and are named `wherry_<subsystem>_<what>_<unit>`; those that
an upstream component also has keep upstream's name (`kubeproxy_…`, `coredns_…`, `nginx_ingress_controller_…`), so
existing dashboards work.
"""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The usual upper bounds for durations."""

registry = CollectorRegistry()
"""What `/metrics` shows."""

ProcessCollector(registry=registry)
PlatformCollector(registry=registry)


def counter(name: str, help: str, labels: Sequence[str] = ()) -> Counter:
    """Register a counter; `name` ends in `_total`."""
    return Counter(name, help, labels, registry=registry)


def gauge(name: str, help: str, labels: Sequence[str] = ()) -> Gauge:
    """Register a gauge."""
    return Gauge(name, help, labels, registry=registry)


def histogram(name: str, help: str, labels: Sequence[str] = (), buckets: Sequence[float] = SECONDS) -> Histogram:
    """Register a histogram; durations are in seconds."""
    return Histogram(name, help, labels, buckets=buckets, registry=registry)


def render(shown: CollectorRegistry = registry) -> bytes:
    """Return all metrics in Prometheus' text format (`CONTENT_TYPE`)."""
    return generate_latest(shown)
