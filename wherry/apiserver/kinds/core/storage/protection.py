"""What keeps a volume or a claim that is deleted until nobody uses it any more; a controller lets it go.

Source: k8s.io/kubernetes plugin/pkg/admission/storage/storageobjectinuseprotection/admission.go.
"""

from __future__ import annotations

from wherry.objects import Object


def add(obj: Object, finalizer: str) -> None:
    """Give a new object a finalizer, in place."""
    finalizers = obj["metadata"].get("finalizers") or []
    if finalizer not in finalizers:
        obj["metadata"]["finalizers"] = [*finalizers, finalizer]
