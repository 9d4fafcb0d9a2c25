"""Which kernel settings a pod may have: those that are its own and harm nobody else on the node. Pure.

Source: kubernetes.io "Using sysctls in a Kubernetes Cluster" (safe and unsafe sysctls); kubernetes pkg/kubelet/sysctl
(the reason, what depends on the host's namespaces).
"""

from __future__ import annotations

from wherry.node.pods.plan.state import Rejection
from wherry.objects import Object

REASON = "SysctlForbidden"

SAFE = frozenset({
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
})  # fmt: skip


def dotted(name: str) -> str:
    """Return a sysctl's name with dots: of `net/ipv4/conf/eth0.1/arp` the slashes part, and a dot is part of a name.

    Source: sysctl.d(5); the first of the two that a name has is what parts it.
    """
    if "/" not in name or ("." in name and name.index(".") < name.index("/")):
        return name
    return name.replace(".", "\0").replace("/", ".").replace("\0", "/")


def rejection(pod: Object) -> Rejection | None:
    """Return why the pod may not run on this node because of its sysctls, None when it may."""
    spec = pod["spec"]
    for entry in (spec.get("securityContext") or {}).get("sysctls") or ():
        name = dotted(entry["name"])
        if name not in SAFE:
            return Rejection(REASON, f'forbidden sysctl: "{name}" not allowlisted')
        if name.startswith("net.") and spec.get("hostNetwork"):
            return Rejection(REASON, f'forbidden sysctl: "{name}" not allowed with host net enabled')
        if name.startswith("kernel.") and spec.get("hostIPC"):
            return Rejection(REASON, f'forbidden sysctl: "{name}" not allowed with host ipc enabled')
    return None
