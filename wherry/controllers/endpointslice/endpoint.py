"""Pure: a pod as an endpoint of a Service. Source: k8s.io/endpointslice utils.go (`podToEndpoint`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from wherry.controllers.endpointslice.packing import Wanted
from wherry.controllers.pods import is_ready
from wherry.controllers.servicepods import (
    addresses,
    hostname,
    is_reachable,
    ports,
    publishes_unready,
    target_reference,
)
from wherry.objects import Object, metadata

ZONE_LABEL = "topology.kubernetes.io/zone"

NodeOf = Callable[[str], Object | None]


def endpoint(service: Object, pod: Object, ip: str, node: Object | None) -> Object:
    """Return one endpoint; a terminating pod may still serve, but is ready only where all are published as ready."""
    serving = is_ready(pod)
    terminating = metadata.is_being_deleted(pod)
    ready = publishes_unready(service) or (serving and not terminating)
    made: Object = {
        "addresses": [ip],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": target_reference(pod),
    }
    if pod["spec"].get("nodeName"):
        made["nodeName"] = pod["spec"]["nodeName"]
    if node is not None and (zone := metadata.labels(node).get(ZONE_LABEL)):
        made["zone"] = zone
    if name := hostname(service, pod):
        made["hostname"] = name
    return made


def wanted(service: Object, pods: Iterable[Object], node_of: NodeOf) -> list[Wanted]:
    """Return the Service's endpoints, by address family and ports."""
    families = service["spec"].get("ipFamilies") or ["IPv4"]
    reachable = [p for p in pods if is_reachable(p, terminating=True)]
    groups: dict[tuple[str, str], Wanted] = {}
    for family in families:
        for pod in reachable:
            here = ports(service, pod)
            for ip in addresses(pod, family)[:1]:
                group = groups.setdefault((family, json.dumps(here, sort_keys=True)), Wanted(family, here, []))
                node = node_of(pod["spec"].get("nodeName") or "")
                group.endpoints.append(endpoint(service, pod, ip, node))
    return list(groups.values()) or [Wanted(families[0], [], [])]
