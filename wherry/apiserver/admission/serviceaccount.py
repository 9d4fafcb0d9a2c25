"""Every pod runs as a service account of its namespace, and finds a token for it in a well-known directory.

Source of rules and texts: kubernetes plugin/pkg/admission/serviceaccount/admission.go.
"""

from __future__ import annotations

from wherry.apiserver.kind import Context, Kind
from wherry.objects import Object, names
from wherry.objects.errors import Forbidden
from wherry.objects.meaning.wellknown import MIRROR_POD
from wherry.objects.resource import PODS, SERVICE_ACCOUNTS

DEFAULT = "default"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
ROOT_CA = "kube-root-ca.crt"
"""The ConfigMap with the cluster's CA certificate that a controller keeps in every namespace."""
TOKEN_SECONDS = 3607
"""The lifetime upstream asks for: the odd seconds tell these tokens from ones that were asked for."""


def wanted(kind: Kind, obj: Object) -> str | None:
    """Return the name of the account a new object of `kind` needs, or None when it needs none."""
    if kind.resource != PODS or MIRROR_POD in (obj["metadata"].get("annotations") or {}):
        return None
    spec = obj.get("spec") or {}
    return spec.get("serviceAccountName") or spec.get("serviceAccount") or DEFAULT


def admit(kind: Kind, new: Object, old: Object | None, context: Context) -> None:
    """Give a new pod its account and its token, in place; raises `Forbidden` when the account does not exist."""
    name = wanted(kind, new) if old is None else None
    if name is None:
        return
    metadata, spec = new["metadata"], new["spec"]
    account = context.get(SERVICE_ACCOUNTS, name, metadata["namespace"])
    if account is None:
        where = f"{metadata['namespace']}/{name}"
        why = f'error looking up service account {where}: serviceaccount "{name}" not found'
        raise Forbidden.of("pods", metadata.get("name", ""), why)
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    if not spec.get("imagePullSecrets") and (secrets := account.get("imagePullSecrets")):
        spec["imagePullSecrets"] = secrets
    if _automounts(spec, account):
        _mount_token(spec)


def _automounts(spec: Object, account: Object) -> bool:
    for holder in (spec, account):
        choice = holder.get("automountServiceAccountToken")
        if choice is not None:
            return bool(choice)
    return True


def _mount_token(spec: Object) -> None:
    """Mount the token in each container that has nothing at the well-known path."""
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    lacking = [c for c in containers if all(m.get("mountPath") != MOUNT_PATH for m in c.get("volumeMounts") or ())]
    if not lacking:
        return
    volume = f"kube-api-access-{names.random_suffix()}"
    spec["volumes"] = [*(spec.get("volumes") or ()), {"name": volume, "projected": _projected()}]
    for container in lacking:
        mount = {"name": volume, "readOnly": True, "mountPath": MOUNT_PATH}
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]


def _projected() -> Object:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    return {
        "defaultMode": 0o644,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
            {"configMap": {"name": ROOT_CA, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [namespace]}},
        ],
    }
