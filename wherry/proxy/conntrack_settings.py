"""What the kernel's connection tracking is told (pure). Source: kubernetes cmd/kube-proxy/app/server_linux.go."""

from __future__ import annotations

from math import ceil

from wherry.proxy.config import ProxyConfig


def settings(config: ProxyConfig, cores: int) -> dict[str, int]:
    """Return what to write, by the end of its sysctl's name, net.netfilter.nf_conntrack_…; nothing that is to stay."""
    wanted = {
        "tcp_be_liberal": int(config.tcp_be_liberal),
        "max": max(config.conntrack_max_per_core * cores, config.conntrack_min) if config.conntrack_max_per_core else 0,
        "tcp_timeout_established": ceil(config.conntrack_tcp_timeout_established),
        "tcp_timeout_close_wait": ceil(config.conntrack_tcp_timeout_close_wait),
        "udp_timeout": ceil(config.conntrack_udp_timeout),
        "udp_timeout_stream": ceil(config.conntrack_udp_timeout_stream),
    }
    return {name: value for name, value in wanted.items() if value}
