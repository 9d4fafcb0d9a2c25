"""The ServiceAccount `default` in every namespace: what pods run as that name none."""

from __future__ import annotations

from wherry.controllers.pernamespace import PerNamespaceController
from wherry.objects import Object
from wherry.objects.resource import SERVICE_ACCOUNTS


class ServiceAccountController(PerNamespaceController):
    """Keeps ServiceAccount `default`; what is in it is its users' business."""

    name = "serviceaccount"
    resource = SERVICE_ACCOUNTS
    object_name = "default"

    def desired(self, namespace: str, current: Object | None) -> Object:
        """Return what is there, or an empty account."""
        meta = {"name": self.object_name, "namespace": namespace}
        return current or {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta}
