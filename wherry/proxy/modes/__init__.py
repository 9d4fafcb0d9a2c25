"""Modes: each turns the plan into kernel state, in a package of its own; `make` finds one by name.

    nftables/   maps in one nftables table
    iptables/   kube-proxy's chains
    ipvs/       the kernel's load balancer, with iptables for what that cannot do
    userspace/  connections end in the proxy, which makes others

ebpf will be a package beside it with a function `make`, and a line in `_MODES`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from wherry.proxy.plan import Change, Plan

_MODES = {name: f"wherry.proxy.modes.{name}" for name in ("nftables", "iptables", "ipvs", "userspace")}
_LATER = ("ebpf", "kernelspace")
_PARTS = {"ipvs": ("iptables",)}
"""Modes that one is made of: its `load` replaces what they left."""


class ModeError(Exception):
    """The kernel could not be brought to the plan. What it does now is unknown: `load` the whole plan again."""


class UnsupportedMode(ValueError):
    """No such --proxy-mode."""


@dataclass(frozen=True, slots=True)
class ModeConfig:
    """What a mode must know of the cluster.

    `cluster_cidrs`: where pods are, so that other sources are masqueraded to a cluster IP; `service_cidrs`: traffic to
    an address in there that is no Service's is dropped. Empty: not done. `tcp_liberal`: the kernel takes TCP segments
    beyond the window for the connection's (conntrack.tcpBeLiberal), so that nothing of a connection is invalid;
    otherwise what is forwarded and invalid is dropped, as it would reach clients with the endpoint's address, and they
    would reset the connection (kubernetes#74839). `masquerade_all`: every connection to a cluster IP gets the node's
    address as source. `masquerade_bit` is the bit of the packet's mark by which a mode that needs one tells which.
    `ipvs_scheduler`: how IPVS chooses (ipvsadm(8)); `ipvs_excluded`: CIDRs whose virtual servers are another's;
    `ipvs_strict_arp`: addresses of the link are not answered for on the LAN. `udp_seconds`: how long a UDP flow that
    the proxy relays itself may be silent; 0 for as long as the kernel's own.
    """

    cluster_cidrs: tuple[str, ...] = ()
    service_cidrs: tuple[str, ...] = ()
    tcp_liberal: bool = False
    masquerade_all: bool = False
    masquerade_bit: int = 14
    ipvs_scheduler: str = "rr"
    ipvs_excluded: tuple[str, ...] = ()
    ipvs_strict_arp: bool = False
    udp_seconds: float = 0.0


class Mode(Protocol):
    """A way to put the plan into effect. One caller at a time; every method raises `ModeError`.

    Whatever another process or an earlier life of this one left, `load` replaces, without a moment in which new
    connections fail; established ones go on. `apply` may rely on its changes following one another from the plan last
    loaded.
    """

    async def load(self, plan: Plan) -> None:
        """Bring the kernel to `plan`, whatever it holds now."""
        ...

    async def apply(self, change: Change) -> None:
        """Bring the kernel from the plan before `change` to the one after; the cost follows the change."""
        ...

    async def cleanup(self) -> None:
        """Take everything of this mode out of the kernel; no error if nothing is there."""
        ...

    async def retire(self) -> bool:
        """Take away what no connection needs, once another mode is at work; return whether nothing is left."""
        ...

    async def differences(self, plan: Plan) -> list[str]:
        """Return, for people, what in the kernel is not as `load` and `apply` left it; nothing: it is proven.

        `plan` is what they were told. This one may run beside the others, and takes as long as it takes.
        """
        ...

    def at_work(self, suspect: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        """The mode's life, entered before `load` and left when the proxy ends; entered again after a crash.

        What a mode needs beside the kernel, its tasks and sockets, it has inside, and ends when it is left; what is in
        the kernel stays. Inside, it calls `suspect` when there may be `differences`, rarely for nothing.
        """
        ...

    def render(self, plan: Plan) -> str:
        """Return what `load` would tell an empty kernel, as text for people. Touches nothing."""
        ...


class _Package(Protocol):
    def make(self, config: ModeConfig) -> Mode: ...


def check(name: str) -> str:
    """Return the mode's whole name ("" is the default, nftables); raises `UnsupportedMode` for one we do not have."""
    name = name or "nftables"
    if name not in _MODES:
        why = "is not built yet" if name in _LATER else "is unknown"
        raise UnsupportedMode(f"proxy mode {name!r} {why}: use {' or '.join(_MODES)}")
    return name


def others(name: str, config: ModeConfig) -> list[Mode]:
    """Return the modes that `name` replaces: what they left in the kernel is to go once its own rules are there."""
    name = check(name)
    return [make(other, config) for other in _MODES if other not in (name, *_PARTS.get(name, ()))]


def make(name: str, config: ModeConfig) -> Mode:
    """Return the mode called `name`; raises `UnsupportedMode` as `check` does."""
    package: _Package = import_module(_MODES[check(name)])
    return package.make(config)
