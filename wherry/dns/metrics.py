"""Counters under CoreDNS's names (plugin/metrics, cache, forward …), so that existing dashboards keep working."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Gauge, Histogram

from wherry import __version__
from wherry.dns.tally import Count, Number, Observed, Tally
from wherry.dns.wire.record import type_text

SECONDS = (0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0, 2.0, 4.0, 8.0)
BYTES = (0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16000, 32000, 48000, 64000)
PROGRAMMING_SECONDS = tuple(0.001 * 2**n for n in range(20))
TYPES = frozenset(
    "A AAAA CNAME DNSKEY DS HTTPS MX NS NSEC NSEC3 PTR RRSIG SOA SRV SVCB TXT ANY".split()  # noqa: SIM905 - reads better
)
RCODES = (
    "NOERROR",
    "FORMERR",
    "SERVFAIL",
    "NXDOMAIN",
    "NOTIMP",
    "REFUSED",
    "YXDOMAIN",
    "YXRRSET",
    "NXRRSET",
    "NOTAUTH",
)


MOST_COUNTERS = 10_000


def type_label(type: int) -> str:
    """Return a type's name, or "other": clients may ask for 65,536 types, and each label is kept for ever."""
    name = type_text(type)
    return name if name in TYPES else "other"


def rcode_label(rcode: int) -> str:
    """Return a code's name."""
    return RCODES[rcode] if rcode < len(RCODES) else str(rcode)


class Seen(NamedTuple):
    """What the metrics have of one query: all labels, and how large it and its answer were, in bytes."""

    server: str
    zone: str
    transport: str
    type: int
    rcode: int
    request: int
    response: int
    dnssec: bool


class _Numbers(NamedTuple):
    """What one sort of query is counted in: five labels are slow to look up."""

    requests: Number
    responses: Number
    seconds: Observed
    request_bytes: Observed
    response_bytes: Observed


