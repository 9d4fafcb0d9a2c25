"""Pure: a pod made from a template, owned by its controller."""

from __future__ import annotations

from wherry.objects import Object
from wherry.objects.metadata import copy, owner_reference

MAX_PREFIX = 57
"""A generated name may have 63 characters; a suffix of 5 and the dash go off that."""


def pod_from(template: Object, owner: Object) -> Object:
    """Return the pod to create for `owner`: the template's labels, annotations, finalizers and spec, nothing else.

    The name is left to the server: `<owner>-xxxxx`.
    Source: upstream pkg/controller/controller_utils.go, `GetPodFromTemplate`.
    """
    given = template.get("metadata") or {}
    metadata: Object = {name: copy(given[name]) for name in ("labels", "annotations", "finalizers") if given.get(name)}
    metadata["namespace"] = owner["metadata"]["namespace"]
    metadata["generateName"] = name_prefix(owner["metadata"]["name"])
    metadata["ownerReferences"] = [owner_reference(owner)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": copy(template["spec"])}


def name_prefix(owner: str) -> str:
    """Return what the names of an owner's pods begin with."""
    return f"{owner[:MAX_PREFIX]}-"
