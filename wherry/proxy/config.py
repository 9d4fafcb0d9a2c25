"""What the proxy can be told: `ProxyConfig`, and the same read from a KubeProxyConfiguration file.

Source of field names: k8s.io/kube-proxy/config/v1alpha1 types.go.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

log = logging.getLogger(__name__)


class ConfigurationError(ValueError):
    """The configuration cannot be used; the text says which field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    """One node's proxy.

    `cluster_cidr` and `service_cidr` are CIDRs separated by commas, or "". Bind addresses are `host:port`, "" for none;
    the host `[::]` is every address of both families.
    `sync_min_period` in seconds: a change is applied at once, the next no sooner than this after it.
    """

    node_name: str
    mode: str = "nftables"
    cluster_cidr: str = ""
    service_cidr: str = ""
    metrics_bind_address: str = "127.0.0.1:10249"
    healthz_bind_address: str = "[::]:10256"
    sync_min_period: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what is malformed; raises `ConfigurationError`."""
        for field in ("cluster_cidr", "service_cidr"):
            for cidr in cidrs(getattr(self, field)):
                _network(field, cidr)
        for field in ("metrics_bind_address", "healthz_bind_address"):
            if getattr(self, field):
                host_port(getattr(self, field), field)


def cidrs(text: str) -> tuple[str, ...]:
    """Return the CIDRs of a comma-separated list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def host_port(address: str, field: str = "address") -> tuple[str, int]:
    """Split `host:port` (an IPv6 host in brackets); raises `ConfigurationError`."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ConfigurationError(f"{field}: {address!r} is not host:port")
    return host.strip("[]"), int(port)


def from_file(document: Any) -> dict[str, Any]:
    """Return the `ProxyConfig` fields (and `kubeconfig`) that a KubeProxyConfiguration sets.

    Raises `ConfigurationError` for another kind; fields that mean something here we do not do are warned of by name.
    """
    if not isinstance(document, Mapping) or document.get("kind") != "KubeProxyConfiguration":
        raise ConfigurationError("not a KubeProxyConfiguration")
    if document.get("apiVersion") != "kubeproxy.config.k8s.io/v1alpha1":
        raise ConfigurationError(f"apiVersion {document.get('apiVersion')!r} is not kubeproxy.config.k8s.io/v1alpha1")
    nft = document.get("nftables") or {}
    known = {
        "node_name": document.get("hostnameOverride"),
        "mode": document.get("mode"),
        "cluster_cidr": document.get("clusterCIDR"),
        "metrics_bind_address": document.get("metricsBindAddress"),
        "healthz_bind_address": document.get("healthzBindAddress"),
        "sync_min_period": seconds(nft["minSyncPeriod"]) if nft.get("minSyncPeriod") else None,
        "kubeconfig": (document.get("clientConnection") or {}).get("kubeconfig"),
    }
    for field in _unsupported(document):
        log.warning("configuration: %s is not supported and has no effect", field)
    return {name: value for name, value in known.items() if value}


def seconds(duration: str) -> float:
    """Return the seconds of a Go duration ("1m30s", "500ms"); raises `ConfigurationError`."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(ms|us|µs|ns|h|m|s)", duration)
    if "".join(number + unit for number, unit in parts) != duration:
        raise ConfigurationError(f"{duration!r} is not a duration")
    return sum(float(number) * units[unit] for number, unit in parts)


_USED = frozenset(
    (
        "apiVersion",
        "kind",
        "mode",
        "clusterCIDR",
        "hostnameOverride",
        "metricsBindAddress",
        "healthzBindAddress",
        "clientConnection",
    )
)
# Values that ask for what is done anyway.
_DONE = {"nodePortAddresses": ["primary"], "detectLocalMode": "ClusterCIDR"}
_OTHER_MODES = frozenset(("iptables", "ipvs", "winkernel"))


def _unsupported(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the fields set that we do not follow; other modes' sections mean nothing to this one."""
    for field, value in document.items():
        if field == "nftables":
            yield from (
                f"nftables.{f}" for f, v in (value or {}).items() if v and f not in ("minSyncPeriod", "syncPeriod")
            )
        elif field not in _USED and field not in _OTHER_MODES and value and value != _DONE.get(field):
            yield field


def _network(field: str, cidr: str) -> None:
    try:
        ip_network(cidr)
    except ValueError as error:
        raise ConfigurationError(f"{field}: {error}") from error
