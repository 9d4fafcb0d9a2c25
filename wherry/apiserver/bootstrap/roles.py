"""The cluster roles every cluster knows: for people, for everybody, for the parts of the system.

The user-facing roles gather the rules of all that say so by a label, those of extensions too; they begin with ours, so
that they are whole before a controller has looked. Source of what each may do: kubernetes
plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.objects import Object
from wherry.objects.meaning import signing
from wherry.objects.meaning.wellknown import RBAC_AUTOUPDATE, RBAC_BOOTSTRAPPING

READ = ("get", "list", "watch")
WRITE = ("create", "delete", "deletecollection", "patch", "update")
LABELS = {RBAC_BOOTSTRAPPING: "rbac-defaults"}

CORE, APPS, BATCH, NETWORK, POLICY = "", "apps", "batch", "networking.k8s.io", "policy"
AUTOSCALING = "autoscaling"
STORAGE, NODE_GROUP = "storage.k8s.io", "node.k8s.io"
CERTIFICATES = "certificates.k8s.io"
DISCOVERY, LEASES, RBAC = "discovery.k8s.io", "coordination.k8s.io", "rbac.authorization.k8s.io"
AUTHENTICATION, AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"
EVENTS = (CORE, "events.k8s.io")


def rule(groups: Sequence[str] | str, resources: Sequence[str], verbs: Sequence[str]) -> Object:
    """Return a rule about resources."""
    return {
        "apiGroups": [groups] if isinstance(groups, str) else list(groups),
        "resources": list(resources),
        "verbs": list(verbs),
    }


def urls(paths: Sequence[str], verbs: Sequence[str] = ("get",)) -> Object:
    """Return a rule about paths that are no resources."""
    return {"nonResourceURLs": list(paths), "verbs": list(verbs)}


def signers(verbs: Sequence[str], names: Sequence[str] = ()) -> Object:
    """Return a rule about who approves or signs certificates for which signers; for all without `names`."""
    made = rule(CERTIFICATES, ("signers",), verbs)
    return {**made, "resourceNames": list(names)} if names else made


def metadata(name: str) -> Object:
    """Return the metadata of a bootstrap role or binding."""
    return {"name": name, "labels": LABELS, "annotations": {RBAC_AUTOUPDATE: "true"}}


_HEALTH = ("/healthz", "/livez", "/readyz", "/version", "/version/")
_DOCUMENTS = ("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*")
_RECORD_EVENTS = rule(EVENTS, ("events",), ("create", "patch", "update"))
_ASK = [
    rule(AUTHENTICATION, ("tokenreviews",), ("create",)),
    rule(AUTHORIZATION, ("subjectaccessreviews",), ("create",)),
]

_CORE_VIEW = (
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "namespaces",
    "persistentvolumeclaims",
    "persistentvolumeclaims/status",
    "pods",
    "pods/log",
    "pods/status",
    "replicationcontrollers",
    "replicationcontrollers/scale",
    "replicationcontrollers/status",
    "serviceaccounts",
    "services",
    "services/status",
)
_CORE_EDIT = (
    "configmaps",
    "events",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "replicationcontrollers/scale",
    "secrets",
    "serviceaccounts",
    "services",
)
_WORKLOADS = (
    "controllerrevisions",
    "daemonsets",
    "deployments",
    "deployments/scale",
    "replicasets",
    "replicasets/scale",
    "statefulsets",
    "statefulsets/scale",
)
_WORKLOAD_STATUS = ("daemonsets/status", "deployments/status", "replicasets/status", "statefulsets/status")
_BATCH = ("cronjobs", "jobs")
_BATCH_STATUS = ("cronjobs/status", "jobs/status")

VIEW = [
    rule(CORE, _CORE_VIEW, READ),
    rule("events.k8s.io", ("events",), READ),
    rule(APPS, (*_WORKLOADS, *_WORKLOAD_STATUS), READ),
    rule(BATCH, (*_BATCH, *_BATCH_STATUS), READ),
    rule((NETWORK, "extensions"), ("ingresses", "ingresses/status", "networkpolicies"), READ),
    rule(DISCOVERY, ("endpointslices",), READ),
    rule(POLICY, ("poddisruptionbudgets", "poddisruptionbudgets/status"), READ),
    rule("metrics.k8s.io", ("nodes", "pods"), READ),
    rule(AUTOSCALING, ("horizontalpodautoscalers", "horizontalpodautoscalers/status"), READ),
]
EDIT = [
    *VIEW,
    rule(CORE, ("secrets",), READ),
    rule(CORE, _CORE_EDIT, WRITE),
    rule(CORE, ("pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy"), (*READ, *WRITE)),
    rule(CORE, ("pods/eviction", "serviceaccounts/token"), ("create",)),
    rule(APPS, tuple(w for w in _WORKLOADS if w != "controllerrevisions"), WRITE),
    rule(BATCH, _BATCH, WRITE),
    rule(POLICY, ("poddisruptionbudgets",), WRITE),
    rule(AUTOSCALING, ("horizontalpodautoscalers",), WRITE),
    rule((NETWORK, "extensions"), ("ingresses", "networkpolicies"), WRITE),
    rule(LEASES, ("leases",), (*READ, *WRITE)),
]
ADMIN = [
    *EDIT,
    rule(AUTHORIZATION, ("localsubjectaccessreviews",), ("create",)),
    rule(RBAC, ("roles", "rolebindings"), (*READ, *WRITE)),
]

NODE = [
    *_ASK,
    _RECORD_EVENTS,
    rule(CORE, ("services", "endpoints", "namespaces"), READ),
    rule(CORE, ("nodes",), (*READ, "create", "patch", "update")),
    rule(CORE, ("nodes/status",), ("patch", "update")),
    rule(CORE, ("pods",), (*READ, "create", "delete")),
    rule(CORE, ("pods/status",), ("patch", "update")),
    rule(CORE, ("pods/eviction",), ("create",)),
    rule(DISCOVERY, ("endpointslices",), READ),
    rule(NETWORK, ("networkpolicies",), READ),
    rule(LEASES, ("leases",), ("create", "delete", "get", "patch", "update")),
    rule(CORE, ("persistentvolumes",), ("list", "update", "watch")),
    rule(STORAGE, ("csinodes",), ("create", "delete", "get", "patch", "update")),
    rule(STORAGE, ("csidrivers",), READ),
    rule(NODE_GROUP, ("runtimeclasses",), READ),
    rule(CERTIFICATES, ("certificatesigningrequests",), ("create", "get", "list", "watch")),
]
"""What a node's agent needs, besides what its pods need (`access.nodes`); `admission.noderestriction` narrows it."""