class Metrics:
    """The metrics of one DNS server, beside those of its process; they live on when a new Corefile takes over.

    `refresh` are called before anything is read: they count what has been put off.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.refresh: list[Callable[[], None]] = []
        self._numbers: dict[tuple[str, str, str, int, int], _Numbers] = {}
        where = ("server", "zone", "view")
        self._gauge("coredns_build_info", "What is running.", ("version", "revision", "goversion")).labels(
            __version__, "wherry", ""
        ).set(1)
        self.plugins = self._gauge("coredns_plugin_enabled", "1 for each plugin of a server block.", (*where, "name"))
        self.requests = self._counter(
            "coredns_dns_requests_total", "Queries by server, zone, transport and type.", (*where, "proto", "type")
        )
        self.dnssec = self._counter("coredns_dns_do_requests_total", "Queries with the DO bit.", where)
        self.responses = self._counter(
            "coredns_dns_responses_total", "Responses by server, zone and code.", (*where, "rcode")
        )
        self.seconds = self._tally("coredns_dns_request_duration_seconds", "Time to answer.", where, SECONDS)
        self.request_bytes = self._tally(
            "coredns_dns_request_size_bytes", "Sizes of queries.", (*where, "proto"), BYTES
        )
        self.response_bytes = self._tally(
            "coredns_dns_response_size_bytes", "Sizes of responses.", (*where, "proto"), BYTES
        )
        self.kept = self._counter("wherry_dns_kept_answers_total", "Queries answered from bytes kept.")
        self.kept_entries = self._gauge("wherry_dns_kept_entries", "Answers kept as bytes.", ("server",))
        self.shed = self._counter("wherry_dns_shed_total", "Queries dropped because a client had too many under way.")
        self.cache_requests = self._counter("coredns_cache_requests_total", "Queries the cache was asked for.")
        self.cache_hits = self._counter("coredns_cache_hits_total", "Cache hits.", ("type",))
        self.cache_misses = self._counter("coredns_cache_misses_total", "Cache misses.")
        self.cache_entries = self._gauge("coredns_cache_entries", "Answers in the cache.", ("type",))
        self.cache_evictions = self._counter("coredns_cache_evictions_total", "Answers that made place.", ("type",))
        self.cache_prefetches = self._counter("coredns_cache_prefetch_total", "Answers fetched before they ran out.")
        self.cache_stale = self._counter("coredns_cache_served_stale_total", "Answers given after they ran out.")
        self.forwarded = self._counter("coredns_forward_requests_total", "Queries sent on, by upstream.", ("to",))
        self.forward_responses = self._counter(
            "coredns_forward_responses_total", "Upstreams' responses.", ("to", "rcode")
        )
        self.forward_failures = self._counter(
            "coredns_forward_failures_total", "Upstream queries without an answer.", ("to",)
        )
        self.proxy_seconds = self._tally(
            "coredns_proxy_request_duration_seconds", "Time an upstream took.", ("proxy_name", "to", "rcode"), SECONDS
        )
        self.forward_broken = self._counter(
            "coredns_forward_healthcheck_broken_total", "Queries for which every upstream was resting after failures."
        )
        self.forward_rejected = self._counter(
            "coredns_forward_max_concurrent_rejects_total", "Queries refused because too many were under way."
        )
        self.health_seconds = Histogram(
            "coredns_health_request_duration_seconds", "Time /health took, asked by ourselves once a second.",
            buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        self.health_failures = self._counter("coredns_health_request_failures_total", "Times it did not answer.")
        self.programming = Histogram(
            "coredns_kubernetes_dns_programming_duration_seconds",
            "From a change of a headless Service's pods until its records are served.",
            ("service_kind",), buckets=PROGRAMMING_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.acl = {
            action: self._counter(f"coredns_acl_{name}_requests_total", f"Queries acl {action}s.", where)
            for action, name in (
                ("block", "blocked"),
                ("filter", "filtered"),
                ("allow", "allowed"),
                ("drop", "dropped"),
            )
        }
        self.rrl_responses = self._counter(
            "coredns_rrl_responses_exceeded_total", "Responses beyond what a network may have.", ("client_ip",)
        )
        self.rrl_requests = self._counter(
            "coredns_rrl_requests_exceeded_total", "Requests beyond what a network may send.", ("client_ip",)
        )
        self.rrl_untracked = self._counter("wherry_dns_rrl_untracked_total", "Debits for which there was no account.")
        self.hosts_entries = self._gauge("coredns_hosts_entries", "Addresses of the hosts plugin.")
        self.hosts_reload = self._gauge("coredns_hosts_reload_timestamp_seconds", "When the hosts file was read.")
        self.template_matches = self._counter("coredns_template_matches_total", "Queries a template answered.")
        self.template_failures = self._counter("coredns_template_rr_failures_total", "Templates that made no record.")
        self.autopath = self._counter(
            "coredns_autopath_success_total", "Queries whose search path was walked for them."
        )
        self.dns64 = self._counter("coredns_dns64_requests_translated_total", "Queries given made-up AAAA records.")
        self.reloads = self._counter("wherry_dns_reloads_total", "Corefiles taken into use after the first.")
        self.reload_failures = self._counter("coredns_reload_failed_total", "Changed Corefiles that were not taken.")
        self.panics = self._counter("coredns_panics_total", "Queries whose handling failed unexpectedly.")
        self.synced = self._gauge("wherry_dns_synced", "1 once the cluster's objects have all been read.")

    def count(self, seen: Seen, seconds: float, times: int = 1) -> None:
        """Count one query, or `times` equal ones."""
        key = (seen.server, seen.zone, seen.transport, seen.type, seen.rcode)
        numbers = self._numbers.get(key)
        if numbers is None:
            numbers = self._of(seen)
            if len(self._numbers) < MOST_COUNTERS:
                self._numbers[key] = numbers
        numbers.requests.value += times
        numbers.responses.value += times
        if seen.dnssec:
            self.dnssec.labels(seen.server, seen.zone, "").inc(times)
        numbers.seconds.add(seconds, times)
        numbers.request_bytes.add(seen.request, times)
        numbers.response_bytes.add(seen.response, times)

    def _of(self, seen: Seen) -> _Numbers:
        where, transport = (seen.server, seen.zone, ""), seen.transport
        return _Numbers(
            self.requests.labels(*where, transport, type_label(seen.type)),
            self.responses.labels(*where, rcode_label(seen.rcode)),
            self.seconds.labels(*where),
            self.request_bytes.labels(*where, transport),
            self.response_bytes.labels(*where, transport),
        )

    def _counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Count:
        made = Count(name, help, labels)
        self.registry.register(made)
        return made

    def _gauge(self, name: str, help: str, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(name, help, labels, registry=self.registry)

    def _tally(self, name: str, help: str, labels: Sequence[str], bounds: Sequence[float]) -> Tally:
        made = Tally(name, help, labels, bounds)
        self.registry.register(made)
        return made
