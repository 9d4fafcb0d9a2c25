"""What policies need to know of a pod (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wherry.networkpolicy.policy import NamedPort
from wherry.objects import Object, metadata
from wherry.objects.meaning import pods
from wherry.objects.meaning.services import is_port, protocol


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod that has an address of its own. `local`: on this node, which so decides what comes to it and from it."""

    namespace: str
    labels: Mapping[str, str]
    addresses: tuple[str, ...]
    ports: Mapping[NamedPort, int]
    local: bool


def read(pod: Object, node: str) -> Pod | None:
    """Return what a pod says, seen from a node; None for one that no policy is about.

    That is one in its node's network (`hostNetwork`), which is the node to all others; one that has no address yet; and
    one that has ended, whose address may soon be another's.
    """
    if pod["spec"].get("hostNetwork") or pods.has_ended(pod):
        return None
    addresses = tuple(pods.addresses(pod))
    if not addresses:
        return None
    namespace, _ = metadata.key(pod)
    named = {
        NamedPort(protocol(port), port["name"]): port["containerPort"]
        for container in pods.lasting_containers(pod["spec"])
        for port in container.get("ports") or ()
        if port.get("name") and is_port(port.get("containerPort"))
    }
    return Pod(namespace, metadata.labels(pod), addresses, named, pods.node_of(pod) == node)
