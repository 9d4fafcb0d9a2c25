"""Whom a connection comes from (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from wherry.explain.snapshot import Snapshot
from wherry.explain.step import TraceError
from wherry.objects import Object
from wherry.objects.family import Family, family_of, parsed
from wherry.objects.meaning import nodes, pods


class Place(Enum):
    """Where a connection begins."""

    POD = "pod"
    NODE = "node"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Source:
    """One who connects. `node` is where a connection first meets a proxy, "" for one from outside: that depends.

    `place` is NODE for a pod in its node's network, too: to all others it is the node.
    """

    text: str
    place: Place
    addresses: tuple[str, ...]
    node: str = ""
    pod: Object | None = None

    def address(self, family: Family) -> str:
        """Return the address it has in a family; 0.0.0.0 or :: for one that could be anybody."""
        return next((a for a in self.addresses if family_of(a) is family), family.any)


def read(words: str, namespace: str, snapshot: Snapshot) -> Source:
    """Return what `pod/NAME`, `node/NAME`, `outside` or `outside/ADDRESS` names; raises `TraceError`."""
    kind, _, name = words.partition("/")
    if kind in ("pod", "po", "pods") and name:
        return _pod(name, namespace, snapshot)
    if kind in ("node", "no", "nodes") and name:
        return _node(name, snapshot)
    if kind == "outside":
        return _outside(name)
    raise TraceError(f"{words!r} is no place to come from: use pod/NAME (with -n NAMESPACE), node/NAME or outside")


def _pod(name: str, namespace: str, snapshot: Snapshot) -> Source:
    pod = snapshot.pod((namespace, name))
    if pod is None:
        there = [p["metadata"]["name"] for p in snapshot.pods if p["metadata"]["namespace"] == namespace]
        raise TraceError(f"there is no pod {name} in {namespace}; there is: {_listed(there)}")
    addresses, node = tuple(pods.addresses(pod)), pods.node_of(pod)
    if pods.has_ended(pod) or not addresses or not node:
        raise TraceError(f"pod {namespace}/{name} sends nothing: it is {pods.phase(pod)} and has no address")
    place = Place.NODE if pod["spec"].get("hostNetwork") else Place.POD
    own = " (hostNetwork: it is its node to all others)" if place is Place.NODE else ""
    return Source(f"pod {namespace}/{name}, {' '.join(addresses)}, on {node}{own}", place, addresses, node, pod)


def _node(name: str, snapshot: Snapshot) -> Source:
    node = snapshot.node(name)
    if node is None:
        raise TraceError(f"there is no node {name}; there is: {_listed(n['metadata']['name'] for n in snapshot.nodes)}")
    addresses = tuple(nodes.addresses(node))
    return Source(f"node {name}, {' '.join(addresses)}", Place.NODE, addresses, name)


def _outside(name: str) -> Source:
    address = parsed(name) if name else None
    if name and address is None:
        raise TraceError(f"outside/{name}: {name!r} is no address")
    known = (str(address),) if address else ()
    return Source(f"outside the cluster{f', {address}' if address else ''}", Place.OUTSIDE, known)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
