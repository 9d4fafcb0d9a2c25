"""The iptables mode's shared chains, with what lets IPVS have its packets, and refuses what it does not take (pure)."""

from __future__ import annotations

from collections.abc import Iterator

from wherry.proxy.modes.iptables.layout import Layout
from wherry.proxy.modes.iptables.names import FILTER, MARK_MASQUERADE, MARK_OFF_CLUSTER, NAT, POSTROUTING, SERVICES
from wherry.proxy.modes.ipvs.names import ADDRESSES, CLUSTER_IPS, IPVS_FILTER, LOOP_BACK, PUBLISHED, set_name


class IpvsLayout(Layout):
    """The fixed part for one family and configuration. Its rules are as many as before, however many Services."""

    __slots__ = ()

    @property
    def jumps(self) -> list[tuple[str, str, str]]:
        """From the kernel's chains to ours; what IPVS serves is addressed to this machine, so it passes INPUT."""
        new = "-m conntrack --ctstate NEW -m comment --comment"
        return [
            *super().jumps,
            (FILTER, "INPUT", f'{new} "kubernetes service portals" -j {SERVICES}'),
            (FILTER, "INPUT", f'{new} "kubernetes ipvs access filter" -j {IPVS_FILTER}'),
        ]

    @property
    def tails(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """The shared chains, each with the rules that come after those of Services."""
        tails = super().tails
        served = tuple(f"{self._in(of)} -j RETURN" for of in (CLUSTER_IPS, PUBLISHED))
        return {
            **tails,
            (NAT, SERVICES): (*self._marked(), *tails[NAT, SERVICES]),
            (NAT, POSTROUTING): (
                f"{self._in(LOOP_BACK, 'dst,dst,src')} -j MASQUERADE --random-fully",
                *tails[NAT, POSTROUTING],
            ),
            (FILTER, SERVICES): (*served, *tails[FILTER, SERVICES]),
            (FILTER, IPVS_FILTER): (
                *served,
                f"-p tcp {self._in(ADDRESSES, 'dst')} -j REJECT --reject-with tcp-reset",
                f"{self._in(ADDRESSES, 'dst')} -j REJECT --reject-with {self.unreachable}",
            ),
        }

    def _marked(self) -> Iterator[str]:
        """Mark for masquerading as the iptables mode does, a node that asks its own link's address included."""
        if self.masquerades_cluster_ips:
            yield f"{self._in(CLUSTER_IPS)} -j {MARK_OFF_CLUSTER}"
        yield f"{self._in(CLUSTER_IPS, 'src,dst')} -j {MARK_MASQUERADE}"
        yield f"{self._in(CLUSTER_IPS)} -j ACCEPT"
        yield f"{self._in(PUBLISHED)} -j {MARK_MASQUERADE}"
        yield f"{self._in(PUBLISHED)} -j ACCEPT"

    def _in(self, of: str, what: str = "dst,dst") -> str:
        return f"-m set --match-set {set_name(of, self.family)} {what}"
