"""What the proxy can be told: `ProxyConfig`."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network

from wherry.objects import durations


class ConfigurationError(ValueError):
    """The configuration cannot be used; the text says which field."""


PRIMARY = "primary"
"""Instead of CIDRs for node ports: the node's own addresses, as its Node object has them."""


HEALTHZ = "[::]:10256"
"""Where health is told when nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyConfig:
    """One node's proxy.

    `cluster_cidr` and `service_cidr` are CIDRs separated by commas, or "". Bind addresses are `host:port`, "" for none;
    the host `[::]` is every address of both families.
    `node_port_addresses`: "primary", or CIDRs separated by commas: node ports are answered on the addresses in there.
    `count_traffic`: have the kernel count what goes to each endpoint (`counters.py`).
    `sync_min_period` in seconds: a change is applied at once, the next no sooner than this after it; `sync_period`:
    so often the whole plan is proven to be in the kernel, 0 for never. `masquerade_all`, `masquerade_bit` (0 to 31),
    `tcp_be_liberal` and `ipvs_…` are as in `ModeConfig`. `conntrack_…`: what the kernel's tracking of flows is told, in
    flows and seconds; 0 leaves it as it is.
    """

    node_name: str
    mode: str = "nftables"
    cluster_cidr: str = ""
    service_cidr: str = ""
    node_port_addresses: str = PRIMARY
    metrics_bind_address: str = "127.0.0.1:10249"
    healthz_bind_address: str = HEALTHZ
    sync_min_period: float = 0.0
    sync_period: float = 30.0
    masquerade_all: bool = False
    masquerade_bit: int = 14
    tcp_be_liberal: bool = False
    conntrack_max_per_core: int = 0
    conntrack_min: int = 0
    conntrack_tcp_timeout_established: float = 0.0
    conntrack_tcp_timeout_close_wait: float = 0.0
    conntrack_udp_timeout: float = 0.0
    conntrack_udp_timeout_stream: float = 0.0
    count_traffic: bool = False
    ipvs_scheduler: str = "rr"
    ipvs_exclude_cidrs: str = ""
    ipvs_strict_arp: bool = False

    def __post_init__(self) -> None:
        """Refuse what is malformed; raises `ConfigurationError`."""
        for field in ("cluster_cidr", "service_cidr", "ipvs_exclude_cidrs"):
            for cidr in cidrs(getattr(self, field)):
                _network(field, cidr)
        for cidr in self.node_port_cidrs or ():
            _network("node_port_addresses", cidr, strict=False)
        for field in ("metrics_bind_address", "healthz_bind_address"):
            if getattr(self, field):
                host_port(getattr(self, field), field)
        if not 0 <= self.masquerade_bit < 32:
            raise ConfigurationError(f"masquerade_bit: {self.masquerade_bit} is not between 0 and 31")
        for field in ("conntrack_max_per_core", "conntrack_min"):
            if getattr(self, field) < 0:
                raise ConfigurationError(f"{field}: {getattr(self, field)} is less than nothing")

    @property
    def node_port_cidrs(self) -> tuple[str, ...] | None:
        """Where node ports are answered; None for the node's primary addresses."""
        return None if self.node_port_addresses == PRIMARY else cidrs(self.node_port_addresses)


def cidrs(text: str) -> tuple[str, ...]:
    """Return the CIDRs of a comma-separated list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def host_port(address: str, field: str = "address") -> tuple[str, int]:
    """Split `host:port` (an IPv6 host in brackets); raises `ConfigurationError`."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ConfigurationError(f"{field}: {address!r} is not host:port")
    return host.strip("[]"), int(port)


def seconds(duration: str) -> float:
    """Return the seconds of a Go duration ("1m30s", "500ms"); raises `ConfigurationError`."""
    try:
        read = durations.seconds(duration)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    if read < 0:
        raise ConfigurationError(f"{duration!r} is less than nothing")
    return read


def _network(field: str, cidr: str, *, strict: bool = True) -> None:
    try:
        ip_network(cidr, strict)
    except ValueError as error:
        raise ConfigurationError(f"{field}: {error}") from error
