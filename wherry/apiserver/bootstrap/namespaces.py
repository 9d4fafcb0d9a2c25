"""The namespaces every cluster has.

Source: kubernetes pkg/controlplane/controller/systemnamespaces and pkg/controlplane/instance.go.
"""

from __future__ import annotations

from wherry.objects import Object
from wherry.objects.meaning.wellknown import NODE_LEASE_NAMESPACE, SYSTEM_NAMESPACE

NAMES = ("default", SYSTEM_NAMESPACE, "kube-public", NODE_LEASE_NAMESPACE)


def namespaces() -> list[Object]:
    """Return the namespaces."""
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in NAMES]
