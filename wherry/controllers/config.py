"""What the controllers are told when they start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ControllersConfig:
    """Settings of `wherry.controllers.manager.make`. Durations are seconds.

    `ca_pem`: the cluster's CA certificate, published in every namespace as ConfigMap kube-root-ca.crt.
    `ca_key_pem`: its key, to sign with what CertificateSigningRequests ask for; "": nobody signs.
    `certificate_seconds`: how long such a certificate is good at most.
    `balancer_addresses`: what Services of type LoadBalancer get one of; without any, theirs stay pending.
    `concurrency`: objects each controller works on at a time.
    `node_monitor_grace_period`: a node whose Lease and status stand still for so long is Unknown.
    `node_startup_grace_period`: the same for a node that has never been heard of.
    `node_eviction_rate`: nodes per second that get a NoExecute taint, so that a broken network does not empty the
    cluster at once; none get it while no node at all is ready.
    `event_ttl`: how long an Event is kept.
    `finished_pods_kept`: how many finished pods may lie around before the oldest are deleted.
    `quarantine`: how long a pod may be bound to a node that does not exist.
    """

    ca_pem: str
    ca_key_pem: str = field(default="", repr=False)
    certificate_seconds: int = 365 * 24 * 3600
    concurrency: int = 5
    node_monitor_grace_period: float = 50.0
    node_startup_grace_period: float = 60.0
    node_eviction_rate: float = 0.1
    event_ttl: float = 3600.0
    finished_pods_kept: int = 12500
    quarantine: float = 40.0
    balancer_addresses: Sequence[str] = ()
