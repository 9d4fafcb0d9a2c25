"""The mode: virtual servers for what IPVS can do, the iptables mode for the rest, and sets between the two."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator

from wherry.net import ipset
from wherry.net.ipset import IpsetError, IpsetMissing
from wherry.net.iptables import IptablesError
from wherry.net.ipvs import Server
from wherry.objects.family import Family, bracketed, family_of
from wherry.proxy.modes import ModeConfig, ModeError
from wherry.proxy.modes.iptables.mode import IptablesMode, installed
from wherry.proxy.modes.ipvs.kernel import Kernel
from wherry.proxy.modes.ipvs.layout import IpvsLayout
from wherry.proxy.modes.ipvs.names import CLUSTER_IPS, KINDS, set_name
from wherry.proxy.modes.ipvs.servers import Servers
from wherry.proxy.modes.ipvs.sets import Sets, saved
from wherry.proxy.modes.ipvs.share import balanced, is_balanced, rest, rest_of
from wherry.proxy.plan import Change, Plan, by_family, difference
from wherry.proxy.stale import cut_udp_flows

log = logging.getLogger(__name__)

DRAIN_SECONDS = 5.0
"""How often endpoints that drain are looked at, while there are any."""


class IpvsMode:
    """`Mode` in IPVS, with iptables and ipset beside it."""

    def __init__(self, config: ModeConfig, variant: str | None = None):
        self._config = config
        self._variant = variant
        self._rules = IptablesMode(config, variant, IpvsLayout)
        self._kernel = Kernel(config.ipvs_excluded, strict_arp=config.ipvs_strict_arp)
        self._servers = Servers(config.ipvs_scheduler)
        self._sets = {family: Sets(family) for family in Family}
        self._drains = asyncio.Event()
        self._turn = asyncio.Lock()  # endpoints that have drained are taken away between changes

    async def load(self, plan: Plan) -> None:
        """Bring everything to the plan: first what makes connections work, last what lets go."""
        async with self._turn:
            whole = difference(Plan(), plan)
            ours = balanced(whole)
            self._kernel.prepare()
            self._servers = servers = Servers(self._config.ipvs_scheduler)
            await self._kernel.learn(servers)
            await self._kernel.change(servers.add(ours))
            before = servers.addresses
            self._kernel.address(before)
            self._sets = {family: Sets(family) for family in Family}
            for family, part in by_family(ours).items():
                addresses = [a for a in before if family_of(a) is family]
                await self._set(self._sets[family].load(part, addresses))
            await self._rules.load(rest_of(plan), {f.family for f in ours.routes})
            await self._kernel.change([*servers.drop(ours), *servers.drop_strange(Server(*f) for f in ours.routes)])
            await self._settle(ours, before - servers.addresses)

    async def apply(self, change: Change) -> None:
        """Apply one change, in the same order."""
        if not change.routes:
            return
        async with self._turn:
            ours, servers = balanced(change), self._servers
            before = servers.addresses
            await self._kernel.change(servers.add(ours))
            come = servers.addresses - before
            self._kernel.move(come, set())
            for family, part in by_family(ours).items():
                addresses = [a for a in come if family_of(a) is family]
                await self._set(self._sets[family].update(part) + self._sets[family].address(addresses, ()))
            await self._rules.apply(rest(change))
            await self._kernel.change(servers.drop(ours))
            await self._settle(ours, before - servers.addresses)

    async def cleanup(self) -> None:
        """Take everything away; rules only while they are this mode's: the iptables mode may have taken them over."""
        await self._kernel.clean(Servers(self._config.ipvs_scheduler))
        names = [set_name(of, family) for of in KINDS for family in Family]
        try:
            there = saved(await ipset.save()).keys() & set(names)
            if there:
                await self._clean_rules()
                await ipset.restore("".join(f"destroy {name}\n" for name in sorted(there)))
        except IptablesError as error:
            raise ModeError(f"cannot read rules: {error}") from error
        except IpsetMissing:
            pass  # then nobody has made any
        except IpsetError as error:
            raise ModeError(f"cannot delete sets: {error}") from error

    async def retire(self) -> bool:
        """Stay until the last connection through a virtual server has ended."""
        if await self._kernel.connections():
            return False
        await self.cleanup()
        return True

    async def differences(self, plan: Plan) -> list[str]:
        """Return what is not as `load` and `apply` have left it; nothing while something is written."""
        if self._turn.locked():
            return []
        async with self._turn:
            found = await self._rules.differences(rest_of(plan))
            there = Servers(self._config.ipvs_scheduler)
            await self._kernel.learn(there)
            wanted = {s: (h.manner, h.weights) for s, h in self._servers.held.items()}
            held = {s: (h.manner, h.weights) for s, h in there.held.items()}
            found += [f"virtual server {_text(s)}" for s in wanted.keys() | held if wanted.get(s) != held.get(s)]
            return [*found, *await self._strange_sets()]

    @contextlib.asynccontextmanager
    async def at_work(self, suspect: Callable[[], None]) -> AsyncIterator[None]:
        """Hear of what others change in nftables, and take away endpoints whose connections have ended."""
        async with self._rules.at_work(suspect):
            draining = asyncio.create_task(self._drain())
            try:
                yield
            finally:
                draining.cancel()
                await asyncio.gather(draining, return_exceptions=True)

    def render(self, plan: Plan) -> str:
        """Return what fills an empty kernel: lines of `ipvsadm -R`, scripts of ipset and of iptables."""
        ours = {f: route for f, route in plan.routes.items() if is_balanced(route)}
        lines = [line for f, r in ours.items() for line in _shown(Server(*f), r.affinity_seconds, self._config)]
        for frontend, route in ours.items():
            kind = _letter(frontend.protocol)
            lines += [
                f"-a {kind} {_text(Server(*frontend))} -r {e} -m -w 1" for e in map(_plain, route.inside.endpoints)
            ]
        parts = by_family(balanced(difference(Plan(), plan)))
        sets = "".join(Sets(family).load(part, {f.address for f in part.routes}) for family, part in parts.items())
        return "\n".join(lines) + f"\n\n{sets}\n{self._rules.render(rest_of(plan))}"

    async def _settle(self, ours: Change, addresses: set[str]) -> None:
        """Let go of addresses, and of flows that must not go on."""
        self._kernel.move(set(), addresses)
        for family, part in by_family(ours).items():
            await self._set(self._sets[family].address((), [a for a in addresses if family_of(a) is family]))
            await cut_udp_flows(part, family)
        if self._servers.draining():
            self._drains.set()

    async def _drain(self) -> None:
        while True:
            await self._drains.wait()
            await asyncio.sleep(DRAIN_SECONDS)
            async with self._turn:
                try:
                    await self._drain_once()
                except ModeError as error:
                    log.warning("%s", error)
                if not self._servers.draining():
                    self._drains.clear()

    async def _drain_once(self) -> None:
        servers = self._servers
        before = servers.addresses
        for server in servers.draining():
            idle = await self._kernel.idle(server)
            await self._kernel.change(servers.drained(server, idle))
        await self._settle(Change(), before - servers.addresses)

    async def _set(self, script: str) -> None:
        if not script:
            return
        try:
            await ipset.restore(script)
        except IpsetError as error:
            raise ModeError(f"cannot change sets: {error}") from error

    async def _strange_sets(self) -> list[str]:
        try:
            there = saved(await ipset.save())
        except IpsetError as error:
            raise ModeError(f"cannot read sets: {error}") from error
        wanted = {name: of for sets in self._sets.values() for name, of in sets.members.items()}
        return [f"set {name}" for name, of in wanted.items() if there.get(name) != of]

    async def _clean_rules(self) -> None:
        for family, tool in installed(self._variant):
            if f"--match-set {set_name(CLUSTER_IPS, family)} " in await tool.save():
                await IptablesMode(self._config, self._variant, IpvsLayout).cleanup()
                return


def _shown(server: Server, persistent: int, config: ModeConfig) -> Iterator[str]:
    more = f" -p {persistent}" if persistent else ""
    yield f"-A {_letter(server.protocol)} {_text(server)} -s {config.ipvs_scheduler}{more}"


def _letter(protocol: str) -> str:
    return {"TCP": "-t", "UDP": "-u"}.get(protocol, "--sctp-service")


def _text(server: Server) -> str:
    return f"{bracketed(server.address)}:{server.port}"


def _plain(endpoint: tuple[str, int, bool]) -> str:
    return f"{bracketed(endpoint[0])}:{endpoint[1]}"