NODE_PROXIER = [
    _RECORD_EVENTS,
    rule(CORE, ("nodes",), READ),
    rule(CORE, ("services", "endpoints"), READ[1:]),
    rule(DISCOVERY, ("endpointslices",), READ[1:]),
    rule(NETWORK, ("servicecidrs",), READ[1:]),
]
SCHEDULER = [
    *_ASK,
    _RECORD_EVENTS,
    rule(CORE, ("namespaces", "nodes", "services"), READ),
    rule(CORE, ("pods",), (*READ, "delete")),
    rule(CORE, ("pods/binding",), ("create",)),
    rule(CORE, ("pods/status",), ("patch", "update")),
    rule(APPS, ("replicasets",), READ),
    rule(POLICY, ("poddisruptionbudgets",), READ),
    rule(CORE, ("persistentvolumes", "persistentvolumeclaims"), (*READ, "patch", "update")),
    rule(STORAGE, ("storageclasses", "csidrivers", "csinodes", "csistoragecapacities"), READ),
    rule(LEASES, ("leases",), ("create", "get", "list", "patch", "update", "watch")),
]
EVERYTHING = [rule("*", ("*",), ("*",)), urls(("*",), ("*",))]

ROLES: dict[str, list[Object]] = {
    "cluster-admin": EVERYTHING,
    "admin": ADMIN,
    "edit": EDIT,
    "view": VIEW,
    "system:basic-user": [
        rule(AUTHORIZATION, ("selfsubjectaccessreviews", "selfsubjectrulesreviews"), ("create",)),
        rule(AUTHENTICATION, ("selfsubjectreviews",), ("create",)),
    ],
    "system:discovery": [urls((*_HEALTH, *_DOCUMENTS))],
    "system:public-info-viewer": [urls(_HEALTH)],
    "system:service-account-issuer-discovery": [urls(("/.well-known/openid-configuration", "/openid/v1/jwks"))],
    "system:monitoring": [urls((*_HEALTH, "/healthz/*", "/livez/*", "/readyz/*", "/metrics"))],
    "system:auth-delegator": _ASK,
    "system:kubelet-api-admin": [
        rule(CORE, ("nodes",), (*READ, "proxy")),
        rule(CORE, ("nodes/log", "nodes/metrics", "nodes/proxy", "nodes/stats"), ("*",)),
    ],
    "system:node": NODE,
    "system:node-proxier": NODE_PROXIER,
    "system:kube-scheduler": SCHEDULER,
    "system:kube-controller-manager": [
        rule("*", ("*",), (*READ, *WRITE)),
        rule(RBAC, ("clusterroles",), ("escalate",)),
        signers(("approve", "sign"), signing.SIGNERS),
    ],
    "system:node-bootstrapper": [
        rule(CERTIFICATES, ("certificatesigningrequests",), ("create", "get", "list", "watch")),
    ],
    f"system:{CERTIFICATES}:certificatesigningrequests:nodeclient": [
        rule(CERTIFICATES, ("certificatesigningrequests/nodeclient",), ("create",)),
    ],
    f"system:{CERTIFICATES}:certificatesigningrequests:selfnodeclient": [
        rule(CERTIFICATES, ("certificatesigningrequests/selfnodeclient",), ("create",)),
    ],
    **{
        f"system:{CERTIFICATES}:{name.partition('/')[2]}-approver": [signers(("approve",), (name,))]
        for name in signing.SIGNERS
    },
    "system:aggregate-to-admin": [one for one in ADMIN if one not in EDIT],
    "system:aggregate-to-edit": [one for one in EDIT if one not in VIEW],
    "system:aggregate-to-view": VIEW,
}
GATHERED = {
    "edit": "admin",
    "view": "edit",
    "system:aggregate-to-admin": "admin",
    "system:aggregate-to-edit": "edit",
    "system:aggregate-to-view": "view",
}
"""Role -> the one that has its rules, too."""
_GATHERS = "rbac.authorization.k8s.io/aggregate-to-"


def roles() -> list[Object]:
    """Return the ClusterRoles."""
    return [_role(name, rules) for name, rules in ROLES.items()]


def _role(name: str, rules: Sequence[Object]) -> Object:
    made: Object = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": metadata(name), "rules": rules}
    if name in GATHERED:
        made["metadata"]["labels"] = {**LABELS, f"{_GATHERS}{GATHERED[name]}": "true"}
    if name in GATHERED.values():
        made["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {f"{_GATHERS}{name}": "true"}}]}
    return made
