"""A mode at work in the small real world."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from tests.proxy.build import CLUSTER_CIDR, NODE, SERVICE_CIDR
from tests.proxy.families import told_in
from tests.proxy.outcome import Outcome
from tests.proxy.world import World
from wherry.net import namespaces
from wherry.net.nft import NftCommand
from wherry.objects import Object
from wherry.objects.family import Family
from wherry.proxy.modes import Mode, ModeConfig, make
from wherry.proxy.modes.iptables.mode import IptablesMode
from wherry.proxy.modes.ipvs.mode import IpvsMode
from wherry.proxy.modes.ipvs.names import LINK
from wherry.proxy.modes.nftables.names import affinity_map
from wherry.proxy.plan import Frontend, Plan, difference, make_plan

T = TypeVar("T")

_ALL: dict[str, Callable[[ModeConfig], Mode]] = {
    "nftables": partial(make, "nftables"),
    "iptables-nft": partial(IptablesMode, variant="nft"),
    "iptables-legacy": partial(IptablesMode, variant="legacy"),
    "userspace": partial(make, "userspace"),
    "ipvs": partial(IpvsMode, variant="legacy"),
}
HERE = "WHERRY_TEST_MODES"
"""Names the modes this machine's kernel is to have: ipvs is tried in user-mode Linux (test_ipvs_kernel.py)."""
MODES = {name: _ALL[name] for name in os.environ.get(HERE, "nftables iptables-nft iptables-legacy userspace").split()}


class Driver:
    """A mode at work on the world's node: `load` a plan, then `change` it step by step.

    Everything is told and asked in IPv4, and happens in the world's family.
    """

    def __init__(self, world: World, config: ModeConfig | None = None, mode: str = "nftables"):
        self.world = world
        self.name = mode
        self.make = MODES[mode]
        self.plan = Plan()
        self.node = NODE
        self.nft = NftCommand()
        self.table = f"{world.family.nft} wherry-proxy"
        self.suspicions = 0
        self.config = config or ModeConfig(*self.told(((CLUSTER_CIDR,), (SERVICE_CIDR,))))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"{mode} at work")
        self._thread.start()
        self._start()

    def close(self) -> None:
        self.inside(self.mode.cleanup)
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def load(self, services: list[Object], slices: list[Object]) -> None:
        self.plan = self._plan(services, slices)
        self.inside(lambda: self.mode.load(self.plan))
        self._settle()

    def change(self, services: list[Object], slices: list[Object]) -> None:
        before, self.plan = self.plan, self._plan(services, slices)
        self.inside(lambda: self.mode.apply(difference(before, self.plan)))
        self._settle()

    def restart(self) -> None:
        """Forget everything, as a proxy does that begins anew, and load the same plan."""
        self.stop()
        self._start()
        self.inside(lambda: self.mode.load(self.plan))

    def send(self, source: str, destination: str, port: int, protocol: str = "tcp", tries: int = 1) -> Outcome:
        return self.world.send(source, self.told(destination), port, protocol, tries)

    def dial(self, source: str, destination: str, port: int, protocol: str = "tcp") -> socket.socket:
        return self.world.dial(source, self.told(destination), port, protocol)

    def inside(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return asyncio.run_coroutine_threadsafe(main(), self._loop).result()

    def told(self, thing: T) -> T:
        return told_in(self.world.family, thing)

    def affinities(self, frontend: Frontend) -> list[Any]:
        """Return the clients bound to an endpoint of the frontend, as nft lists them."""
        return self.inside(lambda: self.nft.list_map(self.table, affinity_map(self.told(frontend))))

    def differences(self) -> list[str]:
        return self.inside(lambda: self.mode.differences(self.plan))

    def everything(self) -> list[str]:
        """Return all rules there are on the node, of whichever kind; empty chains of the kernel's own do not count."""

        def read() -> list[str]:
            programs = ["iptables-legacy-save", "ip6tables-legacy-save"]
            if "ipvs" in MODES:
                programs += ["ipset save", "ipvsadm -S -n", "ip address"]
            else:
                programs += ["iptables-nft-save", "ip6tables-nft-save", "nft list tables"]
            saved = [subprocess.run(p.split(), capture_output=True, text=True, check=True).stdout for p in programs]
            ours = ("KUBE", "wherry", "kube", "-A -", "-a -")
            return [line for text in saved for line in text.splitlines() if any(word in line for word in ours)]

        return namespaces.run(self.world.path["host"], read)

    def _settle(self) -> None:
        """Return once the kernel answers at the addresses of ipvs: of IPv6, it makes their routes a moment later."""

        def count(*words: str) -> int:
            shown = subprocess.run(["ip", "-6", "-o", *words, "dev", LINK], capture_output=True, text=True)
            return sum("fe80:" not in line for line in shown.stdout.splitlines())

        def there() -> bool:
            return count("route", "show", "table", "local") >= count("address", "show")

        if self.name == "ipvs" and self.world.family is Family.V6:
            while not namespaces.run(self.world.path["host"], there):
                time.sleep(0.005)

    def _run(self) -> None:
        """Be in the node's namespace all the time: a mode may have tasks."""
        namespaces.enter(self.world.path["host"])
        self._loop.run_forever()

    def _start(self) -> None:
        self.mode = self.make(self.config)
        self._work = self.mode.at_work(self._suspect)
        self.inside(self._work.__aenter__)
        self._working = True

    def stop(self) -> None:
        """Be no longer at work; what is in the kernel stays."""
        if self._working:
            self.inside(lambda: self._work.__aexit__(None, None, None))
        self._working = False

    def _suspect(self) -> None:
        self.suspicions += 1

    def _plan(self, services: list[Object], slices: list[Object]) -> Plan:
        node = replace(
            self.node,
            addresses=self.told(self.node.addresses),
            node_port_addresses=self.told(self.node.node_port_addresses),
        )
        return make_plan(self.told(services), self.told(slices), node)
