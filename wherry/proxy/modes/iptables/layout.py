"""The fixed part: chains that all Services share, and where the kernel's own chains lead to them (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wherry.objects.family import Family
from wherry.proxy.modes import ModeConfig
from wherry.proxy.modes.iptables.names import (
    EXTERNAL,
    FILTER,
    FIREWALL,
    FORWARD,
    MARK_MASQUERADE,
    MARK_OFF_CLUSTER,
    NAT,
    NODE_PORTS,
    POSTROUTING,
    SERVICES,
)
from wherry.proxy.service import collapse


@dataclass(frozen=True, slots=True)
class Layout:
    """The fixed part for one family and configuration."""

    family: Family
    config: ModeConfig

    @property
    def cluster_cidrs(self) -> list[str]:
        """Where this family's pods are."""
        return collapse(self.config.cluster_cidrs, self.family)

    @property
    def service_cidrs(self) -> list[str]:
        """Where this family's cluster IPs are."""
        return collapse(self.config.service_cidrs, self.family)

    @property
    def masquerades_cluster_ips(self) -> bool:
        """Whether somebody's packets to a cluster IP get the node's address."""
        return bool(self.config.masquerade_all or self.cluster_cidrs)

    @property
    def alone(self) -> str:
        """The mask of a network of one address."""
        return "255.255.255.255" if self.family is Family.V4 else ":".join(["ffff"] * 8)

    @property
    def unreachable(self) -> str:
        """How REJECT says that nobody listens there."""
        return "icmp-port-unreachable" if self.family is Family.V4 else "icmp6-port-unreachable"

    @property
    def jumps(self) -> list[tuple[str, str, str]]:
        """From the kernel's chains to ours: (table, chain, rule), the first of a chain first."""
        everywhere = ("INPUT", "FORWARD", "OUTPUT")
        return [
            *(
                (NAT, chain, f'-m comment --comment "kubernetes {words}" -j {target}')
                for chain, words, target in (
                    ("PREROUTING", "service portals", SERVICES),
                    ("OUTPUT", "service portals", SERVICES),
                    ("POSTROUTING", "postrouting rules", POSTROUTING),
                )
            ),
            *(
                (FILTER, chain, f'-m conntrack --ctstate NEW -m comment --comment "kubernetes {words}" -j {target}')
                for words, target, chains in (
                    ("load balancer firewall", FIREWALL, everywhere),
                    ("service portals", SERVICES, ("FORWARD", "OUTPUT")),
                    ("externally-visible service portals", EXTERNAL, everywhere),
                )
                for chain in chains
            ),
            (FILTER, "FORWARD", f'-m comment --comment "kubernetes forwarding rules" -j {FORWARD}'),
        ]

    @property
    def tails(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """The shared chains, each with the rules that come after those of Services."""
        return {
            (NAT, SERVICES): (
                '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" '
                f"-m addrtype --dst-type LOCAL -j {NODE_PORTS}",
            ),
            (NAT, NODE_PORTS): (),
            (NAT, MARK_MASQUERADE): (f"-j MARK --set-xmark {self._mark}/{self._mark}",),
            (NAT, MARK_OFF_CLUSTER): tuple(self._off_cluster()),
            (NAT, POSTROUTING): (
                f"-m mark ! --mark {self._mark}/{self._mark} -j RETURN",
                f"-j MARK --set-xmark {self._mark}/0x0",
                '-m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
            ),
            (FILTER, SERVICES): tuple(self._nobodys()),
            (FILTER, EXTERNAL): (),
            (FILTER, FIREWALL): (),
            (FILTER, FORWARD): tuple(self._forwarded()),
        }

    def _off_cluster(self) -> Iterator[str]:
        if not self.config.masquerade_all:
            yield from (f"-s {cidr} -j RETURN" for cidr in self.cluster_cidrs)
        yield f"-j {MARK_MASQUERADE}"

    def _nobodys(self) -> Iterator[str]:
        """Refuse what is sent to a cluster IP, and no Service's: it is still addressed so."""
        for cidr in self.service_cidrs:
            yield f"-d {cidr} -p tcp -j REJECT --reject-with tcp-reset"
            yield f"-d {cidr} -j REJECT --reject-with {self.unreachable}"

    def _forwarded(self) -> Iterator[str]:
        if not self.config.tcp_liberal:
            yield "-m conntrack --ctstate INVALID -j DROP"
        yield (f'-m comment --comment "kubernetes forwarding rules" -m mark --mark {self._mark}/{self._mark} -j ACCEPT')
        yield (
            '-m comment --comment "kubernetes forwarding conntrack rule" '
            "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
        )

    @property
    def _mark(self) -> str:
        return f"{1 << self.config.masquerade_bit:#x}"
