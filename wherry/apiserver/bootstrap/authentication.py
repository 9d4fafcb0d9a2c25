"""ConfigMap `extension-apiserver-authentication`: by what servers of other APIs know clients, and this server.

Source: kubernetes pkg/controlplane/controller/clusterauthenticationtrust; for the Role,
plugin/pkg/auth/authorizer/rbac/bootstrappolicy/namespace_policy.go.
"""

from __future__ import annotations

import json

from wherry.apiserver.bootstrap.roles import CORE, READ, metadata, rule
from wherry.apiserver.calls import frontproxy
from wherry.objects import Object
from wherry.objects.resource import ROLES

NAME, NAMESPACE = "extension-apiserver-authentication", "kube-system"


def trusted(client_ca: str, requestheader_ca: str) -> Object:
    """Return the ConfigMap; CAs are PEM, `requestheader_ca` "" where this server proves nothing."""
    data = {"client-ca-file": client_ca}
    if requestheader_ca:
        data |= {
            "requestheader-client-ca-file": requestheader_ca,
            "requestheader-allowed-names": json.dumps([frontproxy.NAME]),
            "requestheader-username-headers": json.dumps([frontproxy.USER]),
            "requestheader-uid-headers": json.dumps([frontproxy.UID]),
            "requestheader-group-headers": json.dumps([frontproxy.GROUP]),
            "requestheader-extra-headers-prefix": json.dumps([frontproxy.EXTRA]),
        }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME, "namespace": NAMESPACE}, "data": data}


def reader() -> Object:
    """Return the Role of who may read it: servers of other APIs are bound to it by name."""
    may_read = {**rule(CORE, ("configmaps",), READ), "resourceNames": [NAME]}
    return {
        "apiVersion": ROLES.api_version,
        "kind": "Role",
        "metadata": {**metadata(f"{NAME}-reader"), "namespace": NAMESPACE},
        "rules": [may_read],
    }
