"""The fields of a KubeProxyConfiguration: their types, which of them are followed, and which have no effect here.

Source: k8s.io/kube-proxy/config/v1alpha1 types.go, component-base/config/v1alpha1 and logs/api/v1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Fields = Mapping[str, Any]
"""Each field's type: str, bool, int, float, list (of strings), dict (of anything), "duration", or the fields within."""

_PERIODS = {"syncPeriod": "duration", "minSyncPeriod": "duration"}
_MARKS = {"masqueradeBit": int, "masqueradeAll": bool}
_IPVS_TIMEOUTS = {"tcpTimeout": "duration", "tcpFinTimeout": "duration", "udpTimeout": "duration"}

FIELDS: Fields = {
    "apiVersion": str,
    "kind": str,
    "featureGates": dict,
    "clientConnection": {"kubeconfig": str, "acceptContentTypes": str, "contentType": str, "qps": float, "burst": int},
    "logging": dict,
    "hostnameOverride": str,
    "bindAddress": str,
    "healthzBindAddress": str,
    "metricsBindAddress": str,
    "bindAddressHardFail": bool,
    "enableProfiling": bool,
    "showHiddenMetricsForVersion": str,
    "windowsRunAsService": bool,
    "mode": str,
    "iptables": {**_MARKS, "localhostNodePorts": bool, **_PERIODS},
    "ipvs": {**_PERIODS, "scheduler": str, "excludeCIDRs": list, "strictARP": bool, **_IPVS_TIMEOUTS},
    "nftables": {**_MARKS, **_PERIODS},
    "winkernel": {
        "networkName": str,
        "sourceVip": str,
        "enableDSR": bool,
        "rootHnsEndpointName": str,
        "forwardHealthCheckVip": bool,
    },
    "detectLocalMode": str,
    "detectLocal": {"bridgeInterface": str, "interfaceNamePrefix": str},
    "clusterCIDR": str,
    "nodePortAddresses": list,
    "oomScoreAdj": int,
    "conntrack": {
        "maxPerCore": int,
        "min": int,
        "tcpEstablishedTimeout": "duration",
        "tcpCloseWaitTimeout": "duration",
        "tcpBeLiberal": bool,
        "udpTimeout": "duration",
        "udpStreamTimeout": "duration",
    },
    "configSyncPeriod": "duration",
    "portRange": str,
}

FOLLOWED = {
    "node_name": "hostnameOverride",
    "mode": "mode",
    "cluster_cidr": "clusterCIDR",
    "node_port_addresses": "nodePortAddresses",
    "metrics_bind_address": "metricsBindAddress",
    "healthz_bind_address": "healthzBindAddress",
    "kubeconfig": "clientConnection.kubeconfig",
    "sync_min_period": "{mode}.minSyncPeriod",
    "sync_period": "{mode}.syncPeriod",
    "masquerade_all": "{marks}.masqueradeAll",
    "masquerade_bit": "{marks}.masqueradeBit",
    "tcp_be_liberal": "conntrack.tcpBeLiberal",
    "conntrack_max_per_core": "conntrack.maxPerCore",
    "conntrack_min": "conntrack.min",
    "conntrack_tcp_timeout_established": "conntrack.tcpEstablishedTimeout",
    "conntrack_tcp_timeout_close_wait": "conntrack.tcpCloseWaitTimeout",
    "conntrack_udp_timeout": "conntrack.udpTimeout",
    "conntrack_udp_timeout_stream": "conntrack.udpStreamTimeout",
    "ipvs_scheduler": "ipvs.scheduler",
    "ipvs_exclude_cidrs": "ipvs.excludeCIDRs",
    "ipvs_strict_arp": "ipvs.strictARP",
}
"""Fields of `ProxyConfig`, and where they stand: in the section of the mode, or of how it marks packets.

The mode userspace has no section: that of nftables counts.
"""

NO_EFFECT = (
    "featureGates",
    "clientConnection.acceptContentTypes",
    "clientConnection.contentType",
    "clientConnection.qps",
    "clientConnection.burst",
    "logging",
    "bindAddress",
    "bindAddressHardFail",
    "enableProfiling",
    "showHiddenMetricsForVersion",
    "windowsRunAsService",
    "iptables.localhostNodePorts",
    *(f"ipvs.{name}" for name in _IPVS_TIMEOUTS),
    "detectLocalMode",
    "detectLocal",
    "oomScoreAdj",
    "configSyncPeriod",
    "portRange",
)
"""With `winkernel`, which is for another system, all that is not in `FOLLOWED`."""

DONE: Mapping[str, tuple[Any, ...]] = {
    "detectLocalMode": ("ClusterCIDR",),
    "bindAddress": ("0.0.0.0", "::"),
    "iptables.localhostNodePorts": (False,),
}
"""Values that ask for what is done anyway."""
