"""The objects of a cluster at one moment, and who has an address (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address

from wherry.networkpolicy import pod as policypod
from wherry.networkpolicy import policy
from wherry.networkpolicy.policy import Policy
from wherry.objects import Object, metadata
from wherry.objects.family import parsed_network
from wherry.objects.meaning import nodes, pods
from wherry.objects.meaning.endpoints import service_of
from wherry.objects.metadata import Key
from wherry.proxy.plan import Frontend, Plan, make_plan
from wherry.proxy.topology import ThisNode

Socket = tuple[str, str, int]
"""(protocol, address, port) that somebody listens on."""


@dataclass(frozen=True)
class Snapshot:
    """What an API server said. `cluster_cidrs`: where the proxies take sources for pods, as their configuration says.

    `listening`: by place (a node's name, or a pod's uid) what is listened on there, where that could be seen.
    `relayed`: frontends of this machine's loopback, and where the cluster's relay takes each.
    """

    nodes: Sequence[Object] = ()
    pods: Sequence[Object] = ()
    namespaces: Sequence[Object] = ()
    services: Sequence[Object] = ()
    slices: Sequence[Object] = ()
    policies: Sequence[Object] = ()
    cluster_cidrs: tuple[str, ...] = ()
    service_cidrs: tuple[str, ...] = ()
    listening: Mapping[str, frozenset[Socket]] = field(default_factory=dict)
    relayed: Mapping[Frontend, Frontend] = field(default_factory=dict)

    def node(self, name: str) -> Object | None:
        """Return a Node."""
        return _named(self.nodes, ("", name))

    def pod(self, key: Key) -> Object | None:
        """Return a pod."""
        return _named(self.pods, key)

    def service(self, key: Key) -> Object | None:
        """Return a Service."""
        return _named(self.services, key)

    def slices_of(self, key: Key) -> list[Object]:
        """Return the EndpointSlices of a Service."""
        return [piece for piece in self.slices if service_of(piece) == key]

    def this_node(self, name: str) -> ThisNode:
        """Return a node as its proxy sees it."""
        return ThisNode.of(name, self.node(name))

    def plan(self, node: str) -> Plan:
        """Return what a node's proxy does."""
        return make_plan(self.services, self.slices, self.this_node(node))

    def pod_at(self, address: str) -> Object | None:
        """Return the pod that has an address of its own; one that has ended has none any more."""
        own = (p for p in self.pods if not p["spec"].get("hostNetwork") and not pods.has_ended(p))
        return next((pod for pod in own if address in pods.addresses(pod)), None)

    def node_at(self, address: str) -> Object | None:
        """Return the node that has an address."""
        kinds = ("InternalIP", "ExternalIP")
        return next((node for node in self.nodes if any(address in nodes.addresses(node, k) for k in kinds)), None)

    @cached_property
    def rules(self) -> list[Policy]:
        """What the NetworkPolicies say."""
        return [policy.read(each) for each in self.policies]

    @cached_property
    def labels(self) -> dict[str, Mapping[str, str]]:
        """The namespaces' labels."""
        return {each["metadata"]["name"]: metadata.labels(each) for each in self.namespaces}

    def party(self, pod: Object | None) -> policypod.Pod | None:
        """Return a pod as policies see it; None for what is none of theirs."""
        return policypod.read(pod, pods.node_of(pod)) if pod else None

    def is_of_a_pod(self, address: str) -> bool:
        """Tell whether the proxies take an address for a pod's."""
        return is_within(address, self.cluster_cidrs)


def is_within(address: str, cidrs: Iterable[str]) -> bool:
    """Tell whether an address is in one of some networks."""
    networks = (network for cidr in cidrs if (network := parsed_network(cidr)) is not None)
    return any(ip_address(address) in network for network in networks)


def _named(objects: Iterable[Object], key: Key) -> Object | None:
    return next((obj for obj in objects if metadata.key(obj) == key), None)
