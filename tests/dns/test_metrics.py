"""The metrics have CoreDNS's names, and count kept answers when somebody looks."""

from pathlib import Path

import cluster
import dns.message
import pytest

from wherry.dns.instance import DnsConfig, Instance
from wherry.dns.metrics import Metrics
from wherry.dns.tally import Count, Tally

NAMES = [
    "coredns_build_info",
    "coredns_dns_requests_total",
    "coredns_dns_request_duration_seconds",
    "coredns_dns_request_size_bytes",
    "coredns_dns_do_requests_total",
    "coredns_dns_response_size_bytes",
    "coredns_dns_responses_total",
    "coredns_plugin_enabled",
    "coredns_panics_total",
    "coredns_reload_failed_total",
    "coredns_cache_requests_total",
    "coredns_cache_hits_total",
    "coredns_cache_misses_total",
    "coredns_cache_entries",
    "coredns_cache_evictions_total",
    "coredns_cache_prefetch_total",
    "coredns_cache_served_stale_total",
    "coredns_forward_healthcheck_broken_total",
    "coredns_forward_max_concurrent_rejects_total",
    "coredns_proxy_request_duration_seconds",
    "coredns_health_request_duration_seconds",
    "coredns_health_request_failures_total",
    "coredns_kubernetes_dns_programming_duration_seconds",
    "coredns_acl_blocked_requests_total",
    "coredns_acl_filtered_requests_total",
    "coredns_acl_allowed_requests_total",
    "coredns_acl_dropped_requests_total",
    "coredns_hosts_entries",
    "coredns_hosts_reload_timestamp_seconds",
    "coredns_template_matches_total",
    "coredns_template_rr_failures_total",
    "coredns_autopath_success_total",
    "coredns_dns64_requests_translated_total",
]


def test_the_names_are_those_dashboards_ask_for() -> None:
    families = {family.name for family in Metrics().registry.collect()}
    assert {name.removesuffix("_total") for name in NAMES} <= families


async def test_kept_answers_are_counted_when_somebody_looks(tmp_path: Path) -> None:
    (tmp_path / "Corefile").write_text(".:53 {\n kubernetes cluster.local\n}\n")
    client, metrics = await cluster.fake(), Metrics()
    instance = Instance(DnsConfig(tmp_path / "Corefile"), lambda: client, metrics, lambda: None)
    await instance.begin()
    await instance.ready()
    (server,) = instance.servers.values()
    data = dns.message.make_query("mysql.demo.svc.cluster.local", "A").to_wire()
    await server.answer(data, "192.0.2.1", "udp")
    for _ in range(9):
        assert server.known(data, datagram=True)
    server.refresh()
    labels = {"server": "dns://:53", "zone": ".", "view": ""}
    value = metrics.registry.get_sample_value
    assert value("coredns_dns_requests_total", {**labels, "proto": "udp", "type": "A"}) == 10
    assert value("coredns_dns_responses_total", {**labels, "rcode": "NOERROR"}) == 10
    assert value("coredns_dns_request_duration_seconds_count", labels) == 10
    assert value("coredns_dns_response_size_bytes_count", {**labels, "proto": "udp"}) == 10
    assert value("wherry_dns_kept_answers_total") == 9
    assert value("coredns_plugin_enabled", {**labels, "name": "kubernetes"}) == 1
    server.refresh()
    assert value("wherry_dns_kept_answers_total") == 9
    await instance.stop()


@pytest.mark.parametrize(("value", "bucket"), [(0.5, "1.0"), (1, "1.0"), (1.5, "2.0"), (9, "+Inf")])
def test_a_tally_is_a_histogram(value: float, bucket: str) -> None:
    tally = Tally("x", "help", ("a",), (1, 2))
    tally.labels("l").add(value, 3)
    (family,) = tally.collect()
    buckets = {s.labels["le"]: s.value for s in family.samples if s.name == "x_bucket"}
    assert next(le for le, count in buckets.items() if count) == bucket
    assert buckets["+Inf"] == 3


def test_a_count_is_there_from_the_beginning_where_it_has_no_labels() -> None:
    alone, labelled = Count("x_total", "help"), Count("y_total", "help", ("a",))
    labelled.labels("l").inc(2)
    labelled.labels("l").inc()
    alone.inc()
    samples = [(s.name, s.labels, s.value) for c in (alone, labelled) for m in c.collect() for s in m.samples]
    assert samples == [("x_total", {}, 1), ("y_total", {"a": "l"}, 3)]
