"""Pure: the nodes a DaemonSet runs on, and its pod for one of them."""

from __future__ import annotations

from typing import NamedTuple

from wherry.controllers.podtemplate import pod_from
from wherry.objects import Object, metadata
from wherry.objects.meaning import wellknown
from wherry.objects.nodeaffinity import REQUIRED, admits
from wherry.objects.taints import NO_EXECUTE, NO_SCHEDULE, taints_of, untolerated


class Eligibility(NamedTuple):
    """Whether a DaemonSet should have a pod on a node, and whether one that is there may stay."""

    run: bool
    stay: bool


def tolerations(spec: Object) -> list[Object]:
    """Return a daemon pod's tolerations: its own, and those that keep daemons running where others leave."""
    added = [
        (wellknown.NOT_READY, NO_EXECUTE),
        (wellknown.UNREACHABLE, NO_EXECUTE),
        (wellknown.DISK_PRESSURE, NO_SCHEDULE),
        (wellknown.MEMORY_PRESSURE, NO_SCHEDULE),
        (wellknown.PID_PRESSURE, NO_SCHEDULE),
        (wellknown.UNSCHEDULABLE, NO_SCHEDULE),
    ]
    if spec.get("hostNetwork"):
        added.append((wellknown.NETWORK_UNAVAILABLE, NO_SCHEDULE))
    own = list(spec.get("tolerations") or ())
    wanted = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in added]
    return [*own, *(t for t in wanted if t not in own)]


def eligibility(daemon_set: Object, node: Object) -> Eligibility:
    """Return whether the DaemonSet belongs on `node`."""
    spec = daemon_set["spec"]["template"]["spec"]
    wrong_node = spec.get("nodeName") and spec["nodeName"] != node["metadata"]["name"]
    if wrong_node or not admits(spec, node):
        return Eligibility(run=False, stay=False)
    tolerated = tolerations(spec)
    if untolerated(taints_of(node), tolerated, (NO_SCHEDULE, NO_EXECUTE)) is None:
        return Eligibility(run=True, stay=True)
    return Eligibility(run=False, stay=untolerated(taints_of(node), tolerated, (NO_EXECUTE,)) is None)


def pod_for(daemon_set: Object, node: str, digest: str) -> Object:
    """Return the pod to create for `node`: the scheduler binds it there, and nowhere else."""
    pod = pod_from(daemon_set["spec"]["template"], daemon_set)
    labels = {**metadata.labels(pod), wellknown.CONTROLLER_REVISION_HASH: digest}
    if generation := metadata.annotations(daemon_set).get(wellknown.DAEMON_SET_GENERATION):
        labels[wellknown.POD_TEMPLATE_GENERATION] = generation
    pod["metadata"]["labels"] = labels
    pod["spec"]["tolerations"] = tolerations(pod["spec"])
    pod["spec"]["affinity"] = _pinned(pod["spec"].get("affinity") or {}, node)
    return pod


def _pinned(affinity: Object, node: str) -> Object:
    """Return the affinity narrowed to one node by its name."""
    here = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    node_affinity = affinity.get("nodeAffinity") or {}
    terms = (node_affinity.get(REQUIRED) or {}).get("nodeSelectorTerms") or [{}]
    pinned = [{k: v for k, v in term.items() if k != "matchFields"} | here for term in terms]
    return affinity | {"nodeAffinity": node_affinity | {REQUIRED: {"nodeSelectorTerms": pinned}}}


def node_of(pod: Object) -> str:
    """Return the node a daemon pod is on, or is meant for."""
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    node_affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    for term in (node_affinity.get(REQUIRED) or {}).get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field["key"] == "metadata.name" and field["operator"] == "In" and field.get("values"):
                return str(field["values"][0])
    return ""
