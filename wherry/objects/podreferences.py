"""What a pod refers to: ConfigMaps and Secrets, which its node has to read, and may; whatever else is in the API.

Source of the latter: kubernetes pkg/api/pod/util.go (HasAPIObjectReference).
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.objects import Object

Reference = tuple[str, str]
"""(kind, name) in the pod's namespace; kind is "ConfigMap" or "Secret"."""


def of_pod(pod: Object) -> frozenset[Reference]:
    """Return each ConfigMap and Secret the pod's environment and volumes are made of, or its images fetched with."""
    found = {*_of_volumes(pod)}
    found |= {("Secret", entry["name"]) for entry in pod["spec"].get("imagePullSecrets") or () if entry.get("name")}
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in pod["spec"].get(kind) or ():
            found |= {*_of_environment(container)}
    return frozenset(found)


_ALONE = ("emptyDir", "hostPath", "downwardAPI")
"""The kinds of volume that need nothing of the API."""


def needing_the_api(pod: Object) -> Iterator[str]:
    """Yield what a pod refers to in the API: a static pod, which runs without, may not."""
    spec = pod["spec"]
    if spec.get("serviceAccountName") or spec.get("serviceAccount"):
        yield "serviceaccounts"
    yield from sorted({f"{kind.lower()}s" for kind, _ in of_pod(pod)})
    if spec.get("resourceClaims"):
        yield "resourceclaims"
    for volume in spec.get("volumes") or ():
        yield from (f"volumes of type {kind}" for kind in volume if kind not in ("name", "projected", *_ALONE))
        for source in (volume.get("projected") or {}).get("sources") or ():
            yield from (f"projected volumes of type {kind}" for kind in source if kind != "downwardAPI")


def _of_environment(container: Object) -> Iterator[Reference]:
    for source in container.get("envFrom") or ():
        if "configMapRef" in source:
            yield "ConfigMap", source["configMapRef"].get("name", "")
        if "secretRef" in source:
            yield "Secret", source["secretRef"].get("name", "")
    for entry in container.get("env") or ():
        source = entry.get("valueFrom") or {}
        if "configMapKeyRef" in source:
            yield "ConfigMap", source["configMapKeyRef"].get("name", "")
        if "secretKeyRef" in source:
            yield "Secret", source["secretKeyRef"].get("name", "")


def _of_volumes(pod: Object) -> Iterator[Reference]:
    for volume in pod["spec"].get("volumes") or ():
        for source in [volume, *((volume.get("projected") or {}).get("sources") or ())]:
            if "configMap" in source:
                yield "ConfigMap", source["configMap"].get("name", "")
            if "secret" in source:
                yield "Secret", source["secret"].get("secretName") or source["secret"].get("name", "")
