"""What `wherry up` waits for."""

from typing import Any

from wherry.cluster.config import ClusterConfig, plan_nodes
from wherry.cluster.readiness import Seen, Waiting, missing
from wherry.objects import timestamps

CONFIG = ClusterConfig("default", plan_nodes("2", "192.168.51.0/24", "10.244.0.0/16"), addons=("dns",))
NODES = ("k8s-master", "k8s-slave1")
SINCE = 1_700_000_000.5
BEFORE, NOW = timestamps.rfc3339(SINCE - 60), timestamps.rfc3339(SINCE + 1)


def node(name: str, ready: str = "True") -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def lease(name: str, renewed: str = NOW) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"renewTime": renewed}}


def pod(app: str, started: str = NOW, ready: str = "True", **metadata: Any) -> dict[str, Any]:
    status = {
        "conditions": [{"type": "Ready", "status": ready}],
        "containerStatuses": [{"state": {"running": {"startedAt": started}}}],
    }
    return {"metadata": {"namespace": "kube-system", "labels": {"app": app}, **metadata}, "status": status}


def workload(kind: str, name: str, **parts: Any) -> dict[str, Any]:
    spec = {"selector": {"matchLabels": {"app": name}}, "replicas": 2}
    return {"kind": kind, "metadata": {"namespace": "kube-system", "name": name}, "spec": spec, **parts}


PROXY = workload("DaemonSet", "kube-proxy", status={"desiredNumberScheduled": 2})
DNS = workload("Deployment", "coredns")
PODS = [pod("kube-proxy"), pod("kube-proxy"), pod("coredns"), pod("coredns")]


def seen(**changes: Any) -> Seen:
    whole: dict[str, Any] = {
        "nodes": [node(n) for n in NODES],
        "leases": [lease(n) for n in NODES],
        "workloads": [PROXY, DNS],
        "pods": PODS,
    }
    return Seen(**{**whole, **changes})


def test_all_there_means_ready_and_addons_not_asked_for_do_not_count() -> None:
    assert missing(CONFIG, seen(), SINCE) == []


def test_nothing_there_means_waiting_for_all_of_it() -> None:
    expected = [Waiting("nodes", 0, 2)] + [
        Waiting(name, 0, 1, "kube-system", exists=False) for name in ("kube-proxy", "coredns")
    ]
    assert missing(CONFIG, Seen(), SINCE) == expected


def test_a_daemon_set_nobody_has_counted_yet_is_waited_for() -> None:
    uncounted = workload("DaemonSet", "kube-proxy")
    assert missing(CONFIG, seen(workloads=[uncounted, DNS], pods=PODS[2:]), SINCE) == [
        Waiting("kube-proxy", 0, 1, "kube-system")
    ]


def test_an_unready_node_and_half_a_deployment_are_named() -> None:
    nodes = [node("k8s-master"), node("k8s-slave1", "Unknown")]
    expected = [Waiting("nodes", 1, 2), Waiting("coredns", 1, 2, "kube-system")]
    assert missing(CONFIG, seen(nodes=nodes, pods=PODS[:3]), SINCE) == expected


def test_what_the_store_says_from_before_the_last_down_does_not_count() -> None:
    leases = [lease("k8s-master"), lease("k8s-slave1", BEFORE)]
    pods = [*PODS[:3], pod("coredns", BEFORE)]
    expected = [Waiting("nodes", 1, 2), Waiting("coredns", 1, 2, "kube-system")]
    assert missing(CONFIG, seen(leases=leases, pods=pods), SINCE) == expected


def test_a_pod_that_is_going_or_not_ready_does_not_count() -> None:
    pods = [*PODS[:2], pod("coredns", ready="False"), pod("coredns", deletionTimestamp=NOW)]
    assert missing(CONFIG, seen(pods=pods), SINCE) == [Waiting("coredns", 0, 2, "kube-system")]
