"""Pure: the volume that the local-path provisioner makes for a claim: a folder of one node's.

Who uses it makes it: the node's agent, when the first pod mounts it. It removes it, too, when the volume is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wherry.objects import Object, metadata
from wherry.objects.meaning.nodes import is_cordoned
from wherry.objects.meaning.volumes import (
    LOCAL_PATH,
    LOCAL_PATH_FINALIZER,
    LOCAL_PATH_FOLDER,
    LOCAL_PATH_NODE,
    PROVISIONED_BY,
    claim_reference,
    class_of,
    mode,
    requested,
)
from wherry.objects.meaning.wellknown import HOSTNAME
from wherry.objects.volumebinding import allows

_MODES = {"ReadWriteOnce", "ReadWriteOncePod"}


def refusal(claim: Object) -> str:
    """Return why a claim cannot have a folder of a node, "" where it can."""
    spec = claim["spec"]
    if not set(spec.get("accessModes") or ()) <= _MODES:
        return "a folder of a node has only the access modes ReadWriteOnce and ReadWriteOncePod"
    if mode(claim) != "Filesystem":
        return f"volumeMode {mode(claim)} is not supported"
    if spec.get("selector"):
        return "claim.Spec.Selector is not supported"
    if spec.get("dataSource") or spec.get("dataSourceRef"):
        return "claim.Spec.DataSource is not supported"
    return ""


def pick(nodes: Iterable[Object], storage_class: Object, load: Mapping[str, int]) -> Object | None:
    """Return the node for a claim that does not wait for a pod: the one with the fewest volumes."""
    fitting = [n for n in nodes if allows(storage_class, n) and not is_cordoned(n) and metadata.is_true(n, "Ready")]
    return min(fitting, key=lambda n: (load.get(n["metadata"]["name"], 0), n["metadata"]["name"]), default=None)


def volume_name(claim: Object) -> str:
    """Return the name of the volume made for a claim."""
    return f"pvc-{claim['metadata']['uid']}"


def node_of_volume(volume: Object) -> str:
    """Return the name of the node that has a volume of ours, "" for another's."""
    if metadata.annotations(volume).get(PROVISIONED_BY) != LOCAL_PATH:
        return ""
    return metadata.labels(volume).get(LOCAL_PATH_NODE, "")


def volume_for(claim: Object, storage_class: Object, node: Object) -> Object:
    """Return the volume for a claim, on a node."""
    meta, name = claim["metadata"], volume_name(claim)
    folder = (storage_class.get("parameters") or {}).get("path") or LOCAL_PATH_FOLDER
    hostname = metadata.labels(node).get(HOSTNAME) or node["metadata"]["name"]
    term = {"matchExpressions": [{"key": HOSTNAME, "operator": "In", "values": [hostname]}]}
    spec = {
        "capacity": {"storage": requested(claim)},
        "accessModes": claim["spec"]["accessModes"],
        "persistentVolumeReclaimPolicy": storage_class["reclaimPolicy"],
        "storageClassName": class_of(claim),
        "volumeMode": "Filesystem",
        "local": {"path": f"{folder.rstrip('/')}/{name}_{meta['namespace']}_{meta['name']}"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
        "claimRef": claim_reference(claim),
    }
    if options := storage_class.get("mountOptions"):
        spec["mountOptions"] = options
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name,
            "annotations": {PROVISIONED_BY: LOCAL_PATH},
            "labels": {LOCAL_PATH_NODE: node["metadata"]["name"]},
            "finalizers": [LOCAL_PATH_FINALIZER],
        },
        "spec": spec,
    }
