"""Whether a connection is allowed, as the API's documentation says it, with no thought of speed.

https://kubernetes.io/docs/concepts/services-networking/network-policies/: a pod that a policy selects is isolated in
the policy's directions; what one of those policies allows, is allowed; a connection needs both ends' consent. A node
decides for its own pods only.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import NamedTuple

from wherry.objects import Object


class Connection(NamedTuple):
    client: str
    server: str
    protocol: str
    port: int


class World(NamedTuple):
    policies: Sequence[Object]
    pods: Sequence[Object]
    namespaces: Sequence[Object]


def allowed(world: World, node: str, connection: Connection) -> bool:
    if connection.client == connection.server:
        return True
    ends = (("Egress", connection.client, connection.server), ("Ingress", connection.server, connection.client))
    return all(_consents(world, node, kind, own, peer, connection) for kind, own, peer in ends)


def _consents(world: World, node: str, kind: str, own: str, peer: str, connection: Connection) -> bool:
    pod = _at(world, own)
    if pod is None or pod["spec"]["nodeName"] != node:
        return True
    mine = [p for p in world.policies if kind in _types(p) and _selects(p, pod)]
    if not mine:
        return True
    key, whom = ("egress", "to") if kind == "Egress" else ("ingress", "from")
    return any(
        _whom(world, policy, rule.get(whom), peer) and _what(world, rule.get("ports"), connection)
        for policy in mine
        for rule in policy["spec"].get(key) or ()
    )


def _types(policy: Object) -> list[str]:
    spec = policy["spec"]
    return spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])


def _selects(policy: Object, pod: Object) -> bool:
    same = policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
    return same and _matches(policy["spec"]["podSelector"], pod["metadata"]["labels"])


def _whom(world: World, policy: Object, peers: list[Object] | None, address: str) -> bool:
    if not peers:
        return True
    pod = _at(world, address)
    for peer in peers:
        if "ipBlock" in peer:
            block, it = peer["ipBlock"], ipaddress.ip_address(address)
            inside = it in ipaddress.ip_network(block["cidr"])
            if inside and not any(it in ipaddress.ip_network(c) for c in block.get("except") or ()):
                return True
        elif pod is not None:
            name = pod["metadata"]["namespace"]
            if "namespaceSelector" in peer:
                labels = next(
                    (n["metadata"]["labels"] for n in world.namespaces if n["metadata"]["name"] == name), None
                )
                if labels is None or not _matches(peer["namespaceSelector"], labels):
                    continue
            elif name != policy["metadata"]["namespace"]:
                continue
            if _matches(peer.get("podSelector") or {}, pod["metadata"]["labels"]):
                return True
    return False


def _what(world: World, ports: list[Object] | None, connection: Connection) -> bool:
    if not ports:
        return True
    for port in ports:
        number = port.get("port")
        if (port.get("protocol") or "TCP") != connection.protocol:
            continue
        if number is None:
            return True
        if isinstance(number, str):
            pod = _at(world, connection.server)
            listed = pod["spec"]["containers"][0]["ports"] if pod else ()
            if (number, connection.protocol, connection.port) in [
                (p["name"], p["protocol"], p["containerPort"]) for p in listed
            ]:
                return True
        elif number <= connection.port <= (port.get("endPort") or number):
            return True
    return False


def _at(world: World, address: str) -> Object | None:
    for pod in world.pods:
        running = pod["status"]["phase"] in ("Running", "Pending") and not pod["spec"].get("hostNetwork")
        if running and pod["status"].get("podIP") == address:
            return pod
    return None


def _matches(selector: Object, labels: Object) -> bool:
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for term in selector.get("matchExpressions") or ():
        key, values = term["key"], term.get("values")
        match term["operator"]:
            case "In":
                fits = labels.get(key) in values
            case "NotIn":
                fits = labels.get(key) not in values
            case "Exists":
                fits = key in labels
            case _:
                fits = key not in labels
        if not fits:
            return False
    return True
