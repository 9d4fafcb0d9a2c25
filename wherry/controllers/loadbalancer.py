"""An address of each of its families for every Service of type LoadBalancer, from a small pool: a cloud's, elsewhere.

An address stays with its Service as long as that wants one; `spec.loadBalancerIP` asks for a certain one. A Service
with a `loadBalancerClass` is another controller's. Nothing is kept but the Services' own status; what is given out and
not seen in the cache yet is remembered meanwhile. Source: k8s.io/cloud-provider controllers/service/controller.go.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.objects import Object
from wherry.objects.errors import NotFound
from wherry.objects.family import family_of
from wherry.objects.meaning.services import balancers, families
from wherry.objects.metadata import Key
from wherry.objects.resource import SERVICES


class Choice(NamedTuple):
    """The addresses a Service is to have, and why it has not all that it wants, "" where it has."""

    addresses: tuple[str, ...] = ()
    problem: str = ""


def addresses(service: Object) -> list[str]:
    """Return the addresses a Service has been given."""
    return [entry["ip"] for entry in balancers(service) if entry.get("ip")]


def choose(service: Object, pool: Sequence[str], taken: Collection[str]) -> Choice:
    """Return a Service's addresses, one of each family that it and the pool have.

    `pool` is in the order of preference, `taken` what other Services have. Pure.
    """
    if service["spec"].get("type") != "LoadBalancer":
        return Choice()
    asked = service["spec"].get("loadBalancerIP") or ""
    if asked and asked not in pool:
        return Choice(problem=f"{asked} is not an address of the pool {pool[0]}-{pool[-1]}")
    pools = [[a for a in pool if family_of(a) is family] for family in families(service)]
    chosen = [_one(service, own, taken, asked if asked in own else "") for own in pools if own]
    found = tuple(address for address, _ in chosen if address)
    return Choice(found, "; ".join(problem for _, problem in chosen if problem))


def _one(service: Object, pool: Sequence[str], taken: Collection[str], asked: str) -> tuple[str, str]:
    """Return an address of a pool, or why there is none."""
    if asked:
        return ("", f"{asked} is another Service's") if asked in taken else (asked, "")
    kept = [a for a in addresses(service) if a in pool and a not in taken]
    free = next((a for a in [*kept, *pool] if a not in taken), "")
    return free, "" if free else f"all {len(pool)} addresses of the pool are taken"


class LoadBalancerController(Controller):
    """Gives addresses out, and takes them back."""

    name = "service-lb"

    def __init__(self, context: Context):
        super().__init__(context)
        self._pool = context.config.balancer_addresses
        self._services = context.informer(SERVICES)
        self._by_address = context.index(SERVICES, "load-balancer", addresses)
        self._recorder = context.recorder("service-controller")
        self._given: dict[str, Key] = {}
        self._without: set[Key] = set()
        self.watch(SERVICES)

    async def reconcile(self, key: Key) -> None:
        """See `Controller`."""
        service = self._services.get(*key)
        if service is None or not self._is_ours(service):
            self._take_back(key)
            return
        choice = choose(service, self._pool, self._taken(key))
        self._given |= dict.fromkeys(choice.addresses, key)
        self._take_back(key, but=choice.addresses)
        await self._apply(key, service, choice)

    def _is_ours(self, service: Object) -> bool:
        """Tell whether there is something to give, or to take back."""
        wants = service["spec"].get("type") == "LoadBalancer" or bool(addresses(service))
        return wants and bool(self._pool) and not service["spec"].get("loadBalancerClass")

    def _taken(self, key: Key) -> set[str]:
        """Return the addresses that are not to be had for `key`."""
        return {a for a in self._pool if self._is_anothers(a, key)}

    def _is_anothers(self, address: str, key: Key) -> bool:
        holders = {(o["metadata"]["namespace"], o["metadata"]["name"]) for o in self._by_address.get(address)}
        # The first who got it keeps it, should two have one.
        return self._given.get(address, min(holders, default=key)) != key

    def _take_back(self, key: Key, but: Collection[str] = ()) -> None:
        """Forget what a Service had; who has none yet tries again."""
        freed = [address for address, holder in self._given.items() if holder == key and address not in but]
        for address in freed:
            del self._given[address]
        self._without.discard(key)
        if freed:
            for waiting in self._without:
                self.queue.add(waiting)

    async def _apply(self, key: Key, service: Object, choice: Choice) -> None:
        if choice.problem:
            self._without.add(key)
            self._recorder.event(SERVICES, service, "Warning", "AllocationFailed", choice.problem)
        wanted = list(choice.addresses)
        if addresses(service) == wanted:
            return
        ingress = [{"ip": address, "ipMode": "VIP"} for address in wanted]
        status = {"status": {"loadBalancer": {"ingress": ingress or None}}}
        try:
            await self.client.patch(SERVICES, key[1], status, key[0], subresource="status")
        except NotFound:
            return
        if wanted:
            self._recorder.event(SERVICES, service, "Normal", "IPAllocated", f"Assigned IP {', '.join(wanted)}")
