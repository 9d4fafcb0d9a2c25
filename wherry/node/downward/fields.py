"""The downward API: fields of a pod and resources of a container as text. Pure.

Source: kubernetes pkg/fieldpath/fieldpath.go and pkg/api/v1/resource/helpers.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from wherry.objects import Object, metadata, quantity

_subscript = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


def hostname(pod: Object) -> str:
    """Return the pod's host name: `spec.hostname`, else its name, cut to the 63 characters a host name may have.

    A hostNetwork pod has its node's.
    """
    if pod["spec"].get("hostNetwork"):
        return str(pod["spec"]["nodeName"])
    return str((pod["spec"].get("hostname") or pod["metadata"]["name"])[:63]).rstrip("-.")


def value(pod: Object, path: str, *, pod_ips: Sequence[str], host_ips: Sequence[str]) -> str:
    """Return what `fieldRef.fieldPath` stands for; ValueError for a path that is not offered."""
    meta, spec = pod["metadata"], pod["spec"]
    simple = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta["namespace"],
        "metadata.uid": meta["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.hostIP": next(iter(host_ips), ""),
        "status.hostIPs": ",".join(host_ips),
        "status.podIP": next(iter(pod_ips), ""),
        "status.podIPs": ",".join(pod_ips),
    }
    if path in simple:
        return str(simple[path])
    if path in ("metadata.labels", "metadata.annotations"):
        entries = metadata.labels(pod) if path.endswith("labels") else metadata.annotations(pod)
        return "\n".join(f"{key}={_quoted(entries[key])}" for key in sorted(entries))
    match = _subscript.fullmatch(path)
    if match is None:
        raise ValueError(f"unsupported fieldPath: {path}")
    entries = metadata.labels(pod) if match[1] == "labels" else metadata.annotations(pod)
    return entries.get(match[2], "")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def resource(pod: Object, container: Object, selector: Object, allocatable: Mapping[str, int]) -> int:
    """Return what a `resourceFieldRef` stands for, in units of its divisor, rounded up.

    `allocatable` holds the node's cpu (millicores), memory and ephemeral-storage (bytes): a limit that is not set is
    all of them. ValueError for an unknown resource or container.
    """
    name = selector.get("containerName")
    if name:
        everyone = [*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())]
        found = next((c for c in everyone if c["name"] == name), None)
        if found is None:
            raise ValueError(f"container {name} not found")
        container = found
    kind, _, which = str(selector["resource"]).partition(".")
    if kind not in ("limits", "requests") or which not in ("cpu", "memory", "ephemeral-storage"):
        raise ValueError(f"unsupported container resource : {selector['resource']}")
    given = (container.get("resources") or {}).get(kind) or {}
    divisor = quantity.parse(selector.get("divisor") or "1").nano or quantity.parse("1").nano
    if which in given:
        amount = quantity.parse(given[which]).nano
    elif kind == "limits":
        unit = 10**6 if which == "cpu" else quantity.NANO
        amount = allocatable.get(which, 0) * unit
    else:
        amount = 0
    return -(-amount // divisor)
