"""The namespaces every cluster has.

Source: kubernetes pkg/controlplane/controller/systemnamespaces and pkg/controlplane/instance.go.
"""

from __future__ import annotations

from wherry.objects import Object

NAMES = ("default", "kube-system", "kube-public", "kube-node-lease")


def namespaces() -> list[Object]:
    """Return the namespaces."""
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in NAMES]
