"""The FlowSchemas and PriorityLevelConfigurations that every cluster has.

Source: apiserver pkg/apis/flowcontrol/bootstrap/default.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.objects import Object
from wherry.objects.meaning.wellknown import FLOWCONTROL_AUTOUPDATE
from wherry.objects.resource import FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS, Resource

EXEMPT, CATCH_ALL = "exempt", "catch-all"
"""The two of each kind without which no request would be placed: they cannot be changed, and come again."""
LONGEST_QUEUE = 50
_EVERYTHING: Object = {
    "resourceRules": [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
    ],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
}


def _made(resource: Resource, name: str, spec: Object) -> Object:
    metadata = {"name": name, "annotations": {FLOWCONTROL_AUTOUPDATE: "true"}}
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, "spec": spec}


def _level(name: str, shares: int, lendable: int, queues: int, hand: int) -> Object:
    queuing = {"queues": queues, "handSize": hand, "queueLengthLimit": LONGEST_QUEUE}
    response: Object = {"type": "Queue", "queuing": queuing} if queues else {"type": "Reject"}
    limited = {"nominalConcurrencyShares": shares, "lendablePercent": lendable, "limitResponse": response}
    return _made(PRIORITY_LEVEL_CONFIGURATIONS, name, {"type": "Limited", "limited": limited})


def _schema(name: str, level: str, precedence: int, by: str, subjects: Sequence[Object], rules: Object) -> Object:
    spec: Object = {
        "priorityLevelConfiguration": {"name": level},
        "matchingPrecedence": precedence,
        "rules": [{"subjects": list(subjects), **rules}],
    }
    if by:
        spec["distinguisherMethod"] = {"type": by}
    return _made(FLOW_SCHEMAS, name, spec)


def _groups(*names: str) -> list[Object]:
    return [{"kind": "Group", "group": {"name": name}} for name in names]


def _users(*names: str) -> list[Object]:
    return [{"kind": "User", "user": {"name": name}} for name in names]


def _resources(verbs: list[str], group: str, resources: list[str], *, cluster: bool) -> Object:
    rule: Object = {"verbs": verbs, "apiGroups": [group], "resources": resources, "namespaces": ["*"]}
    return rule | {"clusterScope": True} if cluster else rule


_ACCOUNTS = [{"kind": "ServiceAccount", "serviceAccount": {"name": "*", "namespace": "kube-system"}}]
_ALL = _groups("system:unauthenticated", "system:authenticated")
_NODES = _groups("system:nodes")
_MANAGER, _SCHEDULER = _users("system:kube-controller-manager"), _users("system:kube-scheduler")
_LEASES, _OF_LEASES = ["leases"], "coordination.k8s.io"

LEVELS = (
    _made(
        PRIORITY_LEVEL_CONFIGURATIONS,
        EXEMPT,
        {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}},
    ),
    _level(CATCH_ALL, 5, 0, 0, 0),
    _level("system", 30, 33, 64, 6),
    _level("node-high", 40, 25, 64, 6),
    _level("leader-election", 10, 0, 16, 4),
    _level("workload-high", 40, 50, 128, 6),
    _level("workload-low", 100, 90, 128, 6),
    _level("global-default", 20, 50, 128, 6),
)
_PROBES = {"nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/readyz", "/livez"]}]}
_ELECTIONS = {
    "resourceRules": [_resources(["get", "create", "update"], _OF_LEASES, _LEASES, cluster=False)],
}
_HEARTBEATS = {
    "resourceRules": [
        _resources(["*"], "", ["nodes", "nodes/status"], cluster=True),
        _resources(["*"], _OF_LEASES, _LEASES, cluster=False),
    ]
}
SCHEMAS = (
    _schema(EXEMPT, EXEMPT, 1, "", _groups("system:masters"), _EVERYTHING),
    _schema("probes", EXEMPT, 2, "", _ALL, _PROBES),
    _schema(
        "system-leader-election",
        "leader-election",
        100,
        "ByUser",
        [*_MANAGER, *_SCHEDULER, *_ACCOUNTS],
        _ELECTIONS,
    ),
    _schema("system-node-high", "node-high", 400, "ByUser", _NODES, _HEARTBEATS),
    _schema("system-nodes", "system", 500, "ByUser", _NODES, _EVERYTHING),
    _schema("kube-controller-manager", "workload-high", 800, "ByNamespace", _MANAGER, _EVERYTHING),
    _schema("kube-scheduler", "workload-high", 800, "ByNamespace", _SCHEDULER, _EVERYTHING),
    _schema("kube-system-service-accounts", "workload-high", 900, "ByNamespace", _ACCOUNTS, _EVERYTHING),
    _schema("service-accounts", "workload-low", 9000, "ByUser", _groups("system:serviceaccounts"), _EVERYTHING),
    _schema("global-default", "global-default", 9900, "ByUser", _ALL, _EVERYTHING),
    _schema(CATCH_ALL, CATCH_ALL, 10000, "ByUser", _ALL, _EVERYTHING),
)
MANDATORY: dict[tuple[Resource, str], Object] = {
    (resource, obj["metadata"]["name"]): obj
    for resource, listed in ((PRIORITY_LEVEL_CONFIGURATIONS, LEVELS), (FLOW_SCHEMAS, SCHEMAS))
    for obj in listed
    if obj["metadata"]["name"] in (EXEMPT, CATCH_ALL)
}


def is_fixed(resource: Resource, name: str, spec: Object, but: str = "") -> bool:
    """Return whether a spec is as it must be: that of a mandatory object is what it was made with, `but` a field."""
    fixed = MANDATORY.get((resource, name))
    return fixed is None or _bare({**spec, but: None}) == _bare({**fixed["spec"], but: None})


def _bare(value: object) -> object:
    """Return a value without what says nothing."""
    if isinstance(value, dict):
        return {key: _bare(one) for key, one in value.items() if one not in (None, False, 0, "", [], {})}
    return [_bare(one) for one in value] if isinstance(value, list) else value
