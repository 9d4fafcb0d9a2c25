"""What `wherry up` waits for."""

from typing import Any

from wherry.cluster.config import ClusterConfig, plan_nodes
from wherry.cluster.readiness import Waiting, missing

CONFIG = ClusterConfig("default", plan_nodes("2", "192.168.51.0/24", "10.244.0.0/16"), addons=("dns",))


def node(name: str, ready: str = "True") -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def daemon_set(ready: int, wanted: int) -> dict[str, Any]:
    status = {"numberReady": ready, "desiredNumberScheduled": wanted}
    return {"kind": "DaemonSet", "metadata": {"namespace": "kube-system", "name": "kube-proxy"}, "status": status}


def coredns(ready: int) -> dict[str, Any]:
    metadata = {"namespace": "kube-system", "name": "coredns"}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": 2}, "status": {"readyReplicas": ready}}


def test_nothing_there_means_waiting_for_all_of_it() -> None:
    assert missing(CONFIG, [], []) == [Waiting("nodes", 0, 2), Waiting("kube-proxy", 0, 1), Waiting("coredns", 0, 1)]


def test_a_daemon_set_nobody_has_counted_yet_is_waited_for() -> None:
    assert Waiting("kube-proxy", 0, 1) in missing(CONFIG, [], [daemon_set(0, 0)])


def test_an_unready_node_and_half_a_deployment_are_named() -> None:
    nodes = [node("k8s-master"), node("k8s-slave1", "Unknown")]
    assert missing(CONFIG, nodes, [daemon_set(2, 2), coredns(1)]) == [Waiting("nodes", 1, 2), Waiting("coredns", 1, 2)]


def test_all_there_means_ready_and_addons_not_asked_for_do_not_count() -> None:
    nodes = [node("k8s-master"), node("k8s-slave1")]
    assert missing(CONFIG, nodes, [daemon_set(2, 2), coredns(2)]) == []
