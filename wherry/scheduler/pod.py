"""Pure: what the scheduler reads from a pod, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import HeldPort, host_ports, node_of
from wherry.objects.meaning.requests import requests
from wherry.objects.metadata import controller_of
from wherry.objects.selectors import LabelSelector, from_labels, stored
from wherry.scheduler.affinity import Term, terms_of

DEFAULT_MILLICORES = 100
DEFAULT_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True)
class Pod:
    """A pod object with its derived facts; made anew when the object changes."""

    obj: Object

    @cached_property
    def uid(self) -> str:
        """metadata.uid."""
        return str(self.obj["metadata"]["uid"])

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name)."""
        return metadata.key(self.obj)

    @property
    def namespace(self) -> str:
        """metadata.namespace."""
        return self.key[0]

    @property
    def spec(self) -> Object:
        """The pod's spec."""
        spec: Object = self.obj["spec"]
        return spec

    @property
    def labels(self) -> Mapping[str, str]:
        """The pod's labels."""
        return metadata.labels(self.obj)

    @property
    def node(self) -> str:
        """The node it is bound to, or ""."""
        return node_of(self.obj)

    @cached_property
    def priority(self) -> int:
        """spec.priority, resolved by admission from the priority class."""
        return int(self.spec.get("priority") or 0)

    @property
    def nominated_node(self) -> str:
        """The node that is being cleared for it, or ""."""
        return str((self.obj.get("status") or {}).get("nominatedNodeName") or "")

    @cached_property
    def being_deleted(self) -> bool:
        """Whether somebody asked for its deletion."""
        return metadata.is_being_deleted(self.obj)

    @cached_property
    def owner(self) -> str:
        """The uid of the controller that made it, or "": replicas of one controller are spread."""
        owner = controller_of(self.obj)
        return owner["uid"] if owner else ""

    @cached_property
    def requests(self) -> dict[str, int]:
        """What it takes of a node: cpu in millicores, everything else in units (bytes)."""
        return requests(self.obj)

    @cached_property
    def weight(self) -> tuple[int, int]:
        """(millicores, bytes) for scoring: a pod that asks for nothing still weighs something."""
        asked = self.requests
        return asked.get("cpu") or DEFAULT_MILLICORES, asked.get("memory") or DEFAULT_BYTES

    @cached_property
    def host_ports(self) -> frozenset[HeldPort]:
        """The ports it takes on its node."""
        return host_ports(self.spec)

    @cached_property
    def required_affinity(self) -> tuple[Term, ...]:
        """Required pod affinity."""
        return terms_of(self.obj, "podAffinity", required=True)

    @cached_property
    def required_anti_affinity(self) -> tuple[Term, ...]:
        """Required pod anti-affinity."""
        return terms_of(self.obj, "podAntiAffinity", required=True)

    @cached_property
    def preferred_affinity(self) -> tuple[Term, ...]:
        """Preferred pod affinity (weights above 0) and anti-affinity (below 0)."""
        against = terms_of(self.obj, "podAntiAffinity", required=False)
        return (
            *terms_of(self.obj, "podAffinity", required=False),
            *(term._replace(weight=-term.weight) for term in against),
        )

    def spread_selector(self, constraint: Object) -> LabelSelector:
        """Return which pods a topology spread constraint counts, matchLabelKeys included."""
        selector = stored(constraint.get("labelSelector"))
        keys = [k for k in constraint.get("matchLabelKeys") or () if k in self.labels]
        extra = from_labels({k: self.labels[k] for k in keys}).requirements if keys else ()
        return LabelSelector(selector.requirements + extra, selector.nothing)
