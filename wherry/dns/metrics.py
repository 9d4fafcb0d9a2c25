"""Counters under CoreDNS's names (plugin/metrics, cache, forward, reload), so that existing dashboards keep working."""

from __future__ import annotations

from collections.abc import Sequence

import dns.rdatatype
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0, 2.0, 4.0, 8.0)
TYPES = frozenset(
    "A AAAA CNAME DNSKEY DS HTTPS MX NS NSEC NSEC3 PTR RRSIG SOA SRV SVCB TXT ANY".split()  # noqa: SIM905 - reads better
)


def type_label(type: dns.rdatatype.RdataType) -> str:
    """Return a type's name, or "other": clients may ask for 65,536 types, and each label is kept for ever."""
    name = dns.rdatatype.to_text(type)
    return name if name in TYPES else "other"


class Metrics:
    """The metrics of one DNS server, beside those of its process; they live on when a new Corefile takes over."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter(
            "coredns_dns_requests_total", "Queries by server, zone, transport and type.",
            ("server", "zone", "proto", "type"),
        )  # fmt: skip
        self.responses = self._counter(
            "coredns_dns_responses_total", "Responses by server, zone and code.", ("server", "zone", "rcode")
        )
        self.seconds = Histogram(
            "coredns_dns_request_duration_seconds", "Time to answer, in seconds; of kept answers it is not measured.",
            ("server", "zone"), buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        self.kept = self._counter(
            "wherry_dns_kept_answers_total", "Queries answered from bytes kept since the last change of the records."
        )
        self.cache_hits = self._counter("coredns_cache_hits_total", "Cache hits.", ("type",))
        self.cache_misses = self._counter("coredns_cache_misses_total", "Cache misses.")
        self.cache_entries = self._gauge("coredns_cache_entries", "Answers in the cache.", ("type",))
        self.forwarded = self._counter("coredns_forward_requests_total", "Queries sent on, by upstream.", ("to",))
        self.forward_failures = self._counter(
            "coredns_forward_failures_total", "Upstream queries without an answer.", ("to",)
        )
        self.forward_broken = self._counter(
            "coredns_forward_healthcheck_broken_total", "Queries for which every upstream was resting after failures."
        )
        self.forward_rejected = self._counter(
            "coredns_forward_max_concurrent_rejects_total", "Queries refused because too many were under way."
        )
        self.reloads = self._counter("wherry_dns_reloads_total", "Corefiles taken into use after the first.")
        self.reload_failures = self._counter("coredns_reload_failed_total", "Changed Corefiles that were not taken.")
        self.panics = self._counter("coredns_panics_total", "Queries whose handling failed unexpectedly.")
        self.synced = self._gauge("wherry_dns_synced", "1 once the cluster's objects have all been read.")

    def _counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Counter:
        return Counter(name, help, labels, registry=self.registry)

    def _gauge(self, name: str, help: str, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(name, help, labels, registry=self.registry)
