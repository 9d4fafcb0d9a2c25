"""The nodes with what runs on them. A change costs what it changes: one node's sums, one pod's place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import HeldPort
from wherry.objects.meaning.requests import amount
from wherry.objects.metadata import Key
from wherry.scheduler.claims import Claims
from wherry.scheduler.pod import Pod

NO_LABELS: Mapping[str, str] = {}
_NOBODY: Mapping[str, Pod] = {}


@dataclass
class Node:
    """A node and the sums over its pods. `obj` is None while only its pods have been heard of."""

    name: str
    obj: Object | None = None
    pods: dict[str, Pod] = field(default_factory=dict)
    requested: Counter[str] = field(default_factory=Counter)
    weight: list[int] = field(default_factory=lambda: [0, 0])
    ports: Counter[HeldPort] = field(default_factory=Counter)
    owners: Counter[str] = field(default_factory=Counter)
    allocatable: dict[str, int] = field(default_factory=dict)

    @property
    def object(self) -> Object:
        """The Node object; only for nodes of `Snapshot.nodes`."""
        assert self.obj is not None
        return self.obj

    @property
    def labels(self) -> Mapping[str, str]:
        """The node's labels."""
        return metadata.labels(self.object)

    def set_object(self, obj: Object | None) -> None:
        """Take a new version of the Node object."""
        given = ((obj or {}).get("status") or {}).get("allocatable") or {}
        self.allocatable = {name: amount(name, value) for name, value in given.items()}
        self.obj = obj

    def add(self, pod: Pod) -> None:
        """Count a pod in."""
        uid = pod.uid
        self._count(pod, 1)
        self.pods[uid] = pod

    def remove(self, uid: str) -> None:
        """Count a pod out."""
        self._count(self.pods.pop(uid), -1)

    def _count(self, pod: Pod, sign: int) -> None:
        # All is read before anything is counted: a pod that cannot be read must not be counted by half.
        requests, weight, ports, owner = pod.requests, pod.weight, pod.host_ports, pod.owner
        counts_for_owner = bool(owner) and not pod.being_deleted
        for name, value in requests.items():
            self.requested[name] += sign * value
        self.weight = [total + sign * part for total, part in zip(self.weight, weight, strict=True)]
        for port in ports:
            self.ports[port] += sign
            if not self.ports[port]:
                del self.ports[port]
        if counts_for_owner:
            self.owners[owner] += sign


class Snapshot:
    """Nodes by name, pods by uid. A pod may be assumed on a node before the API says so."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.namespaces: dict[str, Object] = {}
        self.claims = Claims()
        self.budgets: dict[Key, Object] = {}
        """The PodDisruptionBudgets."""
        self.repelling: dict[str, tuple[Pod, Node]] = {}
        """The pods with a required anti-affinity, which keep others away."""
        self.attracting: dict[str, tuple[Pod, Node]] = {}
        """The pods with any other pod affinity: they have a say in where others go."""
        self._known: dict[str, Node] = {}
        self._places: dict[str, Node] = {}
        self._assumed: set[str] = set()
        self._nominated: dict[str, dict[str, Pod]] = {}
        self._nominations: dict[str, str] = {}

    def set_node(self, obj: Object) -> None:
        """Add a node, or take its new version."""
        node = self._node(obj["metadata"]["name"])
        node.set_object(obj)
        self.nodes[node.name] = node

    def remove_node(self, name: str) -> None:
        """Forget a node; its pods stay counted, should it come back."""
        node = self.nodes.pop(name, None)
        if node is not None:
            node.set_object(None)
            self._tidy(node)

    def set_pod(self, pod: Pod) -> None:
        """Take a bound pod's new version; the API's word replaces what was assumed."""
        self.remove_pod(pod.uid)
        self._place(pod, pod.node)

    def remove_pod(self, uid: str) -> None:
        """Forget a pod: it ended or is gone."""
        self._assumed.discard(uid)
        node = self._places.pop(uid, None)
        if node is None:
            return
        node.remove(uid)
        self.repelling.pop(uid, None)
        self.attracting.pop(uid, None)
        self._tidy(node)

    def assume(self, pod: Pod, node: str) -> None:
        """Count a pod on the node chosen for it, until the API tells of it or `forget` says it failed."""
        self._place(pod, node)
        self._assumed.add(pod.uid)

    def forget(self, uid: str) -> None:
        """Take back an assumption that did not come true."""
        if uid in self._assumed:
            self.remove_pod(uid)

    def take_back(self) -> None:
        """Take back every assumption."""
        for uid in list(self._assumed):
            self.forget(uid)

    def assumes(self, uid: str) -> bool:
        """Return whether a pod is placed where the API does not say so yet."""
        return uid in self._assumed

    def put_back(self, pod: Pod, node: str) -> None:
        """Place a pod again that was removed to see what that would change."""
        self._place(pod, node)

    def nominate(self, pod: Pod, node: str) -> None:
        """Remember that a pod that waits has a claim to room on a node; "": to none."""
        before = self._nominations.pop(pod.uid, "")
        if before:
            del self._nominated[before][pod.uid]
            if not self._nominated[before]:
                del self._nominated[before]
        if node:
            self._nominations[pod.uid] = node
            self._nominated.setdefault(node, {})[pod.uid] = pod

    def denominate(self, uid: str) -> None:
        """Forget the claim of a pod that waits no longer."""
        if node := self._nominations.get(uid):
            self.nominate(self._nominated[node][uid], "")

    def nominated(self, node: str) -> Collection[Pod]:
        """Return the pods that wait for room on a node."""
        return self._nominated.get(node, _NOBODY).values()

    def holds(self, uid: str) -> bool:
        """Return whether a pod has a place (assumed or not)."""
        return uid in self._places

    def pods(self) -> Iterable[tuple[Pod, Node]]:
        """Yield every placed pod with its node; only those of nodes that are there."""
        return ((pod, node) for node in self.nodes.values() for pod in node.pods.values())

    def namespace_labels(self, name: str) -> Mapping[str, str]:
        """Return a namespace's labels."""
        namespace = self.namespaces.get(name)
        return metadata.labels(namespace) if namespace else NO_LABELS

    def _node(self, name: str) -> Node:
        return self._known.setdefault(name, Node(name))

    def _place(self, pod: Pod, name: str) -> None:
        uid, repels = pod.uid, bool(pod.required_anti_affinity)
        attracts = bool(pod.required_affinity or pod.preferred_affinity)
        node = self._node(name)
        node.add(pod)
        self._places[uid] = node
        if repels:
            self.repelling[uid] = pod, node
        if attracts:
            self.attracting[uid] = pod, node

    def _tidy(self, node: Node) -> None:
        if node.obj is None and not node.pods:
            self._known.pop(node.name, None)
