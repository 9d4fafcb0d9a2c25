"""The ConfigMap kube-root-ca.crt in every namespace: the CA with which pods check who the API server is."""

from __future__ import annotations

from wherry.controllers.pernamespace import PerNamespaceController
from wherry.objects import Object
from wherry.objects.meaning.wellknown import DESCRIPTION
from wherry.objects.resource import CONFIG_MAPS

TEXT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


class RootCAController(PerNamespaceController):
    """Keeps ConfigMap kube-root-ca.crt with the cluster's CA."""

    name = "rootca"
    resource = CONFIG_MAPS
    object_name = "kube-root-ca.crt"

    def desired(self, namespace: str, current: Object | None) -> Object:
        """Return the ConfigMap; whatever somebody put there instead is put right."""
        data = {"ca.crt": self.context.config.ca_pem}
        if current is None:
            meta = {"name": self.object_name, "namespace": namespace, "annotations": {DESCRIPTION: TEXT}}
            return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
        return current if current.get("data") == data else current | {"data": data}
