"""What the proxy counts, under kube-proxy's names (kubernetes pkg/proxy/metrics/metrics.go), and what that does not."""

from __future__ import annotations

from prometheus_client import Counter

from wherry.telemetry import metrics

_SYNC_BUCKETS = tuple(0.001 * 2**i for i in range(15))
_NETWORK_BUCKETS = (0.25, 0.5, *range(1, 60), *range(60, 121, 5), *range(150, 301, 30))

sync_seconds = metrics.histogram(
    "kubeproxy_sync_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds", buckets=_SYNC_BUCKETS
)
full_sync_seconds = metrics.histogram(
    "kubeproxy_sync_full_proxy_rules_duration_seconds",
    "SyncProxyRules latency in seconds for full resyncs",
    buckets=_SYNC_BUCKETS,
)
partial_sync_seconds = metrics.histogram(
    "kubeproxy_sync_partial_proxy_rules_duration_seconds",
    "SyncProxyRules latency in seconds for partial resyncs",
    buckets=_SYNC_BUCKETS,
)
programming_seconds = metrics.histogram(
    "kubeproxy_network_programming_duration_seconds",
    "From the change of a pod or Service until it is programmed, in seconds",
    buckets=_NETWORK_BUCKETS,
)
last_sync = metrics.gauge(
    "kubeproxy_sync_proxy_rules_last_timestamp_seconds", "When rules were last synced, seconds since the epoch"
)
last_queued = metrics.gauge(
    "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
    "When a sync was last queued, seconds since the epoch",
)
_FAILURES = {
    "nftables": metrics.counter("kubeproxy_sync_proxy_rules_nftables_sync_failures_total", "Syncs that failed"),
    "iptables": metrics.counter("kubeproxy_sync_proxy_rules_iptables_restore_failures_total", "Syncs that failed"),
}
service_changes = metrics.counter("kubeproxy_sync_proxy_rules_service_changes_total", "Service changes seen")
services_pending = metrics.gauge(
    "kubeproxy_sync_proxy_rules_service_changes_pending", "Service changes not yet programmed"
)
endpoint_changes = metrics.counter("kubeproxy_sync_proxy_rules_endpoint_changes_total", "EndpointSlice changes seen")
endpoints_pending = metrics.gauge(
    "kubeproxy_sync_proxy_rules_endpoint_changes_pending", "EndpointSlice changes not yet programmed"
)
no_local_endpoints = metrics.gauge(
    "kubeproxy_sync_proxy_rules_no_local_endpoints_total",
    "Service ports with a Local traffic policy and endpoints on other nodes only",
    ("traffic_policy",),
)
proofs = metrics.counter(
    "wherry_proxy_proofs_total", "Times the whole plan was looked for in the kernel, by outcome", ("outcome",)
)
left_out = metrics.gauge("wherry_proxy_services_left_out", "Services of which something makes no sense and is left out")
counting = metrics.gauge("wherry_proxy_counting", "Whether what goes to Services is counted, and why not", ("problem",))
healthz = metrics.counter("kubeproxy_proxy_healthz_total", "Answers of /healthz", ("code",))
livez = metrics.counter("kubeproxy_proxy_livez_total", "Answers of /livez", ("code",))


def failures(mode: str) -> Counter:
    """Return what counts a mode's failed syncs, by what it tells the kernel with ("" is the default mode)."""
    return _FAILURES["iptables" if mode in ("iptables", "ipvs") else "nftables"]
