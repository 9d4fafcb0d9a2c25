"""Pure: a pod as an endpoint of a Service. Source: k8s.io/endpointslice utils.go (`podToEndpoint`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from wherry.controllers.endpointslice.packing import Wanted
from wherry.controllers.servicepods import address, hostname, is_reachable, node_name, ports, target_reference
from wherry.objects import Object, metadata
from wherry.objects.meaning.nodes import zone
from wherry.objects.meaning.pods import is_ready, node_of
from wherry.objects.meaning.services import families, publishes_unready

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
    if name := node_name(pod):
        made["nodeName"] = name
    if node is not None and zone(node):
        made["zone"] = zone(node)
    if name := hostname(service, pod):
        made["hostname"] = name
    return made


def wanted(service: Object, pods: Iterable[Object], find_node: NodeOf) -> list[Wanted]:
    """Return the Service's endpoints, by address family and ports."""
    reachable = [p for p in pods if is_reachable(p, terminating=True)]
    groups: dict[tuple[str, str], Wanted] = {}
    for family in families(service):
        for pod in reachable:
            here = ports(service, pod)
            if ip := address(pod, family):
                group = groups.setdefault((family, json.dumps(here, sort_keys=True)), Wanted(family, here, []))
                node = find_node(node_of(pod))
                group.endpoints.append(endpoint(service, pod, ip, node))
    return list(groups.values()) or [Wanted(families(service)[0], [], [])]
