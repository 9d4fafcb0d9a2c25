"""Nothing is created in a namespace that does not exist or is going away, and four namespaces stay.

Source of rules and texts: apiserver pkg/admission/plugin/namespace/lifecycle/admission.go.
"""

from __future__ import annotations

from wherry.apiserver.kind import Context, Kind
from wherry.objects import Object
from wherry.objects.errors import Forbidden, NotFound
from wherry.objects.meaning.wellknown import SYSTEM_NAMESPACE
from wherry.objects.resource import NAMESPACES

IMMORTAL = ("default", SYSTEM_NAMESPACE, "kube-public")


def admit(kind: Kind, new: Object, old: Object | None, context: Context) -> None:
    """Raise `NotFound` or `Forbidden` when `new` may not be created in its namespace."""
    if old is not None or not kind.namespaced:
        return
    metadata = new["metadata"]
    namespace = context.get(NAMESPACES, metadata["namespace"])
    if namespace is None:
        raise NotFound.of("namespaces", metadata["namespace"])
    if "deletionTimestamp" in namespace["metadata"]:
        raise terminating(kind, metadata.get("name", ""), metadata["namespace"])


def terminating(kind: Kind, name: str, namespace: str) -> Forbidden:
    """Return the error for a new object in a namespace that is going away."""
    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    error = Forbidden.of(kind.plural, name, why, kind.resource.group)
    message = f"namespace {namespace} is being terminated"
    cause = {"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}
    error.details = {**(error.details or {}), "causes": [cause]}
    return error


def check_delete(kind: Kind, name: str) -> None:
    """Raise `Forbidden` when the namespace `name` may not be deleted."""
    if (kind.resource.group, kind.plural) == ("", "namespaces") and name in IMMORTAL:
        raise Forbidden.of("namespaces", name, "this namespace may not be deleted")
