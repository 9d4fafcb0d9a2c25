"""Which object a request is about: what its body, its URL and the stored object say must agree.

Source of the messages: apiserver pkg/endpoints/handlers (create.go, update.go), pkg/registry/rest, pkg/storage.
"""

from __future__ import annotations

from wherry.apiserver.catalog import Served
from wherry.apiserver.kind import Kind
from wherry.apiserver.state.change import Key
from wherry.objects import Object, fields, names
from wherry.objects.errors import BadRequest, Conflict, Invalid

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
_OTHER_NAMESPACE = "the namespace of the provided object does not match the namespace sent on the request"


def check_type(served: Served, obj: Object) -> None:
    """Raise `BadRequest` when `obj` says that it is something else than what is served."""
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


def place(served: Served, obj: Object, namespace: str | None) -> Key:
    """Settle the namespace and the name of a new object, in place, and return its key."""
    metadata = obj["metadata"]
    if served.resource.namespaced:
        own = metadata.setdefault("namespace", namespace or "")
        if namespace and own != namespace:
            raise BadRequest(_OTHER_NAMESPACE)
        if not own:
            raise BadRequest("an empty namespace may not be set during creation")
    else:
        metadata.pop("namespace", None)  # upstream clears it (pkg/registry/rest/meta.go)
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = names.generate(metadata["generateName"])
    return metadata.get("namespace", ""), metadata.get("name", "")


def check_name(new: Object, key: Key) -> None:
    """Raise `BadRequest` when the body names no object, or another than the URL; fill in, in place, the namespace."""
    metadata = new["metadata"]
    namespace, name = key
    if not metadata.get("name"):
        raise BadRequest(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")
    if metadata["name"] != name:
        raise BadRequest(f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})")
    if not namespace:
        metadata.pop("namespace", None)
    elif metadata.setdefault("namespace", namespace) != namespace:
        raise BadRequest(_OTHER_NAMESPACE)


def check_version(kind: Kind, new: Object, old: Object) -> None:
    """Raise `Conflict` when `new` was made from another version, or of another object of the same name.

    An update that names no version is meant for any, where the kind allows that; elsewhere it is `Invalid`.
    """
    metadata, current = new["metadata"], old["metadata"]
    check_precondition(kind, old, "UID", metadata.get("uid"), current["uid"])
    version = metadata.get("resourceVersion") or "0"
    if version == "0":
        if not kind.unconditional_update:
            error = fields.invalid("metadata.resourceVersion", 0, "must be specified for an update")
            raise Invalid.of(kind.plural, current["name"], [error], kind.resource.group)
    elif version != current["resourceVersion"]:
        raise modified(kind, current["name"])


def check_absent(kind: Kind, new: Object) -> None:
    """Raise `Conflict` when `new`, which finds nothing in its place, was meant for an object that is gone."""
    check_precondition(kind, new, "UID", new["metadata"].get("uid"), "")


def check_precondition(kind: Kind, obj: Object, what: str, wanted: str | None, actual: str) -> None:
    """Raise `Conflict` when a request is meant for another object or version than `obj`."""
    if wanted and wanted != actual:
        why = f"Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {actual}"
        raise Conflict.of(kind.plural, obj["metadata"]["name"], why, kind.resource.group)


def modified(kind: Kind, name: str) -> Conflict:
    """Return the error for a write that was made from a version that is not current."""
    return Conflict.of(kind.plural, name, MODIFIED, kind.resource.group)
