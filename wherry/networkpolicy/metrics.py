"""What the enforcement of NetworkPolicies counts; upstream has no names for it."""

from __future__ import annotations

from wherry.telemetry import metrics

sync_seconds = metrics.histogram(
    "wherry_networkpolicy_sync_seconds",
    "How long a change of the rules took, in seconds",
    buckets=tuple(0.0001 * 2**i for i in range(18)),
)
failures = metrics.counter("wherry_networkpolicy_sync_failures_total", "Changes that the kernel refused")
proofs = metrics.counter(
    "wherry_networkpolicy_proofs_total", "Comparisons of the kernel with what should be", labels=("outcome",)
)
in_force = metrics.gauge("wherry_networkpolicy_policies", "Policies that select a pod of this node")
isolated = metrics.gauge("wherry_networkpolicy_isolated_pods", "Pods of this node that a policy selects")
left_out = metrics.gauge("wherry_networkpolicy_left_out", "Policies of which something makes no sense")
