"""Counters under CoreDNS's names (plugin/metrics), so that existing dashboards keep working."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0, 2.0, 4.0, 8.0)


class Metrics:
    """The metrics of one DNS server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "coredns_dns_requests_total", "Queries by zone, transport and type.", ["zone", "proto", "type"],
            registry=self.registry,
        )  # fmt: skip
        self.responses = Counter(
            "coredns_dns_responses_total", "Responses by zone and code.", ["zone", "rcode"], registry=self.registry
        )
        self.seconds = Histogram(
            "coredns_dns_request_duration_seconds", "Time to answer, in seconds.", ["zone"],
            buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        self.kept = Counter(
            "wherry_dns_kept_answers_total", "Queries answered from bytes kept since the last change of the records.",
            registry=self.registry,
        )  # fmt: skip
        self.cache_hits = Counter("coredns_cache_hits_total", "Cache hits.", ["type"], registry=self.registry)
        self.cache_misses = Counter("coredns_cache_misses_total", "Cache misses.", registry=self.registry)
        self.forwarded = Counter(
            "coredns_forward_requests_total", "Queries sent on, by upstream.", ["to"], registry=self.registry
        )
        self.forward_failures = Counter(
            "coredns_forward_failures_total", "Upstream queries without an answer.", ["to"], registry=self.registry
        )
        self.reloads = Counter(
            "coredns_reload_total", "Corefile reloads, by outcome.", ["outcome"], registry=self.registry
        )
        self.panics = Counter(
            "coredns_panics_total", "Queries whose handling failed unexpectedly.", registry=self.registry
        )
        self.synced = Gauge(
            "wherry_dns_synced", "1 once the cluster's objects have all been read.", registry=self.registry
        )
