"""Routes to the other nodes' pods: each node's pod range, via its address. Follows the Nodes.

10.244.2.0/24 via 192.168.51.211
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from wherry.component.informer import Informer
from wherry.net.links import LinkError, Links
from wherry.objects import Object
from wherry.objects.family import family_of
from wherry.objects.meaning.nodes import addresses, pod_ranges

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
OURS = 119
"""The routes' protocol, by which those of our making are known: one that no routing daemon has (rt_protos(5))."""


def wanted(nodes: Iterable[Object], own_name: str) -> dict[str, str]:
    """Return the routes to have: each pod range -> the node's first address in that range's family. Pure."""
    routes: dict[str, str] = {}
    for node in nodes:
        if node["metadata"]["name"] == own_name:
            continue
        vias = {family_of(address): address for address in reversed(addresses(node))}
        routes |= {cidr: vias[family_of(cidr)] for cidr in pod_ranges(node) if family_of(cidr) in vias}
    return routes


class RouteKeeper:
    """Keeps this namespace's routes to the pods of the other nodes in `nodes`."""

    def __init__(self, nodes: Informer, own_name: str):
        self._nodes = nodes
        self._own_name = own_name
        self._changed = asyncio.Event()
        nodes.subscribe(lambda old, new: self._changed.set())

    async def run(self) -> None:
        """Follow the Nodes until cancelled."""
        await self._nodes.wait_synced()
        while True:
            self._changed.clear()
            routes = wanted(self._nodes.items(), self._own_name)
            if failed := await asyncio.to_thread(self._apply, routes):
                # The way to that node may not be up yet.
                log.warning("routes not set: %s", "; ".join(failed))
                asyncio.get_running_loop().call_later(RETRY_SECONDS, self._changed.set)
            await self._changed.wait()

    def _apply(self, routes: dict[str, str]) -> list[str]:
        """Make the kernel's routes `routes`; return what it refused of them: one must not keep the others away."""
        failed = []
        with Links() as links:
            present = links.routes(OURS)
            for cidr in present.keys() - routes.keys():
                links.delete_route(cidr)
            for cidr, via in routes.items():
                if present.get(cidr) != via:
                    try:
                        links.route(cidr, via=via, protocol=OURS)
                        log.info("route set: pods=%s via=%s", cidr, via)
                    except LinkError as error:
                        failed.append(str(error))
        return failed
