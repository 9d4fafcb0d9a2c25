"""The table's fixed part: sets, maps, hooks and the rules that never change. README.md draws the packet's path."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from wherry.proxy.modes import ModeConfig
from wherry.proxy.plan import Frontend

TABLE = "ip wherry-proxy"

FRONTEND = "ip daddr . meta l4proto . th dport"
ASKED = "ct original ip daddr . ip protocol . ct original proto-dst"
"""The frontend a connection was addressed to, once its packets carry the endpoint's address."""
PORTS = "ip protocol { tcp, udp, sctp }"
"""Makes nft understand `ct original proto-dst` as a port."""

_KEY = "ipv4_addr . inet_proto . inet_service"
_VERDICTS = f"{{ type {_KEY} : verdict; }}"
_PROTOCOLS = ("tcp", "udp", "sctp")


def _slots(protocol: str) -> str:
    """Return the type of a map of slots.

    A slot's number has no name among nft's types, hence `typeof`; as nft 1.0.6 cannot read a `typeof … th dport` map
    back well enough to use it in a further rule, each protocol has a map of its own.
    """
    return f"{{ typeof {_endpoint(protocol)} . numgen random mod 65535 : {_endpoint(protocol)}; }}"


def _endpoint(protocol: str) -> str:
    return f"ip daddr . {protocol} dport"


SETS = {
    "services": f"map services {_VERDICTS}",
    "admitted": f"map admitted {_VERDICTS}",
    "inside": f"map inside {_VERDICTS}",
    "outside": f"map outside {_VERDICTS}",
    **{name: f"map {name} {_slots(p)}" for p in _PROTOCOLS for name in (f"{p}-endpoints", f"{p}-local-endpoints")},
    "masquerading": f"map masquerading {_VERDICTS}",
    "remembered": f"map remembered {_VERDICTS}",
    "source-ranges": f"set source-ranges {{ type {_KEY} . ipv4_addr; flags interval; }}",
    "cluster-ips": "set cluster-ips { type ipv4_addr; }",
    "hairpin": "set hairpin { type ipv4_addr . ipv4_addr; }",
}
"""Filled from the plan, and so emptied before a full load."""

AFFINITY = (
    f"map affinity {{ type ipv4_addr . {_KEY} : ipv4_addr . inet_service; flags dynamic, timeout; size 262144; }}"
)
"""Filled by packets; kept over a full load, so that a restart of the proxy moves no client."""

NO_LOCAL_COUNTER = "no-local-endpoints"


@dataclass(frozen=True, slots=True)
class Layout:
    """The fixed part for one configuration."""

    config: ModeConfig

    @property
    def text(self) -> str:
        """The table as `nft -f` takes it."""
        chains = "".join(_chain(name, rules) for name, rules in self._chains().items())
        sets = "".join(f"\t{line}\n" for line in (*SETS.values(), AFFINITY))
        return f"table {TABLE} {{\n{sets}\tcounter {NO_LOCAL_COUNTER} {{\n\t}}\n{chains}}}"

    @property
    def marker(self) -> str:
        """The name of an empty chain that tells which layout a table has: it changes with every letter of `text`."""
        return f"layout-{sha256(self.text.encode()).hexdigest()[:12]}"

    def is_of(self, found: str | None) -> bool:
        """Whether a printed table (None: there is none) has this layout."""
        return found is not None and f"chain {self.marker} " in found

    def _chains(self) -> dict[str, list[str]]:
        pods = _addresses(self.config.cluster_cidrs)
        return {
            "refuse": ["meta l4proto tcp reject with tcp reset", "reject with icmp port-unreachable"],
            "no-local": [f'counter name "{NO_LOCAL_COUNTER}" drop'],
            "by-source": [
                *([f"ip saddr {pods} {FRONTEND} vmap @inside"] if pods else []),
                f"fib saddr type local {FRONTEND} vmap @inside",
                f"{FRONTEND} vmap @outside",
            ],
            "by-source-range": [f"{FRONTEND} . ip saddr @source-ranges {FRONTEND} vmap @admitted", "drop"],
            "dispatch": [
                f"{FRONTEND} vmap @services",
                "ip daddr @cluster-ips goto refuse",
                *([f"ip daddr {_addresses(self.config.service_cidrs)} drop"] if self.config.service_cidrs else []),
            ],
            "masquerade-all": ["masquerade fully-random"],
            "masquerade-own": ["fib saddr type local masquerade fully-random"],
            "prerouting": ["type nat hook prerouting priority -100; policy accept;", "goto dispatch"],
            "output": ["type nat hook output priority -100; policy accept;", "goto dispatch"],
            "input": [
                "type nat hook input priority 100; policy accept;",
                f"ct status dnat {PORTS} {ASKED} vmap @remembered",
            ],
            "postrouting": [
                "type nat hook postrouting priority 100; policy accept;",
                "ct status ! dnat return",
                f"{PORTS} {ASKED} vmap @remembered",
                "ip saddr . ip daddr @hairpin masquerade fully-random",
                *([f"ct original ip daddr @cluster-ips ip saddr != {pods} masquerade fully-random"] if pods else []),
                f"{PORTS} {ASKED} vmap @masquerading",
            ],
        }


def key(frontend: Frontend) -> str:
    """Return a frontend as the maps' key."""
    return f"{frontend.address} . {frontend.protocol.lower()} . {frontend.port}"


def slot_key(frontend: Frontend, slot: int) -> str:
    """Return the key of a frontend's slot in the map of its protocol."""
    return f"{frontend.address} . {frontend.port} . {slot}"


def slot_map(frontend: Frontend, *, local: bool = False) -> str:
    """Return the map a frontend's slots are in."""
    return f"{frontend.protocol.lower()}-{'local-' if local else ''}endpoints"


def chain_rules(name: str) -> list[str]:
    """Return the rules of a chain that exists once per distinct number.

    `tcp-endpoints-N`, `udp-local-endpoints-N` and so on pick one of N slots of the map so named at random; `sticky-…`
    asks the client's affinity first; `remember-S` stores it for S seconds.
    """
    what, _, number = name.rpartition("-")
    if what == "remember":
        return [f"{PORTS} update @affinity {{ ip saddr . {ASKED} timeout {number}s : ip daddr . th dport }}"]
    slots = what.removeprefix("sticky-")
    sticky = [f"dnat ip to ip saddr . {FRONTEND} map @affinity"] if what != slots else []
    protocol = slots.partition("-")[0]
    return [*sticky, f"dnat ip to {_endpoint(protocol)} . numgen random mod {number} map @{slots}"]


def _chain(name: str, rules: list[str]) -> str:
    return f"\tchain {name} {{\n" + "".join(f"\t\t{rule}\n" for rule in rules) + "\t}\n"


def _addresses(cidrs: tuple[str, ...]) -> str:
    return f"{{ {', '.join(cidrs)} }}" if cidrs else ""
