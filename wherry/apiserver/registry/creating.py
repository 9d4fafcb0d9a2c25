"""A new object on its way in: identity, defaults, admission, checks."""

from __future__ import annotations

import uuid

from wherry.apiserver.admission import Admission
from wherry.apiserver.catalog import Served
from wherry.apiserver.kind import Context
from wherry.apiserver.kinds.common import objectmeta
from wherry.objects import Object, names, timestamps
from wherry.objects.errors import BadRequest

_SERVER_OWNED = ("resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields")


def with_type(served: Served, obj: Object) -> Object:
    """Return `obj` with the apiVersion, kind and metadata of what is served; refuse those of something else."""
    resource = served.resource
    version = obj.get("apiVersion") or resource.api_version
    if version != resource.api_version:
        raise BadRequest(
            f"the API version in the data ({version}) does not match the expected API version ({resource.api_version})"
        )
    kind = obj.get("kind") or resource.kind
    if kind != resource.kind:
        raise BadRequest(
            f'{kind} in version "{resource.version}" cannot be handled as a {resource.kind}: the URL names '
            f"{resource.group_resource}"
        )
    return {**obj, "apiVersion": version, "kind": kind, "metadata": obj.get("metadata") or {}}


def place(served: Served, obj: Object, namespace: str | None) -> tuple[str, str]:
    """Settle the namespace and the name of a new object, in place, and return its key."""
    metadata = obj["metadata"]
    if served.resource.namespaced:
        own = metadata.setdefault("namespace", namespace or "")
        if namespace and own != namespace:
            raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
        if not own:
            raise BadRequest("an empty namespace may not be set during creation")
    elif "namespace" in metadata and not metadata["namespace"]:
        del metadata["namespace"]
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = names.generate(metadata["generateName"])
    return metadata.get("namespace", ""), metadata.get("name", "")


def complete(served: Served, obj: Object, context: Context, admission: Admission, now: float) -> None:
    """Make `obj`, in storage version, a whole new object, in place; raises `Invalid` or what admission raises."""
    kind, metadata = served.kind, obj["metadata"]
    for key in _SERVER_OWNED:
        metadata.pop(key, None)
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = timestamps.rfc3339(now)
    if kind.generation:
        metadata["generation"] = 1
    else:
        metadata.pop("generation", None)
    if kind.default is not None:
        kind.default(obj)
    admission.admit(kind, obj, None, context)
    if kind.admit is not None:
        kind.admit(obj, None, context)
    errors = objectmeta.validate(obj, kind)
    if kind.validate is not None:
        errors += kind.validate(obj)
    if errors:
        raise served.invalid(metadata.get("name", ""), errors)
