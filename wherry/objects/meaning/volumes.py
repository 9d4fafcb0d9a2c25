"""What volumes, claims and their classes say: where a volume is, what belongs to what, who makes them.

Source: k8s.io/component-helpers storage/volume (annotations), kubernetes pkg/apis/core/v1/helper
(GetPersistentVolumeClass), pkg/volume/util/storageclass.go (GetDefaultClass).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wherry.objects import Object, metadata, quantity

PV_PROTECTION = "kubernetes.io/pv-protection"
PVC_PROTECTION = "kubernetes.io/pvc-protection"
"""Finalizers that keep a volume while it is bound, and a claim while a pod uses it."""
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_BETA_DEFAULT_CLASS = "storageclass.beta.kubernetes.io/is-default-class"
_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
"""On a claim: it is bound for good."""
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
"""On a claim or a volume: nobody asked for the other by name."""
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
BETA_STORAGE_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner"
"""On a claim: who is to make its volume."""
SELECTED_NODE = "volume.kubernetes.io/selected-node"
"""On a claim: the node that its first pod goes to."""
NO_PROVISIONER = "kubernetes.io/no-provisioner"
"""The provisioner of a class whose volumes people make."""

LOCAL_PATH = "wherry.io/local-path"
"""Our provisioner: a folder on the node that the first pod goes to."""
LOCAL_PATH_FINALIZER = "wherry.io/local-path"
"""Keeps such a volume until its node has removed its folder."""
LOCAL_PATH_NODE = "wherry.io/node"
"""Label of such a volume: its node."""
LOCAL_PATH_FOLDER = "/var/lib/local-path"
"""Where on a node its folders are, if the class has no parameter `path`."""

MOUNTABLE = ("hostPath", "local")
"""The types of PersistentVolume that a node can mount."""
_NO_SOURCE = frozenset(
    {
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    }
)


def sources_of(volume: Object) -> list[str]:
    """Return the types that a PersistentVolume says it is of: one, unless it is wrong."""
    spec = volume.get("spec") or {}
    return [key for key, value in spec.items() if key not in _NO_SOURCE and value is not None]


def source_of(volume: Object) -> tuple[str, Object]:
    """Return (type, source) of a PersistentVolume; ("", {}) where it has none."""
    kind = next(iter(sources_of(volume)), "")
    return kind, volume["spec"][kind] if kind else {}


def class_of(obj: Object) -> str:
    """Return the name of the class of a claim or a volume, "" for none."""
    beta = metadata.annotations(obj).get(_BETA_CLASS)
    return beta if beta is not None else (obj.get("spec") or {}).get("storageClassName") or ""


def names_class(claim: Object) -> bool:
    """Return whether a claim says of which class it is, "" included: then it does not get the default."""
    return _BETA_CLASS in metadata.annotations(claim) or (claim.get("spec") or {}).get("storageClassName") is not None


def is_default_class(storage_class: Object) -> bool:
    """Return whether claims that name no class are of this one."""
    said = metadata.annotations(storage_class)
    return "true" in (said.get(DEFAULT_CLASS), said.get(_BETA_DEFAULT_CLASS))


def default_class(classes: Iterable[Object]) -> Object | None:
    """Return the default class: of several the youngest, then the first by name."""
    found = sorted((c for c in classes if is_default_class(c)), key=lambda c: c["metadata"]["name"])
    return max(found, key=lambda c: c["metadata"].get("creationTimestamp") or "", default=None)


def waits_for_consumer(storage_class: Object | None) -> bool:
    """Return whether claims of a class are bound when their first pod has a node."""
    return storage_class is not None and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"


def requested(claim: Object) -> str:
    """Return how much a claim asks for."""
    return str(((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage") or "0")


def capacity(volume: Object) -> str:
    """Return how much a volume holds."""
    return str((volume["spec"].get("capacity") or {}).get("storage") or "0")


def fits(volume: Object, claim: Object) -> bool:
    """Return whether a volume holds what a claim asks for."""
    return quantity.compare(capacity(volume), requested(claim)) >= 0


def mode(obj: Object) -> str:
    """Return whether a claim or a volume is of files ("Filesystem") or of blocks ("Block")."""
    return obj["spec"].get("volumeMode") or "Filesystem"


def is_fully_bound(claim: Object) -> bool:
    """Return whether a claim has its volume, for good."""
    return bool(claim["spec"].get("volumeName")) and BIND_COMPLETED in metadata.annotations(claim)


def is_claimed_by(volume: Object, claim: Object) -> bool:
    """Return whether a volume is reserved for a claim, or its own."""
    reference, meta = volume["spec"].get("claimRef") or {}, claim["metadata"]
    if (reference.get("namespace"), reference.get("name")) != (meta["namespace"], meta["name"]):
        return False
    return not reference.get("uid") or reference["uid"] == meta.get("uid")


def claim_reference(claim: Object) -> Object:
    """Return the `claimRef` of a volume that is a claim's."""
    meta = claim["metadata"]
    reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": meta["namespace"]}
    reference |= {"name": meta["name"], "uid": meta["uid"]}
    return reference | ({"resourceVersion": meta["resourceVersion"]} if "resourceVersion" in meta else {})


def bound_volume(volume: Object, claim: Object) -> Object:
    """Return the volume as it is when it is the claim's."""
    before = volume["spec"].get("claimRef") or {}
    if before.get("uid"):
        return volume
    meta = volume["metadata"]
    if not before:
        meta = {**meta, "annotations": {**metadata.annotations(volume), BOUND_BY_CONTROLLER: "yes"}}
    return {**volume, "metadata": meta, "spec": {**volume["spec"], "claimRef": claim_reference(claim)}}


def claims_of_pod(pod: Object) -> Iterator[tuple[str, str, bool]]:
    """Yield (volume, claim, ephemeral) of a pod's volumes that are claims; an ephemeral one is made for the pod."""
    for volume in pod["spec"].get("volumes") or ():
        if (source := volume.get("persistentVolumeClaim")) is not None:
            yield volume["name"], source.get("claimName") or "", False
        elif volume.get("ephemeral") is not None:
            yield volume["name"], f"{pod['metadata']['name']}-{volume['name']}", True


def claim_names(pod: Object) -> set[str]:
    """Return the claims a pod uses, in its namespace."""
    return {name for _, name, _ in claims_of_pod(pod)}
