"""A table's fixed part: sets, maps, hooks and the rules that never change. README.md draws the packet's path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from wherry.net.nfnetlink.values import SetType
from wherry.objects.family import Family
from wherry.proxy.modes import ModeConfig
from wherry.proxy.modes.nftables.names import AFFINITY, PROTOCOLS, STOCK, Chain, Picker, Remember, affinity_parts
from wherry.proxy.service import collapse

PORTS = "meta l4proto { tcp, udp, sctp }"
"""Makes nft understand `ct original proto-dst` as a port."""

NO_LOCAL_COUNTER = "no-local-endpoints"

_FORWARD = "type filter hook forward priority filter; policy accept;"
_VERDICTS = ("services", "admitted", "inside", "outside", "masquerading", "remembered")
_AFFINITIES = "flags dynamic, timeout; size 262144;"


@dataclass(frozen=True, slots=True)
class Layout:
    """The fixed part for one family and configuration."""

    family: Family
    config: ModeConfig

    @property
    def table(self) -> str:
        """The table, as nft names it: its family and its name."""
        return f"{self.family.nft} wherry-proxy"

    @property
    def cluster_cidrs(self) -> list[str]:
        """Where this family's pods are."""
        return collapse(self.config.cluster_cidrs, self.family)

    @property
    def service_cidrs(self) -> list[str]:
        """Where this family's cluster IPs are."""
        return collapse(self.config.service_cidrs, self.family)

    @property
    def sets(self) -> dict[str, str]:
        """The sets and maps filled from the plan, which are emptied before a full load: name -> declaration."""
        address, frontend = self.family.nft_address, f"{self.family.nft_address} . inet_proto . inet_service"
        verdicts = f"{{ type {frontend} : verdict; }}"
        return {
            **{n: f"map {n} {verdicts}" for n in _VERDICTS},
            **{n: f"map {n} {self._slots(p)}" for p in PROTOCOLS for n in (f"{p}-endpoints", f"{p}-local-endpoints")},
            "source-ranges": f"set source-ranges {{ type {frontend} . {address}; flags interval; }}",
            "cluster-ips": f"set cluster-ips {{ type {address}; }}",
            "hairpin": f"set hairpin {{ type {address} . {address}; }}",
        }

    @property
    def types(self) -> dict[str, SetType]:
        """What the keys and data of those sets are made of."""
        address = self.family.nft_address
        frontend = (address, "inet_proto", "inet_service")
        slots = SetType((address, "inet_service", "slot"), (address, "inet_service"))
        return {
            **{n: SetType(frontend, ("verdict",)) for n in _VERDICTS},
            **{n: slots for p in PROTOCOLS for n in (f"{p}-endpoints", f"{p}-local-endpoints")},
            "source-ranges": SetType((*frontend, address), interval=True),
            "cluster-ips": SetType((address,)),
            "hairpin": SetType((address, address)),
        }

    @property
    def shape(self) -> dict[str, int]:
        """The chains, each with the number of its rules."""
        counted = {n: sum(not rule.startswith("type ") for rule in rules) for n, rules in self.chains.items()}
        return {**counted, self.marker: 0}

    @property
    def affinity(self) -> str:
        """The declaration of the map that packets fill; kept over a full load, so that a restart moves no client.

        Empty for IPv6: there each frontend with affinity has its own (`names.affinity_map`).
        """
        address = self.family.nft_address
        key = f"{address} . {address} . inet_proto . inet_service"
        shared = self.family is Family.V4
        return f"map {AFFINITY} {{ type {key} : {address} . inet_service; {_AFFINITIES} }}" if shared else ""

    def own_affinity(self, name: str) -> list[str]:
        """Return the declarations of one frontend's own such maps, kept as long as the frontend has affinity."""
        address = self.family.nft_address
        return [
            f"map {self.table} {part} {{ type {address} : {data}; {_AFFINITIES} }}"
            for part, data in zip(affinity_parts(name), (address, "inet_service"), strict=True)
        ]

    @property
    def text(self) -> str:
        """The table as `nft -f` takes it."""
        chains = "".join(_chain(name, rules) for name, rules in self.chains.items())
        sets = "".join(f"\t{line}\n" for line in (*self.sets.values(), self.affinity) if line)
        return f"table {self.table} {{\n{sets}\tcounter {NO_LOCAL_COUNTER} {{\n\t}}\n{chains}}}"

    @property
    def marker(self) -> str:
        """The name of an empty chain that tells which layout a table has: it changes with every letter of `text`."""
        return f"layout-{sha256(self.text.encode()).hexdigest()[:12]}"

    def is_of(self, found: str | None) -> bool:
        """Whether a printed table (None: there is none) has this layout."""
        return found is not None and f"chain {self.marker} " in found

    def rules(self, chain: Chain) -> list[str]:
        """Return the rules of a numbered chain."""
        ip = self.family.nft
        if isinstance(chain, Picker):
            pick = (
                f"dnat {ip} to {self._endpoint(chain.protocol)} . numgen random mod {chain.number} map @{chain.slots}"
            )
            return [*([self._bound(chain)] if chain.affinity else []), pick]
        return [self._remember(chain)]

    def _remember(self, chain: Remember) -> str:
        """Return the rule that stores where a client was sent."""
        ip, timeout = self.family.nft, f"timeout {chain.seconds}s"
        if chain.affinity == AFFINITY:
            return f"{PORTS} update @{AFFINITY} {{ {ip} saddr . {self._asked} {timeout} : {ip} daddr . th dport }}"
        address, port = affinity_parts(chain.affinity)
        return (
            f"{PORTS} update @{address} {{ {ip} saddr {timeout} : {ip} daddr }} "
            f"update @{port} {{ {ip} saddr {timeout} : th dport }}"
        )

    def _bound(self, chain: Picker) -> str:
        """Return the rule that sends a client where it was sent before."""
        ip = self.family.nft
        if chain.affinity == AFFINITY:
            return f"dnat {ip} to {ip} saddr . {self._frontend} map @{AFFINITY}"
        address, port = affinity_parts(chain.affinity)
        return f"meta l4proto {chain.protocol} dnat {ip} to {ip} saddr map @{address} : {ip} saddr map @{port}"

    @property
    def _frontend(self) -> str:
        return f"{self.family.nft} daddr . meta l4proto . th dport"

    @property
    def _asked(self) -> str:
        """The frontend a connection was addressed to, once its packets carry the endpoint's address."""
        return f"ct original {self.family.nft} daddr . meta l4proto . ct original proto-dst"

    def _to_cluster_ips(self, pods: str) -> list[str]:
        """Return what masquerades connections to a cluster IP."""
        ip = self.family.nft
        if self.config.masquerade_all:
            return [f"ct original {ip} daddr @cluster-ips masquerade fully-random"]
        return [f"ct original {ip} daddr @cluster-ips {ip} saddr != {pods} masquerade fully-random"] if pods else []

    def _slots(self, protocol: str) -> str:
        """Return the type of a map of slots.

        A slot's number has no name among nft's types, hence `typeof`; as nft 1.0.6 cannot read a `typeof … th dport`
        map back well enough to use it in a further rule, each protocol has a map of its own.
        """
        endpoint = self._endpoint(protocol)
        return f"{{ typeof {endpoint} . numgen random mod 65535 : {endpoint}; }}"

    def _endpoint(self, protocol: str) -> str:
        return f"{self.family.nft} daddr . {protocol} dport"

    @property
    def chains(self) -> dict[str, list[str]]:
        """The chains, each with its rules."""
        ip, frontend, asked = self.family.nft, self._frontend, self._asked
        pods, services = _addresses(self.cluster_cidrs), _addresses(self.service_cidrs)
        return {
            "refuse": ["meta l4proto tcp reject with tcp reset", f"reject with {self.family.icmp} port-unreachable"],
            "no-local": [f'counter name "{NO_LOCAL_COUNTER}" drop'],
            "by-source": [
                *([f"{ip} saddr {pods} {frontend} vmap @inside"] if pods else []),
                f"fib saddr type local {frontend} vmap @inside",
                f"{frontend} vmap @outside",
            ],
            "by-source-range": [f"{frontend} . {ip} saddr @source-ranges {frontend} vmap @admitted", "drop"],
            "dispatch": [
                f"{frontend} vmap @services",
                f"{ip} daddr @cluster-ips goto refuse",
                *([f"{ip} daddr {services} drop"] if services else []),
            ],
            **{chain.name: self.rules(chain) for chain in _stock()},
            "masquerade-all": ["masquerade fully-random"],
            "masquerade-own": ["fib saddr type local masquerade fully-random"],
            "prerouting": ["type nat hook prerouting priority -100; policy accept;", "goto dispatch"],
            "output": ["type nat hook output priority -100; policy accept;", "goto dispatch"],
            "input": [
                "type nat hook input priority 100; policy accept;",
                f"ct status dnat {PORTS} {asked} vmap @remembered",
            ],
            **({} if self.config.tcp_liberal else {"forward": [_FORWARD, "ct state invalid drop"]}),
            "postrouting": [
                "type nat hook postrouting priority 100; policy accept;",
                "ct status ! dnat return",
                f"{PORTS} {asked} vmap @remembered",
                f"{ip} saddr . {ip} daddr @hairpin masquerade fully-random",
                *self._to_cluster_ips(pods),
                f"{PORTS} {asked} vmap @masquerading",
            ],
        }


def _stock() -> Iterator[Picker]:
    for protocol in PROTOCOLS:
        for slots in (f"{protocol}-endpoints", f"{protocol}-local-endpoints"):
            yield from (Picker(slots, number + 1) for number in range(STOCK))


def _chain(name: str, rules: list[str]) -> str:
    return f"\tchain {name} {{\n" + "".join(f"\t\t{rule}\n" for rule in rules) + "\t}\n"


def _addresses(cidrs: list[str]) -> str:
    return f"{{ {', '.join(cidrs)} }}" if cidrs else ""
